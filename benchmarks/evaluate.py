"""Evaluating a token: the rules alone, what they are read from, and the whole recalculation."""

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import datetime

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Token
from benchmarks.measure import Call, Row, duration, sample
from benchmarks.world import token_with_record
from compliance.services.status import status_recalculate
from compliance.snapshots import token_snapshot
from jurisdictions.engine import (
    CheckResult,
    PackStatus,
    Snapshot,
    Tag,
    aggregate,
    evaluate,
    pack_from_document,
)
from jurisdictions.reference_data import FIXTURES, pack_paths, read_document
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
    yield from all_packs(snapshot, now, quick)
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


def all_packs(snapshot: Snapshot, now: datetime, quick: bool) -> Iterator[Row]:
    """Evaluate the token against every pack there is, tagged with each pack's jurisdiction."""
    documents = [read_document(path) for path in pack_paths(FIXTURES)]
    packs = [replace(pack_from_document(one), status=PackStatus.ACTIVE) for one in documents]
    places = {pack.jurisdiction.code: pack.jurisdiction for pack in packs}
    tags = [Tag(one.code, one.kind) for one in places.values() if not one.is_universal]
    everywhere = replace(snapshot, tags=tuple(tags))
    results = evaluate(everywhere, packs, now)
    parts = [[getattr(one, field.name) for field in fields(one)] for one in results]

    def build() -> object:
        made = [CheckResult(*part) for part in parts]
        return sorted(
            made, key=lambda one: (one.jurisdiction, one.pack_id, one.key, one.via_tag or "")
        )

    calls: dict[str, Call] = {"rules": lambda: evaluate(everywhere, packs, now), "build": build}
    samples = sample(calls, rounds=15 if quick else 101, batch=8)
    each = duration(samples.typical("rules") / len(results))
    yield samples.row(
        f"evaluate: {len(results)} checks of {len(packs)} packs, {each} a check",
        "rules",
        "build",
        against="the same results built and sorted",
    )


def queries_of(call: Callable[[], object]) -> int:
    """Return how many queries `call` sends."""
    with CaptureQueriesContext(connection) as queries:
        call()
        return len(queries)
