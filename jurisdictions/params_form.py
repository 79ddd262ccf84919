"""A check's params as form fields, made from the JSON Schema of its kind.

Every kind's fields can stand in one form, because each is named `params__<kind>__<param>`; of an
object's members there is one field each. Initial values and cleaned values are JSON values.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django import forms

from jurisdictions.catalogue import FactCatalogue
from jurisdictions.condition_fields import fact_choices
from jurisdictions.engine import check_kind, check_kind_names, validate_params
from jurisdictions.engine.values import as_day
from jurisdictions.params_fields import (
    NOTHING,
    NOW,
    AttributeValueField,
    DateBoundField,
    ManyField,
    NumberField,
    RowsField,
    TextField,
    TextsField,
    WordField,
    YesNoField,
)
from jurisdictions.params_words import HELP, LABELS, fact_types
from jurisdictions.plain_fields import PlainJSONField
from jurisdictions.typed_text import value_of

PREFIX = "params__"
REQUIRED = "This is required for this kind of check."


@dataclass(frozen=True)
class Param:
    """One field of a kind: `path` leads to its value in the params."""

    kind: str
    path: tuple[str, ...]
    schema: Mapping[str, Any]
    required: bool

    @property
    def name(self) -> str:
        return PREFIX + "__".join((self.kind, *self.path))

    @property
    def label(self) -> str:
        return ": ".join(LABELS.get(word) or _words(word) for word in self.path)

    @property
    def help_text(self) -> str:
        own = HELP.get((self.kind, *self.path)) or HELP.get(self.path, "")
        must = "Required." if self.required and len(self.path) == 1 else ""
        return " ".join(text for text in (must, own) if text)


@cache
def params_of_kind(kind: str) -> tuple[Param, ...]:
    """Return the fields of a kind, in the order of its schema, required ones first."""
    known = check_kind(kind)
    if known is None:
        return ()
    found = list(_params(kind, (), known.params_schema))
    return tuple(sorted(found, key=lambda one: not one.required or len(one.path) > 1))


def _params(kind: str, path: tuple[str, ...], schema: Mapping[str, Any]) -> Iterator[Param]:
    for name, inner in schema["properties"].items():
        here = (*path, name)
        if inner.get("type") == "object" and "properties" in inner:
            yield from _params(kind, here, inner)
        else:
            yield Param(kind, here, inner, name in schema.get("required", ()))


def declared_fields() -> dict[str, forms.Field]:
    """Return the fields of all kinds by name; what they offer of the catalogue comes later."""
    every = (param for kind in check_kind_names() for param in params_of_kind(kind))
    return {param.name: field_for(param) for param in every}


def field_for(param: Param) -> forms.Field:
    """Return the field for one param, by its schema; JSON where there is no better one."""
    common: dict[str, Any] = {
        "label": param.label,
        "help_text": param.help_text,
        "required": False,
    }
    schema = param.schema
    items: Mapping[str, Any] = schema.get("items", {})
    if "anyOf" in schema and {"const": "now"} in schema["anyOf"]:
        return DateBoundField(**common)
    if _is_path(schema):
        return WordField(**common)
    if "enum" in schema:
        return WordField(words=schema["enum"], **common)
    if schema.get("type") == "boolean":
        return YesNoField(**common)
    if schema.get("type") in ("integer", "number"):
        return NumberField(schema=schema, **common)
    if schema.get("type") == "string":
        long = param.path[-1] == "question"
        attrs = {"rows": 2, "cols": 80} if long else {"size": 50}
        return TextField(widget=(forms.Textarea if long else forms.TextInput)(attrs), **common)
    if "enum" in items:
        return ManyField(words=items["enum"], **common)
    if _is_path(items):
        columns = {"Fact": WordField(required=False)}
        return RowsField(
            columns=columns,
            build=lambda rows: _at_least(schema, [row[0] for row in rows]),
            rows=lambda value: [[one] for one in value],
            **common,
        )
    if items.get("type") == "string" or items.get("type") == ["string", "boolean", "number"]:
        return TextsField(**common)
    if items.get("type") == "object":
        return _objects_field(items["properties"], common)
    if schema.get("type") == "object":
        return RowsField(
            columns={
                "Name": TextField(required=False),
                "Value": AttributeValueField(required=False),
            },
            build=_by_name,
            rows=lambda value: [[name, one] for name, one in value.items()],
            **common,
        )
    return PlainJSONField(rows=3, **common)


def _objects_field(properties: Mapping[str, Any], common: dict[str, Any]) -> RowsField:
    names = list(properties)
    columns: dict[str, forms.Field] = {
        LABELS.get(name) or _words(name): WordField(required=False)
        if _is_path(one)
        else NumberField(schema=one, required=False)
        for name, one in properties.items()
    }
    return RowsField(
        columns=columns,
        build=lambda rows: [dict(zip(names, row, strict=True)) for row in rows],
        rows=lambda value: [[one[name] for name in names] for one in value],
        **common,
    )


def offer_facts(fields: Mapping[str, forms.Field], catalogue: FactCatalogue, params: Any) -> None:
    """Let the fields offer the catalogue's facts, and whatever the params name already."""
    for kind in check_kind_names():
        for param in params_of_kind(kind):
            field = fields.get(param.name)
            value = _value_at(params, param.path)
            types = fact_types(kind, param.path)
            chosen = value if isinstance(value, str) else ""
            if isinstance(field, DateBoundField):
                path = "" if chosen == NOW or as_day(chosen) else chosen
                field.offer(fact_choices(catalogue, path, types))
            elif isinstance(field, WordField) and _is_path(param.schema):
                field.choices = [*NOTHING, *fact_choices(catalogue, chosen, types)]
            elif isinstance(field, RowsField):
                offered: list[Any] = [*NOTHING, *fact_choices(catalogue, "", types)]
                gone = [(path, path) for path in _paths_in(value) if path not in catalogue]
                for column in field.columns.values():
                    if type(column) is WordField:
                        column.choices = [*offered, *gone]


