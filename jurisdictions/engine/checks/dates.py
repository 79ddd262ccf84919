"""The check of a date: order, deadline, age. Days are UTC calendar days, bounds included."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

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
from jurisdictions.engine.days import first_moment_after, next_working_day, plus, plus_days
from jurisdictions.engine.results import Outcome, ReasonCode, Verdict, WarningCode
from jurisdictions.engine.values import as_day, is_recorded

if TYPE_CHECKING:
    from jurisdictions.catalogue import FactCatalogue

_ISO_DAY = {"type": "string", "format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
_BOUND = {"anyOf": [{"const": "now"}, FACT_PATH, _ISO_DAY]}


def _is_path(bound: str) -> bool:
    return bound != "now" and as_day(bound) is None


def _problems(params: Params, catalogue: FactCatalogue) -> list[str]:
    bounds = [params[name] for name in ("notBefore", "notAfter") if name in params]
    paths = [params["field"], *(bound for bound in bounds if _is_path(bound))]
    problems = [one for path in paths for one in fact_problems(catalogue, path, "date")]
    if not bounds and "maxAgeDays" not in params:
        problems.append("date_within takes at least one of notBefore, notAfter, maxAgeDays")
    if len(bounds) == 2 and "offset" in params:
        problems.append("an offset belongs to one bound; split the requirement in two")
    offset = params.get("offset", {})
    if "now" in bounds and (offset.get("unit", "days") != "days" or offset.get(_ROLL)):
        problems.append("an offset from now counts plain days")
    if params.get("openUntilDeadline") and params.get("notAfter", "now") == "now":
        problems.append("openUntilDeadline needs a notAfter other than now")
    return problems


_ROLL = "rollToNextBusinessDay"


@register(
    "date_within",
    purpose="a date has not passed, comes in order, or meets a deadline",
    params={
        "field": FACT_PATH,
        "notBefore": _BOUND,
        "notAfter": _BOUND,
        "offset": {
            "type": "object",
            "properties": {
                "n": {"type": "integer", "minimum": -36_525, "maximum": 36_525},
                "unit": {"enum": ["days", "working_days", "months", "years"]},
                _ROLL: {"type": "boolean"},
            },
            "required": ["n", "unit"],
            "additionalProperties": False,
        },
        "maxAgeDays": {"type": "integer", "minimum": 0, "maximum": 36_525},
        "openUntilDeadline": {"type": "boolean"},
    },
    required=("field",),
    default_on_missing=Verdict.UNKNOWN,
    param_problems=_problems,
)
def date_within(params: Params, context: CheckContext) -> Outcome:
    """Pass where the date keeps every bound.

    While a deadline is open and `openUntilDeadline` is set, a missing date passes with a warning;
    once it has passed, a missing date fails. Where the date a bound is counted from is missing,
    the verdict is Unknown. Working days know no holidays: the warning `calendar_fallback` says so.
    """
    path = params["field"]
    references = tuple(
        params[name]
        for name in ("notBefore", "notAfter")
        if name in params and _is_path(params[name])
    )
    absent = tuple(one for one in references if as_day(context.fact(one)) is None)
    if not is_recorded(context.fact(path)):
        if params.get("openUntilDeadline"):
            return _before_deadline(params, context, absent)
        reason = f"{path} is not recorded"
        return context.without_data(ReasonCode.FACT_MISSING, reason, (path, *absent))
    evidence = context.fact_evidence(path, *references)
    day = as_day(context.fact(path))
    if day is None:
        return undecided(ReasonCode.FACT_UNREADABLE, f"{path} is not a date", evidence, (path,))
    for problem in (
        _too_early(day, params, context),
        _too_late(day, params, context),
        _aged(day, params, context),
    ):
        if problem:
            return failed(*problem, evidence, _calendar_warnings(params))
    if absent:
        reason = f"{path} cannot be compared without {', '.join(absent)}"
        return undecided(ReasonCode.REFERENCE_MISSING, reason, evidence, absent)
    return passed(f"{path} is {day}, within its bounds", evidence, _calendar_warnings(params))


def _calendar_warnings(params: Params) -> tuple[WarningCode, ...]:
    offset = params.get("offset", {})
    counts_working_days = offset.get("unit") == "working_days" or offset.get(_ROLL)
    return (WarningCode.CALENDAR_FALLBACK,) if counts_working_days else ()


def _bound_day(bound: str, params: Params, context: CheckContext) -> date | None:
    """The day of a bound other than now, its offset applied; None where its fact is missing."""
    day = as_day(context.fact(bound)) if _is_path(bound) else as_day(bound)
    offset: dict[str, Any] | None = params.get("offset")
    if day is None or offset is None:
        return day
    day = plus(day, offset["n"], offset["unit"])
    return next_working_day(day) if offset.get(_ROLL) else day


def _offset_days(params: Params) -> int:
    return int(params.get("offset", {}).get("n", 0))


def _too_early(day: date, params: Params, context: CheckContext) -> tuple[ReasonCode, str] | None:
    bound = params.get("notBefore")
    if bound is None:
        return None
    if bound == "now":
        last_day = plus_days(day, -_offset_days(params))
        if context.clock.reached(first_moment_after(last_day)):
            return ReasonCode.DATE_BEFORE_BOUND, f"{params['field']} {day} has passed"
        return None
    earliest = _bound_day(bound, params, context)
    if earliest is not None and day < earliest:
        return ReasonCode.DATE_BEFORE_BOUND, f"{params['field']} {day} is before {earliest}"
    return None


def _too_late(day: date, params: Params, context: CheckContext) -> tuple[ReasonCode, str] | None:
    bound = params.get("notAfter")
    if bound is None:
        return None
    if bound == "now":
        # day <= today + n holds from the start of day - n on.
        day_before = plus_days(day, -_offset_days(params) - 1)
        if not context.clock.reached(first_moment_after(day_before)):
            return ReasonCode.DATE_AFTER_BOUND, f"{params['field']} {day} lies too far ahead"
        return None
    latest = _bound_day(bound, params, context)
    if latest is not None and day > latest:
        return ReasonCode.DATE_AFTER_BOUND, f"{params['field']} {day} is after {latest}"
    return None


def _aged(day: date, params: Params, context: CheckContext) -> tuple[ReasonCode, str] | None:
    if "maxAgeDays" not in params:
        return None
    if not context.clock.reached(first_moment_after(plus_days(day, -1))):
        return ReasonCode.DATE_IN_FUTURE, f"{params['field']} {day} has not come yet"
    if context.clock.too_old(day, params["maxAgeDays"]):
        reason = f"{params['field']} {day} is older than {params['maxAgeDays']} days"
        return ReasonCode.DATE_TOO_OLD, reason
    return None


def _before_deadline(params: Params, context: CheckContext, absent: tuple[str, ...]) -> Outcome:
    path = params["field"]
    deadline = _bound_day(params["notAfter"], params, context)
    if deadline is None:
        reason = f"{path} is not recorded, and its deadline needs {', '.join(absent)}"
        return undecided(ReasonCode.REFERENCE_MISSING, reason, missing_facts=(path, *absent))
    evidence = context.fact_evidence(params["notAfter"])
    warnings = _calendar_warnings(params)
    if context.clock.reached(first_moment_after(deadline)):
        reason = f"{path} is not recorded and its deadline {deadline} has passed"
        return failed(ReasonCode.DEADLINE_PASSED, reason, evidence, warnings, (path,))
    reason = f"{path} is not recorded yet; its deadline is {deadline}"
    warnings = (*warnings, WarningCode.DEADLINE_OPEN)
    return passed(reason, evidence, warnings, ReasonCode.DEADLINE_OPEN)
