"""Conditions as rows: what every rule says survives the editor, and what is wrong is said."""

import json
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.http import QueryDict

from jurisdictions.catalogue import FactCatalogue
from jurisdictions.condition_fields import ConditionField
from jurisdictions.condition_form import Group, Row, predicate_of, rows_of
from tests.jurisdictions.browsing import sent
from tests.jurisdictions.builders import PACKS
from tests.jurisdictions.test_params_form import CATALOGUE

ASSET = {"fact": "metadata.assetType", "op": "eq", "value": "Fund"}
HOLDERS = {"fact": "token.holderCount", "op": "gt", "value": 10}
ROLE = {"fact": "issuer.roles", "op": "contains", "value": "casp"}


def conditions() -> dict[str, Any]:
    found = {}
    for path in sorted(PACKS.glob("*.json")):
        document = json.loads(path.read_text("utf-8"))
        found[path.stem] = document["appliesWhen"]
        found |= {
            f"{path.stem}:{rule['key']}": rule["appliesWhen"] for rule in document["requirements"]
        }
    return found


CONDITIONS = conditions()
MORE: dict[str, Any] = {
    "a date": {"fact": "offering.startDate", "op": "gte", "value": "2026-01-31"},
    "decimals for a whole number": {"fact": "token.holderCount", "op": "lt", "value": 10.5},
    "numbers": {"fact": "token.holderCount", "op": "in", "value": [1, 2]},
    "not recorded": {"fact": "token.isin", "op": "exists", "value": False},
    "recorded, at length": {"fact": "token.isin", "op": "exists", "value": True},
    "none of": {"not": {"any": [ASSET, HOLDERS]}},
    "not all of": {"not": {"all": [ASSET, HOLDERS]}},
    "opposites": {"all": [{"not": ASSET}, {"not": HOLDERS}, {"not": ROLE}]},
    "rows after a group": {"all": [ASSET, {"any": [ROLE, HOLDERS]}, HOLDERS]},
    "three levels": {"any": [ASSET, {"all": [HOLDERS, {"not": {"any": [ROLE, ASSET]}}]}]},
}
# What rows cannot say; it stays JSON.
BEYOND: dict[str, Any] = {
    "four levels": {"any": [{"all": [{"any": [{"all": [ASSET, ROLE]}, ROLE]}, ROLE]}, ROLE]},
    "twice not": {"not": {"not": ASSET}},
    "always within": {"any": [{"always": True}, ASSET]},
    "a separator": {**ASSET, "op": "in", "value": ["a;b"]},
    "spaces around": {**ASSET, "value": " Fund "},
    "two lines": {**ASSET, "value": "a\nb"},
    "a number as text": {**HOLDERS, "op": "eq", "value": "10"},
    "strange": {"sometimes": True},
    "a fact that is none": {"any": [{"fact": {"a": [1]}, "op": "exists"}, ASSET]},
    "an operator that is none": {**ASSET, "op": ["eq"]},
    "a value that is none": {**ASSET, "op": "in", "value": [[1], {}]},
    "not a list": {"all": {"a": 1}},
    "not a condition": {"not": 5},
    "a condition of a number": {"any": [5, []]},
}


@pytest.fixture(autouse=True)
def _catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("condition_fields", "validation"):
        monkeypatch.setattr(f"jurisdictions.{module}.fact_catalogue", lambda: CATALOGUE)


def shown(condition: Any) -> dict[str, Any]:
    """What the browser sends of a condition that nobody touched."""
    return sent(ConditionField().widget.render("c", condition, {"id": "id_c"}))


def posted(data: dict[str, Any]) -> Any:
    query = QueryDict(mutable=True)
    query.update(data)
    field = ConditionField()
    return field.clean(field.widget.value_from_datadict(query, {}, "c"))


def wrong(data: dict[str, Any]) -> list[str]:
    with pytest.raises(ValidationError) as refusal:
        posted(data)
    return list(refusal.value.messages)


def identical(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS)
def test_every_rule_is_shown_as_rows_that_say_the_same(condition: Any):
    group = rows_of(condition, CATALOGUE)
    assert group is not None
    built = predicate_of(group, CATALOGUE)
    alone = {"all": [built]}, {"any": [built]}
    assert any(identical(one, condition) for one in (built, *alone))


@pytest.mark.parametrize(
    "condition", [*CONDITIONS.values(), *MORE.values()], ids=[*CONDITIONS, *MORE]
)
def test_a_condition_survives_the_editor(condition: Any):
    data = shown(condition)
    assert "c-word" in data
    assert identical(posted(data), condition)
    # Without the JSON that was shown, the rows alone say it.
    rows = {name: value for name, value in data.items() if name not in ("c", "c-seen")}
    always = json.dumps({"always": True})
    alone = posted({**rows, "c": always, "c-seen": always})
    assert identical(shown(alone) | {"c": 0, "c-seen": 0}, data | {"c": 0, "c-seen": 0})


@pytest.mark.parametrize("condition", BEYOND.values(), ids=BEYOND)
def test_what_rows_cannot_say_stays_json(condition: Any):
    data = shown(condition)
    assert sorted(data) == ["c", "c-seen"]
    assert identical(posted(data), condition)


def test_the_sentence_and_the_choices_are_on_the_page():
    html = ConditionField().widget.render("c", MORE["none of"], {"id": "id_c"})
    sentence = "not (metadata.assetType is &#x27;Fund&#x27; or token.holderCount is greater than 10"
    assert sentence in html
    assert "none of these holds" in html
    assert "<script>" not in html
    assert "onclick" not in html
    deep = ConditionField().widget.render("c", BEYOND["four levels"], {})
    assert "In words:" in deep
    assert "<details open>" in deep


