"""The params of checks as fields of a form: every kind, every rule that comes with the software."""

import json
from typing import Any

import pytest
from django import forms
from django.http import QueryDict

from jurisdictions.catalogue import FactCatalogue
from jurisdictions.engine import check_kind, check_kind_names, validate_params
from jurisdictions.params_form import (
    declared_fields,
    field_for,
    initial_of,
    offer_facts,
    params_from,
    params_in_words,
    params_of_kind,
)
from jurisdictions.plain_fields import PlainJSONField
from tests.jurisdictions.browsing import sent
from tests.jurisdictions.builders import PACKS, ROOT

CATALOGUE = FactCatalogue.from_document(
    json.loads((ROOT / "fixtures" / "reference" / "facts.json").read_text("utf-8"))
)
RULES = {
    f"{path.stem}:{rule['key']}": (rule["check"]["kind"], rule["check"]["params"])
    for path in sorted(PACKS.glob("*.json"))
    for rule in json.loads(path.read_text("utf-8"))["requirements"]
}
# What no pack uses yet.
MORE = {
    "a day": ("date_within", {"field": "offering.startDate", "notBefore": "2026-01-31"}),
    "an offset back": (
        "date_within",
        {
            "field": "offering.startDate",
            "notBefore": "now",
            "offset": {"n": -3, "unit": "days", "rollToNextBusinessDay": False},
        },
    ),
    "attributes": (
        "attestation_present",
        {
            "types": ["KYC"],
            "attributes": {
                "level": [2, 2.5, True],
                "code": '"2"',
                "word": "true",
                "one": ["x"],
                "flag": False,
            },
            "verified": False,
        },
    ),
    "numbers": ("field_in", {"field": "token.holderCount", "values": [1, 2]}),
    "modes": ("field_in", {"field": "issuer.roles", "values": ["offeror"], "mode": "none"}),
    "bounds": (
        "number_within",
        {"field": "token.holderCount", "min": 0, "max": 2.5, "maxFrom": "metadata.maxHolders"},
    ),
    "event": (
        "audit_event_present",
        {"eventType": "MetadataUpserted", "since": "offering.startDate"},
    ),
    "trail": (
        "audit_trail_complete",
        {
            "requiredEventTypes": ["TokenDeployed"],
            "chainVerified": False,
            "since": "offering.startDate",
        },
    ),
    "entries": (
        "whitelist_entries_valid",
        {"require": ["jurisdictionPresent", "kycVerified"], "maxKycAgeDays": 365, "minRatio": 0.5},
    ),
    "fresh whitelist": (
        "whitelist_enforced",
        {"enforcement": ["Optional", "Mandatory"], "nonEmpty": True},
    ),
    "question": ("manual_review", {"question": "Is it so?\nReally?"}),
}


def form_of(kind: str, params: Any, **changes: Any) -> forms.Form:
    """A form of a kind, sent back as a browser does, with some of it changed."""
    shown = _form(kind, params, initial=initial_of(kind, params))
    data = QueryDict(mutable=True)
    for name, value in {**sent(shown.as_p()), **changes}.items():
        data.setlist(name, value if isinstance(value, list) else [value])
    return _form(kind, params, data)


def _form(kind: str, params: Any, *args: Any, **kwargs: Any) -> forms.Form:
    own = {one.name for one in params_of_kind(kind)}
    fields = {name: field for name, field in declared_fields().items() if name in own}
    form = type("Form", (forms.Form,), fields)(*args, **kwargs)
    offer_facts(form.fields, CATALOGUE, params)
    return form


def through(kind: str, params: Any, before: Any = None, **changes: Any) -> Any:
    form = form_of(kind, params, **changes)
    assert form.errors == {}
    return params_from(kind, form.cleaned_data, CATALOGUE, before)


def name(kind: str, *path: str) -> str:
    return "__".join(("params", kind, *path))


def wrong(kind: str, params: Any, **changes: Any) -> dict[str, list[str]]:
    """What the form says is wrong, by field."""
    form = form_of(kind, params, **changes)
    if form.errors:
        return {field: list(texts) for field, texts in form.errors.items()}
    return params_from(kind, form.cleaned_data, CATALOGUE)[1]


@pytest.mark.parametrize("kind", check_kind_names())
def test_every_param_of_every_kind_has_a_field_of_its_own(kind: str):
    known = check_kind(kind)
    assert known is not None
    params = params_of_kind(kind)
    assert {param.path[0] for param in params} == set(known.params_schema["properties"])
    for param in params:
        field = field_for(param)
        assert not isinstance(field, PlainJSONField), param
        assert field.label
        top = len(param.path) == 1 and param.path[0] in known.params_schema["required"]
        assert field.help_text.startswith("Required.") is top


@pytest.mark.parametrize(("kind", "params"), [*RULES.values(), *MORE.values()], ids=[*RULES, *MORE])
def test_what_a_rule_asks_for_survives_the_form(kind: str, params: Any):
    assert validate_params(kind, params, CATALOGUE) == []
    found, problems = through(kind, params, before=params)
    assert problems == {}
    assert json.dumps(found, sort_keys=True) == json.dumps(params, sort_keys=True)


@pytest.mark.parametrize(("kind", "params"), RULES.values(), ids=RULES)
def test_it_survives_without_knowing_what_was_there(kind: str, params: Any):
    """Only the order of what is ticked in boxes is not in the form itself."""
    found, _ = through(kind, params)
    boxes = ("subjects", "require", "enforcement", "excludePersons")
    for content in (found, params := dict(params)):
        content |= {one: sorted(content[one]) for one in boxes if one in content}
    assert json.dumps(found, sort_keys=True) == json.dumps(params, sort_keys=True)


