"""A condition as rows that people edit: from the predicate to rows and back, nothing else.

A `Group` joins rows and groups by a word; a `Row` compares one fact. `rows_of` answers None for a
predicate that rows cannot say exactly, which is then edited as JSON.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from jurisdictions.catalogue import FactCatalogue
from jurisdictions.typed_text import number_of, text_of, value_of

MAX_LEVELS = 3
ALWAYS = "always"
WORDS = {
    "all": "all of these hold",
    "any": "at least one of these holds",
    "not_all": "not all of these hold",
    "none": "none of these holds",
}
_SAID = {"all": ("all", False), "any": ("any", False), "not_all": ("all", True)} | {
    "none": ("any", True)
}
OPERATORS = {
    "eq": "is",
    "ne": "is not",
    "in": "is one of",
    "not_in": "is none of",
    "contains": "contains",
    "not:contains": "does not contain",
    "gt": "is greater than",
    "gte": "is at least",
    "lt": "is less than",
    "lte": "is at most",
    "exists": "is recorded",
    "absent": "is not recorded",
}
# The opposite of a comparison is not always the other comparison: both are unknown alike.
OPPOSITES = {
    f"not:{name}": f"not: {OPERATORS[name]}"
    for name in ("eq", "ne", "in", "not_in", "gt", "gte", "lt", "lte", "exists", "absent")
}
_LISTS = ("in", "not_in")
_ORDERINGS = ("gt", "gte", "lt", "lte")
_SEPARATOR = re.compile(r"[;\r\n]+")


@dataclass
class Row:
    """One comparison as typed; a row without a fact and a value is empty."""

    fact: str = ""
    op: str = "eq"
    value: str = ""
    problem: str = ""

    @property
    def is_empty(self) -> bool:
        return not self.fact and not self.value.strip()


@dataclass
class Group:
    """Rows and groups under a word."""

    word: str = "all"
    items: list["Row | Group"] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return all(one.is_empty for one in self.items)


Predicate: TypeAlias = Mapping[str, Any]


def rows_of(predicate: object, catalogue: FactCatalogue) -> Group | None:
    """Return the rows that say exactly what the predicate says; None where no rows can."""
    try:
        group = _top(predicate)
        built = None if group is None else predicate_of(group, catalogue)
    except (TypeError, KeyError, ValueError, AttributeError):
        return None
    return group if built is not None and same(built, _plain(predicate)) else None


def same(one: object, other: object) -> bool:
    """Whether two JSON values say the same; true is not 1, and 1 is not 1.0."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def predicate_of(group: Group, catalogue: FactCatalogue) -> dict[str, Any]:
    """Return the predicate that the rows say; empty rows say nothing.

    Raises ValueError where a row is wrong, with the reason in that row's `problem` too.
    """
    if group.word == ALWAYS:
        if not group.is_empty:
            raise ValueError("It always applies, so no row can be filled in; or choose another.")
        return {"always": True}
    problems: list[str] = []
    built = _group_predicate(group, catalogue, problems)
    if problems:
        raise ValueError("\n".join(dict.fromkeys(problems)))
    if built is None:
        raise ValueError("Fill in at least one row, or choose: it always applies.")
    return _plain(built)


def _top(predicate: Any) -> Group | None:
    if predicate == {"always": True}:
        return Group(ALWAYS)
    if _group_word(predicate) is not None:
        return _group(predicate, level=1)
    row = _row(predicate)
    return None if row is None else Group("all", [row])


def _group_word(predicate: Any) -> str | None:
    inner = predicate.get("not") if len(predicate) == 1 and "not" in predicate else None
    for word, (name, negated) in _SAID.items():
        holder = inner if negated else predicate
        if isinstance(holder, Mapping) and list(holder) == [name]:
            return word
    return None


def _group(predicate: Any, level: int) -> Group | None:
    word = _group_word(predicate)
    if word is None or level > MAX_LEVELS:
        return None
    name, negated = _SAID[word]
    items: list[Row | Group] = []
    for part in (predicate["not"] if negated else predicate)[name]:
        item = _row(part) or _group(part, level + 1)
        if item is None:
            return None
        items.append(item)
    return Group(word, items) if items else None


