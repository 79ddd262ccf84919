"""The condition language: three-valued logic, validation, and its plain words."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from jurisdictions.engine import describe_predicate, evaluate_predicate, validate_predicate
from tests.jurisdictions.builders import catalogue

FACTS: dict[str, Any] = {
    "yes": True,
    "no": False,
    "zero": 0,
    "name": "Security Token",
    "blank": "  ",
    "roles": ["casp", "issuer"],
    "nobody": [],
    "amount": 12.5,
    "day": "2026-03-01",
    "moment": datetime(2026, 3, 1, 23, 59, tzinfo=UTC),
}
TRUE = {"fact": "yes", "op": "eq", "value": True}
FALSE = {"fact": "no", "op": "eq", "value": True}
NULL = {"fact": "absent", "op": "eq", "value": True}


def holds(predicate: dict[str, Any]) -> bool | None:
    return evaluate_predicate(predicate, FACTS)[0]


@pytest.mark.parametrize(
    ("predicate", "truth"),
    [
        ({"always": True}, True),
        ({"all": [TRUE, TRUE]}, True),
        ({"all": [TRUE, NULL]}, None),
        ({"all": [NULL, FALSE]}, False),
        ({"any": [FALSE, FALSE]}, False),
        ({"any": [FALSE, NULL]}, None),
        ({"any": [NULL, TRUE]}, True),
        ({"not": TRUE}, False),
        ({"not": FALSE}, True),
        ({"not": NULL}, None),
    ],
)
def test_kleene_logic(predicate: dict[str, Any], truth: bool | None) -> None:
    assert holds(predicate) is truth


@pytest.mark.parametrize(
    ("fact", "op", "value", "truth"),
    [
        ("zero", "eq", 0, True),
        ("zero", "eq", False, False),
        ("no", "eq", 0, False),
        ("amount", "eq", 12.50, True),
        ("name", "eq", "security token", False),
        ("name", "ne", "Bond", True),
        ("absent", "ne", "Bond", None),
        ("name", "in", ["Bond", "Security Token"], True),
        ("name", "not_in", ["Bond"], True),
        ("absent", "not_in", ["Bond"], None),
        ("name", "exists", None, True),
        ("name", "exists", False, False),
        ("absent", "exists", None, False),
        ("absent", "exists", False, True),
        ("blank", "exists", None, False),
        ("blank", "eq", "", None),
        ("name", "contains", "SECURITY", True),
        ("name", "contains", "bond", False),
        ("roles", "contains", "casp", True),
        ("roles", "contains", "cas", False),
        ("nobody", "contains", "casp", False),
        ("amount", "contains", "1", None),
        ("amount", "gt", 12, True),
        ("amount", "gt", 12.5, False),
        ("amount", "gte", 12.5, True),
        ("amount", "lt", 12.5, False),
        ("amount", "lte", 12.5, True),
        ("yes", "gt", 0, None),
        ("name", "gt", 3, None),
        ("day", "lt", "2026-03-02", True),
        ("day", "gte", date(2026, 3, 1), True),
        ("moment", "lte", "2026-03-01", True),
    ],
)
def test_comparisons(fact: str, op: str, value: object, truth: bool | None) -> None:
    assert holds({"fact": fact, "op": op, "value": value}) is truth


def test_missing_facts_are_those_that_would_decide_each_once() -> None:
    other = {"fact": "other", "op": "gt", "value": 1}
    assert evaluate_predicate({"all": [TRUE, NULL, other, NULL]}, FACTS) == (
        None,
        ("absent", "other"),
    )


def test_what_is_settled_misses_nothing() -> None:
    assert evaluate_predicate({"any": [NULL, TRUE]}, FACTS) == (True, ())
    assert evaluate_predicate({"all": [NULL, FALSE]}, FACTS) == (False, ())


def test_an_assumption_stands_in_for_a_missing_value_but_is_no_record() -> None:
    assumed = {"absent": True}
    assert evaluate_predicate(NULL, FACTS, assumed) == (True, ())
    assert evaluate_predicate({"fact": "absent", "op": "exists"}, FACTS, assumed) == (False, ())
    assert evaluate_predicate(TRUE, FACTS, {"yes": False}) == (True, ())


@pytest.mark.parametrize(
    "predicate",
    [
        {"always": True},
        {"fact": "metadata.requiresAccreditedInvestors", "op": "eq", "value": True},
        {"fact": "issuer.roles", "op": "contains", "value": "casp"},
        {"fact": "tag.classification", "op": "exists"},
        {"fact": "token.holderCount", "op": "gt", "value": 10.5},
        {"fact": "offering.startDate", "op": "gte", "value": "2026-01-01"},
        {"not": {"any": [{"fact": "tag.classification", "op": "in", "value": ["ART", "EMT"]}]}},
    ],
)
def test_valid_predicates_have_no_problems(predicate: dict[str, Any]) -> None:
    assert validate_predicate(predicate, catalogue()) == []


def leaf(fact: str, op: str, value: object = None) -> dict[str, Any]:
    return {"fact": fact, "op": op, "value": value}


@pytest.mark.parametrize(
    ("predicate", "problem"),
    [
        ("always", "a condition is an object"),
        ({}, "a condition is one of always, all, any, not or fact"),
        ({"always": False}, "always takes only true"),
        ({"all": []}, "all takes a list of at least one condition"),
        ({"all": [{"always": True}], "any": []}, "a condition is one of"),
        ({"none": []}, "a condition is one of"),
        (leaf("issuer.legalNam", "exists"), "there is no fact issuer.legalNam"),
        (leaf("issuer.lei", "matches", "x"), "op is one of"),
        ({**leaf("issuer.lei", "eq", "x"), "or": 1}, "not or"),
        (leaf("issuer.lei", "exists", "yes"), "takes true, false or nothing"),
        (leaf("tag.classification", "eq", "SECURITY"), "cannot be SECURITY"),
        (leaf("tag.classification", "in", ["ART", "STOCK"]), "cannot be STOCK"),
        (leaf("tag.classification", "in", "ART"), "takes a list"),
        (leaf("tag.classification", "contains", "ART"), "contains is for texts and lists"),
        (leaf("issuer.roles", "eq", "casp"), "takes only contains and exists"),
        (leaf("issuer.roles", "contains", "banker"), "cannot be banker"),
        (leaf("issuer.lei", "gt", "x"), "gt is for numbers and dates"),
        (leaf("token.holderCount", "gt", "many"), "takes a whole number"),
        (leaf("offering.startDate", "lt", "soon"), "takes an ISO 8601 date"),
        (leaf("offering.marketingUsed", "eq", 1), "takes true or false"),
    ],
)
def test_problems_name_what_is_wrong(predicate: object, problem: str) -> None:
    found = validate_predicate(predicate, catalogue())
    assert len(found) == 1
    assert problem in found[0]


def test_nesting_has_a_limit() -> None:
    predicate: dict[str, Any] = {"always": True}
    for _ in range(2000):
        predicate = {"not": predicate}
    assert validate_predicate(predicate, catalogue()) == ["conditions nest deeper than 12 levels"]


@pytest.mark.parametrize(
    ("predicate", "text"),
    [
        ({"always": True}, "always"),
        (leaf("issuer.isSignificant", "eq", True), "issuer.isSignificant is true"),
        (leaf("tag.exemption", "not_in", ["NONE"]), "tag.exemption is none of 'NONE'"),
        (leaf("whitePaper.publishedAt", "exists"), "whitePaper.publishedAt is recorded"),
        (leaf("whitePaper.publishedAt", "exists", False), "whitePaper.publishedAt is not recorded"),
        (
            {
                "all": [
                    leaf("tag.classification", "in", ["ART", "EMT"]),
                    {"any": [leaf("a.b", "gt", 3), leaf("a.c", "contains", "x")]},
                    {"not": leaf("a.d", "exists")},
                ]
            },
            "tag.classification is one of 'ART', 'EMT' and (a.b is greater than 3 or "
            "a.c contains 'x') and not (a.d is recorded)",
        ),
    ],
)
def test_descriptions_are_plain_sentences(predicate: dict[str, Any], text: str) -> None:
    assert describe_predicate(predicate) == text
