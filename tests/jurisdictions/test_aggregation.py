"""aggregate: one status in the order of the design, and exactly the checks that decided it."""

from itertools import product
from typing import Any

import pytest

from jurisdictions.engine import (
    ENGINE_PACK_ID,
    CheckResult,
    MissingFact,
    ReasonCode,
    Severity,
    Status,
    Verdict,
    aggregate,
)
from tests.jurisdictions.builders import NOW, days


def check(key: str, verdict: str, severity: str = "required", **changes: Any) -> CheckResult:
    fields: dict[str, Any] = {
        "key": key,
        "jurisdiction": "US",
        "via_tag": "US",
        "pack_id": "us-pack",
        "pack_version": "2026.11.1",
        "title": key,
        "category": "scope",
        "severity": Severity(severity),
        "basis": "law",
        "verdict": Verdict(verdict),
        "reason_code": ReasonCode.SATISFIED,
        "reason": f"because of {key}",
    }
    return CheckResult(**{**fields, **changes})


def status_of(*checks: tuple[str, str]) -> tuple[str, list[int]]:
    """The status of checks given as severity and verdict, and the positions in its rationale."""
    results = [check(f"k{i}", verdict, severity) for i, (severity, verdict) in enumerate(checks)]
    outcome = aggregate(results, NOW)
    return str(outcome.status), [int(item.key[1:]) for item in outcome.rationale]


R, A = "required", "recommended"


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        ([], ("Unknown", [])),
        ([(R, "NotApplicable"), (A, "Pass")], ("Unknown", [])),
        ([(A, "Fail")], ("Unknown", [])),
        ([(R, "Unknown"), (R, "Unknown"), (A, "Fail")], ("Unknown", [0, 1])),
        ([(R, "Unknown"), (R, "NotApplicable")], ("Unknown", [0])),
        ([(R, "Pass"), (R, "Fail"), (R, "Unknown")], ("NonCompliant", [1])),
        ([(R, "Fail"), (R, "Unknown"), (A, "Fail"), (R, "Fail")], ("NonCompliant", [0, 3])),
        ([(R, "Waived"), (R, "Fail")], ("NonCompliant", [1])),
        ([(R, "Pass"), (R, "Unknown")], ("PartiallyCompliant", [1])),
        ([(R, "Pass"), (R, "Waived")], ("PartiallyCompliant", [1])),
        ([(R, "Waived")], ("PartiallyCompliant", [0])),
        ([(R, "Waived"), (R, "Unknown")], ("PartiallyCompliant", [0, 1])),
        ([(R, "Pass"), (A, "Fail")], ("PartiallyCompliant", [1])),
        ([(R, "Unknown"), (R, "Pass"), (A, "Fail")], ("PartiallyCompliant", [0, 2])),
        ([(R, "Pass"), (A, "Unknown"), (A, "Waived")], ("Compliant", [0])),
        ([(R, "Pass"), (R, "NotApplicable"), (A, "Pass")], ("Compliant", [0])),
    ],
)
def test_status_and_rationale(
    checks: list[tuple[str, str]], expected: tuple[str, list[int]]
) -> None:
    assert status_of(*checks) == expected


def test_compliant_means_every_required_check_passes_and_no_recommended_one_fails() -> None:
    kinds = list(product((R, A), ("Pass", "Fail", "Unknown", "NotApplicable", "Waived")))
    for checks in product(kinds, repeat=3):
        status, rationale = status_of(*checks)
        required = {verdict for severity, verdict in checks if severity == R} - {"NotApplicable"}
        clean = (A, "Fail") not in checks
        assert (status == "Compliant") is (required == {"Pass"} and clean)
        assert (status == "NonCompliant") is ("Fail" in required)
        assert (status == "Unknown") is (required <= {"Unknown"})
        assert all(checks[i][1] != "NotApplicable" for i in rationale)


def test_a_waived_required_check_is_never_better_than_partial() -> None:
    assert status_of((R, "Pass"), (R, "Pass"), (R, "Waived"))[0] == "PartiallyCompliant"


