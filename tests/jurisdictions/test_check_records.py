"""audit_trail_complete, audit_event_present, retention_at_least, deployment_completed."""

from datetime import datetime
from typing import Any

import pytest

from jurisdictions.engine import (
    AuditEventFact,
    AuditFacts,
    DeploymentFacts,
    FactValue,
    Snapshot,
    Verdict,
)
from tests.jurisdictions.builders import NOW, days, midnight, problems, run

TRAIL: dict[str, Any] = {
    "requiredEventTypes": ["TokenDeployed", "MetadataUpserted"],
    "chainVerified": True,
}
MONTHLY: dict[str, Any] = {"eventType": "CirculationPublished", "withinDays": 31}


THREE_DAYS_AGO = NOW - days(3)


def event(last_at: datetime = THREE_DAYS_AGO, count: int = 1) -> AuditEventFact:
    return AuditEventFact(count, last_at)


BOTH = {"TokenDeployed": event(), "MetadataUpserted": event()}


def audited(
    kind: str,
    params: dict[str, Any],
    audit: AuditFacts,
    facts: dict[str, FactValue] | None = None,
    **options: Any,
) -> tuple[str, str]:
    outcome, _ = run(kind, params, Snapshot(facts=facts or {}, audit=audit), **options)
    return str(outcome.verdict), str(outcome.reason_code)


@pytest.mark.parametrize(
    ("events", "chain_verified", "expected"),
    [
        (BOTH, True, ("Pass", "satisfied")),
        (BOTH, None, ("Unknown", "verification_not_run")),
        (BOTH, False, ("Fail", "audit_chain_broken")),
        ({"TokenDeployed": event()}, True, ("Fail", "audit_events_missing")),
        ({"TokenDeployed": event()}, None, ("Fail", "audit_events_missing")),
        ({**BOTH, "TokenDeployed": event(count=0)}, True, ("Fail", "audit_events_missing")),
        ({}, False, ("Fail", "audit_chain_broken")),
    ],
)
def test_the_trail(
    events: dict[str, AuditEventFact], chain_verified: bool | None, expected: tuple[str, str]
) -> None:
    audit = AuditFacts(events, chain_verified)
    assert audited("audit_trail_complete", TRAIL, audit) == expected


def test_a_rule_may_do_without_the_chain() -> None:
    params = {**TRAIL, "chainVerified": False}
    assert audited("audit_trail_complete", params, AuditFacts(BOTH, None))[0] == "Pass"


def test_events_since_a_date() -> None:
    params = {**TRAIL, "since": "offering.startDate"}
    audit = AuditFacts(BOTH, True)
    before: dict[str, FactValue] = {"offering.startDate": "2026-11-01"}
    after: dict[str, FactValue] = {"offering.startDate": "2026-11-20"}
    assert audited("audit_trail_complete", params, audit, before)[0] == "Pass"
    assert audited("audit_trail_complete", params, audit, after)[0] == "Fail"
    assert audited("audit_trail_complete", params, audit) == ("Unknown", "reference_missing")


def test_the_detail_of_a_broken_chain_is_the_reason() -> None:
    snapshot = Snapshot(audit=AuditFacts(BOTH, False, "leaf 7 differs"))
    outcome, _ = run("audit_trail_complete", TRAIL, snapshot)
    assert outcome.reason == "the audit trail does not verify: leaf 7 differs"


@pytest.mark.parametrize(
    ("last_at", "expected"),
    [
        (NOW, ("Pass", "satisfied")),
        (NOW - days(31), ("Pass", "satisfied")),
        (NOW - days(32), ("Fail", "audit_event_too_old")),
    ],
)
def test_an_event_within_days(last_at: datetime, expected: tuple[str, str]) -> None:
    audit = AuditFacts({"CirculationPublished": event(last_at)})
    assert audited("audit_event_present", MONTHLY, audit) == expected


def test_an_event_flips_when_it_grows_too_old() -> None:
    snapshot = Snapshot(audit=AuditFacts({"CirculationPublished": event(midnight("2026-11-20"))}))
    assert run("audit_event_present", MONTHLY, snapshot)[1] == midnight("2026-12-22")


def test_an_event_that_never_was_follows_on_missing() -> None:
    assert audited("audit_event_present", MONTHLY, AuditFacts()) == ("Fail", "evidence_missing")
    lenient = audited("audit_event_present", MONTHLY, AuditFacts(), on_missing=Verdict.UNKNOWN)
    assert lenient == ("Unknown", "evidence_missing")


def test_an_event_as_often_as_asked_and_since_a_date() -> None:
    audit = AuditFacts({"Reviewed": event(count=2)})
    assert audited("audit_event_present", {"eventType": "Reviewed", "minCount": 2}, audit)[0] == (
        "Pass"
    )
    assert audited("audit_event_present", {"eventType": "Reviewed", "minCount": 3}, audit) == (
        "Fail",
        "audit_events_too_few",
    )
    since = {"eventType": "Reviewed", "since": "offering.startDate"}
    assert audited("audit_event_present", since, audit) == ("Unknown", "reference_missing")
    later: dict[str, FactValue] = {"offering.startDate": "2026-11-21"}
    assert audited("audit_event_present", since, audit, later) == ("Fail", "audit_event_too_old")


@pytest.mark.parametrize(
    ("years", "expected"),
    [
        (7, ("Fail", "retention_too_short")),
        (8, ("Pass", "satisfied")),
        (10, ("Pass", "satisfied")),
        (11, ("Fail", "retention_too_long")),
        (None, ("Fail", "retention_not_configured")),
    ],
)
def test_retention(years: float | None, expected: tuple[str, str]) -> None:
    params = {"recordClass": "kyc_aml", "minYears": 8, "personalDataMaxYears": 10}
    retention = {"other": 9.0} if years is None else {"kyc_aml": years}
    outcome, _ = run("retention_at_least", params, Snapshot(retention=retention))
    assert (outcome.verdict, outcome.reason_code) == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("Completed", ("Pass", "satisfied")),
        ("Indexed", ("Pass", "satisfied")),
        ("Pending", ("Fail", "deployment_not_completed")),
        ("Failed", ("Fail", "deployment_failed")),
        ("Cancelled", ("Fail", "deployment_failed")),
        (None, ("Fail", "deployment_missing")),
    ],
)
def test_deployment(state: str | None, expected: tuple[str, str]) -> None:
    params = {"states": ["Completed", "Indexed", "Confirmed"]}
    snapshot = Snapshot(deployment=DeploymentFacts(state, "d1") if state else None)
    outcome, _ = run("deployment_completed", params, snapshot)
    assert (outcome.verdict, outcome.reason_code) == expected


@pytest.mark.parametrize(
    ("kind", "params", "problem"),
    [
        ("audit_trail_complete", {}, "requiredEventTypes"),
        ("audit_trail_complete", {**TRAIL, "since": "issuer.lei"}, "needs date"),
        ("audit_event_present", {**MONTHLY, "minCount": 2}, "cannot be combined"),
        ("retention_at_least", {"recordClass": "x"}, "minYears"),
        (
            "retention_at_least",
            {"recordClass": "x", "minYears": 8, "personalDataMaxYears": 5},
            "nothing could satisfy both",
        ),
        ("deployment_completed", {"states": []}, "states"),
    ],
)
def test_wrong_params_are_named(kind: str, params: dict[str, object], problem: str) -> None:
    found = problems(kind, params)
    assert len(found) == 1
    assert problem in found[0]
