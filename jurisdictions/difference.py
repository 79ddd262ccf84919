"""What differs between two versions of a rule pack: what the second person has to judge."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jurisdictions.engine import Pack, describe_predicate, pack_to_document

# What differs between any two versions, and says nothing of their rules.
_IDENTITY = frozenset({"$schema", "version", "status", "requirements"})


@dataclass(frozen=True)
class FieldChange:
    """A field whose value differs; None where a side does not have it."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class RequirementChange:
    """A requirement that was Added, Removed or Changed; only a changed one lists fields."""

    key: str
    title: str
    what: str
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True)
class PackDifference:
    """What differs between two versions: of the pack itself, and by requirement."""

    fields: tuple[FieldChange, ...]
    requirements: tuple[RequirementChange, ...]


def pack_difference(before: Pack, after: Pack) -> PackDifference:
    """Return what `after` changes, in the order of its requirements; removed ones come last."""
    old, new = pack_to_document(before), pack_to_document(after)
    old_rules = {entry["key"]: entry for entry in old["requirements"]}
    new_rules = {entry["key"]: entry for entry in new["requirements"]}
    changes = []
    for key, entry in new_rules.items():
        if key not in old_rules:
            changes.append(RequirementChange(key, entry["title"], "Added"))
        elif fields := _field_changes(old_rules[key], entry):
            changes.append(RequirementChange(key, entry["title"], "Changed", fields))
    changes += [
        RequirementChange(key, entry["title"], "Removed")
        for key, entry in old_rules.items()
        if key not in new_rules
    ]
    return PackDifference(_field_changes(old, new), tuple(changes))


def _field_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    before, after = dict(_leaves(old)), dict(_leaves(new))
    return tuple(
        FieldChange(name, before.get(name), after.get(name))
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    )


def _leaves(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Return every value with its path; conditions in words, lists as they are written."""
    for name, value in document.items():
        path = prefix + name
        if path in _IDENTITY:
            continue
        if name == "appliesWhen":
            yield path, describe_predicate(value)
        elif isinstance(value, Mapping):
            yield from _leaves(value, f"{path}.")
        elif isinstance(value, list):
            yield path, json.dumps(value, ensure_ascii=False)
        else:
            yield path, value
