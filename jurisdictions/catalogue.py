"""The facts catalogue: which facts exist, what they may hold, what is assumed without them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

FACT_TYPES = ("string", "enum", "boolean", "integer", "number", "date", "list")


@dataclass(frozen=True)
class FactDefinition:
    """One fact: its path, its type, the values it may hold and what to assume without it.

    For an `enum` the values are the choices, for a `list` the members it may have; None leaves
    them open. `assume_when_missing` None means: assume nothing, the fact is unknown.
    """

    path: str
    type: str
    enum: tuple[str, ...] | None = None
    assume_when_missing: str | bool | int | float | None = None
    description: str = ""
    origin: str = ""

    def problem_with(self, value: object) -> str | None:
        """Why the value cannot be recorded for this fact, or None if it can."""
        if not _has_type(value, self.type):
            return f"{self.path} takes {_TYPE_WORDS[self.type]}, not {value!r}"
        if self.enum is None:
            return None
        members = value if isinstance(value, list | tuple) else [value]
        strange = [str(member) for member in members if member not in self.enum]
        if strange:
            return f"{self.path} cannot be {', '.join(strange)}; it takes {', '.join(self.enum)}"
        return None


@dataclass(frozen=True)
class FactCatalogue:
    """All fact definitions by path."""

    definitions: Mapping[str, FactDefinition]

    @classmethod
    def of(cls, definitions: Iterable[FactDefinition]) -> FactCatalogue:
        """A catalogue of these definitions; two of one path are a ValueError."""
        by_path: dict[str, FactDefinition] = {}
        for definition in definitions:
            if definition.path in by_path:
                raise ValueError(f"the fact {definition.path} is defined twice")
            if definition.type not in FACT_TYPES:
                raise ValueError(f"the fact {definition.path} has no known type: {definition.type}")
            by_path[definition.path] = definition
        return cls(by_path)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> FactCatalogue:
        """The catalogue of a facts document (`fixtures/reference/facts.json`)."""
        return cls.of(
            FactDefinition(
                path=entry["path"],
                type=entry["type"],
                enum=tuple(entry["enum"]) if entry.get("enum") else None,
                assume_when_missing=entry.get("assumeWhenMissing"),
                description=entry.get("description", ""),
                origin=entry.get("origin", ""),
            )
            for entry in document["facts"]
        )

    def get(self, path: str) -> FactDefinition | None:
        """The definition of a path, or None where there is no such fact."""
        return self.definitions.get(path)

    def __contains__(self, path: object) -> bool:
        return path in self.definitions

    @property
    def assumed(self) -> dict[str, str | bool | int | float]:
        """What is assumed for facts that nobody recorded, by path (for `Snapshot.assumed`)."""
        return {
            path: definition.assume_when_missing
            for path, definition in self.definitions.items()
            if definition.assume_when_missing is not None
        }

    def problem_with(self, path: str, value: object) -> str | None:
        """Why the value cannot be recorded under the path, or None if it can."""
        definition = self.definitions.get(path)
        return f"there is no fact {path}" if definition is None else definition.problem_with(value)


_TYPE_WORDS = {
    "string": "a text",
    "enum": "one of its choices",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "date": "an ISO 8601 date",
    "list": "a list of texts",
}


def _has_type(value: object, name: str) -> bool:
    if name in ("string", "enum"):
        return isinstance(value, str) and bool(value.strip())
    if name == "boolean":
        return isinstance(value, bool)
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number":
        return _is_finite_number(value)
    if name == "date":
        return _is_date(value)
    return isinstance(value, list | tuple) and all(isinstance(member, str) for member in value)


def _is_finite_number(value: object) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, Decimal):
        return value.is_finite()
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def _is_date(value: object) -> bool:
    if not isinstance(value, str):
        return isinstance(value, date)
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
