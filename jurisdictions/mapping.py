"""Rule packs between their rows and the engine's frozen values."""

from collections.abc import Iterable
from typing import Any

from jurisdictions.choices import PackStatus
from jurisdictions.engine import Pack, pack_from_document, pack_to_document
from jurisdictions.engine.packs import SCHEMA_VERSION
from jurisdictions.models import Requirement, RulePack

# Optional parts of a document: absent where the column is null.
_OPTIONAL_COLUMNS = ("parameters", "retention", "notes", "disclaimer")
_OPTIONAL_FIELDS = {
    "control": "control",
    "remediation": "remediation",
    "note": "note",
    "effectiveFrom": "effective_from",
    "effectiveTo": "effective_to",
}
_STATUS_WORDS = {
    PackStatus.DRAFT: "draft",
    PackStatus.IN_REVIEW: "in_review",
    PackStatus.ACTIVE: "active",
    PackStatus.SUPERSEDED: "superseded",
    PackStatus.RETIRED: "retired",
}


def pack_of(row: RulePack, requirements: Iterable[Requirement]) -> Pack:
    """Return the engine's value of a version and its requirements, which come in order."""
    return pack_from_document(document_of(row, requirements))


def document_of(row: RulePack, requirements: Iterable[Requirement]) -> dict[str, Any]:
    """Return the JSON document of a version and its requirements, which come in order."""
    optional = {name: getattr(row, name) for name in _OPTIONAL_COLUMNS}
    return {
        "schemaVersion": SCHEMA_VERSION,
        "packId": row.pack_id,
        "jurisdiction": {"code": row.jurisdiction_id, **row.territory},
        "framework": {
            "id": row.framework_id,
            "name": row.framework_name,
            **({} if row.regulators is None else {"regulators": row.regulators}),
        },
        "version": row.version,
        "status": _STATUS_WORDS[PackStatus(row.status)],
        "effectiveFrom": _day(row.effective_from),
        "effectiveTo": _day(row.effective_to),
        "asOf": _day(row.as_of),
        "appliesWhen": row.applies_when,
        "sources": row.sources,
        **{name: value for name, value in optional.items() if value is not None},
        "requirements": [requirement_document(one) for one in requirements],
    }


def requirement_document(row: Requirement) -> dict[str, Any]:
    """Return the JSON document of one requirement."""
    optional = {name: getattr(row, column) for name, column in _OPTIONAL_FIELDS.items()}
    return {
        "key": row.key,
        "title": row.title,
        "description": row.description,
        "citation": row.citation,
        "source": row.source,
        "basis": row.basis,
        "category": row.category,
        "severity": row.severity,
        "appliesWhen": row.applies_when,
        "check": {"kind": row.check_kind, "params": row.params},
        "onMissing": row.on_missing,
        "evidence": row.evidence,
        "confidence": row.confidence,
        **{
            name: _day(value) if name.startswith("effective") else value
            for name, value in optional.items()
            if value is not None
        },
    }


def rows_of(pack: Pack) -> tuple[RulePack, list[Requirement]]:
    """Return unsaved rows of a pack, as a Draft that nobody made yet."""
    document = pack_to_document(pack)
    where = dict(document["jurisdiction"])
    row = RulePack(
        pack_id=pack.pack_id,
        version=pack.version,
        jurisdiction_id=where.pop("code"),
        territory=where,
        framework_id=document["framework"]["id"],
        framework_name=document["framework"]["name"],
        regulators=document["framework"].get("regulators"),
        effective_from=pack.effective_from,
        effective_to=pack.effective_to,
        as_of=pack.as_of,
        applies_when=document["appliesWhen"],
        sources=document["sources"],
        **{name: document.get(name) for name in _OPTIONAL_COLUMNS},
    )
    requirements = [
        Requirement(
            pack=row,
            position=position,
            key=one.key,
            title=one.title,
            description=one.description,
            citation=one.citation,
            source=one.source,
            basis=one.basis,
            category=one.category,
            severity=str(one.severity),
            applies_when=one.applies_when,
            check_kind=one.check_kind,
            params=one.params,
            on_missing=str(one.on_missing or "unknown").lower(),
            evidence=one.evidence,
            control=one.control,
            confidence=one.confidence,
            remediation=one.remediation,
            effective_from=one.effective_from,
            effective_to=one.effective_to,
            note=one.note,
        )
        for position, one in enumerate(pack.requirements)
    ]
    return row, requirements


def _day(day: Any) -> str | None:
    return day.isoformat() if day else None
