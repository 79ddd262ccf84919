"""A metadata update with its event, by 8 writers at once and beside the sealer, against without."""

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from statistics import median
from typing import Any
from uuid import UUID

from django.db import connection, connections, transaction

from accounts.models import User
from audit.seal import seal_events
from benchmarks.measure import Call, Row, Samples
from benchmarks.metadata_write import replay, statements_of
from benchmarks.world import ASSET, NETWORK, token_with_record
from compliance.services import metadata

WRITERS = 8
_WORK = 0.005
Make = Callable[[UUID, int, float], dict[str, Call]]
_forked = multiprocessing.get_context("fork")


def run(quick: bool) -> Iterator[Row]:
    rounds, seconds = (3, 0.5) if quick else (11, 2.0)
    _, owner = token_with_record()
    for number in range(WRITERS):
        write(owner.pk, number, 1)
    for how, make in (("the service", by_service), ("its statements by psycopg", by_statements)):
        for work in (0.0, _WORK):
            waited = Samples({"with": [], "without": []})
            written = Samples({"with": [], "without": []})
            for latencies, pace in measured(owner.pk, make, work, rounds, seconds):
                for name in ("with", "without"):
                    waited.seconds[name].append(latencies[name])
                    written.seconds[name].append(1 / pace[name])
            beside = f"{how}, {work * 1000:g} ms of other work" if work else how
            yield waited.row(
                f"audited write, {beside}: median",
                "with",
                "without",
                goal=None if work else 1.5,
                against="without its event",
            )
            yield written.row(
                f"audited write, {beside}: time for one of all writers",
                "with",
                "without",
                goal=1 / 0.9 if work else None,
                against="without its event",
            )


def by_service(owner: UUID, number: int, work: float) -> dict[str, Call]:
    """Return calls of the service with and without its event."""
    turns = count()

    def with_event() -> None:
        write(owner, number, next(turns), work)

    def unaudited() -> None:
        with without_event():
            write(owner, number, next(turns), work)

    return {"with": with_event, "without": unaudited}


def by_statements(owner: UUID, number: int, work: float) -> dict[str, Call]:
    """Return calls that send what the service sends, with and without its event."""
    return {
        name: replay(statements_of(call), work)
        for name, call in by_service(owner, number, 0.0).items()
    }


def write(owner: UUID, number: int, turn: int, work: float = 0.0) -> None:
    """Change the metadata of the writer's own token, as a request does."""
    with transaction.atomic():
        metadata.metadata_upsert(
            actor=User.objects.get(pk=owner),
            asset_id=ASSET + number,
            network=NETWORK,
            changes={"jurisdiction": "GLOBAL", "max_holders": turn % 1000 + 1},
        )
        if work:
            time.sleep(work)


@contextmanager
def without_event() -> Iterator[None]:
    """Let the service record nothing."""
    recorded = metadata.record_event
    metadata.record_event = lambda *args, **kwargs: None  # type: ignore[assignment]
    try:
        yield
    finally:
        metadata.record_event = recorded


def measured(
    owner: UUID, make: Make, work: float, rounds: int, seconds: float
) -> Iterator[tuple[dict[str, float], dict[str, float]]]:
    """Yield, of each round, the median seconds of a write, and writes a second of all writers."""
    connections.close_all()  # each process has its own
    together, results, stop = _forked.Barrier(WRITERS), _forked.Queue(), _forked.Event()
    given = (owner, make, work, rounds, seconds, together, results)
    writers = [_forked.Process(target=_write, args=(one, *given)) for one in range(WRITERS)]
    sealer = _forked.Process(target=_seal, args=(stop,))
    for process in (sealer, *writers):
        process.start()
    found = [results.get() for _ in writers]
    stop.set()
    for process in (sealer, *writers):
        process.join()
    for number in range(rounds):
        latencies: dict[str, list[float]] = {"with": [], "without": []}
        pace = {"with": 0.0, "without": 0.0}
        for of_writer in found:
            for name, kept in of_writer[number].items():
                latencies[name] += kept
                pace[name] += len(kept) / sum(kept)
        yield {name: median(kept) for name, kept in latencies.items()}, pace


def _write(
    number: int,
    owner: UUID,
    make: Make,
    work: float,
    rounds: int,
    seconds: float,
    together: Any,
    results: Any,
) -> None:
    calls, found = make(owner, number, work), []
    for round_ in range(rounds):
        kept: dict[str, list[float]] = {}
        for name in ("with", "without") if round_ % 2 else ("without", "with"):
            kept[name] = []
            together.wait()
            end = time.perf_counter() + seconds
            while (started := time.perf_counter()) < end:
                calls[name]()
                kept[name].append(time.perf_counter() - started)
        found.append(kept)
    results.put(found)
    connection.close()


def _seal(stop: Any) -> None:
    while not stop.wait(0.2):
        seal_events()
    connection.close()
