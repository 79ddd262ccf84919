"""Rule packs as frozen values, to and from their JSON document (regulation.md section 8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from jurisdictions.engine.predicates import Predicate
from jurisdictions.engine.results import Citation, Severity, Verdict

SCHEMA_VERSION = "1.0.0"
_ALWAYS: Predicate = {"always": True}
_ON_MISSING = {Verdict.FAIL: "fail", Verdict.UNKNOWN: "unknown"}
# Both apply to every token, wherever it is offered.
_UNIVERSAL_KINDS = frozenset({"global", "standard_setter"})


class PackStatus(StrEnum):
    """Where a pack stands in its life; only Active and Superseded ones can be in force."""

    DRAFT = "Draft"
    IN_REVIEW = "InReview"
    ACTIVE = "Active"
    SUPERSEDED = "Superseded"
    RETIRED = "Retired"


_DOCUMENT_STATUS = {
    PackStatus.DRAFT: "draft",
    PackStatus.IN_REVIEW: "in_review",
    PackStatus.ACTIVE: "active",
    PackStatus.SUPERSEDED: "superseded",
    PackStatus.RETIRED: "retired",
}
_STATUS_OF = {word: status for status, word in _DOCUMENT_STATUS.items()} | {
    str(status): status for status in PackStatus
}


def version_order(version: str) -> tuple[int, ...]:
    """The version as numbers, so that 2026.11.10 comes after 2026.11.9."""
    return tuple(int(part) for part in version.split(".") if part.isdigit())


@dataclass(frozen=True)
class PackJurisdiction:
    """Where a pack's rules hold, and which members and treaty states they reach."""

    code: str
    kind: str
    name: str
    members: tuple[str, ...] = ()
    extended_to: tuple[Mapping[str, Any], ...] = ()
    inherits_to: bool | None = None
    note: str | None = None

    @property
    def is_universal(self) -> bool:
        """Whether the rules hold for every token (GLOBAL, FATF)."""
        return self.kind in _UNIVERSAL_KINDS

    @property
    def reaches(self) -> frozenset[str]:
        """The countries that bring a supranational's packs: its members and those by treaty."""
        if self.kind != "supranational" or self.inherits_to is False:
            return frozenset()
        return frozenset(self.members) | {entry["code"] for entry in self.extended_to}


@dataclass(frozen=True)
class Requirement:
    """One rule: when it applies, what is checked, what it rests on, how much it weighs.

    `on_missing` None leaves the verdict without data to the check kind. Both effective dates are
    included in the time of force.
    """

    key: str
    title: str
    check_kind: str
    params: Mapping[str, Any] = field(default_factory=dict)
    severity: Severity = Severity.REQUIRED
    basis: str = "policy"
    category: str = "scope"
    citation: str = ""
    source: str = ""
    description: str = ""
    applies_when: Predicate = field(default_factory=lambda: _ALWAYS)
    on_missing: Verdict | None = None
    evidence: str = ""
    control: str | None = None
    confidence: str = "medium"
    remediation: str | None = None
    note: str | None = None
    effective_from: date | None = None
    effective_to: date | None = None


@dataclass(frozen=True)
class Pack:
    """One framework of one jurisdiction at one version: the unit of review and of force."""

    pack_id: str
    jurisdiction: PackJurisdiction
    version: str
    requirements: tuple[Requirement, ...]
    framework: Mapping[str, Any] = field(default_factory=dict)
    status: PackStatus = PackStatus.ACTIVE
    effective_from: date | None = None
    effective_to: date | None = None
    as_of: date | None = None
    applies_when: Predicate = field(default_factory=lambda: _ALWAYS)
    sources: tuple[Mapping[str, Any], ...] = ()
    parameters: Mapping[str, Any] | None = None
    retention: tuple[Mapping[str, Any], ...] | None = None
    notes: tuple[str, ...] | None = None
    disclaimer: str | None = None

    @property
    def version_order(self) -> tuple[int, ...]:
        """The version as numbers, so that 2026.11.10 comes after 2026.11.9."""
        return version_order(self.version)

    def citations_of(self, requirement: Requirement) -> tuple[Citation, ...]:
        """The provision a requirement rests on, with the address of its source."""
        uri = next((s.get("url", "") for s in self.sources if s["id"] == requirement.source), "")
        return (Citation(requirement.citation, uri),)


