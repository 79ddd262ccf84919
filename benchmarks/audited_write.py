"""A metadata update with its event, by 8 writers at once and beside the sealer, against without."""

import gc
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from django.db import connection, connections, transaction

from accounts.models import User
from audit.seal import seal_events
from benchmarks.measure import Row, Samples
from benchmarks.world import ASSET, NETWORK, token_with_record
from compliance.services import metadata

WRITERS = 8
_WORK = 0.005
_forked = multiprocessing.get_context("fork")


def run(quick: bool) -> Iterator[Row]:
    rounds, seconds = (3, 0.5) if quick else (15, 2.0)
    _, owner = token_with_record()
    for number in range(WRITERS):
        write(owner.pk, number, 1)
    for work in (0.0, _WORK):
        waited, written = Samples({"with": [], "without": []}), Samples({"with": [], "without": []})
        for latencies, pace in measured(owner.pk, work, rounds, seconds):
            for name in ("with", "without"):
                waited.seconds[name].append(latencies[name])
                written.seconds[name].append(1 / pace[name])
        beside = f"{WRITERS} writers, sealer running"
        if work:
            beside += f", {work * 1000:g} ms of other work in the transaction"
        yield waited.row(
            f"audited write, median, {beside}",
            "with",
            "without",
            goal=None if work else 1.5,
            against="without its event",
        )
        yield written.row(
            f"audited write, time a write of all, {beside}",
            "with",
            "without",
            goal=1 / 0.9 if work else None,
            against="without its event",
        )


def write(owner: int, number: int, turn: int, work: float = 0.0) -> None:
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
    owner: int, work: float, rounds: int, seconds: float
) -> Iterator[tuple[dict[str, float], dict[str, float]]]:
    """Yield, of each round, the median seconds of a write, and writes a second of all writers."""
    connections.close_all()  # each process has its own
    together, results = _forked.Barrier(WRITERS), _forked.Queue()
    stop = _forked.Event()
    writers = [
        _forked.Process(target=_write, args=(owner, one, work, rounds, seconds, together, results))
        for one in range(WRITERS)
    ]
    sealer = _forked.Process(target=_seal, args=(stop,))
    for process in (sealer, *writers):
        process.start()
    found = [results.get() for _ in writers]
    stop.set()
    for process in (sealer, *writers):
        process.join()
    for number in range(rounds):
        latencies: dict[str, list[float]] = {"with": [], "without": []}
        for of_writer in found:
            for name, kept in of_writer[number].items():
                latencies[name] += kept
        yield (
            {name: median(kept) for name, kept in latencies.items()},
            {name: len(kept) / seconds for name, kept in latencies.items()},
        )


def _write(
    owner: int, number: int, work: float, rounds: int, seconds: float, together: Any, results: Any
) -> None:
    turn, found = 0, []
    gc.disable()
    for round_ in range(rounds):
        kept: dict[str, list[float]] = {"with": [], "without": []}
        for name in ("with", "without") if round_ % 2 else ("without", "with"):
            together.wait()
            end = time.perf_counter() + seconds
            while (started := time.perf_counter()) < end:
                turn += 1
                if name == "with":
                    write(owner, number, turn, work)
                else:
                    with without_event():
                        write(owner, number, turn, work)
                kept[name].append(time.perf_counter() - started)
        found.append(kept)
    results.put(found)
    connection.close()


def _seal(stop: Any) -> None:
    while not stop.wait(0.2):
        seal_events()
    connection.close()
