"""Every rule pack there is: valid, loadable without loss, and never passed without evidence."""

from copy import deepcopy
from typing import Any

import pytest

from jurisdictions.engine import (
    Snapshot,
    Tag,
    Verdict,
    check_kind,
    check_kind_names,
    evaluate,
    pack_from_document,
    pack_to_document,
    validate_pack,
)
from tests.jurisdictions.builders import (
    NOW,
    active_packs,
    catalogue,
    pack_documents,
    reference,
)

EVIDENCE_KINDS = {
    "attestation_present",
    "attestation_coverage",
    "whitelist_enforced",
    "audit_event_present",
    "audit_trail_complete",
    "retention_at_least",
    "deployment_completed",
    "manual_review",
}
NAMES = list(pack_documents())
EVERYWHERE = tuple(
    Tag(pack.jurisdiction.code, pack.jurisdiction.kind)
    for pack in active_packs()
    if not pack.jurisdiction.is_universal
)


def problems(document: object) -> list[str]:
    return validate_pack(document, reference("rulepack-schema"), catalogue())


def test_there_are_twelve_packs_of_two_hundred_requirements() -> None:
    assert len(NAMES) == 12
    assert sum(len(one["requirements"]) for one in pack_documents().values()) == 200


@pytest.mark.parametrize("name", NAMES)
def test_the_pack_is_valid(name: str) -> None:
    assert problems(pack_documents()[name]) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_pack_survives_reading_and_writing(name: str) -> None:
    document = pack_documents()[name]
    assert pack_to_document(pack_from_document(document)) == document


def test_every_check_kind_of_the_catalogue_exists_and_takes_its_params() -> None:
    declared = {one["kind"]: one for one in reference("check-kinds")["kinds"]}
    assert set(check_kind_names()) == set(declared)
    for name, entry in declared.items():
        known = check_kind(name)
        assert known is not None
        assert set(entry["params"]) == set(known.params_schema["properties"])


def test_every_attestation_type_in_use_is_declared() -> None:
    declared = {one["type"] for one in reference("attestation-types")["types"]}
    used = {
        name
        for document in pack_documents().values()
        for one in document["requirements"]
        for name in one["check"]["params"].get("types", ())
    }
    assert used <= declared


@pytest.mark.parametrize("tags", [(), EVERYWHERE])
def test_nothing_is_shown_by_an_empty_snapshot(tags: tuple[Tag, ...]) -> None:
    results = evaluate(Snapshot(tags=tags, assumed=catalogue().assumed), active_packs(), NOW)
    kinds = {one.key: one.check_kind for pack in active_packs() for one in pack.requirements}
    passed = {one.key for one in results if one.verdict == Verdict.PASS}
    assert {one for one in passed if kinds.get(one) in EVIDENCE_KINDS} == set()
    assert {one for one in passed if not one.startswith("engine.")} == set()
    if tags:
        assert {one.key for one in results} >= set(kinds)


def broken(**changes: Any) -> dict[str, Any]:
    """The baseline with one change in its first requirement."""
    document = deepcopy(pack_documents()["GLOBAL-BASELINE"])
    document["requirements"][0].update(changes)
    return document


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"severity": "fatal"}, "severity"),
        ({"check": {"kind": "oracle", "params": {}}}, "kind"),
        ({"check": {"kind": "field_present", "params": {}}}, "either field or anyOf"),
        (
            {"check": {"kind": "field_present", "params": {"field": "issuer.name"}}},
            "base.issuer_profile: there is no fact issuer.name",
        ),
        ({"appliesWhen": {"fact": "a.b", "op": "exists"}}, "appliesWhen: there is no fact a.b"),
        ({"source": "hearsay"}, "there is no source hearsay"),
        ({"key": "base.kyc_status"}, "base.kyc_status: used 2 times"),
        ({"effectiveFrom": "2026-02-30"}, "day"),
        ({"effectiveFrom": "2026-02-02", "effectiveTo": "2026-02-01"}, "before effectiveFrom"),
        (
            {"appliesWhen": {"fact": "tag.classification", "op": "exists"}},
            "applies to every token, so it cannot read tag.classification",
        ),
        (
            {"check": {"kind": "field_present", "params": {"field": "tag.classification"}}},
            "applies to every token, so it cannot read tag.classification",
        ),
    ],
)
def test_a_broken_pack_is_refused_with_the_place(changes: dict[str, Any], problem: str) -> None:
    found = problems(broken(**changes))
    assert len(found) == 1
    assert problem in found[0]


def test_a_pack_that_ends_before_it_begins_is_refused() -> None:
    document = {**pack_documents()["GLOBAL-BASELINE"], "effectiveTo": "2025-12-31"}
    assert problems(document) == ["effectiveTo: before effectiveFrom"]


@pytest.mark.parametrize("document", [None, [], {}, {"packId": 3}])
def test_anything_may_be_validated(document: object) -> None:
    assert problems(document)
