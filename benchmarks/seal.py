"""Sealing and verifying the log: events a second, and the bytes that a seal adds to an event."""

import time
from collections.abc import Iterator

from django.db import connection

from audit.seal import seal_events
from audit.verification import verify_trail
from benchmarks.events import fill
from benchmarks.measure import Row

_BYTES = """
SELECT sum(pg_total_relation_size(c.oid)) FILTER (WHERE c.relname LIKE 'audit\\_auditevent%'),
    sum(pg_total_relation_size(c.oid)) FILTER (WHERE c.relname NOT LIKE 'audit\\_auditevent%')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname = 'public' AND c.relname LIKE 'audit\\_%'
"""


def run(quick: bool) -> Iterator[Row]:
    total = 20_000 if quick else 200_000
    fill(total)
    log, before = sizes()
    started, cpu = time.perf_counter(), time.process_time()
    sealed = seal_events()
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    _, after = sizes()
    yield Row(
        "events sealed", "", f"{sealed / wall:,.0f} a second, {cpu / sealed * 1e6:.1f} µs CPU"
    )
    yield Row(
        "bytes of a seal, an event",
        f"{log / total:,.0f} bytes of an event with its indexes",
        f"{(after - before) / sealed:.2f} bytes",
        ratio=(after - before) / sealed / (log / total),
    )
    started = time.perf_counter()
    verification = verify_trail()
    wall = time.perf_counter() - started
    state = "intact" if verification.intact else f"NOT INTACT: {verification.finding}"
    yield Row("events verified", "", f"{verification.size / wall:,.0f} a second, {state}")


def sizes() -> tuple[int, int]:
    """Return the bytes of the log with its indexes, and of everything that sealing keeps."""
    with connection.cursor() as cursor:
        cursor.execute(_BYTES)
        log, seals = cursor.fetchone()
    return int(log), int(seals)
