"""Files of a million events against a plain COPY of the same values: speed, first rows, memory."""

import time
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from statistics import median

import psycopg
from django.db import connection

from audit.log_fields import Field
from audit.log_files import csv_file, ndjson_file
from audit.log_views import log_view
from audit.models import AuditEvent
from benchmarks.database import plain_connection
from benchmarks.events import fill
from benchmarks.measure import Call, Row, sample

_CSV_VIEWS = ("events", "compliance-audit-log", "whitelist-audit-log")
_FROM = f'FROM "{AuditEvent._meta.db_table}" e'
_NEWEST = "ORDER BY e.occurred_at DESC, e.seq DESC"
_FIRST_ROWS = 0.05
_EXTRA_BYTES = 32 * 2**20
_STATUS = Path("/proc/self/status")
_MARKS = Path("/proc/self/clear_refs")


def run(quick: bool) -> Iterator[Row]:
    total = 100_000 if quick else 1_000_000
    fill(total)
    events = AuditEvent.objects.all()
    for name, make in (
        ("CSV", partial(csv_file, log_view("events"), events, total)),
        ("NDJSON", partial(ndjson_file, events, total)),
    ):
        if _MARKS.exists():
            extra = peak_bytes(make())
            yield Row(
                f"memory that the {name} takes",
                "32 MiB",
                f"{extra / 2**20:.1f} MiB",
                ratio=extra / _EXTRA_BYTES,
                goal=1,
                rounds=1,
            )
        first = median(seconds_to_rows(make()) for _ in range(11))
        yield Row(
            f"first rows of the {name}",
            "50 ms",
            f"{first * 1000:.1f} ms",
            ratio=first / _FIRST_ROWS,
            goal=1,
            rounds=11,
        )
    with plain_connection(connection) as database:  # type: ignore[arg-type]
        database.execute("SET jit = off")
        yield from speeds(database, total, quick)


def speeds(
    database: psycopg.Connection[tuple[object, ...]], total: int, quick: bool
) -> Iterator[Row]:
    """Time each file and the plain COPY of what it is made from, both read to the end."""
    events = AuditEvent.objects.all()
    calls: dict[str, Call] = {
        "ndjson": lambda: drain(ndjson_file(events, total)),
        "bodies": plain_copy(database, f"SELECT e.body {_FROM} {_NEWEST}"),
    }
    for name in _CSV_VIEWS:
        view = log_view(name)
        calls[name] = lambda view=view: drain(csv_file(view, events, total))  # type: ignore[misc]
        calls[f"plain {name}"] = plain_copy(database, unguarded(view.columns))
    samples = sample(calls, rounds=7 if quick else 3, batch=1, clock=time.perf_counter, warm_up=1)
    for label, target, floor, goal in (
        (f"NDJSON of {total:,} events", "ndjson", "bodies", 0.85),
        *((f"CSV of {total:,}: {one}", one, f"plain {one}", 0.65) for one in _CSV_VIEWS),
    ):
        rate = total / samples.typical(target)
        pairs = zip(samples.seconds[floor], samples.seconds[target], strict=True)
        share = median(plain / ours for plain, ours in pairs)
        yield samples.row(
            f"{label}, {rate:,.0f} a second, {share:.0%} of COPY",
            target,
            floor,
            goal=1 / goal,
            against=f"COPY of the same {'lines' if floor == 'bodies' else 'columns'}",
        )


def plain_copy(database: psycopg.Connection[tuple[object, ...]], statement: str) -> Call:
    """Return a call that reads a COPY of the statement's rows to the end."""

    def call() -> None:
        with (
            database.cursor() as cursor,
            cursor.copy(f"COPY ({statement}) TO STDOUT (FORMAT csv)".encode()) as copy,
        ):
            drain(copy)

    return call


def unguarded(columns: Iterable[Field]) -> str:
    """Return the statement of the same values: neither guarded nor always quoted."""
    columns = list(columns)
    said = ", ".join(f"{column.sql.expression} AS c{at}" for at, column in enumerate(columns))
    sources = ""
    for name, source, wanted in (
        ("b", "e.body", [column.sql.members for column in columns]),
        ("d", "b.details", [column.sql.details for column in columns]),
    ):
        if members := sorted(frozenset[str]().union(*wanted)):
            named = ", ".join(f'"{one}" text' for one in members)
            sources += f" CROSS JOIN LATERAL json_to_record({source}::json) AS {name}({named})"
    return f"SELECT {said} {_FROM}{sources} {_NEWEST}"


def drain(chunks: Iterable[object]) -> None:
    """Read to the end."""
    for _ in chunks:
        pass


def seconds_to_rows(chunks: Iterator[bytes]) -> float:
    """Return how long the first chunk with rows takes; a line of headings alone is none."""
    started = time.perf_counter()
    while next(chunks).count(b"\n") < 2:
        pass
    taken = time.perf_counter() - started
    chunks.close()  # type: ignore[attr-defined]
    return taken


def peak_bytes(chunks: Iterable[bytes]) -> int:
    """Return by how much the memory of this process grew at most while the file was made."""
    before = _status("VmRSS")
    _MARKS.write_text("5")  # begins the high-water mark anew
    drain(chunks)
    return max(0, _status("VmHWM") - before)


def _status(name: str) -> int:
    line = next(one for one in _STATUS.read_text().splitlines() if one.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024