def pack_from_document(document: Mapping[str, Any]) -> Pack:
    """The pack of a document that satisfies the rule pack schema."""
    where = document["jurisdiction"]
    return Pack(
        pack_id=document["packId"],
        jurisdiction=PackJurisdiction(
            code=where["code"],
            kind=where["kind"],
            name=where["name"],
            members=tuple(where.get("members", ())),
            extended_to=tuple(where.get("extendedTo", ())),
            inherits_to=where.get("inheritsTo"),
            note=where.get("note"),
        ),
        version=document["version"],
        requirements=tuple(_requirement(entry) for entry in document["requirements"]),
        framework=document["framework"],
        status=_STATUS_OF[document["status"]],
        effective_from=_day(document["effectiveFrom"]),
        effective_to=_day(document["effectiveTo"]),
        as_of=_day(document["asOf"]),
        applies_when=document["appliesWhen"],
        sources=tuple(document["sources"]),
        parameters=document.get("parameters"),
        retention=tuple(document["retention"]) if "retention" in document else None,
        notes=tuple(document["notes"]) if "notes" in document else None,
        disclaimer=document.get("disclaimer"),
    )


def _requirement(entry: Mapping[str, Any]) -> Requirement:
    on_missing = entry.get("onMissing")
    return Requirement(
        key=entry["key"],
        title=entry["title"],
        check_kind=entry["check"]["kind"],
        params=entry["check"]["params"],
        severity=Severity(entry["severity"]),
        basis=entry["basis"],
        category=entry["category"],
        citation=entry["citation"],
        source=entry["source"],
        description=entry["description"],
        applies_when=entry["appliesWhen"],
        on_missing=Verdict(on_missing.capitalize()) if on_missing else None,
        evidence=entry.get("evidence", ""),
        control=entry.get("control"),
        confidence=entry["confidence"],
        remediation=entry.get("remediation"),
        note=entry.get("note"),
        effective_from=_day(entry.get("effectiveFrom")),
        effective_to=_day(entry.get("effectiveTo")),
    )


def pack_to_document(pack: Pack) -> dict[str, Any]:
    """The document of a pack; reading it back gives an equal pack."""
    where = pack.jurisdiction
    return {
        "$schema": "./_schema.json",
        "schemaVersion": SCHEMA_VERSION,
        "packId": pack.pack_id,
        "jurisdiction": _without_none(
            code=where.code,
            kind=where.kind,
            name=where.name,
            members=list(where.members) or None,
            inheritsTo=where.inherits_to,
            extendedTo=[dict(entry) for entry in where.extended_to] or None,
            note=where.note,
        ),
        "framework": dict(pack.framework),
        "version": pack.version,
        "status": _DOCUMENT_STATUS[pack.status],
        "effectiveFrom": _text(pack.effective_from),
        "effectiveTo": _text(pack.effective_to),
        "asOf": _text(pack.as_of),
        "appliesWhen": dict(pack.applies_when),
        "sources": [dict(source) for source in pack.sources],
        **_without_none(
            parameters=None if pack.parameters is None else dict(pack.parameters),
            retention=None if pack.retention is None else [dict(row) for row in pack.retention],
            notes=None if pack.notes is None else list(pack.notes),
            disclaimer=pack.disclaimer,
        ),
        "requirements": [_requirement_document(one) for one in pack.requirements],
    }


def _requirement_document(requirement: Requirement) -> dict[str, Any]:
    on_missing = requirement.on_missing
    return {
        "key": requirement.key,
        "title": requirement.title,
        "description": requirement.description,
        "citation": requirement.citation,
        "source": requirement.source,
        "basis": requirement.basis,
        "category": requirement.category,
        "severity": str(requirement.severity),
        "appliesWhen": dict(requirement.applies_when),
        "check": {"kind": requirement.check_kind, "params": dict(requirement.params)},
        **_without_none(onMissing=_ON_MISSING[on_missing] if on_missing else None),
        "evidence": requirement.evidence,
        "control": requirement.control,
        "confidence": requirement.confidence,
        **_without_none(
            effectiveFrom=_text(requirement.effective_from),
            effectiveTo=_text(requirement.effective_to),
            remediation=requirement.remediation,
            note=requirement.note,
        ),
    }


def _without_none(**entries: Any) -> dict[str, Any]:
    return {key: value for key, value in entries.items() if value is not None}


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None
