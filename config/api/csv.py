"""CSV for people: RFC 4180, CRLF, UTF-8, strings always quoted, guarded against formulas.

The NDJSON of event bodies is the evidence; CSV is a view of it. The guard is reversible: a reader
strips exactly one leading apostrophe (design, section 5).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase

from config.api.formats import utc_text
from config.api.streams import Sent, file_stream

TRIGGERS = tuple("=+-@'\t\r\uff1d\uff0b\uff0d\uff20\uff07\n")
"""With what a text must begin for a spreadsheet to take it for a formula, and the guard itself."""

INCOMPLETE_LINE = '"# INCOMPLETE: the export stopped before its end; download it again"\r\n'


def guarded(text: str) -> str:
    """Return `text` with one leading apostrophe where a spreadsheet would take it for a formula."""
    return "'" + text if text.startswith(TRIGGERS) else text


def cell(value: Any) -> str:
    """Return one CSV cell: text quoted and guarded, numbers bare, booleans `True`/`False`."""
    if value is None:
        return '""'
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime):
        return f'"{utc_text(value)}"'
    return '"' + guarded(str(value)).replace('"', '""') + '"'


_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_SPECIAL = re.compile(r'[,"\r\n]')


def number_cell(text: str) -> str:
    """Return the cell of a number that is kept as text: bare, however wide.

    Text that is none is guarded, and quoted where RFC 4180 needs it.
    """
    if _NUMBER.fullmatch(text):
        return text
    text = guarded(text)
    return '"' + text.replace('"', '""') + '"' if _SPECIAL.search(text) else text


def line(values: Sequence[Any], bare: frozenset[int] = frozenset()) -> str:
    """Return one CSV record; the columns in `bare` are numbers or booleans: empty when None."""
    cells = (
        "" if value is None and index in bare else cell(value) for index, value in enumerate(values)
    )
    return ",".join(cells) + "\r\n"


def csv_stream(
    header: Sequence[str], rows: Iterable[Sequence[Any]], bare: frozenset[int] = frozenset()
) -> Iterator[bytes]:
    """Yield the file in chunks; a failure midway ends it with a line that says it is incomplete."""
    records = (line(row, bare).encode() for row in rows)
    return file_stream((",".join(header) + "\r\n").encode(), records, ending)


def ending(sent: Sent) -> bytes:
    """Return the last line of a file that is not complete; a whole one needs none."""
    return b"" if sent.complete else INCOMPLETE_LINE.encode()


def trailer(sent: Sent) -> bytes:
    """Return the line that proves a file whole, or says that it is not complete."""
    if not sent.complete:
        return ending(sent)
    return f'"# END rows={sent.rows} sha256={sent.sha256}"\r\n'.encode()


def csv_response(
    filename: str,
    header: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    bare: frozenset[int] = frozenset(),
    total: int,
    limit: int,
) -> StreamingHttpResponse:
    """Return the download of `rows`, which says so where `total` exceeds `limit`."""
    response = StreamingHttpResponse(
        csv_stream(header, rows, bare), content_type="text/csv; charset=utf-8"
    )
    mark_download(response, filename, total=total, limit=limit)
    return response


def mark_download(response: HttpResponseBase, filename: str, *, total: int, limit: int) -> None:
    """Set the download headers: name, exact total, and whether the file stops before it."""
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    response["X-Export-Total"] = str(total)
    response["X-Export-Truncated"] = "true" if total > limit else "false"
    response["X-Content-Type-Options"] = "nosniff"