def test_empty_rows_are_filled_in():
    data = shown({"always": True}) | {"c-word": "any"}
    data |= {"c-0-fact": "token.holderCount", "c-0-op": "gte", "c-0-value": "5"}
    data |= {"c-1-fact": "issuer.roles", "c-1-op": "not:contains", "c-1-value": "casp"}
    data |= {"c-2-word": "all", "c-2-0-fact": "token.isin", "c-2-0-op": "absent"}
    data |= {
        "c-2-1-fact": "issuer.isSignificant",
        "c-2-1-op": "in",
        "c-2-1-value": "true;\r\n no",
    }
    condition = posted(data)
    assert condition == {
        "any": [
            {"fact": "token.holderCount", "op": "gte", "value": 5},
            {"not": {"fact": "issuer.roles", "op": "contains", "value": "casp"}},
            {
                "all": [
                    {"fact": "token.isin", "op": "exists", "value": False},
                    {"fact": "issuer.isSignificant", "op": "in", "value": [True, False]},
                ]
            },
        ]
    }
    again = shown(condition)
    assert (again["c-3-fact"], again["c-4-fact"], again["c-5-0-fact"]) == ("", "", "")
    assert again["c-2-2-fact"] == ""


def test_a_group_of_one_stays_as_it_is_until_it_is_changed():
    data = shown({"any": [ASSET]})
    assert posted(data) == {"any": [ASSET]}
    assert posted(data | {"c-0-value": "Bond"}) == {**ASSET, "value": "Bond"}


def test_an_emptied_row_is_gone():
    data = shown({"all": [ASSET, HOLDERS]}) | {"c-0-fact": "", "c-0-value": ""}
    assert posted(data) == HOLDERS


def test_json_counts_where_it_was_changed():
    data = shown(ASSET) | {"c": json.dumps(HOLDERS)}
    assert posted(data) == HOLDERS
    # Line ends of the browser are no change.
    assert posted(shown({"all": [ASSET, ROLE]})) == {"all": [ASSET, ROLE]}


def test_rows_and_json_that_contradict_each_other_are_refused():
    data = shown(ASSET) | {"c": json.dumps(HOLDERS), "c-0-value": "Bond"}
    assert wrong(data) == [
        "The rows and the JSON were both changed, and say different things: undo one."
    ]
    assert posted(data | {"c": json.dumps({**ASSET, "value": "Bond"})})["value"] == "Bond"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"c-word": "always"}, "It always applies, so no row can be filled in"),
        ({"c-word": "perhaps"}, "Choose how the rows are joined."),
        ({"c-0-fact": ""}, "A row: Choose the fact that the value belongs to."),
        ({"c-0-op": "like"}, "Choose how the fact is compared."),
        ({"c-0-value": " "}, "Give a value to compare with."),
        ({"c-0-op": "exists"}, "is recorded takes no value."),
        ({"c-0-op": "in", "c-0-value": " ; \n"}, "Give a value to compare with."),
        ({"c-0-value": "a\x00b"}, "Null characters are not allowed."),
        ({"c-0-fact": "token.holderCount"}, "Write a number such as 12 or 0.5, not Fund."),
        ({"c-0-fact": "token.holderCount", "c-0-value": "9" * 400}, "Write a number"),
        ({"c-0-fact": "token.holderCount", "c-0-value": "9" * 30}, "too large"),
        ({"c-0-fact": "token.holderCount", "c-0-value": "NaN"}, "Write a number"),
        ({"c-0-fact": "offering.startDate"}, "Write a date such as 2026-11-22, not Fund."),
        ({"c-0-fact": "issuer.isSignificant"}, "Write true or false, not Fund."),
        ({"c-0-fact": "", "c-0-value": ""}, "Fill in at least one row"),
        ({"c": "{"}, "This is not JSON"),
        ({"c": ""}, "This field is required."),
        ({"c": "[" * 100_000}, "It nests too deep."),
        ({"c": "[" * 100 + "]" * 100}, "It nests deeper than 40 levels."),
        ({"c": '{"a": NaN}'}, "NaN and infinity"),
        ({"c": '"\\u0000"'}, "NUL"),
        ({"c-seen": "{"}, "This is not JSON"),
    ],
)
def test_what_is_wrong_is_said(changes: dict[str, str], problem: str):
    assert any(problem in text for text in wrong(shown(ASSET) | changes))


def test_a_wrong_row_is_marked_and_keeps_what_was_typed():
    data = shown(HOLDERS) | {"c-0-value": "many <b>"}
    query = QueryDict(mutable=True)
    query.update(data)
    field = ConditionField()
    html = field.widget.render("c", field.widget.value_from_datadict(query, {}, "c"), {})
    assert "condition-wrong" in html
    assert "Write a number such as 12 or 0.5, not many &lt;b&gt;." in html
    assert sent(html)["c-0-value"] == "many <b>"
    assert sent(html)["c-seen"] == data["c-seen"].replace("\r\n", "\n")


def test_a_fact_that_left_the_catalogue_stays_chosen():
    empty = FactCatalogue.of([])
    group = rows_of(ASSET, empty)
    assert group == Group("all", [Row("metadata.assetType", "eq", "Fund")])
    assert shown({**ASSET, "fact": "gone.fact"})["c-0-fact"] == "gone.fact"


def test_nothing_posted_is_refused():
    field = ConditionField()
    assert field.widget.value_omitted_from_data(QueryDict(), {}, "c")
    with pytest.raises(ValidationError):
        field.clean(field.widget.value_from_datadict(QueryDict(), {}, "c"))
