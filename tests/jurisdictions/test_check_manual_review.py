"""manual_review: a person looked, and it is on record what they found."""

from typing import Any

import pytest

from jurisdictions.engine import AttestationFact, Snapshot, Verdict
from tests.jurisdictions.builders import NOW, attestation, days, midnight, problems, run

PARAMS: dict[str, Any] = {"question": "Reviewed against Art 34?", "maxAgeDays": 365}
KEY = "mica.t3.governance"


def review(identifier: str = "r1", outcome: str = "satisfied", **changes: Any) -> AttestationFact:
    fields = {
        "attestation_type": "ManualReview",
        "attributes": {"requirementKey": KEY, "outcome": outcome},
    }
    return attestation(identifier, **{**fields, **changes})


def judged(*reviews: AttestationFact, **options: Any) -> tuple[str, str]:
    outcome, _ = run("manual_review", PARAMS, Snapshot(attestations=reviews), key=KEY, **options)
    return str(outcome.verdict), str(outcome.reason_code)


@pytest.mark.parametrize(
    ("reviews", "expected"),
    [
        ([], ("Unknown", "review_missing")),
        ([review()], ("Pass", "satisfied")),
        ([review(outcome="not_satisfied")], ("Fail", "review_not_satisfied")),
        ([review(outcome="")], ("Fail", "review_not_satisfied")),
        ([review(status="Pending")], ("Fail", "evidence_pending")),
        ([review(verified_by_id="creator")], ("Fail", "evidence_self_verified")),
        ([review(issued_at=NOW - days(366))], ("Fail", "evidence_too_old")),
        (
            [review(attributes={"requirementKey": "other", "outcome": "satisfied"})],
            ("Unknown", "review_missing"),
        ),
        ([review(subject_type="wallet")], ("Unknown", "review_missing")),
    ],
)
def test_review(reviews: list[AttestationFact], expected: tuple[str, str]) -> None:
    assert judged(*reviews) == expected


def test_the_newest_review_that_counts_decides() -> None:
    old = review("r1", "not_satisfied", issued_at=NOW - days(20))
    new = review("r2", "satisfied", issued_at=NOW - days(2))
    pending = review("r3", "not_satisfied", issued_at=NOW - days(1), status="Pending")
    assert judged(old, new, pending) == ("Pass", "satisfied")
    assert judged(pending, new, old) == ("Pass", "satisfied")
    newest = review("r4", "not_satisfied", issued_at=NOW)
    assert judged(old, new, newest) == ("Fail", "review_not_satisfied")


def test_on_missing_may_ask_for_a_review() -> None:
    assert judged(on_missing=Verdict.FAIL) == ("Fail", "review_missing")


def test_a_review_grows_old() -> None:
    snapshot = Snapshot(attestations=(review(issued_at=midnight("2026-11-01")),))
    _, flips_at = run("manual_review", PARAMS, snapshot, key=KEY)
    assert flips_at == midnight("2027-11-02")


def test_a_question_is_needed() -> None:
    assert len(problems("manual_review", {"maxAgeDays": 3})) == 1
