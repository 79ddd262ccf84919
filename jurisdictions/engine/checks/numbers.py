"""The check of a number against bounds that are fixed or taken from other facts."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from jurisdictions.engine.checks.registry import (
    FACT_PATH,
    CheckContext,
    Params,
    fact_problems,
    failed,
    passed,
    register,
    undecided,
)
from jurisdictions.engine.results import Outcome, ReasonCode, Verdict
from jurisdictions.engine.values import as_number, is_recorded

if TYPE_CHECKING:
    from jurisdictions.catalogue import FactCatalogue

_BOUNDS = ("min", "max", "exclusiveMax", "minFrom", "maxFrom")


def _problems(params: Params, catalogue: FactCatalogue) -> list[str]:
    if not any(bound in params for bound in _BOUNDS):
        return [f"number_within takes at least one of {', '.join(_BOUNDS)}"]
    paths = [params["field"], *(entry["field"] for entry in params.get("minFrom", ()))]
    if "maxFrom" in params:
        paths.append(params["maxFrom"])
    return [one for path in paths for one in fact_problems(catalogue, path, "integer", "number")]


@register(
    "number_within",
    purpose="a number lies within bounds, absolute or relative to other facts",
    params={
        "field": FACT_PATH,
        "min": {"type": "number"},
        "max": {"type": "number"},
        "exclusiveMax": {"type": "number"},
        "minFrom": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {"field": FACT_PATH, "ratio": {"type": "number", "minimum": 0}},
                "required": ["field", "ratio"],
                "additionalProperties": False,
            },
        },
        "maxFrom": FACT_PATH,
    },
    required=("field",),
    default_on_missing=Verdict.UNKNOWN,
    param_problems=_problems,
)
def number_within(params: Params, context: CheckContext) -> Outcome:
    """Pass where the number is within every bound; `min` is the largest of `min` and `minFrom`.

    A bound that is already violated fails the check although another bound is missing; where only
    the missing bound could tell, the verdict is Unknown.
    """
    path = params["field"]
    value = context.fact(path)
    if not is_recorded(value):
        return context.without_data(ReasonCode.FACT_MISSING, f"{path} is not recorded", (path,))
    number = as_number(value)
    if number is None:
        reason = f"{path} is not a number"
        return undecided(ReasonCode.FACT_UNREADABLE, reason, context.fact_evidence(path), (path,))

    ratios = {entry["field"]: Decimal(str(entry["ratio"])) for entry in params.get("minFrom", ())}
    references = [*ratios, *([params["maxFrom"]] if "maxFrom" in params else [])]
    known = {one: as_number(context.fact(one)) for one in references}
    missing = tuple(one for one in references if known[one] is None)
    minimums = [
        reference * ratios[one]
        for one, reference in known.items()
        if one in ratios and reference is not None
    ]
    minimums += [Decimal(str(params["min"]))] if "min" in params else []
    maximums = [Decimal(str(params["max"]))] if "max" in params else []
    largest = known.get(params.get("maxFrom", ""))
    maximums += [largest] if largest is not None else []

    evidence = context.fact_evidence(path, *references)
    if minimums and number < max(minimums):
        reason = f"{path} is {number}, below {max(minimums):f}"
        return failed(ReasonCode.NUMBER_BELOW_MINIMUM, reason, evidence)
    if maximums and number > min(maximums):
        reason = f"{path} is {number}, above {min(maximums):f}"
        return failed(ReasonCode.NUMBER_ABOVE_MAXIMUM, reason, evidence)
    if "exclusiveMax" in params and number >= Decimal(str(params["exclusiveMax"])):
        reason = f"{path} is {number}, not below {params['exclusiveMax']}"
        return failed(ReasonCode.NUMBER_ABOVE_MAXIMUM, reason, evidence)
    if missing:
        reason = f"the bound of {path} needs {', '.join(missing)}"
        return undecided(ReasonCode.REFERENCE_MISSING, reason, evidence, missing)
    return passed(f"{path} is {number}, within its bounds", evidence)
