"""XLSX files of the log: text stays text, never a formula; one sheet after the other."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import IO, Any

from xlsxwriter import Workbook

SHEET_ROWS = 1_048_575  # as many as a sheet has beside its header
_CELL_CHARACTERS = 32_767
_EXACT = 2**53  # a number of a sheet is a double


def sheets_write(
    file: IO[bytes],
    header: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    created_at: datetime,
) -> None:
    """Write a workbook of `rows`, a row in memory at a time; the same rows give the same bytes.

    Numbers that a sheet cannot hold exactly are text.
    """
    # Closes its temporary files where the rows fail, too.
    with Workbook(file, {"constant_memory": True}) as book:
        book.set_properties({"created": created_at.replace(tzinfo=None, microsecond=0)})
        bold = book.add_format({"bold": True})
        sheet, at = None, SHEET_ROWS
        for row in rows:
            if sheet is None or at == SHEET_ROWS:
                sheet, at = _sheet(book, header, bold), 0
            at += 1
            _write(sheet, at, row)
        if sheet is None:
            _sheet(book, header, bold)


def _write(sheet: Any, at: int, row: Sequence[Any]) -> None:
    for column, value in enumerate(row):
        if isinstance(value, bool):
            sheet.write_boolean(at, column, value)
        elif isinstance(value, int) and abs(value) < _EXACT:
            sheet.write_number(at, column, value)
        elif value is not None:
            sheet.write_string(at, column, str(value)[:_CELL_CHARACTERS])


def _sheet(book: Any, header: Sequence[str], bold: Any) -> Any:
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    for column, name in enumerate(header):
        sheet.write_string(0, column, name, bold)
    return sheet
