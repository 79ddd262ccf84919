"""The condition language of rule packs, in Kleene's three-valued logic (regulation.md section 8).

A predicate is `{"always": true}`, `{"all": [...]}`, `{"any": [...]}`, `{"not": ...}` or
`{"fact": path, "op": op, "value": value}`. It holds no code, no pattern and no arithmetic, so
staff may edit it safely.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from jurisdictions.engine.values import (
    FactValue,
    as_day,
    as_members,
    as_number,
    is_recorded,
    same_value,
)

if TYPE_CHECKING:
    from jurisdictions.catalogue import FactCatalogue, FactDefinition

Predicate: TypeAlias = Mapping[str, Any]
Truth: TypeAlias = bool | None

MAX_DEPTH = 12

_NOTHING: Mapping[str, FactValue] = {}
_ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
_OPERATORS = ("eq", "ne", "in", "not_in", "exists", "contains", *_ORDERINGS)
_COMBINATORS = ("always", "all", "any", "not")


def evaluate_predicate(
    predicate: Predicate,
    facts: Mapping[str, FactValue],
    assumed: Mapping[str, FactValue] = _NOTHING,
) -> tuple[Truth, tuple[str, ...]]:
    """Whether the predicate holds, or None with the facts that would decide it.

    An assumed value stands in for a fact that is not recorded, except for `exists`, which asks
    for the record itself.
    """
    if "always" in predicate:
        return True, ()
    if "not" in predicate:
        truth, missing = evaluate_predicate(predicate["not"], facts, assumed)
        return (None if truth is None else not truth), missing
    if "fact" in predicate:
        return _compare(predicate, facts, assumed)
    # `all` is settled by one False, `any` by one True; otherwise what is undecided decides.
    settles = "any" in predicate
    missing_facts: dict[str, None] = {}
    undecided = False
    for part in predicate["any" if settles else "all"]:
        truth, missing = evaluate_predicate(part, facts, assumed)
        if truth is settles:
            return settles, ()
        if truth is None:
            undecided = True
            missing_facts.update(dict.fromkeys(missing))
    return (None, tuple(missing_facts)) if undecided else (not settles, ())


def facts_compared(predicate: Predicate) -> frozenset[str]:
    """The facts whose values the predicate compares; those it only asks `exists` of are not."""
    return frozenset(leaf["fact"] for leaf in _leaves(predicate) if leaf["op"] != "exists")


def facts_named(predicate: Predicate) -> frozenset[str]:
    """All facts that the predicate names."""
    return frozenset(leaf["fact"] for leaf in _leaves(predicate))


def _leaves(predicate: Predicate) -> Iterator[Predicate]:
    if "fact" in predicate:
        yield predicate
    if "not" in predicate:
        yield from _leaves(predicate["not"])
    for part in [*predicate.get("all", ()), *predicate.get("any", ())]:
        yield from _leaves(part)


def _compare(
    leaf: Predicate, facts: Mapping[str, FactValue], assumed: Mapping[str, FactValue]
) -> tuple[Truth, tuple[str, ...]]:
    path, op, wanted = leaf["fact"], leaf["op"], leaf.get("value")
    value = facts.get(path)
    if op == "exists":
        return is_recorded(value) is (wanted is not False), ()
    if not is_recorded(value):
        value = assumed.get(path)
    truth = _apply(op, value, wanted) if is_recorded(value) else None
    return truth, (() if truth is not None else (path,))


def _apply(op: str, value: FactValue, wanted: Any) -> Truth:
    if op in ("eq", "ne"):
        return same_value(value, wanted) is (op == "eq")
    if op in ("in", "not_in"):
        return any(same_value(value, choice) for choice in wanted) is (op == "in")
    if op == "contains":
        return _contains(value, wanted)
    return _ordered(op, value, wanted)


def _contains(value: FactValue, wanted: Any) -> Truth:
    if isinstance(value, str):
        return str(wanted).casefold() in value.casefold()
    members = as_members(value)
    return None if members is None else any(same_value(member, wanted) for member in members)


def _ordered(op: str, value: FactValue, wanted: Any) -> Truth:
    numbers = as_number(value), as_number(wanted)
    if None not in numbers:
        return _ORDERINGS[op](*numbers)
    days = as_day(value), as_day(wanted)
    return None if None in days else _ORDERINGS[op](*days)


def validate_predicate(predicate: object, catalogue: FactCatalogue) -> list[str]:
    """What is wrong with a predicate: its form, an unknown fact, a value the fact cannot have."""
    return list(_problems(predicate, catalogue, depth=1))


def _problems(predicate: object, catalogue: FactCatalogue, depth: int) -> Iterator[str]:
    if depth > MAX_DEPTH:
        yield f"conditions nest deeper than {MAX_DEPTH} levels"
        return
    if not isinstance(predicate, Mapping):
        yield f"a condition is an object, not {predicate!r}"
        return
    if "fact" in predicate:
        yield from _leaf_problems(predicate, catalogue)
        return
    if len(predicate) != 1 or next(iter(predicate)) not in _COMBINATORS:
        yield f"a condition is one of {', '.join(_COMBINATORS)} or fact; found {list(predicate)}"
        return
    word, content = next(iter(predicate.items()))
    if word == "always":
        if content is not True:
            yield "always takes only true"
    elif word == "not":
        yield from _problems(content, catalogue, depth + 1)
    elif not isinstance(content, list | tuple) or not content:
        yield f"{word} takes a list of at least one condition"
    else:
        for part in content:
            yield from _problems(part, catalogue, depth + 1)


def _leaf_problems(leaf: Mapping[str, Any], catalogue: FactCatalogue) -> Iterator[str]:
    unknown_keys = set(leaf) - {"fact", "op", "value"}
    if unknown_keys:
        yield f"a comparison takes fact, op and value, not {', '.join(sorted(unknown_keys))}"
    op = leaf.get("op")
    if op not in _OPERATORS:
        yield f"op is one of {', '.join(_OPERATORS)}; found {op!r}"
        return
    definition = catalogue.get(leaf["fact"]) if isinstance(leaf["fact"], str) else None
    if definition is None:
        yield f"there is no fact {leaf['fact']}"
        return
    value = leaf.get("value")
    if op == "exists":
        if value is not None and not isinstance(value, bool):
            yield f"{definition.path} exists takes true, false or nothing"
    elif op in ("in", "not_in"):
        if not isinstance(value, list | tuple) or not value:
            yield f"{definition.path} {op} takes a list of at least one value"
        else:
            yield from _value_problems(definition, op, value)
    else:
        yield from _value_problems(definition, op, [value])


def _value_problems(definition: FactDefinition, op: str, values: Iterable[object]) -> Iterator[str]:
    path, kind = definition.path, definition.type
    if op == "contains":
        if kind not in ("string", "list"):
            yield f"{path} is of type {kind}; contains is for texts and lists"
            return
    elif kind == "list":
        yield f"{path} is a list; it takes only contains and exists"
        return
    elif op in _ORDERINGS and kind not in ("integer", "number", "date"):
        yield f"{path} is of type {kind}; {op} is for numbers and dates"
        return
    for value in values:
        # A bound for a whole number may itself have decimals: holderCount gt 10.5 is sound.
        if op in _ORDERINGS and kind == "integer" and as_number(value) is not None:
            continue
        problem = definition.problem_with([value] if kind == "list" else value)
        if problem:
            yield problem


_WORDS = {
    "eq": "is",
    "ne": "is not",
    "in": "is one of",
    "not_in": "is none of",
    "contains": "contains",
    "gt": "is greater than",
    "gte": "is at least",
    "lt": "is less than",
    "lte": "is at most",
}


def describe_predicate(predicate: Predicate) -> str:
    """The predicate as a plain sentence fragment, for people who do not read JSON."""
    if "always" in predicate:
        return "always"
    if "not" in predicate:
        return f"not ({describe_predicate(predicate['not'])})"
    if "fact" in predicate:
        return _describe_leaf(predicate)
    word = "and" if "all" in predicate else "or"
    parts: list[Predicate] = predicate["all"] if "all" in predicate else predicate["any"]
    return f" {word} ".join(_describe_part(part, alone=len(parts) == 1) for part in parts)


def _describe_part(part: Predicate, *, alone: bool) -> str:
    text = describe_predicate(part)
    return text if alone or not part.keys() & {"all", "any"} else f"({text})"


def _describe_leaf(leaf: Predicate) -> str:
    path, op, value = leaf["fact"], leaf["op"], leaf.get("value")
    if op == "exists":
        return f"{path} is not recorded" if value is False else f"{path} is recorded"
    values = value if isinstance(value, list | tuple) else [value]
    return f"{path} {_WORDS[op]} {', '.join(_describe_value(one) for one in values)}"


def _describe_value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}'" if isinstance(value, str) else str(value)
