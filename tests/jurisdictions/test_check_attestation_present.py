"""attestation_present: evidence on the token or its issuer, and why some does not count."""

from typing import Any

import pytest

from jurisdictions.engine import AttestationFact, ReasonCode, Snapshot, Verdict, WarningCode
from tests.jurisdictions.builders import (
    MICROSECOND,
    NOW,
    attestation,
    days,
    midnight,
    problems,
    run,
)

WHITE_PAPER: dict[str, Any] = {"types": ["WhitePaper"], "subject": "token"}


def judged(
    params: dict[str, Any], *attestations: AttestationFact, **options: Any
) -> tuple[str, str]:
    outcome, _ = run("attestation_present", params, Snapshot(attestations=attestations), **options)
    return str(outcome.verdict), str(outcome.reason_code)


def test_verified_evidence_passes_and_is_named() -> None:
    snapshot = Snapshot(attestations=(attestation(proof_hash="sha256:ab"),))
    outcome, flips_at = run("attestation_present", WHITE_PAPER, snapshot)
    assert outcome.verdict == Verdict.PASS
    assert [(one.type, one.reference, one.hash) for one in outcome.evidence] == [
        ("attestation", "a1", "sha256:ab")
    ]
    assert (outcome.warnings, flips_at) == ((), None)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"status": "Pending"}, "evidence_pending"),
        ({"status": "Failed"}, "evidence_failed"),
        ({"status": "Revoked"}, "evidence_revoked"),
        ({"verified_by_id": "creator"}, "evidence_self_verified"),
        ({"verified_by_id": None}, "evidence_unverified"),
        ({"expires_at": NOW}, "evidence_expired"),
        ({"expires_at": NOW - days(9)}, "evidence_expired"),
        ({"issued_at": NOW + days(1)}, "evidence_not_yet_valid"),
        ({"issued_at": NOW - days(32)}, "evidence_too_old"),
        ({"attributes": {"regime": "MICA_53"}}, "evidence_wrong_attributes"),
        ({"attributes": {}}, "evidence_wrong_attributes"),
    ],
)
def test_each_shortcoming_fails_with_its_own_code(changes: dict[str, Any], code: str) -> None:
    params = {**WHITE_PAPER, "maxAgeDays": 30, "attributes": {"regime": ["MICA_7", "MICA_29"]}}
    good: dict[str, Any] = {"attributes": {"regime": "MICA_7"}}
    assert judged(params, attestation(**good)) == ("Pass", "satisfied")
    assert judged(params, attestation(**{**good, **changes})) == ("Fail", code)


@pytest.mark.parametrize(
    ("other", "verdict"),
    [
        ({"attestation_type": "Prospectus"}, "Fail"),
        ({"subject_type": "issuer"}, "Fail"),
        ({"subject_type": "token"}, "Pass"),
    ],
)
def test_only_the_type_and_subject_asked_for_count(other: dict[str, Any], verdict: str) -> None:
    assert judged(WHITE_PAPER, attestation(**other))[0] == verdict


def test_any_subject_includes_wallets() -> None:
    params = {"types": ["KYC", "KYB"], "subject": "any"}
    wallet = attestation(subject_type="wallet", attestation_type="KYC")
    assert judged(params, wallet) == ("Pass", "satisfied")


def test_no_evidence_follows_on_missing_and_fails_by_default() -> None:
    assert judged(WHITE_PAPER) == ("Fail", "evidence_missing")
    assert judged(WHITE_PAPER, on_missing=Verdict.UNKNOWN) == ("Unknown", "evidence_missing")


def test_evidence_that_falls_short_fails_whatever_on_missing_says() -> None:
    pending = attestation(status="Pending")
    assert judged(WHITE_PAPER, pending, on_missing=Verdict.UNKNOWN) == ("Fail", "evidence_pending")


def test_the_nearest_to_counting_explains() -> None:
    revoked = attestation("a1", status="Revoked")
    expired = attestation("a2", expires_at=NOW - days(1))
    assert judged(WHITE_PAPER, revoked, expired) == ("Fail", "evidence_expired")
    assert judged(WHITE_PAPER, expired, revoked) == ("Fail", "evidence_expired")


