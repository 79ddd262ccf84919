"""What each form of an export file is made of: a beginning, rows, an end."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Final

from django.db.models import Q

from audit.choices import ExportFormat
from audit.log_views import LogView
from audit.querysets import AuditEventQuerySet
from config.api.json import dumps

MEDIA_TYPES: Final = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.JSON: "application/json",
    ExportFormat.NDJSON: "application/x-ndjson",
    ExportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_ROWS_AT_ONCE = 1_000

Key = tuple[datetime, int]


class PartRows:
    """The next rows of a file: the newest `limit` of `events`, which are behind the part before.

    The first part begins the file. While the chunks are read, `rows` counts them and `last` is the
    key of the last one. An XLSX file is put together of lines at its end.
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
        self.last: Key | None = None
        self._view, self._form, self._is_first = view, form, is_first
        rows = events.order_by("-occurred_at", "-seq")
        self._rows = rows.values_list("occurred_at", "seq", "body")[:limit]

    def chunks(self) -> Iterator[bytes]:
        """Yield the part."""
        if self._is_first:
            yield file_head(self._view, self._form)
        rows = self._rows.iterator(chunk_size=_ROWS_AT_ONCE)
        while batch := list(islice(rows, _ROWS_AT_ONCE)):
            yield self._encoded([line for _, _, line in batch])
            self.rows += len(batch)
            moment, seq, _ = batch[-1]
            self.last = (moment, seq)

    def _encoded(self, lines: list[str]) -> bytes:
        if self._form == ExportFormat.CSV:
            return "".join(map(self._view.record, lines)).encode()
        if self._form == ExportFormat.JSON:
            begins = self._is_first and not self.rows
            entries = b",".join(dumps(self._view.entry(line)) for line in lines)
            return entries if begins else b"," + entries
        return "".join(f"{line}\n" for line in lines).encode()


def rows_behind(events: AuditEventQuerySet, key: Key | None) -> AuditEventQuerySet:
    """Return the events that come after the one with that key, newest first; None is before all."""
    if key is None:
        return events
    moment, seq = key
    return events.filter(occurred_at__lte=moment).filter(Q(occurred_at__lt=moment) | Q(seq__lt=seq))


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
        return dumps({"trailer": {"rows": rows, "sha256": sha256, "complete": True}}) + b"\n"
    return b""
