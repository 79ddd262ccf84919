"""Files of a view of the log: CSV, JSON in the structure of the list, and the evidence itself."""

from collections.abc import Iterator, Mapping
from typing import Any

from audit.export_rows import body_lines, csv_rows, newest, rows
from audit.log_views import LogView
from audit.querysets import AuditEventQuerySet
from config.api.csv import ending, trailer
from config.api.json import dumps
from config.api.streams import Sent, file_stream


def csv_file(
    view: LogView, events: AuditEventQuerySet, limit: int, *, trailed: bool = False
) -> Iterator[bytes]:
    """Yield the CSV file of the newest `limit` events in chunks.

    With `trailed` a last line says how many records came before it and what the SHA-256 of all
    bytes before it is. A failure midway ends the file with a line that says it is incomplete.
    """
    records = csv_rows(view, newest(events)[:limit])
    return file_stream(view.header.encode(), records, trailer if trailed else ending)


def json_file(
    view: LogView,
    events: AuditEventQuerySet,
    *,
    total: int,
    limit: int,
    more: Mapping[str, Any],
) -> Iterator[bytes]:
    """Yield the JSON file of the newest `limit` of `total` events in chunks."""
    tail = {
        "totalCount": total,
        "page": 1,
        "pageSize": limit,
        "totalPages": -(-total // limit),
        "truncated": total > limit,
        **more,
    }

    def entries() -> Iterator[bytes]:
        first = True
        for entry in rows(view, newest(events)[:limit], "json"):
            yield entry if first else b"," + entry
            first = False

    def end(sent: Sent) -> bytes:
        # One that stopped midway is no JSON document.
        return b"]," + dumps(tail)[1:] if sent.complete else b""

    return file_stream(b'{"success":true,"entries":[', entries(), end)


def ndjson_file(events: AuditEventQuerySet, limit: int) -> Iterator[bytes]:
    """Yield the canonical lines of the newest `limit` events in chunks, and a trailer.

    The trailer says how many lines came before it and what their SHA-256 is: a file without one, or
    whose trailer says that it is not complete, is not whole.
    """
    return file_stream(b"", body_lines(newest(events)[:limit]), ndjson_trailer)


def ndjson_trailer(sent: Sent) -> bytes:
    """Return the last line of a file of canonical lines."""
    said = {"rows": sent.rows, "sha256": sent.sha256, "complete": sent.complete}
    return dumps({"trailer": said}) + b"\n"
