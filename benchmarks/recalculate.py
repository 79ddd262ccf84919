"""Recalculating every token after rule packs came into force, against the same SQL alone."""

from collections.abc import Iterator
from functools import partial
from time import perf_counter

from audit.principal import SYSTEM
from benchmarks.measure import Row, Samples
from benchmarks.metadata_write import EVENT, replay, statements_of
from benchmarks.tokens import PACKS, tokens_with_records
from compliance.services.recalculation import BATCH, statuses_recalculate
from compliance.services.status import due_statuses
from jurisdictions.loading import rules_load


def run(quick: bool) -> Iterator[Row]:
    count = 400 if quick else 10_000
    rules_load(actor=SYSTEM, activate=PACKS[:1])
    ids = tokens_with_records(count)
    statuses_recalculate(token_ids=ids)
    rules_load(actor=SYSTEM, activate=PACKS)
    seconds: dict[str, list[float]] = {"sweep": [], "sql": []}
    done, queries = 0, set()
    while due := due_statuses(limit=BATCH):
        started = perf_counter()
        sent = statements_of(partial(statuses_recalculate, token_ids=due))
        seconds["sweep"].append(perf_counter() - started)
        done += len(due)
        queries.add(len(sent) + 1)
        # An event cannot be written twice.
        again = replay([one for one in sent if not one[0].startswith(EVENT)])
        started = perf_counter()
        again()
        seconds["sql"].append(perf_counter() - started)
    samples = Samples(seconds)
    total = sum(seconds["sweep"])
    numbers = " or ".join(str(one) for one in sorted(queries))
    yield Row(
        f"{done:,} tokens recalculated, {len(PACKS)} packs",
        "",
        f"{done / total:,.0f} a second",
        remarks=[f"{numbers} queries a batch of {BATCH}: {max(queries) / BATCH:g} a token"],
    )
    yield samples.row(
        f"a batch of {BATCH}",
        "sweep",
        "sql",
        against="its reads and upserts by psycopg, one transaction",
    )