def test_engine_checks_that_pass_show_no_compliance() -> None:
    engine = check("engine.rule_pack_available", "Pass", pack_id=ENGINE_PACK_ID)
    assert aggregate([engine], NOW).status == Status.UNKNOWN
    assert aggregate([engine, check("k", "Unknown")], NOW).status == Status.UNKNOWN
    assert aggregate([engine, check("k", "Pass")], NOW).status == Status.COMPLIANT
    failing = check("engine.jurisdiction_tagged", "Fail", pack_id=ENGINE_PACK_ID)
    assert aggregate([failing, check("k", "Pass")], NOW).status == Status.NON_COMPLIANT
    unknown = check("engine.rule_pack_available", "Unknown", pack_id=ENGINE_PACK_ID)
    assert aggregate([unknown, check("k", "Pass")], NOW).status == Status.PARTIALLY_COMPLIANT


def test_rationale_items_say_what_and_why() -> None:
    failing = check("k", "Fail", reason_code=ReasonCode.EVIDENCE_EXPIRED)
    (item,) = aggregate([failing, check("j", "Pass")], NOW).rationale
    assert (item.key, item.jurisdiction, item.via_tag) == ("k", "US", "US")
    assert (item.severity, item.verdict) == (Severity.REQUIRED, Verdict.FAIL)
    assert (item.reason_code, item.reason) == (ReasonCode.EVIDENCE_EXPIRED, "because of k")


def test_each_jurisdiction_has_its_own_status() -> None:
    results = [
        check("us", "Pass"),
        check("eu", "Fail", jurisdiction="EU", via_tag="DE,FR"),
        check("de", "Pass", jurisdiction="DE", via_tag="DE"),
        check("global", "Pass", jurisdiction="GLOBAL", via_tag=None),
    ]
    outcome = aggregate(results, NOW)
    assert outcome.status == Status.NON_COMPLIANT
    # DE and FR answer for the Union's rules that they bring.
    assert {one.jurisdiction: str(one.status) for one in outcome.jurisdictions} == {
        "DE": "NonCompliant",
        "EU": "NonCompliant",
        "FR": "NonCompliant",
        "GLOBAL": "Compliant",
        "US": "Compliant",
    }
    german = outcome.jurisdictions[0]
    assert [item.key for item in german.rationale] == ["eu"]
    assert (german.counts[Verdict.PASS], german.counts[Verdict.FAIL]) == (1, 1)


def test_counts_name_every_verdict() -> None:
    results = [check("a", "Pass"), check("b", "Pass", "recommended"), check("c", "Waived")]
    assert {str(k): v for k, v in aggregate(results, NOW).counts.items()} == {
        "Pass": 2,
        "Fail": 0,
        "Unknown": 0,
        "NotApplicable": 0,
        "Waived": 1,
    }


def test_missing_facts_begin_with_the_one_that_unlocks_most() -> None:
    results = [
        check("a", "Unknown", missing_facts=("issuer.roles", "tag.exemption")),
        check("b", "Unknown", missing_facts=("tag.exemption",)),
        check("c", "Fail", missing_facts=("issuer.lei",)),
        check("d", "Unknown", missing_facts=("tag.exemption",), via_tag="DE,FR"),
        check("e", "Waived", missing_facts=("issuer.website",)),
        check("f", "Unknown", missing_facts=("issuer.roles",), via_tag=None),
    ]
    assert aggregate(results, NOW).missing_facts == (
        MissingFact("issuer.roles", None, 2),
        MissingFact("tag.exemption", "US", 2),
        MissingFact("issuer.lei", None, 1),
        MissingFact("tag.exemption", "DE", 1),
        MissingFact("tag.exemption", "FR", 1),
    )


def test_the_next_evaluation_is_the_earliest_flip_still_to_come() -> None:
    moments = [None, NOW - days(1), NOW, NOW + days(3), NOW + days(2)]
    results = [check(f"k{i}", "Pass", flips_at=one) for i, one in enumerate(moments)]
    assert aggregate(results, NOW).next_evaluation_at == NOW + days(2)
    assert aggregate(results[:3], NOW).next_evaluation_at is None
