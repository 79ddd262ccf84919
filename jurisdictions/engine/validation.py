"""What must hold of a rule pack before it may be loaded, saved or activated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from jurisdictions.engine.checks import validate_params
from jurisdictions.engine.checks.registry import schema_problems
from jurisdictions.engine.packs import Pack, Requirement, pack_from_document
from jurisdictions.engine.predicates import facts_named, validate_predicate
from jurisdictions.engine.selection import UNIVERSAL_TAG_FACTS

if TYPE_CHECKING:
    from jurisdictions.catalogue import FactCatalogue


def validate_pack(
    document: object, schema: Mapping[str, Any], catalogue: FactCatalogue
) -> list[str]:
    """What is wrong with a pack document, each problem with its place; an empty list if nothing.

    Checked are the rule pack schema, every condition and every check's params against the facts
    catalogue, the sources that requirements cite, and the effective dates.
    """
    problems = schema_problems(document, schema)
    if problems or not isinstance(document, Mapping):
        return problems
    try:
        pack = pack_from_document(document)
    except ValueError as error:
        return [str(error)]
    return list(_pack_problems(pack, catalogue))


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
    sources = {source["id"] for source in pack.sources}
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
