"""date_within: order, deadlines and ages, in UTC calendar days with both ends included."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from jurisdictions.engine import FactValue, ReasonCode, Snapshot, Verdict, WarningCode
from jurisdictions.engine.days import next_working_day, plus
from tests.jurisdictions.builders import MICROSECOND, NOW, judge, midnight, problems, run

REVIEW = {"field": "metadata.nextComplianceReview", "notBefore": "now"}
FRESH = {"field": "metadata.kycVerificationDate", "maxAgeDays": 730}
LEAD_TIME = {
    "field": "whitePaper.publishedAt",
    "notBefore": "whitePaper.notifiedAt",
    "offset": {"n": 20, "unit": "working_days"},
}
FORM_D = {
    "field": "offering.formDFiledAt",
    "notAfter": "offering.firstSaleDate",
    "offset": {"n": 15, "unit": "days", "rollToNextBusinessDay": True},
    "openUntilDeadline": True,
}


@pytest.mark.parametrize(
    ("review", "expected", "flips_at"),
    [
        ("2026-11-23", ("Pass", "satisfied"), "2026-11-24"),
        ("2026-11-22", ("Pass", "satisfied"), "2026-11-23"),
        ("2026-11-22T00:00:00Z", ("Pass", "satisfied"), "2026-11-23"),
        ("2026-11-21T23:59:59Z", ("Fail", "date_before_bound"), None),
        ("9999-12-31", ("Pass", "satisfied"), None),
        (None, ("Unknown", "fact_missing"), None),
        ("soon", ("Unknown", "fact_unreadable"), None),
    ],
)
def test_a_date_that_must_not_have_passed(
    review: str | None, expected: tuple[str, str], flips_at: str | None
) -> None:
    snapshot = Snapshot(facts={"metadata.nextComplianceReview": review})
    outcome, flips = run("date_within", REVIEW, snapshot)
    assert (outcome.verdict, outcome.reason_code) == expected
    assert flips == (flips_at and midnight(flips_at))


def test_the_verdict_changes_at_the_flip_and_not_before() -> None:
    facts: dict[str, FactValue] = {"metadata.nextComplianceReview": "2026-11-30"}
    flip = midnight("2026-12-01")
    assert judge("date_within", REVIEW, facts, now=flip - MICROSECOND)[0] == "Pass"
    assert judge("date_within", REVIEW, facts, now=flip)[0] == "Fail"


@pytest.mark.parametrize(
    ("verified_on", "expected", "flips_at"),
    [
        ("2026-11-22", ("Pass", "satisfied"), "2028-11-22"),
        ("2024-11-22", ("Pass", "satisfied"), "2026-11-23"),
        ("2024-11-21", ("Fail", "date_too_old"), None),
        ("2026-11-23", ("Fail", "date_in_future"), "2026-11-23"),
    ],
)
def test_a_date_that_ages(
    verified_on: str, expected: tuple[str, str], flips_at: str | None
) -> None:
    snapshot = Snapshot(facts={"metadata.kycVerificationDate": verified_on})
    outcome, flips = run("date_within", FRESH, snapshot)
    assert (outcome.verdict, outcome.reason_code) == expected
    assert flips == (flips_at and midnight(flips_at))


def test_a_moment_counts_by_its_day_in_utc() -> None:
    late_in_new_york = datetime.fromisoformat("2026-11-21T20:00:00-05:00")
    facts: dict[str, FactValue] = {"metadata.nextComplianceReview": late_in_new_york}
    assert judge("date_within", REVIEW, facts)[0] == "Pass"


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        ("2026-09-14", ("Pass", "satisfied")),
        ("2026-09-11", ("Fail", "date_before_bound")),
        ("2026-09-01", ("Fail", "date_before_bound")),
    ],
)
def test_white_paper_lead_time_of_twenty_working_days(
    published: str, expected: tuple[str, str]
) -> None:
    """MiCA Art 8(5): notified on 17 August, so 14 September is the first lawful day."""
    facts = {"whitePaper.publishedAt": published, "whitePaper.notifiedAt": "2026-08-17"}
    outcome, flips_at = run("date_within", LEAD_TIME, Snapshot(facts=facts))
    assert (outcome.verdict, outcome.reason_code) == expected
    assert outcome.warnings == (WarningCode.CALENDAR_FALLBACK,)
    assert flips_at is None


@pytest.mark.parametrize(
    ("filed", "expected"),
    [("2026-10-16", ("Pass", "satisfied")), ("2026-10-20", ("Fail", "date_after_bound"))],
)
def test_form_d_is_due_fifteen_days_after_the_first_sale(
    filed: str, expected: tuple[str, str]
) -> None:
    facts = {"offering.formDFiledAt": filed, "offering.firstSaleDate": "2026-10-01"}
    assert judge("date_within", FORM_D, facts) == expected


def test_a_deadline_on_a_weekend_moves_to_monday() -> None:
    facts = {"offering.formDFiledAt": "2026-10-19", "offering.firstSaleDate": "2026-10-02"}
    assert judge("date_within", FORM_D, facts)[0] == "Pass"


def test_an_open_deadline_passes_with_a_warning_and_then_fails() -> None:
    snapshot = Snapshot(facts={"offering.firstSaleDate": "2026-11-20"})
    # 5 December is a Saturday.
    flip = midnight("2026-12-08")
    outcome, flips_at = run("date_within", FORM_D, snapshot)
    assert (outcome.verdict, outcome.reason_code) == (Verdict.PASS, ReasonCode.DEADLINE_OPEN)
    assert WarningCode.DEADLINE_OPEN in outcome.warnings
    assert flips_at == flip
    assert run("date_within", FORM_D, snapshot, now=flip - MICROSECOND)[0] == outcome
    late, _ = run("date_within", FORM_D, snapshot, now=flip, on_missing=Verdict.UNKNOWN)
    assert (late.verdict, late.reason_code) == (Verdict.FAIL, ReasonCode.DEADLINE_PASSED)
    assert late.missing_facts == ("offering.formDFiledAt",)


def test_a_deadline_that_nobody_knows_leaves_the_check_unknown() -> None:
    outcome, _ = run("date_within", FORM_D, on_missing=Verdict.FAIL)
    assert (outcome.verdict, outcome.reason_code) == (
        Verdict.UNKNOWN,
        ReasonCode.REFERENCE_MISSING,
    )
    assert outcome.missing_facts == ("offering.formDFiledAt", "offering.firstSaleDate")


def test_the_missing_reference_of_a_recorded_date_is_unknown_whatever_on_missing_says() -> None:
    facts: dict[str, FactValue] = {"whitePaper.publishedAt": "2026-09-01"}
    outcome, _ = run("date_within", LEAD_TIME, Snapshot(facts=facts), on_missing=Verdict.FAIL)
    assert (outcome.verdict, outcome.reason_code) == (
        Verdict.UNKNOWN,
        ReasonCode.REFERENCE_MISSING,
    )
    assert outcome.missing_facts == ("whitePaper.notifiedAt",)


@pytest.mark.parametrize(
    ("start", "verdict", "flips_at"),
    [("2026-11-22", "Pass", None), ("2026-11-25", "Fail", "2026-11-25")],
)
def test_not_after_now(start: str, verdict: str, flips_at: str | None) -> None:
    params = {"field": "offering.startDate", "notAfter": "now"}
    outcome, flips = run("date_within", params, Snapshot(facts={"offering.startDate": start}))
    assert outcome.verdict == verdict
    assert flips == (flips_at and midnight(flips_at))


def test_an_offset_from_now() -> None:
    params = {
        "field": "offering.startDate",
        "notBefore": "now",
        "offset": {"n": 7, "unit": "days"},
    }
    outcome, flips = run(
        "date_within", params, Snapshot(facts={"offering.startDate": "2026-12-01"})
    )
    assert (outcome.verdict, flips) == (Verdict.PASS, midnight("2026-11-25"))


def test_a_fixed_date() -> None:
    params = {"field": "offering.startDate", "notBefore": "2026-01-19"}
    assert judge("date_within", params, {"offering.startDate": date(2026, 1, 19)})[0] == "Pass"
    assert judge("date_within", params, {"offering.startDate": date(2026, 1, 18)})[0] == "Fail"


@pytest.mark.parametrize(
    ("day", "count", "unit", "expected"),
    [
        ("2026-01-31", 1, "months", "2026-02-28"),
        ("2024-02-29", 1, "years", "2025-02-28"),
        ("2026-11-30", 12, "months", "2027-11-30"),
        ("2026-01-15", -1, "months", "2025-12-15"),
        ("2026-11-20", 1, "working_days", "2026-11-23"),
        ("2026-11-21", 1, "working_days", "2026-11-23"),
        ("2026-11-23", -1, "working_days", "2026-11-20"),
        ("2026-11-22", 0, "working_days", "2026-11-22"),
        ("9999-12-30", 5, "days", "9999-12-31"),
        ("9999-01-01", 5, "years", "9999-12-31"),
        ("0001-01-01", -5, "months", "0001-01-01"),
    ],
)
def test_offsets(day: str, count: int, unit: Any, expected: str) -> None:
    assert plus(date.fromisoformat(day), count, unit).isoformat() == expected


def test_the_next_working_day() -> None:
    assert next_working_day(date(2026, 11, 20)) == date(2026, 11, 20)
    assert next_working_day(date(2026, 11, 21)) == date(2026, 11, 23)


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"field": "offering.startDate"}, "takes at least one of"),
        ({"field": "issuer.lei", "notBefore": "now"}, "needs date"),
        ({"field": "offering.startDate", "notBefore": "no.such"}, "there is no fact no.such"),
        ({"field": "offering.startDate", "notBefore": "tomorrow"}, "notBefore"),
        ({**REVIEW, "offset": {"n": 1, "unit": "months"}}, "an offset from now counts plain days"),
        ({**REVIEW, "notAfter": "2030-01-01", "offset": {"n": 1, "unit": "days"}}, "one bound"),
        ({**REVIEW, "openUntilDeadline": True}, "needs a notAfter"),
    ],
)
def test_wrong_params_are_named(params: dict[str, object], problem: str) -> None:
    found = problems("date_within", params)
    assert len(found) == 1
    assert problem in found[0]


def test_now_needs_a_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        run("date_within", REVIEW, now=NOW.replace(tzinfo=None))
    assert NOW.tzinfo is UTC
