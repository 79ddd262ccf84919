"""What speaks against saving rules, by field: for people who have to put it right."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

from jurisdictions.engine import (
    check_kind_names,
    describe_predicate,
    validate_pack,
    validate_params,
    validate_predicate,
)
from jurisdictions.mapping import document_of, requirement_document
from jurisdictions.models import Requirement, RulePack
from jurisdictions.reference_data import rule_pack_schema
from jurisdictions.selectors import fact_catalogue

MAX_JSON = 50_000
_MAX_DEPTH = 40
_STAND_IN: Mapping[str, Any] = {
    "key": "stand.in",
    "title": "",
    "description": "",
    "citation": "none",
    "basis": "policy",
    "category": "scope",
    "severity": "required",
    "appliesWhen": {"always": True},
    "check": {"kind": "field_present", "params": {"field": "issuer.legalName"}},
    "onMissing": "fail",
    "confidence": "high",
}


def pack_problems(pack: RulePack, requirements: Iterable[Requirement]) -> list[str]:
    """Return what is wrong with a whole version; an empty list if nothing."""
    return validate_pack(document_of(pack, requirements), rule_pack_schema(), fact_catalogue())


def require_valid_pack(pack: RulePack, requirements: Sequence[Requirement]) -> None:
    """Raise ValidationError with everything that is wrong with a whole version."""
    if not requirements:
        raise ValidationError("It has no requirements yet; add at least one.")
    if problems := pack_problems(pack, requirements):
        raise ValidationError(problems)


def require_valid_header(pack: RulePack) -> None:
    """Raise ValidationError, by field, unless the version is sound but for its requirements."""
    problems = _json_problems(pack, ("territory", "applies_when", "sources", "regulators"))
    problems |= _json_problems(pack, ("parameters", "retention", "notes"))
    _refuse(problems)
    _full_clean(pack)
    if found := _condition_problems(pack.applies_when):
        _refuse({"applies_when": found})
    document = document_of(pack, [])
    # The schema asks for at least one requirement, and a new pack has none yet.
    source = next((s.get("id", "") for s in pack.sources if isinstance(s, dict)), "")
    document["requirements"] = [{**_STAND_IN, "source": source}]
    _refuse({NON_FIELD_ERRORS: validate_pack(document, rule_pack_schema(), fact_catalogue())})


def require_valid_requirement(requirement: Requirement) -> None:
    """Raise ValidationError, by field, unless the requirement is sound within its pack."""
    _refuse(_json_problems(requirement, ("applies_when", "params")))
    problems: dict[str, list[str]] = {}
    try:
        _full_clean(requirement)
    except ValidationError as refusal:
        problems = refusal.message_dict
    same = Requirement.objects.filter(pack=requirement.pack, key=requirement.key)
    if same.exclude(pk=requirement.pk).exists():
        problems["key"] = ["Another requirement of this version has this key."]
    if requirement.check_kind not in check_kind_names():
        problems["check_kind"] = [f"Choose one of {', '.join(check_kind_names())}."]
    elif found := validate_params(requirement.check_kind, requirement.params, fact_catalogue()):
        problems["params"] = [one.removeprefix("$: ") for one in found]
    if found := _condition_problems(requirement.applies_when):
        problems["applies_when"] = found
    known = [source["id"] for source in requirement.pack.sources]
    if requirement.source and requirement.source not in known:
        problems["source"] = [f"The pack has no such source; it has {', '.join(known)}."]
    first, last = requirement.effective_from, requirement.effective_to
    if first and last and last < first:
        problems["effective_to"] = ["It ends before it begins."]
    _refuse(problems)
    document = {
        **document_of(requirement.pack, []),
        "requirements": [requirement_document(requirement)],
    }
    found = validate_pack(document, rule_pack_schema(), fact_catalogue())
    _refuse({NON_FIELD_ERRORS: found})


def condition_sentence(condition: dict[str, Any]) -> str:
    """Return the condition for people who do not read JSON; of an unsound one, that it is."""
    if _condition_problems(condition):
        return "The condition has to be corrected first."
    return describe_predicate(condition)


def json_problem(value: object) -> str | None:
    """Return why the value cannot be kept as JSON: its size, depth or content; None if it can."""
    if _depth(value) > _MAX_DEPTH:
        return f"It nests deeper than {_MAX_DEPTH} levels."
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return "It holds something that JSON cannot: NaN and infinity are no numbers there."
    if "\\u0000" in text:
        return "It holds a NUL character."
    return f"It is longer than {MAX_JSON} characters." if len(text) > MAX_JSON else None


def _depth(value: object) -> int:
    depth = 0
    level = [value]
    while level and depth <= _MAX_DEPTH:
        inner: list[object] = []
        for one in level:
            if isinstance(one, Mapping):
                inner.extend(one.values())
            elif isinstance(one, list | tuple):
                inner.extend(one)
        level = inner
        depth += 1
    return depth


def _json_problems(row: RulePack | Requirement, names: Iterable[str]) -> dict[str, list[str]]:
    found = {name: json_problem(getattr(row, name)) for name in names}
    return {name: [problem] for name, problem in found.items() if problem}


def _condition_problems(condition: object) -> list[str]:
    return validate_predicate(condition, fact_catalogue())


def _full_clean(row: RulePack | Requirement) -> None:
    # What a constraint of the database would say names the constraint, not what to change.
    row.full_clean(validate_constraints=False)


def _refuse(problems: Mapping[str, list[str]]) -> None:
    found = {name: texts for name, texts in problems.items() if texts}
    if found:
        raise ValidationError(found)
