"""Files of a view of the log: CSV, and JSON in the structure of the list."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from itertools import islice
from typing import Any

from audit.log_views import LogView
from audit.querysets import AuditEventQuerySet
from audit.selectors import body_lines
from config.api.csv import text_stream
from config.api.json import dumps

_ENTRIES_A_CHUNK = 100


def csv_file(view: LogView, events: AuditEventQuerySet, limit: int) -> Iterator[bytes]:
    """Yield the CSV file of the newest `limit` events in chunks."""
    return text_stream(view.header, (view.record(line) for line in body_lines(events, limit)))


def json_file(
    view: LogView,
    events: AuditEventQuerySet,
    *,
    total: int,
    limit: int,
    more: Mapping[str, Any],
) -> Iterator[bytes]:
    """Yield the JSON file of the newest `limit` of `total` events in chunks."""
    yield b'{"success":true,"entries":['
    buffer: list[bytes] = []
    first = True
    for line in body_lines(events, limit):
        buffer.append((b"" if first else b",") + dumps(view.entry(line)))
        first = False
        if len(buffer) >= _ENTRIES_A_CHUNK:
            yield b"".join(buffer)
            buffer = []
    tail = {
        "totalCount": total,
        "page": 1,
        "pageSize": limit,
        "totalPages": -(-total // limit),
        "truncated": total > limit,
        **more,
    }
    yield b"".join(buffer) + b"]," + dumps(tail)[1:]


def ndjson_file(events: AuditEventQuerySet, limit: int) -> Iterator[bytes]:
    """Yield the canonical lines of the newest `limit` events in chunks, and a trailer.

    The trailer says how many lines came before it and what their SHA-256 is: a file without one is
    not whole.
    """
    digest, rows = sha256(), 0
    every = body_lines(events, limit)
    while lines := list(islice(every, _ENTRIES_A_CHUNK)):
        chunk = "".join(f"{line}\n" for line in lines).encode()
        digest.update(chunk)
        rows += len(lines)
        yield chunk
    trailer = {"rows": rows, "sha256": digest.hexdigest(), "complete": True}
    yield dumps({"trailer": trailer}) + b"\n"