def _row(predicate: Any) -> Row | None:
    negated = list(predicate) == ["not"] and "fact" in predicate["not"]
    leaf = predicate["not"] if negated else predicate
    if not isinstance(leaf, Mapping) or not isinstance(leaf.get("fact"), str):
        return None
    op, value = str(leaf["op"]), leaf.get("value")
    if op == "exists":
        op, value = ("absent" if value is False else "exists"), None
    values = value if isinstance(value, list) else ([] if value is None else [value])
    if op not in _LISTS and any("\n" in text_of(one) or "\r" in text_of(one) for one in values):
        return None  # a text box of one line would lose it
    name = f"not:{op}" if negated else op
    return Row(leaf["fact"], name, ("\n" if op in _LISTS else "; ").join(map(text_of, values)))


def _group_predicate(
    group: Group, catalogue: FactCatalogue, problems: list[str]
) -> dict[str, Any] | None:
    parts = []
    for item in group.items:
        if item.is_empty:
            continue
        if isinstance(item, Group):
            part = _group_predicate(item, catalogue, problems)
        else:
            part = _leaf(item, catalogue, problems)
        if part is not None:
            parts.append(part)
    if not parts:
        return None
    if group.word not in _SAID:
        problems.append("Choose how the rows are joined.")
        return None
    name, negated = _SAID[group.word]
    return {"not": {name: parts}} if negated else {name: parts}


def _leaf(row: Row, catalogue: FactCatalogue, problems: list[str]) -> dict[str, Any] | None:
    try:
        return _comparison(row, catalogue)
    except ValueError as refusal:
        row.problem = str(refusal)
        problems.append(f"{row.fact or 'A row'}: {refusal}")
        return None


def _comparison(row: Row, catalogue: FactCatalogue) -> dict[str, Any]:
    if not row.fact:
        raise ValueError("Choose the fact that the value belongs to.")
    negated, op = row.op.startswith("not:"), row.op.removeprefix("not:")
    if row.op not in OPERATORS and row.op not in OPPOSITES:
        raise ValueError("Choose how the fact is compared.")
    leaf: dict[str, Any] = {"fact": row.fact, "op": op}
    if op in ("exists", "absent"):
        if row.value.strip():
            raise ValueError(f"{OPERATORS[op]} takes no value.")
        leaf = {"fact": row.fact, "op": "exists"} | ({"value": False} if op == "absent" else {})
    else:
        values = _values(row, op, catalogue)
        leaf["value"] = values if op in _LISTS else values[0]
    return {"not": leaf} if negated else leaf


def _values(row: Row, op: str, catalogue: FactCatalogue) -> list[Any]:
    definition = catalogue.get(row.fact)
    fact_type = "string" if definition is None else definition.type
    texts = _SEPARATOR.split(row.value) if op in _LISTS else [row.value]
    texts = [text.strip() for text in texts if text.strip()]
    if not texts:
        raise ValueError("Give a value to compare with.")
    if op in _ORDERINGS and fact_type == "integer":
        return [number_of(text) for text in texts]
    return [value_of(text, fact_type) for text in texts]


def _plain(predicate: Any) -> dict[str, Any]:
    """The same predicate without a group of one at the top, and `exists` without its true."""
    for name in ("all", "any"):
        parts: Sequence[Any] = predicate.get(name, ()) if len(predicate) == 1 else ()
        if isinstance(parts, list) and len(parts) == 1 and _row(parts[0]) is not None:
            return _plain(parts[0])
    plain: dict[str, Any] = _without_true(predicate)
    return plain


def _without_true(predicate: Any) -> Any:
    if isinstance(predicate, list):
        return [_without_true(one) for one in predicate]
    if not isinstance(predicate, Mapping):
        return predicate
    if predicate.get("op") == "exists" and predicate.get("value") in (True, None):
        return {name: value for name, value in predicate.items() if name != "value"}
    return {
        name: content if "fact" in predicate else _without_true(content)
        for name, content in predicate.items()
    }