def initial_of(kind: str, params: Any) -> dict[str, Any]:
    """Return the values of the kind's fields for these params."""
    values = {param.name: _value_at(params, param.path) for param in params_of_kind(kind)}
    return {name: value for name, value in values.items() if value is not None}


def params_from(
    kind: str, values: Mapping[str, Any], catalogue: FactCatalogue, before: Any = None
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Return the params that the fields' values say, and what is wrong with them by field.

    What says the same as in `before` is kept as it was written there.
    """
    params: dict[str, Any] = {}
    problems: dict[str, list[str]] = {}
    for param in params_of_kind(kind):
        value = values.get(param.name)
        if value is not None and param.schema.get("items", {}).get("type") == [
            "string",
            "boolean",
            "number",
        ]:
            value = _typed(value, values.get(f"{PREFIX}{kind}__field"), catalogue, param, problems)
        if value is not None:
            _put(params, param.path, _as_before(value, _value_at(before, param.path)))
    for param in params_of_kind(kind):
        holder = _value_at(params, param.path[:-1]) if len(param.path) > 1 else params
        if param.required and holder is not None and param.path[-1] not in holder:
            problems.setdefault(param.name, [REQUIRED])
    if not problems:
        for text in validate_params(kind, params, catalogue):
            problems.setdefault(_field_of(kind, params, text), []).append(text.removeprefix("$: "))
    return params, problems


def params_in_words(kind: str, params: Any) -> list[tuple[str, str]]:
    """Return label and value of every param, for people who only read."""
    found = ((param, _value_at(params, param.path)) for param in params_of_kind(kind))
    return [(param.label, _said(value)) for param, value in found if value is not None]


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_said, value))
    if isinstance(value, dict):
        return "; ".join(f"{name} {_said(one)}" for name, one in value.items())
    return str(value)


def _typed(
    texts: list[str],
    path: Any,
    catalogue: FactCatalogue,
    param: Param,
    problems: dict[str, list[str]],
) -> Any:
    """The texts as values of the fact's type, which the fact in the field next to them has."""
    definition = catalogue.get(path) if isinstance(path, str) else None
    try:
        return [value_of(text, definition.type if definition else "string") for text in texts]
    except ValueError as refusal:
        problems[param.name] = [str(refusal)]
        return None


def _field_of(kind: str, params: Mapping[str, Any], problem: str) -> str:
    """The field a problem of the engine is about: the one at its place, of its value, it names."""
    known = params_of_kind(kind)
    place = tuple(re.split(r"[.\[]", problem.partition(":")[0]))
    for param in known:
        if place[: len(param.path)] == param.path:
            return param.name
    for param in sorted(known, key=lambda one: _is_path(one.schema)):
        value = _value_at(params, param.path)
        texts = [value] if isinstance(value, str) else re.findall(r'"([^"]+)"', json.dumps(value))
        if any(re.search(rf"(^| ){re.escape(text)}([ ;,]|$)", problem) for text in texts):
            return param.name
    for param in known:
        if re.search(rf"\b{param.path[0]}\b", problem):
            return param.name
    return known[0].name


def _value_at(params: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        params = params.get(name) if isinstance(params, Mapping) else None
    return params


def _paths_in(value: Any) -> list[str]:
    """The facts in a list of paths, or of objects that name one."""
    members = value if isinstance(value, list) else []
    found = (one.get("field") if isinstance(one, Mapping) else one for one in members)
    return [path for path in found if isinstance(path, str)]


def _put(params: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        params = params.setdefault(name, {})
    params[path[-1]] = value


def _as_before(value: Any, before: Any) -> Any:
    """The value, in the order in which it was written before where only that differs."""
    if isinstance(value, list) and isinstance(before, list) and value != before:
        texts, old = [json.dumps(one) for one in value], [json.dumps(one) for one in before]
        return before if sorted(texts) == sorted(old) else value
    return value


def _is_path(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "string" and "\\." in schema.get("pattern", "")


def _at_least(schema: Mapping[str, Any], values: list[Any]) -> list[Any]:
    if len(values) < schema.get("minItems", 1):
        raise ValueError(f"Choose at least {schema['minItems']}.")
    if len(set(values)) < len(values):
        raise ValueError("One is chosen twice.")
    return values


def _by_name(rows: list[list[Any]]) -> dict[str, Any]:
    names = [name.strip() for name, _ in rows]
    if len(set(names)) < len(names):
        raise ValueError("A name is used twice; write its values in one row, with | between them.")
    return dict(zip(names, (value for _, value in rows), strict=True))


def _words(name: str) -> str:
    """`notBefore` as `Not before`."""
    return re.sub(r"([A-Z])", lambda found: " " + found[1].lower(), name).capitalize()
