"""field_present: a fact is recorded and well-formed."""

from time import perf_counter

import pytest

from jurisdictions.engine import FactValue, Snapshot, Verdict
from jurisdictions.engine.checks.patterns import is_dti, is_lei, matches, pattern_problems
from tests.jurisdictions.builders import judge, problems, run

NAME = {"field": "issuer.legalName", "minLength": 2}
LEI = {"field": "issuer.lei", "pattern": "^[A-Z0-9]{18}[0-9]{2}$", "checksum": "lei"}
GOOD_LEI = "529900T8BM49AURSDO55"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Acme", ("Pass", "satisfied")),
        (" A ", ("Fail", "value_too_short")),
        (None, ("Unknown", "fact_missing")),
        ("   ", ("Unknown", "fact_missing")),
    ],
)
def test_a_text_of_a_minimum_length(value: FactValue, expected: tuple[str, str]) -> None:
    assert judge("field_present", NAME, {"issuer.legalName": value}) == expected


def test_a_missing_fact_is_named_and_follows_on_missing() -> None:
    outcome, flips_at = run("field_present", NAME, on_missing=Verdict.FAIL)
    assert (outcome.verdict, outcome.missing_facts) == (Verdict.FAIL, ("issuer.legalName",))
    assert flips_at is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (GOOD_LEI, ("Pass", "satisfied")),
        (GOOD_LEI[:-1] + "6", ("Fail", "checksum_wrong")),
        (GOOD_LEI.lower(), ("Fail", "value_malformed")),
        ("X" * 513, ("Fail", "value_too_long")),
    ],
)
def test_a_text_of_a_form(value: str, expected: tuple[str, str]) -> None:
    assert judge("field_present", LEI, {"issuer.lei": value}) == expected


def test_a_false_or_zero_is_recorded_an_empty_list_is_not() -> None:
    interest = {"field": "token.grantsInterest"}
    assert judge("field_present", interest, {"token.grantsInterest": False})[0] == "Pass"
    holders = {"field": "token.holderCount"}
    assert judge("field_present", holders, {"token.holderCount": 0})[0] == "Pass"
    assert judge("field_present", {"field": "issuer.roles"}, {"issuer.roles": []}) == (
        "Unknown",
        "fact_missing",
    )


def test_any_of_several_facts_is_enough() -> None:
    params = {"anyOf": ["issuer.lei", "issuer.registrationNumber"], "minLength": 4}
    assert judge("field_present", params, {"issuer.registrationNumber": "HRB 1"})[0] == "Pass"
    both = {"issuer.lei": "1", "issuer.registrationNumber": "HRB 1"}
    assert judge("field_present", params, both)[0] == "Pass"
    assert judge("field_present", params, {"issuer.lei": "1"}) == ("Fail", "value_too_short")
    outcome, _ = run("field_present", params)
    assert outcome.missing_facts == ("issuer.lei", "issuer.registrationNumber")


def test_an_assumption_is_no_record() -> None:
    snapshot = Snapshot(assumed={"token.dltVenue": False})
    outcome, _ = run("field_present", {"field": "token.dltVenue"}, snapshot)
    assert outcome.verdict == Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({}, "either field or anyOf"),
        ({"field": "issuer.lei", "anyOf": ["issuer.lei", "token.dti"]}, "either field or anyOf"),
        ({"field": "issuer.nothing"}, "there is no fact issuer.nothing"),
        ({"field": "issuer.lei", "checksum": "iban"}, "checksum"),
        ({"field": "issuer.lei", "minLen": 3}, "minLen"),
        ({"field": "issuer.lei", "pattern": "^("}, "pattern"),
    ],
)
def test_wrong_params_are_named(params: dict[str, object], problem: str) -> None:
    found = problems("field_present", params)
    assert len(found) == 1
    assert problem in found[0]


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("https://", "must start with ^"),
        ("^(a+)+$", "may not repeat a group"),
        ("^(a|a){20}$", "may not repeat a group"),
        ("^a?a?a?a?", "at most 3 places"),
        (r"^(a)\1", "may not refer back"),
        ("^(?=a)", "may not look around"),
        ("^(?i)a", "pattern"),
        ("^a|b|c|d|e|f", "at most 4 alternatives"),
        ("^" + "a" * 200, "longer than 200"),
    ],
)
def test_patterns_that_could_take_long_are_refused(pattern: str, problem: str) -> None:
    assert any(problem in one for one in pattern_problems(pattern))


@pytest.mark.parametrize(
    "pattern", ["^https://", r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$", r"^(?:ipfs|ar)://\S+$", r"^[^?*+|(]+@"]
)
def test_ordinary_patterns_are_allowed(pattern: str) -> None:
    assert pattern_problems(pattern) == []


def test_the_worst_allowed_pattern_ends_soon() -> None:
    pattern = "^[ab]*[ab]*[ab]*c$"
    assert pattern_problems(pattern) == []
    start = perf_counter()
    assert not matches(pattern, "a" * 512)
    assert not matches(pattern, "a" * 10_000_000)
    assert perf_counter() - start < 10


def test_check_characters() -> None:
    assert is_lei(GOOD_LEI)
    assert not is_lei("529900T8BM49AURSDO5O")
    assert not is_lei("529900T8BM49AURSOD55")
    registered = "X9J9K872S 9X1Z1NQG5 WGJSRNZGM JGNDNLNNX ZFP9K2W9F 3WCGMWKQM V15WLZJMF 4H95J0R2X"
    assert all(is_dti(one) for one in registered.split())
    assert not is_dti("X9J9K872T")
    assert not is_dti("X9J9K827S")
    assert not is_dti("09J9K872S")