def test_fields_offer_only_facts_of_their_type():
    form = _form("date_within", {})
    offered = {
        path
        for _, group in form.fields[name("date_within", "field")].choices[1:]
        for path, _ in group
    }
    assert "offering.startDate" in offered
    assert {CATALOGUE.definitions[path].type for path in offered} == {"date"}


def test_a_fact_that_left_the_catalogue_stays_chosen():
    params = {"field": "gone.fact", "notAfter": "gone.date"}
    found, problems = through("date_within", params)
    assert found == params
    assert problems[name("date_within", "field")] == ["there is no fact gone.fact"]
    assert problems[name("date_within", "notAfter")] == ["there is no fact gone.date"]
    params = {"anyOf": ["gone.fact", "token.isin"]}
    assert through("field_present", params)[0] == params
    params = {"field": "token.holderCount", "minFrom": [{"field": "gone.fact", "ratio": 0.5}]}
    assert through("number_within", params)[0] == params


@pytest.mark.parametrize(
    ("kind", "params", "changes", "field", "problem"),
    [
        ("date_within", {}, {}, "field", "This is required"),
        ("date_within", {"field": "offering.startDate"}, {}, "notBefore", "at least one of"),
        ("date_within", {}, {"maxAgeDays": "5.5"}, "maxAgeDays", "Write a whole number."),
        ("date_within", {}, {"maxAgeDays": "-1"}, "maxAgeDays", "At least 0."),
        ("date_within", {}, {"maxAgeDays": "NaN"}, "maxAgeDays", "Write a number"),
        ("date_within", {}, {"maxAgeDays": "9" * 5000}, "maxAgeDays", "Write a number"),
        ("date_within", {}, {"maxAgeDays": "1e300"}, "maxAgeDays", "too large"),
        ("date_within", {}, {"field": "issuer.legalName"}, "field", "Select a valid choice"),
        ("date_within", {}, {"notBefore_1": "soon"}, "notBefore", "Enter a valid date"),
        (
            "date_within",
            {"field": "offering.startDate", "notBefore": "now"},
            {"notBefore_1": "2026-01-01"},
            "notBefore",
            "not both",
        ),
        (
            "date_within",
            {"field": "offering.startDate", "notBefore": "2026-01-01"},
            {"offset__n": "3"},
            "offset__unit",
            "This is required",
        ),
        ("field_in", {}, {"field": "token.holderCount", "values": "many"}, "values", "a number"),
        ("field_in", {}, {"field": "issuer.entityType", "values": "cat"}, "values", "cannot be"),
        ("field_in", {}, {"mode": "sometimes"}, "mode", "Select a valid choice"),
        ("field_present", {"minLength": 2}, {}, "field", "either field or anyOf"),
        ("field_present", {}, {"anyOf-0": ["token.isin"]}, "anyOf", "Choose at least 2."),
        (
            "field_present",
            {},
            {"anyOf-0": ["token.isin", "token.isin"]},
            "anyOf",
            "One is chosen twice.",
        ),
        ("field_present", {"field": "token.isin"}, {"pattern": "("}, "pattern", ""),
        ("manual_review", {}, {"question": "a\x00b"}, "question", "Null characters"),
        ("attestation_present", {}, {"types": "KYC\nA\x00B"}, "types", "Null characters"),
        ("attestation_present", {}, {"types": "KYC\nKYC"}, "types", "non-unique"),
        (
            "attestation_present",
            {"types": ["KYC"]},
            {"attributes-0": ["a", "a"], "attributes-1": ["1", "2"]},
            "attributes",
            "A name is used twice",
        ),
        (
            "attestation_present",
            {"types": ["KYC"]},
            {"attributes-0": ["a"], "attributes-1": [""]},
            "attributes",
            "Row 1, value: is missing.",
        ),
        ("attestation_coverage", {"types": ["AML"]}, {"minRatio": "0"}, "minRatio", "More than 0."),
        ("attestation_coverage", {"types": ["AML"]}, {}, "population", "This is required"),
        (
            "number_within",
            {"field": "token.holderCount"},
            {"minFrom-0": ["token.marketCapEur"], "minFrom-1": ["x"]},
            "minFrom",
            "Row 1, times: Write a number",
        ),
        ("whitelist_entries_valid", {}, {}, "require", "at least one of"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    kind: str, params: Any, changes: dict[str, Any], field: str, problem: str
):
    named = {f"{name(kind)}__{one}": value for one, value in changes.items()}
    found = wrong(kind, params, **named)
    assert any(problem in text for text in found[f"{name(kind)}__{field}"]), found


def test_emptying_a_field_takes_the_param_away():
    params = MORE["an offset back"][1]
    kind = "date_within"
    empty = {name(kind, "offset", one): "" for one in ("n", "unit", "rollToNextBusinessDay")}
    found, problems = through(kind, params, before=params, **empty)
    assert (found, problems) == ({"field": "offering.startDate", "notBefore": "now"}, {})


def test_boxes_keep_their_order_unless_what_is_ticked_changes():
    kind, params = MORE["fresh whitelist"]
    ticked = name(kind, "enforcement")
    assert through(kind, params, params)[0]["enforcement"] == ["Optional", "Mandatory"]
    found, _ = through(kind, params, params, **{ticked: ["Optional", "Off"]})
    assert found["enforcement"] == ["Optional", "Off"]


def test_params_read_as_words():
    said = dict(params_in_words(*MORE["an offset back"]))
    assert said == {
        "Fact": "offering.startDate",
        "Not before": "now",
        "Offset: How many": "-3",
        "Offset: Unit": "days",
        "Offset: Move to the next working day": "no",
    }
