"""field_in: a fact has an allowed value."""

import pytest

from jurisdictions.engine import FactValue, Snapshot, Verdict
from tests.jurisdictions.builders import judge, problems, run

STATUS = {"field": "metadata.verificationStatus", "values": ["Verified"]}
ROLES = {"field": "issuer.roles", "values": ["casp", "custodian"]}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Verified", ("Pass", "satisfied")),
        ("Pending", ("Fail", "value_not_allowed")),
        (None, ("Unknown", "fact_missing")),
    ],
)
def test_a_single_value(value: FactValue, expected: tuple[str, str]) -> None:
    assert judge("field_in", STATUS, {"metadata.verificationStatus": value}) == expected


def test_false_is_a_value_and_not_zero() -> None:
    params = {"field": "token.grantsInterest", "values": [False]}
    assert judge("field_in", params, {"token.grantsInterest": False})[0] == "Pass"
    assert judge("field_in", params, {"token.grantsInterest": 0})[0] == "Fail"
    assert judge("field_in", params, {"token.grantsInterest": True})[0] == "Fail"


@pytest.mark.parametrize(
    ("mode", "roles", "verdict"),
    [
        ("any", ["issuer", "casp"], "Pass"),
        ("any", ["issuer"], "Fail"),
        ("any", [], "Fail"),
        ("all", ["casp", "custodian"], "Pass"),
        ("all", ["casp", "issuer"], "Fail"),
        ("all", [], "Fail"),
        ("none", ["issuer"], "Pass"),
        ("none", ["issuer", "casp"], "Fail"),
        ("none", [], "Pass"),
    ],
)
def test_lists(mode: str, roles: list[str], verdict: str) -> None:
    assert judge("field_in", {**ROLES, "mode": mode}, {"issuer.roles": roles})[0] == verdict


def test_on_missing_decides_without_a_value() -> None:
    outcome, _ = run("field_in", STATUS, on_missing=Verdict.FAIL)
    assert outcome.verdict == Verdict.FAIL
    assert outcome.missing_facts == ("metadata.verificationStatus",)


def test_an_assumed_value_is_evidence_that_says_so() -> None:
    params = {"field": "token.dltVenue", "values": [False]}
    outcome, _ = run("field_in", params, Snapshot(assumed={"token.dltVenue": False}))
    assert outcome.verdict == Verdict.PASS
    assert [(one.type, one.reference) for one in outcome.evidence] == [
        ("assumption", "token.dltVenue")
    ]


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"field": "issuer.lei"}, "'values' is a required property"),
        ({"field": "issuer.lei", "values": []}, "values"),
        ({"field": "no.such", "values": ["x"]}, "there is no fact no.such"),
        ({"field": "tag.classification", "values": ["STOCK"]}, "cannot be STOCK"),
        ({"field": "issuer.roles", "values": ["banker"]}, "cannot be banker"),
        ({"field": "token.grantsInterest", "values": ["no"]}, "takes true or false"),
    ],
)
def test_wrong_params_are_named(params: dict[str, object], problem: str) -> None:
    found = problems("field_in", params)
    assert len(found) == 1
    assert problem in found[0]