def test_unverified_and_expired_evidence_counts_where_the_rule_says_so() -> None:
    pending = attestation(status="Pending", expires_at=NOW - days(1))
    assert judged({**WHITE_PAPER, "verified": False, "unexpired": False}, pending)[0] == "Pass"
    revoked = attestation(status="Revoked")
    assert judged({**WHITE_PAPER, "verified": False}, revoked) == ("Fail", "evidence_revoked")


def test_plans_of_both_kinds_are_needed() -> None:
    params = {"types": ["RecoveryPlan", "RedemptionPlan"], "subject": "issuer", "minCount": 2}
    recovery = [
        attestation(one, subject_type="issuer", attestation_type="RecoveryPlan")
        for one in ("a1", "a2")
    ]
    redemption = attestation("a3", subject_type="issuer", attestation_type="RedemptionPlan")
    assert judged(params, *recovery) == ("Fail", "evidence_insufficient")
    assert judged(params, recovery[0], redemption) == ("Pass", "satisfied")
    assert judged(params, redemption) == ("Fail", "evidence_insufficient")


def test_it_flips_when_the_evidence_expires() -> None:
    expires_at = NOW + days(90)
    snapshot = Snapshot(attestations=(attestation(expires_at=expires_at),))
    outcome, flips_at = run("attestation_present", WHITE_PAPER, snapshot)
    assert (outcome.verdict, outcome.warnings, flips_at) == (Verdict.PASS, (), expires_at)
    just_before, _ = run("attestation_present", WHITE_PAPER, snapshot, now=expires_at - MICROSECOND)
    assert just_before.verdict == Verdict.PASS
    assert run("attestation_present", WHITE_PAPER, snapshot, now=expires_at)[0].verdict == "Fail"


def test_it_flips_when_the_longest_lasting_evidence_expires() -> None:
    snapshot = Snapshot(
        attestations=(
            attestation("a1", expires_at=NOW + days(5)),
            attestation("a2", expires_at=NOW + days(90)),
        )
    )
    outcome, flips_at = run("attestation_present", WHITE_PAPER, snapshot)
    assert flips_at == NOW + days(90)
    assert [one.reference for one in outcome.evidence] == ["a2"]


def test_age_counts_calendar_days() -> None:
    params = {**WHITE_PAPER, "maxAgeDays": 365}
    snapshot = Snapshot(attestations=(attestation(issued_at=midnight("2025-11-22")),))
    outcome, flips_at = run("attestation_present", params, snapshot)
    assert (outcome.verdict, flips_at) == (Verdict.PASS, midnight("2026-11-23"))


@pytest.mark.parametrize(
    ("left", "warnings"), [(30, (WarningCode.EVIDENCE_EXPIRING,)), (30.001, ())]
)
def test_a_warning_comes_thirty_days_before_the_end(
    left: float, warnings: tuple[WarningCode, ...]
) -> None:
    snapshot = Snapshot(attestations=(attestation(expires_at=NOW + days(left)),))
    outcome, _ = run("attestation_present", WHITE_PAPER, snapshot)
    assert (outcome.verdict, outcome.warnings) == (Verdict.PASS, warnings)


def test_at_most_twenty_attestations_are_named() -> None:
    pending = tuple(attestation(f"a{one:02}", status="Pending") for one in range(50))
    outcome, _ = run("attestation_present", WHITE_PAPER, Snapshot(attestations=pending))
    assert outcome.reason_code == ReasonCode.EVIDENCE_PENDING
    assert len(outcome.evidence) == 20


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({}, "'types' is a required property"),
        ({"types": []}, "types"),
        ({"types": ["KYC"], "subject": "holder"}, "subject"),
        ({"types": ["KYC"], "attributes": {}}, "attributes"),
        ({"types": ["KYC"], "minCount": 0}, "minCount"),
    ],
)
def test_wrong_params_are_named(params: dict[str, object], problem: str) -> None:
    found = problems("attestation_present", params)
    assert len(found) == 1
    assert problem in found[0]
