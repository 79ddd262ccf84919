"""CSV for people: RFC 4180, CRLF, UTF-8, strings always quoted, guarded against formulas.

The NDJSON of event bodies is the evidence; CSV is a view of it. The guard is reversible: a reader
strips exactly one leading apostrophe (design, section 5).
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase

from config.api.formats import utc_text

logger = logging.getLogger("assayer.export")

_TRIGGERS = tuple("=+-@'\t\r\uff1d\uff0b\uff0d\uff20\uff07\n")
_CHUNK_BYTES = 64 * 1024
INCOMPLETE_LINE = '"# INCOMPLETE: the export stopped before its end; download it again"\r\n'


def guarded(text: str) -> str:
    """Return `text` with one leading apostrophe where a spreadsheet would take it for a formula."""
    return "'" + text if text.startswith(_TRIGGERS) else text


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
    return text_stream(",".join(header) + "\r\n", (line(row, bare) for row in rows))


def text_stream(header: str, records: Iterable[str]) -> Iterator[bytes]:
    """Yield the file of records that are lines already, as `csv_stream` does."""
    buffer = [header]
    size = 0
    try:
        for record in records:
            buffer.append(record)
            size += len(record)
            if size >= _CHUNK_BYTES:
                yield "".join(buffer).encode()
                buffer, size = [], 0
    except Exception:
        logger.exception("export stopped midway")
        buffer.append(INCOMPLETE_LINE)
    yield "".join(buffer).encode()


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
