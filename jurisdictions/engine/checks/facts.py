"""Checks of single facts: that one is recorded, that one has an allowed value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jurisdictions.engine.checks.patterns import CHECKSUMS, MAX_TEXT, matches, pattern_problems
from jurisdictions.engine.checks.registry import (
    FACT_PATH,
    POSITIVE,
    CheckContext,
    Params,
    fact_problems,
    failed,
    passed,
    register,
)
from jurisdictions.engine.results import Evidence, Outcome, ReasonCode, Verdict
from jurisdictions.engine.values import FactValue, as_members, is_recorded, same_value

if TYPE_CHECKING:
    from jurisdictions.catalogue import FactCatalogue


def _field_present_problems(params: Params, catalogue: FactCatalogue) -> list[str]:
    if ("field" in params) == ("anyOf" in params):
        return ["field_present takes either field or anyOf"]
    problems = [one for path in _fields(params) for one in fact_problems(catalogue, path)]
    if "pattern" in params:
        problems += pattern_problems(params["pattern"])
    return problems


def _fields(params: Params) -> tuple[str, ...]:
    return tuple(params["anyOf"]) if "anyOf" in params else (params["field"],)


@register(
    "field_present",
    purpose="a fact is recorded and well-formed",
    params={
        "field": FACT_PATH,
        "anyOf": {"type": "array", "items": FACT_PATH, "minItems": 2, "uniqueItems": True},
        "minLength": POSITIVE,
        "pattern": {"type": "string", "minLength": 1},
        "checksum": {"enum": sorted(CHECKSUMS)},
    },
    default_on_missing=Verdict.UNKNOWN,
    param_problems=_field_present_problems,
)
def field_present(params: Params, context: CheckContext) -> Outcome:
    """Pass where one of the facts is recorded and well-formed.

    An assumed value does not count: nobody recorded it. A text longer than 512 characters is not
    matched against a pattern but fails, so that no pattern can take long.
    """
    fields = _fields(params)
    recorded = {
        path: context.facts[path] for path in fields if is_recorded(context.facts.get(path))
    }
    # A list without members says nothing either.
    recorded = {path: value for path, value in recorded.items() if as_members(value) != ()}
    if not recorded:
        reason = f"{' and '.join(fields)} {'is' if len(fields) == 1 else 'are'} not recorded"
        return context.without_data(ReasonCode.FACT_MISSING, reason, fields)
    evidence = tuple(Evidence("fact", path, value) for path, value in recorded.items())
    problems = []
    for path, value in recorded.items():
        problem = _malformation(path, value, params)
        if problem is None:
            return passed(f"{path} is recorded", evidence)
        problems.append(problem)
    code, reason = problems[0]
    return failed(code, reason, evidence)


def _malformation(path: str, value: FactValue, params: Params) -> tuple[ReasonCode, str] | None:
    text = str(value).strip()
    if "minLength" in params and len(text) < params["minLength"]:
        reason = f"{path} is shorter than {params['minLength']} characters"
        return ReasonCode.VALUE_TOO_SHORT, reason
    if "pattern" in params and len(text) > MAX_TEXT:
        return ReasonCode.VALUE_TOO_LONG, f"{path} is longer than {MAX_TEXT} characters"
    if "pattern" in params and not matches(params["pattern"], text):
        return ReasonCode.VALUE_MALFORMED, f"{path} does not have the form {params['pattern']}"
    if "checksum" in params and not CHECKSUMS[params["checksum"]](text):
        name = str(params["checksum"]).upper()
        return ReasonCode.CHECKSUM_WRONG, f"{path} is no {name} with right check characters"
    return None


def _field_in_problems(params: Params, catalogue: FactCatalogue) -> list[str]:
    path = params["field"]
    definition = catalogue.get(path)
    if definition is None:
        return [f"there is no fact {path}"]
    as_list = definition.type == "list"
    checked = [definition.problem_with([v] if as_list else v) for v in params["values"]]
    return [problem for problem in checked if problem]


@register(
    "field_in",
    purpose="a fact has an allowed value",
    params={
        "field": FACT_PATH,
        "values": {
            "type": "array",
            "items": {"type": ["string", "boolean", "number"]},
            "minItems": 1,
        },
        "mode": {"enum": ["any", "all", "none"]},
    },
    required=("field", "values"),
    default_on_missing=Verdict.UNKNOWN,
    param_problems=_field_in_problems,
)
def field_in(params: Params, context: CheckContext) -> Outcome:
    """Pass where the fact has an allowed value.

    For a list, `mode` says whether any or all of its members, or none, must be among the values;
    a list without members never passes `any` or `all`.
    """
    path, mode = params["field"], params.get("mode", "any")
    value = context.fact(path)
    if not is_recorded(value):
        return context.without_data(ReasonCode.FACT_MISSING, f"{path} is not recorded", (path,))
    members = as_members(value)
    hits = [
        any(same_value(one, allowed) for allowed in params["values"])
        for one in ((value,) if members is None else members)
    ]
    evidence = context.fact_evidence(path)
    allowed_text = ", ".join(_word(one) for one in params["values"])
    if mode == "none":
        ok, rule = not any(hits), f"none of {allowed_text}"
    elif mode == "all":
        ok, rule = bool(hits) and all(hits), f"only {allowed_text}"
    else:
        ok, rule = any(hits), f"one of {allowed_text}"
    found = _word(value) if members is None else ", ".join(map(str, members)) or "empty"
    if ok:
        return passed(f"{path} is {found}", evidence)
    return failed(ReasonCode.VALUE_NOT_ALLOWED, f"{path} is {found}; it must be {rule}", evidence)


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
