"""The form field of a condition: a sentence, rows to edit, and the JSON behind them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from django import forms

from jurisdictions.catalogue import FactCatalogue
from jurisdictions.condition_form import (
    ALWAYS,
    MAX_LEVELS,
    OPERATORS,
    OPPOSITES,
    WORDS,
    Group,
    Row,
    predicate_of,
    rows_of,
    same,
)
from jurisdictions.plain_fields import PlainJSONField
from jurisdictions.selectors import fact_catalogue
from jurisdictions.validation import condition_sentence

_EMPTY_ROWS = 2
_ADVANCED_HELP = (
    "A change here counts instead of the rows. Always: "
    '{"always": true}. One fact: {"fact": "metadata.assetType", "op": "eq", "value": "Fund"} with '
    "eq, ne, in, not_in, exists, contains, gt, gte, lt or lte. Several: "
    '{"all": [...]}, {"any": [...]}; the opposite: {"not": ...}.'
)


@dataclass(frozen=True)
class Posted:
    """What the browser sent: the JSON, the JSON as it was shown, and the rows if there were any."""

    raw: str
    seen: str | None
    rows: Group | None

    @property
    def raw_changed(self) -> bool:
        return self.seen is None or _lines(self.raw) != _lines(self.seen)


class ConditionWidget(forms.Widget):
    """The rows of a condition, with empty ones to fill in; works without JavaScript."""

    template_name = "jurisdictions/condition.html"

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        raw, seen = data.get(name), data.get(f"{name}-seen")
        rows = _read(data, name, 1) if f"{name}-word" in data else None
        if raw is None and rows is None:
            return None
        return Posted(raw or "", seen, rows)

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return name not in data and f"{name}-word" not in data

    def use_required_attribute(self, initial: Any) -> bool:
        return False

    def format_value(self, value: Any) -> str:
        if isinstance(value, Posted):
            return value.raw
        return value if isinstance(value, str) else _pretty(value)

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        catalogue = fact_catalogue()
        posted = value if isinstance(value, Posted) else _shown(value, catalogue)
        try:
            condition = condition_of(posted, catalogue)
        except forms.ValidationError:
            condition = None  # its rows carry the problem
        context["widget"] |= {
            "raw": posted.raw,
            "seen": posted.raw if posted.seen is None else posted.seen,
            "sentence": None if condition is None else condition_sentence(condition),
            "group": posted.rows and _group_context(posted.rows, name, catalogue, 1),
            "advanced_open": posted.rows is None or posted.raw_changed,
            "advanced_help": _ADVANCED_HELP,
            "facts": {
                path: [one.type, list(one.enum or ())]
                for path, one in catalogue.definitions.items()
            },
        }
        return context


class ConditionField(forms.Field):
    """A condition, given as rows or as JSON; JSON counts where it was changed."""

    widget = ConditionWidget

    def to_python(self, value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, Posted):
            return condition_of(value, fact_catalogue())
        return parse(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return not same(initial, self.to_python(data))
        except forms.ValidationError:
            return True

    def bound_data(self, data: Any, initial: Any) -> Any:
        return data


def condition_of(posted: Posted, catalogue: FactCatalogue) -> Any:
    """Return the condition that was sent. Raises ValidationError, and marks the rows at fault."""
    if posted.rows is None:
        return parse(posted.raw)
    before = None if posted.seen is None else parse(posted.seen)
    shown = rows_of(before, catalogue)
    try:
        built = predicate_of(posted.rows, catalogue)
    except ValueError as refusal:
        built, problems = None, str(refusal).split("\n")
    rows_changed = shown is None or not same(built, predicate_of(shown, catalogue))
    if posted.raw_changed:
        changed = parse(posted.raw)
        if rows_changed and not same(built, changed):
            raise forms.ValidationError(
                "The rows and the JSON were both changed, and say different things: undo one."
            )
        return changed
    if not rows_changed:
        return before
    if built is None:
        raise forms.ValidationError(problems)
    return built


def parse(text: str) -> Any:
    """Return the JSON. Raises ValidationError in plain words."""
    return PlainJSONField().clean(text)


def _shown(value: Any, catalogue: FactCatalogue) -> Posted:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return Posted(value, value, None)
    value = {"always": True} if value is None else value
    text = _pretty(value)
    return Posted(text, text, rows_of(value, catalogue))


def _read(data: Mapping[str, Any], prefix: str, level: int) -> Group:
    group = Group(str(data.get(f"{prefix}-word", "")))
    for number in count():
        name = f"{prefix}-{number}"
        if f"{name}-fact" in data:
            parts = (str(data.get(f"{name}-{part}", "")) for part in ("fact", "op", "value"))
            group.items.append(Row(*parts))
        elif f"{name}-word" in data and level < MAX_LEVELS:
            group.items.append(_read(data, name, level + 1))
        else:
            break
    return group


def _group_context(
    group: Group, name: str, catalogue: FactCatalogue, level: int, *, new: bool = False
) -> dict[str, Any]:
    """What the template shows of a group: what is filled in, empty rows, and an empty group."""
    filled = [item for item in group.items if not item.is_empty]
    items: list[Row | Group] = [*filled, *(Row() for _ in range(_EMPTY_ROWS))]
    if level < MAX_LEVELS and not new:
        items.append(Group("any"))
    words = {**({ALWAYS: "it always applies"} if level == 1 else {}), **WORDS}
    return {
        "name": name,
        "word": group.word,
        "words": words.items(),
        "new": new,
        "items": [
            _group_context(item, f"{name}-{number}", catalogue, level + 1, new=item.is_empty)
            if isinstance(item, Group)
            else _row_context(item, f"{name}-{number}", catalogue)
            for number, item in enumerate(items)
        ],
    }


def _row_context(row: Row, name: str, catalogue: FactCatalogue) -> dict[str, Any]:
    definition = catalogue.get(row.fact)
    is_list = row.op.removeprefix("not:") in ("in", "not_in")
    return {
        "name": name,
        "row": row,
        "facts": fact_choices(catalogue, row.fact),
        "operators": [("", OPERATORS.items()), ("The opposite of", OPPOSITES.items())],
        "lines": max(3, row.value.count("\n") + 1) if is_list else 0,
        "hint": "" if definition is None else type_hint(definition.type, definition.enum),
    }


def fact_choices(
    catalogue: FactCatalogue, chosen: str = "", types: tuple[str, ...] = ()
) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the facts by group, of these types alone if any are named, with the chosen one."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for path, one in sorted(catalogue.definitions.items()):
        if not types or one.type in types or path == chosen:
            groups.setdefault(path.partition(".")[0], []).append((path, path))
    if chosen and chosen not in catalogue:
        groups["Not in the catalogue"] = [(chosen, chosen)]
    return list(groups.items())


def type_hint(fact_type: str, enum: tuple[str, ...] | None) -> str:
    """Return in a few words what a value of the fact may be."""
    words = {
        "boolean": "true or false",
        "integer": "a whole number",
        "number": "a number",
        "date": "a date such as 2026-11-22",
    }
    return f"One of: {', '.join(enum)}" if enum else words.get(fact_type, "a text")


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").strip()
