"""Waivers: a decision to live with an unmet requirement, laid over the verdict, never green."""

from typing import Any

import pytest

from jurisdictions.engine import (
    FactValue,
    ReasonCode,
    Snapshot,
    Tag,
    Verdict,
    Waiver,
    evaluate,
)
from tests.jurisdictions.builders import NOW, by_key, days, pack, requirement, verdict_of

NAMED: dict[str, FactValue] = {"issuer.legalName": "Acme"}
US = Tag("US", classification="FINANCIAL_INSTRUMENT")


def waiver(**changes: Any) -> Waiver:
    fields: dict[str, Any] = {
        "requirement_key": "us.rule",
        "expires_at": NOW + days(30),
        "approved": True,
        "id": "w1",
    }
    return Waiver(**{**fields, **changes})


def test_a_waiver_covers_a_failure_and_keeps_the_verdict() -> None:
    results = evaluate(Snapshot(tags=(US,), waivers=(waiver(),)), [pack()], NOW)
    found = by_key(results)["us.rule"]
    assert (found.verdict, found.underlying_verdict) == (Verdict.WAIVED, Verdict.FAIL)
    assert (found.reason_code, found.waiver) == (ReasonCode.FACT_MISSING, waiver())
    assert found.flips_at == NOW + days(30)


def test_a_waiver_covers_an_unknown() -> None:
    packs = [pack(requirement(on_missing=Verdict.UNKNOWN))]
    found = by_key(evaluate(Snapshot(tags=(US,), waivers=(waiver(),)), packs, NOW))["us.rule"]
    assert (found.verdict, found.underlying_verdict) == (Verdict.WAIVED, Verdict.UNKNOWN)


@pytest.mark.parametrize(
    "changes",
    [{"approved": False}, {"expires_at": NOW}, {"requirement_key": "us.other"}],
)
def test_a_waiver_that_does_not_hold_changes_nothing(changes: dict[str, Any]) -> None:
    bare = evaluate(Snapshot(tags=(US,)), [pack()], NOW)
    assert evaluate(Snapshot(tags=(US,), waivers=(waiver(**changes),)), [pack()], NOW) == bare


def test_a_waiver_leaves_a_pass_alone() -> None:
    results = evaluate(Snapshot(NAMED, (US,), waivers=(waiver(),)), [pack()], NOW)
    found = by_key(results)["us.rule"]
    assert (found.verdict, found.waiver, found.flips_at) == (Verdict.PASS, None, None)


def test_the_waiver_that_lasts_longest_counts() -> None:
    longer = waiver(id="w0", expires_at=NOW + days(60))
    snapshot = Snapshot(tags=(US,), waivers=(waiver(), longer))
    found = by_key(evaluate(snapshot, [pack()], NOW))["us.rule"]
    assert (found.waiver, found.flips_at) == (longer, NOW + days(60))


def test_no_waiver_covers_what_the_engine_itself_does_not_know() -> None:
    waivers = (waiver(requirement_key="engine.jurisdiction_tagged"),)
    results = evaluate(Snapshot(waivers=waivers), [], NOW)
    assert verdict_of(results, "engine.jurisdiction_tagged")[0] == "Fail"
