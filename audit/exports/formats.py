"""What each form of an export file is made of: a beginning, rows, an end."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from audit.choices import ExportFormat
from audit.export_rows import Form, Place, newest, rows
from audit.log_files import ndjson_trailer
from audit.log_views import LogView
from audit.querysets import AuditEventQuerySet
from config.api.json import dumps
from config.api.streams import Sent

MEDIA_TYPES: Final = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.JSON: "application/json",
    ExportFormat.NDJSON: "application/x-ndjson",
    ExportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_FORMS: Final[dict[ExportFormat, Form]] = {
    ExportFormat.CSV: "csv",
    ExportFormat.JSON: "json",
    ExportFormat.NDJSON: "ndjson",
    ExportFormat.XLSX: "ndjson",
}
_ROWS_AT_ONCE = 1_000


class PartRows:
    """The next rows of a file: the newest `limit` of `events`, which are behind the part before.

    The first part begins the file. While the chunks are read, `rows` counts them; `last` is the key
    of the last one where more follow it. An XLSX file is put together of lines at its end.
    """

    def __init__(
        self,
        view: LogView,
        form: ExportFormat,
        events: AuditEventQuerySet,
        *,
        limit: int,
        is_first: bool,
    ) -> None:
        self.rows = 0
        self._view, self._form, self._is_first = view, form, is_first
        self._events = newest(events)[:limit]
        ends = newest(events)[limit - 1 : limit + 1].values_list("occurred_at", "seq")
        self.last: Place | None = ends[0] if len(ends) == 2 else None

    def chunks(self) -> Iterator[bytes]:
        """Yield the part."""
        if self._is_first:
            yield file_head(self._view, self._form)
        made = rows(self._view, self._events, _FORMS[self._form])
        while batch := list(islice(made, _ROWS_AT_ONCE)):
            if self._form == ExportFormat.JSON:
                begins = self._is_first and not self.rows
                yield (b"" if begins else b",") + b",".join(batch)
            else:
                yield b"".join(batch)
            self.rows += len(batch)


def file_head(view: LogView, form: ExportFormat) -> bytes:
    """Return what stands before the first row."""
    if form == ExportFormat.CSV:
        return view.header.encode()
    return b'{"success":true,"entries":[' if form == ExportFormat.JSON else b""


def file_tail(
    view: LogView, form: ExportFormat, events: AuditEventQuerySet, *, rows: int, sha256: str
) -> bytes:
    """Return what stands after the last of `rows` rows; `sha256` is of all that is before it."""
    if form == ExportFormat.JSON:
        return b"]," + dumps({"totalCount": rows, **view.more(events)})[1:]
    if form == ExportFormat.NDJSON:
        return ndjson_trailer(Sent(rows, sha256, complete=True))
    return b""
