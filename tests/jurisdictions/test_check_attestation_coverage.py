"""attestation_coverage: every member of a population holds evidence."""

from collections.abc import Sequence
from typing import Any

import pytest

from jurisdictions.engine import AttestationFact, Snapshot, Verdict, WhitelistFacts
from tests.jurisdictions.builders import NOW, attestation, days, entry, problems, run

ACCREDITED: dict[str, Any] = {"types": ["Accreditation"], "population": "active_whitelist_entries"}


def accreditation(wallet: str, **changes: Any) -> AttestationFact:
    fields = {"subject_type": "wallet", "subject": wallet, "attestation_type": "Accreditation"}
    return attestation(f"of-{wallet}", **{**fields, **changes})


def population(*wallets: str) -> WhitelistFacts:
    return WhitelistFacts("Mandatory", tuple(entry(wallet) for wallet in wallets))


def judged(
    params: dict[str, Any], wallets: Sequence[str], *attestations: AttestationFact, **options: Any
) -> tuple[str, str]:
    snapshot = Snapshot(whitelist=population(*wallets), attestations=attestations)
    outcome, _ = run("attestation_coverage", params, snapshot, **options)
    return str(outcome.verdict), str(outcome.reason_code)


def test_everybody_must_be_covered() -> None:
    assert judged(ACCREDITED, "AB", accreditation("A"), accreditation("B"))[0] == "Pass"
    assert judged(ACCREDITED, "AB", accreditation("A")) == ("Fail", "evidence_missing")


def test_evidence_of_somebody_else_or_on_the_token_covers_nobody() -> None:
    on_token = accreditation("A", subject_type="token")
    assert judged(ACCREDITED, "A", on_token, accreditation("Z")) == ("Fail", "evidence_missing")


def test_nobody_covered_follows_on_missing_but_a_gap_fails() -> None:
    unknown = {"on_missing": Verdict.UNKNOWN}
    assert judged(ACCREDITED, "AB", **unknown) == ("Unknown", "evidence_missing")
    assert judged(ACCREDITED, "AB", accreditation("A"), **unknown)[0] == "Fail"


def test_a_common_cause_is_the_reason_code() -> None:
    expired = {"expires_at": NOW - days(1)}
    both = accreditation("A", **expired), accreditation("B", **expired)
    assert judged(ACCREDITED, "AB", *both) == ("Fail", "evidence_expired")
    mixed = accreditation("A", **expired), accreditation("B", status="Pending")
    assert judged(ACCREDITED, "AB", *mixed) == ("Fail", "coverage_insufficient")


def test_attributes_name_the_regime() -> None:
    params = {**ACCREDITED, "attributes": {"regime": ["EU_QUALIFIED"]}}
    assert judged(params, "A", accreditation("A", attributes={"regime": "EU_QUALIFIED"}))[0] == (
        "Pass"
    )
    assert judged(params, "A", accreditation("A", attributes={"regime": "HK_PI"})) == (
        "Fail",
        "evidence_wrong_attributes",
    )


@pytest.mark.parametrize(("ratio", "covered", "verdict"), [(0.07, 7, "Pass"), (0.07, 6, "Fail")])
def test_a_ratio_is_compared_exactly(ratio: float, covered: int, verdict: str) -> None:
    wallets = [f"W{number}" for number in range(100)]
    holders = [accreditation(one) for one in wallets[:covered]]
    assert judged({**ACCREDITED, "minRatio": ratio}, wallets, *holders)[0] == verdict


@pytest.mark.parametrize(
    ("when_empty", "verdict"),
    [
        ("pass", "Pass"),
        ("unknown", "Unknown"),
        ("not_applicable", "NotApplicable"),
        (None, "Unknown"),
    ],
)
def test_an_empty_population_is_judged_as_the_rule_says(
    when_empty: str | None, verdict: str
) -> None:
    params = {**ACCREDITED, **({"whenEmpty": when_empty} if when_empty else {})}
    assert judged(params, "") == (verdict, "population_empty")


def test_holders_that_cannot_be_enumerated_leave_it_unknown() -> None:
    params = {**ACCREDITED, "population": "holders"}
    assert judged(params, "A", accreditation("A")) == ("Unknown", "population_unavailable")
    snapshot = Snapshot(holders=("A",), attestations=(accreditation("A"),))
    assert run("attestation_coverage", params, snapshot)[0].verdict == Verdict.PASS


def test_only_active_entries_are_members() -> None:
    whitelist = WhitelistFacts("Mandatory", (entry("A"), entry("B", status="Revoked")))
    snapshot = Snapshot(whitelist=whitelist, attestations=(accreditation("A"),))
    assert run("attestation_coverage", ACCREDITED, snapshot)[0].verdict == Verdict.PASS


def test_it_names_the_first_uncovered_and_counts_the_rest() -> None:
    snapshot = Snapshot(whitelist=population(*"ABCDEFGH"))
    outcome, _ = run("attestation_coverage", ACCREDITED, snapshot)
    assert outcome.reason == (
        "0 of 8 hold Accreditation evidence that counts; without: A, B, C, D, E and 3 more"
    )


def test_it_flips_with_the_first_member_to_lose_cover() -> None:
    snapshot = Snapshot(
        whitelist=population("A", "B"),
        attestations=(
            accreditation("A", expires_at=NOW + days(50)),
            accreditation("B", expires_at=NOW + days(40)),
        ),
    )
    outcome, flips_at = run("attestation_coverage", ACCREDITED, snapshot)
    assert (outcome.verdict, flips_at) == (Verdict.PASS, NOW + days(40))


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"types": ["KYC"]}, "'population' is a required property"),
        ({**ACCREDITED, "population": "everybody"}, "population"),
        ({**ACCREDITED, "minRatio": 1.5}, "minRatio"),
        ({**ACCREDITED, "whenEmpty": "fail"}, "whenEmpty"),
    ],
)
def test_wrong_params_are_named(params: dict[str, object], problem: str) -> None:
    found = problems("attestation_coverage", params)
    assert len(found) == 1
    assert problem in found[0]
