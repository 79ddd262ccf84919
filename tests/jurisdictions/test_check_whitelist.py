"""whitelist_enforced and whitelist_entries_valid."""

from typing import Any

import pytest

from jurisdictions.engine import Snapshot, Verdict, WhitelistEntryFact, WhitelistFacts
from tests.jurisdictions.builders import NOW, days, entry, midnight, problems, run

ENFORCED: dict[str, Any] = {"enforcement": ["Mandatory"], "nonEmpty": False}
SOUND: dict[str, Any] = {"require": ["kycVerified", "notExpired"], "whenEmpty": "not_applicable"}
NO_US: dict[str, Any] = {"excludePersons": ["US_PERSON"], "excludeJurisdictions": ["US", "KP"]}


def enforced(params: dict[str, Any], whitelist: WhitelistFacts, **options: Any) -> tuple[str, str]:
    outcome, _ = run("whitelist_enforced", params, Snapshot(whitelist=whitelist), **options)
    return str(outcome.verdict), str(outcome.reason_code)


def valid(params: dict[str, Any], *entries: WhitelistEntryFact) -> tuple[str, str]:
    snapshot = Snapshot(whitelist=WhitelistFacts("Mandatory", entries))
    outcome, _ = run("whitelist_entries_valid", params, snapshot)
    return str(outcome.verdict), str(outcome.reason_code)


@pytest.mark.parametrize(
    ("enforcement", "expected"),
    [
        ("Mandatory", ("Pass", "satisfied")),
        ("Optional", ("Fail", "whitelist_not_enforced")),
        ("Off", ("Fail", "whitelist_not_enforced")),
        (None, ("Fail", "whitelist_policy_missing")),
    ],
)
def test_enforcement(enforcement: str | None, expected: tuple[str, str]) -> None:
    assert enforced(ENFORCED, WhitelistFacts(enforcement)) == expected


def test_a_policy_never_set_follows_on_missing() -> None:
    assert enforced(ENFORCED, WhitelistFacts(), on_missing=Verdict.UNKNOWN)[0] == "Unknown"


def test_a_whitelist_that_must_not_be_empty() -> None:
    params = {**ENFORCED, "nonEmpty": True}
    assert enforced(params, WhitelistFacts("Mandatory")) == ("Fail", "whitelist_empty")
    inactive = WhitelistFacts("Mandatory", (entry(status="Suspended"),))
    assert enforced(params, inactive) == ("Fail", "whitelist_empty")
    assert enforced(params, WhitelistFacts("Mandatory", (entry(),)))[0] == "Pass"


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "Pass"),
        ({"kyc_verified": False}, "Fail"),
        ({"expires_at": NOW}, "Fail"),
        ({"expires_at": NOW + days(1)}, "Pass"),
        ({"kyc_verified": False, "status": "Revoked"}, "NotApplicable"),
    ],
)
def test_active_entries_must_be_verified_and_unexpired(
    changes: dict[str, Any], verdict: str
) -> None:
    assert valid(SOUND, entry(**changes))[0] == verdict


def test_one_unsound_entry_fails_all() -> None:
    assert valid(SOUND, entry("A"), entry("B", kyc_verified=False)) == (
        "Fail",
        "whitelist_entries_invalid",
    )
    half = {**SOUND, "minRatio": 0.5}
    assert valid(half, entry("A"), entry("B", kyc_verified=False))[0] == "Pass"


@pytest.mark.parametrize(
    ("require", "changes"),
    [
        ("kycDatePresent", {"kyc_verified_at": None}),
        ("jurisdictionPresent", {"jurisdiction": None}),
    ],
)
def test_required_fields(require: str, changes: dict[str, Any]) -> None:
    full: dict[str, Any] = {"kyc_verified_at": NOW, "jurisdiction": "DE"}
    params = {"require": [require]}
    assert valid(params, entry(**full))[0] == "Pass"
    assert valid(params, entry(**{**full, **changes}))[0] == "Fail"


def test_kyc_may_not_be_too_old() -> None:
    params = {"maxKycAgeDays": 365}
    snapshot = Snapshot(
        whitelist=WhitelistFacts("Mandatory", (entry(kyc_verified_at=midnight("2025-11-22")),))
    )
    outcome, flips_at = run("whitelist_entries_valid", params, snapshot)
    assert (outcome.verdict, flips_at) == (Verdict.PASS, midnight("2026-11-23"))
    assert valid(params, entry(kyc_verified_at=midnight("2025-11-21")))[0] == "Fail"
    assert valid(params, entry(kyc_verified_at=None))[0] == "Fail"


@pytest.mark.parametrize(
    ("jurisdiction", "expected"),
    [
        ("DE", ("Pass", "satisfied")),
        ("US", ("Fail", "whitelist_entries_invalid")),
        ("US-NY", ("Fail", "whitelist_entries_invalid")),
        ("us", ("Fail", "whitelist_entries_invalid")),
        ("KP", ("Fail", "whitelist_entries_invalid")),
        (None, ("Unknown", "whitelist_jurisdiction_missing")),
    ],
)
def test_excluded_jurisdictions(jurisdiction: str | None, expected: tuple[str, str]) -> None:
    assert valid(NO_US, entry(jurisdiction=jurisdiction)) == expected


def test_us_persons_are_excluded_without_naming_the_country() -> None:
    assert valid({"excludePersons": ["US_PERSON"]}, entry(jurisdiction="US"))[0] == "Fail"


def test_a_certain_hit_outweighs_an_unknown_jurisdiction() -> None:
    entries = entry("A", jurisdiction=None), entry("B", jurisdiction="US")
    assert valid(NO_US, *entries)[0] == "Fail"


@pytest.mark.parametrize(
    ("when_empty", "verdict"),
    [("pass", "Pass"), ("unknown", "Unknown"), ("not_applicable", "NotApplicable")],
)
def test_no_active_entry(when_empty: str, verdict: str) -> None:
    assert valid({**SOUND, "whenEmpty": when_empty}) == (verdict, "population_empty")


def test_it_flips_when_the_first_entry_expires() -> None:
    entries = entry("A", expires_at=NOW + days(9)), entry("B", expires_at=NOW + days(3))
    snapshot = Snapshot(whitelist=WhitelistFacts("Mandatory", entries))
    assert run("whitelist_entries_valid", SOUND, snapshot)[1] == NOW + days(3)


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("whitelist_enforced", {"enforcement": ["Sometimes"]}),
        ("whitelist_enforced", {}),
        ("whitelist_entries_valid", {"minRatio": 1}),
        ("whitelist_entries_valid", {"require": ["kycverified"]}),
        ("whitelist_entries_valid", {"excludePersons": ["PEP"]}),
    ],
)
def test_wrong_params_are_named(kind: str, params: dict[str, object]) -> None:
    assert len(problems(kind, params)) == 1
