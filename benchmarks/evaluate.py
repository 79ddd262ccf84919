"""Evaluating a token: the rules alone, what they are read from, and the whole recalculation."""

from collections.abc import Callable, Iterator

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Token
from benchmarks.measure import Call, Row, duration, sample
from benchmarks.world import token_with_record
from compliance.services.status import status_recalculate
from compliance.snapshots import token_snapshot
from jurisdictions.engine import aggregate, evaluate
from jurisdictions.selectors import active_packs


def run(quick: bool) -> Iterator[Row]:
    made, _ = token_with_record()
    token = Token.objects.select_related("issuer").get(pk=made.pk)
    now = timezone.now()
    snapshot, packs = token_snapshot(token, now), active_packs(now=now)
    results = evaluate(snapshot, packs, now)

    calls: dict[str, Call] = {
        "rules": lambda: aggregate(evaluate(snapshot, packs, now), now),
        "snapshot": lambda: token_snapshot(token, now),
        "packs": lambda: active_packs(now=now),
        "all": lambda: status_recalculate(token_id=token.pk),
    }
    samples = sample(calls, rounds=15 if quick else 101, batch=8)
    checks = f"{len(results)} checks of {len(packs)} packs in force"
    yield Row(f"evaluate and aggregate: {checks}", "", duration(samples.typical("rules")))
    for label, name in (("token_snapshot", "snapshot"), ("active_packs", "packs")):
        taken = duration(samples.typical(name))
        yield Row(label, "", f"{taken}, {queries_of(calls[name])} queries")
    yield samples.row(
        f"status_recalculate, {queries_of(calls['all'])} queries",
        "all",
        "rules",
        against="the rules alone",
    )


def queries_of(call: Callable[[], object]) -> int:
    """Return how many queries `call` sends."""
    with CaptureQueriesContext(connection) as queries:
        call()
        return len(queries)
