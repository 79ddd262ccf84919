"""What must hold of a rule pack before it may be loaded, saved or activated."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from jurisdictions.engine.checks import validate_params
from jurisdictions.engine.checks.registry import schema_errors
from jurisdictions.engine.packs import Pack, Requirement, pack_from_document
from jurisdictions.engine.predicates import facts_named, validate_predicate
from jurisdictions.engine.selection import UNIVERSAL_TAG_FACTS

if TYPE_CHECKING:
    from jurisdictions.catalogue import FactCatalogue

# A condition may nest 12 levels, which are two in JSON each.
_MAX_DEPTH = 60


def validate_pack(
    document: object, schema: Mapping[str, Any], catalogue: FactCatalogue
) -> list[str]:
    """What is wrong with a pack document, each problem with its place; an empty list if nothing.

    Checked are the rule pack schema, every condition and every check's params against the facts
    catalogue, the sources that requirements cite, and the effective dates.
    """
    problems = list(_unkeepable(document)) or list(_form_problems(document, schema, catalogue))
    if problems or not isinstance(document, Mapping):
        return problems
    return list(_strange_days(document)) or list(
        _pack_problems(pack_from_document(document), catalogue)
    )


def _unkeepable(value: object, place: str = "$", depth: int = 0) -> Iterator[str]:
    """What no database and no JSON text can hold, or what nests without end."""
    where = place.removeprefix("$.")
    if depth > _MAX_DEPTH:
        yield f"{where}: nests deeper than {_MAX_DEPTH} levels"
    elif isinstance(value, str):
        if "\0" in value:
            yield f"{where}: holds a NUL character"
        elif any("\ud800" <= letter <= "\udfff" for letter in value):
            yield f"{where}: holds half of a surrogate pair, which is no character"
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{where}: {value} is no number in JSON"
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield from _unkeepable(name, place, depth)
            yield from _unkeepable(one, f"{place}.{name}", depth + 1)
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            yield from _unkeepable(one, f"{place}[{number}]", depth + 1)


def _form_problems(
    document: object, schema: Mapping[str, Any], catalogue: FactCatalogue
) -> Iterator[str]:
    for place, error in schema_errors(document, schema):
        # Of an alternative the schema says only that none fits; conditions know what is wrong.
        alternatives = error.validator == "oneOf"
        reasons = validate_predicate(error.instance, catalogue) if alternatives else []
        for reason in reasons or [error.message]:
            yield f"{place}: {reason}"


def _strange_days(document: Mapping[str, Any]) -> Iterator[str]:
    """The dates of the right form that the calendar does not have."""
    requirements = enumerate(document["requirements"])
    for place, entry in (
        ("", document),
        *((f"requirements[{n}].", one) for n, one in requirements),
    ):
        for name in ("effectiveFrom", "effectiveTo", "asOf"):
            try:
                date.fromisoformat(entry.get(name) or "2000-01-01")
            except ValueError as error:
                yield f"{place}{name}: {error}"


def _pack_problems(pack: Pack, catalogue: FactCatalogue) -> Iterator[str]:
    for problem in validate_predicate(pack.applies_when, catalogue):
        yield f"appliesWhen: {problem}"
    if pack.effective_from and pack.effective_to and pack.effective_to < pack.effective_from:
        yield "effectiveTo: before effectiveFrom"
    for key, count in Counter(one.key for one in pack.requirements).items():
        if count > 1:
            yield f"{key}: used {count} times"
    if pack.jurisdiction.is_universal:
        for path in sorted(facts_named(pack.applies_when) - set(UNIVERSAL_TAG_FACTS)):
            if path.startswith("tag."):
                yield f"appliesWhen: applies to every token, so it cannot read {path}"
    sources = Counter(source["id"] for source in pack.sources)
    for name, count in sources.items():
        if count > 1:
            yield f"sources: {name} is given {count} times"
    for requirement in pack.requirements:
        for problem in requirement_problems(requirement, catalogue):
            yield f"{requirement.key}: {problem}"
        if requirement.source not in sources:
            yield f"{requirement.key}: there is no source {requirement.source}"
        if pack.jurisdiction.is_universal:
            foreign = _tag_facts_of(requirement) - set(UNIVERSAL_TAG_FACTS)
            for path in sorted(foreign):
                yield f"{requirement.key}: applies to every token, so it cannot read {path}"


def requirement_problems(requirement: Requirement, catalogue: FactCatalogue) -> list[str]:
    """What is wrong with one requirement: its condition, its check, its effective dates."""
    problems = [
        f"appliesWhen: {one}" for one in validate_predicate(requirement.applies_when, catalogue)
    ]
    problems += validate_params(requirement.check_kind, requirement.params, catalogue)
    start, end = requirement.effective_from, requirement.effective_to
    if start and end and end < start:
        problems.append("effectiveTo: before effectiveFrom")
    return problems


def _tag_facts_of(requirement: Requirement) -> set[str]:
    params = requirement.params
    named = [*params.values(), *params.get("anyOf", ())]
    paths = facts_named(requirement.applies_when) | {one for one in named if isinstance(one, str)}
    return {path for path in paths if path.startswith("tag.")}
