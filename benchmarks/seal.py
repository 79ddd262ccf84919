"""Sealing and verifying the log: events a second, bytes that a seal adds to one, and the lag."""

import multiprocessing
import time
from collections.abc import Iterator
from statistics import quantiles
from typing import Any

from django.db import connection, connections

from audit.body import EventDraft
from audit.lag import seal_lag
from audit.principal import SYSTEM
from audit.seal import seal_events
from audit.services import record_events
from audit.tasks import seal_busy_log
from audit.verification import verify_trail
from benchmarks.events import fill
from benchmarks.measure import Row

_BYTES = """
SELECT sum(pg_total_relation_size(c.oid)) FILTER (WHERE c.relname LIKE 'audit\\_auditevent%'),
    sum(pg_total_relation_size(c.oid)) FILTER (WHERE c.relname NOT LIKE 'audit\\_auditevent%')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname = 'public' AND c.relname LIKE 'audit\\_%'
"""


_RATE_GOAL = 50_000
_BYTES_GOAL = 48
_LAG_GOAL = 2.0
_WRITERS, _BATCH, _EVERY = 2, 10, 0.02
"""Each writer commits so many events so often: 1,000 a second in all."""

_forked = multiprocessing.get_context("fork")


def run(quick: bool) -> Iterator[Row]:
    total = 20_000 if quick else 200_000
    fill(total)
    log, before = sizes()
    started, cpu = time.perf_counter(), time.process_time()
    sealed = seal_events()
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    _, after = sizes()
    yield Row(
        "events sealed",
        f"{_RATE_GOAL:,} a second",
        f"{sealed / wall:,.0f} a second, {cpu / sealed * 1e6:.1f} µs CPU",
        ratio=_RATE_GOAL / (sealed / wall),
        goal=1,
    )
    yield Row(
        "bytes of a seal, an event",
        f"{_BYTES_GOAL}; an event with its indexes has {log / total:,.0f}",
        f"{(after - before) / sealed:.2f} bytes",
        ratio=(after - before) / sealed / _BYTES_GOAL,
        goal=1,
    )
    started = time.perf_counter()
    verification = verify_trail()
    wall = time.perf_counter() - started
    state = "intact" if verification.intact else f"NOT INTACT: {verification.finding}"
    yield Row("events verified", "", f"{verification.size / wall:,.0f} a second, {state}")
    yield lag(4 if quick else 20)


def lag(seconds: int) -> Row:
    """Return how long events wait while writers record, and the log is sealed as beat does it."""
    seal_events()
    connections.close_all()  # each process has its own
    stop, results = _forked.Event(), _forked.Queue()
    writers = [_forked.Process(target=_write, args=(stop, results)) for _ in range(_WRITERS)]
    watcher = _forked.Process(target=_watch, args=(stop, results))
    started = time.perf_counter()
    for process in (*writers, watcher):
        process.start()
    for turn in range(1, seconds + 1):
        time.sleep(max(0.0, started + turn - time.perf_counter()))
        seal_busy_log()
    stop.set()
    found = [results.get() for _ in (*writers, watcher)]
    for process in (*writers, watcher):
        process.join()
    written = sum(one for one in found if isinstance(one, int))
    (lags,) = (one for one in found if isinstance(one, list))
    return Row(
        f"lag of the seal at {written / seconds:,.0f} events a second",
        f"{_LAG_GOAL:g} s",
        f"{max(lags):.2f} s at most, median {quantiles(lags, n=2)[0]:.2f} s",
        ratio=max(lags) / _LAG_GOAL,
        goal=1,
        rounds=len(lags),
    )


def _write(stop: Any, results: Any) -> None:
    written, started = 0, time.perf_counter()
    while not stop.is_set():
        record_events([EventDraft("compliance.metadata.read")] * _BATCH, actor=SYSTEM)
        written += _BATCH
        time.sleep(max(0.0, started + written / _BATCH * _EVERY - time.perf_counter()))
    results.put(written)
    connection.close()


def _watch(stop: Any, results: Any) -> None:
    lags = []
    while not stop.wait(0.05):
        lags.append(seal_lag().seconds)
    results.put(lags)
    connection.close()


def sizes() -> tuple[int, int]:
    """Return the bytes of the log with its indexes, and of everything that sealing keeps."""
    with connection.cursor() as cursor:
        cursor.execute(_BYTES)
        log, seals = cursor.fetchone()
    return int(log), int(seals)
