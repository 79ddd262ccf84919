"""list_screening: jurisdiction codes against a maintained list."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from jurisdictions.engine import (
    FactValue,
    ScreeningList,
    Snapshot,
    Tag,
    Verdict,
    WarningCode,
    WhitelistFacts,
    screening_lists_from_document,
)
from tests.jurisdictions.builders import entry, problems, run

BLACK = ScreeningList(
    "fatf.call_for_action", "Call for action", date(2026, 10, 1), frozenset({"IR"}), 135
)
ALL: dict[str, Any] = {
    "list": "fatf.call_for_action",
    "subjects": ["token_tags", "issuer_country", "whitelist_jurisdictions"],
    "onHit": "fail",
}
WARN = {**ALL, "onHit": "warn"}


def snapshot(
    tags: tuple[str, ...] = ("DE",),
    country: str | None = "DE",
    holders: tuple[str | None, ...] = ("FR",),
    screening: ScreeningList | None = BLACK,
) -> Snapshot:
    facts: dict[str, FactValue] = {"issuer.country": country}
    return Snapshot(
        facts=facts,
        tags=tuple(Tag(code) for code in tags),
        whitelist=WhitelistFacts(
            "Mandatory",
            tuple(entry(f"W{i}", jurisdiction=code) for i, code in enumerate(holders)),
        ),
        lists={screening.id: screening} if screening else {},
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("Pass", "satisfied")),
        ({"tags": ("DE", "IR")}, ("Fail", "list_hit")),
        ({"country": "IR"}, ("Fail", "list_hit")),
        ({"country": "ir"}, ("Fail", "list_hit")),
        ({"holders": ("FR", "IR")}, ("Fail", "list_hit")),
        ({"holders": ("IR-07",)}, ("Fail", "list_hit")),
        ({"holders": ()}, ("Pass", "satisfied")),
        ({"country": None}, ("Unknown", "subject_missing")),
        ({"tags": ()}, ("Unknown", "subject_missing")),
        ({"holders": ("FR", None)}, ("Unknown", "subject_missing")),
        ({"country": None, "holders": ("IR",)}, ("Fail", "list_hit")),
        ({"screening": None}, ("Unknown", "list_missing")),
    ],
)
def test_screening(changes: dict[str, Any], expected: tuple[str, str]) -> None:
    outcome, flips_at = run("list_screening", ALL, snapshot(**changes))
    assert (outcome.verdict, outcome.reason_code) == expected
    assert flips_at is None


def test_a_missing_issuer_country_is_the_next_question() -> None:
    outcome, _ = run("list_screening", ALL, snapshot(country=None))
    assert outcome.missing_facts == ("issuer.country",)


def test_a_hit_may_only_warn() -> None:
    outcome, _ = run("list_screening", WARN, snapshot(country="IR"))
    assert (outcome.verdict, outcome.warnings) == (Verdict.PASS, (WarningCode.LIST_HIT,))


def test_a_warning_does_not_hide_what_is_missing() -> None:
    outcome, _ = run("list_screening", WARN, snapshot(country=None, holders=("IR",)))
    assert (outcome.verdict, outcome.warnings) == (Verdict.UNKNOWN, (WarningCode.LIST_HIT,))


@pytest.mark.parametrize("country", ["DE", "IR"])
def test_a_stale_list_warns_and_changes_nothing(country: str) -> None:
    stale = replace(BLACK, as_of=date(2026, 6, 19))
    fresh_outcome, _ = run("list_screening", ALL, snapshot(country=country))
    outcome, _ = run("list_screening", ALL, snapshot(country=country, screening=stale))
    assert outcome.verdict == fresh_outcome.verdict
    assert outcome.warnings == (WarningCode.LIST_STALE,)


def test_lists_come_from_their_document() -> None:
    document = {
        "lists": [
            {
                "id": "fatf.call_for_action",
                "title": "Call for action",
                "asOf": "2026-10-01",
                "maxListAgeDays": 135,
                "entries": [{"code": "IR", "name": "Iran"}],
            }
        ]
    }
    assert screening_lists_from_document(document) == {"fatf.call_for_action": BLACK}


@pytest.mark.parametrize(
    "params", [{"list": "x"}, {**ALL, "subjects": ["everybody"]}, {**ALL, "onHit": "ignore"}]
)
def test_wrong_params_are_named(params: dict[str, object]) -> None:
    assert len(problems("list_screening", params)) == 1
