"""Values that a fact could have: what a check accepts, what a condition compares with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from jurisdictions.engine.days import next_working_day, plus
from jurisdictions.engine.packs import Requirement
from jurisdictions.engine.predicates import Predicate
from jurisdictions.engine.values import FactValue, as_day, as_number

if TYPE_CHECKING:
    from jurisdictions.catalogue import FactCatalogue

# Nobody is registered by recording it, so no path proposes that; "none" is the last resort.
_REGISTERED, _NONE = "REGISTERED", "NONE"
_SAMPLE_TEXTS = (
    "To be recorded",
    "https://example.org/document",
    "5493001KJTIIGC8Y1R12",
    "4H95J0R2X",
    "DE",
    "US0378331005",
    "name@example.org",
    "+49 30 1234567",
)


def leaves_on(predicate: Predicate, path: str) -> Iterator[Predicate]:
    """The comparisons of the predicate that are about the fact."""
    if predicate.get("fact") == path:
        yield predicate
    if "not" in predicate:
        yield from leaves_on(predicate["not"], path)
    for part in [*predicate.get("all", ()), *predicate.get("any", ())]:
        yield from leaves_on(part, path)


def compared_with(predicates: Iterable[Predicate], path: str) -> list[Any]:
    """The values with which the predicates compare the fact, each once, in their order."""
    found: dict[Any, None] = {}
    for predicate in predicates:
        for leaf in leaves_on(predicate, path):
            value = leaf.get("value")
            if leaf["op"] != "exists":
                found.update(dict.fromkeys(value if isinstance(value, list) else [value]))
    return list(found)


def answers(path: str, compared: list[Any], catalogue: FactCatalogue, now: datetime) -> list[Any]:
    """The answers to try where rules ask for a fact that nobody recorded."""
    definition = catalogue.get(path)
    kind, choices = (definition.type, definition.enum) if definition else ("string", None)
    if kind == "boolean":
        return [False, True]
    if kind == "list":
        return [(), *((one,) for one in choices or compared)]
    if path == "tag.exemption":
        # Only what the rules in question know: an exemption of elsewhere would dodge them all.
        known = [one for one in choices or compared if one in compared]
        return [*(one for one in known if one not in (_REGISTERED, _NONE)), _NONE]
    if choices:
        return sorted(choices, key=lambda one: one == _NONE)
    if kind in ("integer", "number"):
        thresholds = [one for one in compared if as_number(one) is not None]
        return [0, *(one + step for one in thresholds for step in (0, 1, -1))]
    if kind == "date":
        return [_today(now), *(day for one in compared if (day := as_day(one)))]
    return [*(one for one in compared if isinstance(one, str)), *_SAMPLE_TEXTS]


def accepted(
    requirement: Requirement,
    path: str,
    facts: Mapping[str, FactValue],
    catalogue: FactCatalogue,
    now: datetime,
) -> list[Any]:
    """Values of the fact that the check may accept; whoever asks must still try them."""
    maker = _MAKERS.get(requirement.check_kind)
    made = maker(requirement.params, path, facts, now) if maker else []
    return [*made, *answers(path, [], catalogue, now)]


def _of_field_in(
    params: Mapping[str, Any], path: str, facts: Mapping[str, FactValue], now: datetime
) -> list[Any]:
    if params.get("mode") == "none":
        return []
    # One value for a single fact, a list with one member for a list.
    return [*params["values"], *((one,) for one in params["values"])]


def _of_number(
    params: Mapping[str, Any], path: str, facts: Mapping[str, FactValue], now: datetime
) -> list[Any]:
    if path != params["field"]:
        return [0, *([facts[params["field"]]] if params["field"] in facts else [])]
    found: list[Any] = [params[name] for name in ("min", "max") if name in params]
    if "exclusiveMax" in params:
        highest = Decimal(str(params["exclusiveMax"]))
        found += [float(highest - 1), float(highest / 2)]
    for entry in params.get("minFrom", ()):
        reference = as_number(facts.get(entry["field"]))
        if reference is not None:
            found.append(_number(reference * Decimal(str(entry["ratio"]))))
    found.append(facts.get(params.get("maxFrom", "")))
    found.append(max((one for one in found if as_number(one) is not None), default=0))
    return [one for one in found if one is not None]


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _of_date(
    params: Mapping[str, Any], path: str, facts: Mapping[str, FactValue], now: datetime
) -> list[Any]:
    names = (params["field"], params.get("notBefore"), params.get("notAfter"))
    recorded = [day for name in names if name and (day := as_day(facts.get(name) or name))]
    offset = params.get("offset")
    days = [_today(now), _today(now) + timedelta(days=180), *recorded]
    if offset:
        moved = [plus(day, offset["n"], offset["unit"]) for day in days]
        # A day more each way: the way back from a weekend ends a day short.
        back = [plus(day, -n, offset["unit"]) for day in days for n in _around(offset["n"])]
        days += [*moved, *(next_working_day(day) for day in moved), *back]
    return list(dict.fromkeys(days))


def _around(count: int) -> tuple[int, int, int]:
    return count, count + 1, count - 1


def references(requirement: Requirement) -> tuple[str, ...]:
    """The facts by which the check measures its own: bounds that are other facts."""
    params = requirement.params
    if requirement.check_kind == "number_within":
        named = [entry["field"] for entry in params.get("minFrom", ())]
        return (*named, *([params["maxFrom"]] if "maxFrom" in params else []))
    bounds = [params[name] for name in ("notBefore", "notAfter", "since") if name in params]
    return tuple(one for one in bounds if one != "now" and as_day(one) is None)


def _today(now: datetime) -> date:
    return now.astimezone(UTC).date()


_MAKERS = {"field_in": _of_field_in, "number_within": _of_number, "date_within": _of_date}


def rule_in_words(requirement: Requirement) -> str:
    """What the check asks of its fact, as the end of "it must be"."""
    params = requirement.params
    parts: list[str] = []
    if "values" in params:
        words = ", ".join(
            str(one).lower() if isinstance(one, bool) else str(one) for one in params["values"]
        )
        parts.append({"none": "none of ", "all": "only "}.get(params.get("mode", ""), "") + words)
    bounds = {"min": "at least", "max": "at most", "exclusiveMax": "below", "maxFrom": "at most"}
    bounds |= {"minLength": "characters: at least", "pattern": "of the form"}
    parts += [f"{words} {params[name]}" for name, words in bounds.items() if name in params]
    parts += [f"at least {one['ratio']:g} of {one['field']}" for one in params.get("minFrom", ())]
    if "checksum" in params:
        parts.append(f"a valid {params['checksum'].upper()}")
    offset = params.get("offset")
    moved = f" {offset['n']:+d} {offset['unit']}".replace("_", " ") if offset else ""
    for name, word in (("notBefore", "not before"), ("notAfter", "not after")):
        if name in params:
            parts.append(f"{word} {params[name]}{moved}")
    if requirement.check_kind == "date_within" and "maxAgeDays" in params:
        parts.append(f"not older than {params['maxAgeDays']} days")
    return "; ".join(parts) or "recorded as it is"
