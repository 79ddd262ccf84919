"""The content of a report: everything that is evaluated, in one RFC 8785 document. Pure.

Who asked, when and under which id are no part of it: the same material gives the same content.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from audit.body import canonical
from compliance.choices import ReportType
from compliance.reports import sections
from compliance.reports.trail import Trail, TrailCounts
from compliance.results import check_document, status_document
from config.api.formats import utc_text
from jurisdictions.catalogue import FactCatalogue
from jurisdictions.engine import (
    ENGINE_VERSION,
    CheckResult,
    Pack,
    Requirement,
    Snapshot,
    aggregate,
    evaluate,
    pack_to_document,
)
from jurisdictions.engine.documents import document_bytes, snapshot_to_document

SCHEMA_VERSION = "1.0"
# Of reports on an issuer or an issuance, which say more than 1.0 describes.
SUBJECT_SCHEMA_VERSION = "1.1"
DISCLAIMER = (
    "A pass means that the evidence on file meets the declared check, never that the law is "
    "complied with."
)
# Only these count or list events, and so only these can be bounded by a period.
WITH_PERIOD = frozenset({ReportType.FULL, ReportType.AUDIT_TRAIL})
WITH_CHECKS = frozenset({ReportType.FULL, ReportType.MICA_READINESS})


@dataclass(frozen=True)
class StoredInput:
    """A document that the evaluation read: its bytes, and their SHA-256 as its name."""

    text: bytes
    digest: str

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "StoredInput":
        text = document_bytes(document)
        return cls(text, sha256(text).hexdigest())


@dataclass(frozen=True)
class Material:
    """Everything that a report is made from; the same material gives the same content."""

    report_type: ReportType
    as_of: datetime
    token: Mapping[str, Any]
    snapshot: Snapshot
    packs: tuple[Pack, ...]
    catalogue: FactCatalogue
    changes: TrailCounts
    trail: Trail | None = None
    warnings: Sequence[Mapping[str, str]] = ()
    period_from: datetime | None = None
    period_to: datetime | None = None
    subject: Mapping[str, Any] | None = None
    issuance: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Content:
    """A report's content in RFC 8785 form, with what else is stored beside it.

    `fingerprint` is the digest of the content without the moment that it was evaluated for: two
    reports with one fingerprint say the same of the same data.
    """

    text: bytes
    digest: str
    fingerprint: str
    status: str
    snapshots: Sequence[StoredInput]
    packs: tuple[StoredInput, ...] = field(default_factory=tuple)
    schema_version: str = SCHEMA_VERSION


def make_content(material: Material, pack_inputs: Sequence[StoredInput] | None = None) -> Content:
    """Evaluate the material and return what the report says.

    `pack_inputs` are the stored forms of `material.packs` in their order, where the caller has
    them at hand. Raises ValueError for material that has no canonical form.
    """
    snapshot = StoredInput.of(snapshot_to_document(material.snapshot))
    packs = stored_packs(material.packs, pack_inputs)
    about = about_token(material)
    timeless = {
        **about,
        "schemaVersion": SUBJECT_SCHEMA_VERSION if material.subject else SCHEMA_VERSION,
        "reportType": str(material.report_type),
        "period": period_document(material.period_from, material.period_to),
        "engineVersion": ENGINE_VERSION,
        "inputs": {"snapshot": snapshot.digest, "packs": pack_list(material.packs, packs)},
        "disclaimer": DISCLAIMER,
    }
    fingerprint = sha256(canonical(timeless)).hexdigest()
    text = canonical(stamped(timeless, utc_text(material.as_of)))
    return Content(
        text=text,
        digest=sha256(text).hexdigest(),
        fingerprint=fingerprint,
        status=timeless["summary"]["status"],
        snapshots=(snapshot,),
        packs=packs,
        schema_version=timeless["schemaVersion"],
    )


def stored_packs(
    packs: Sequence[Pack], inputs: Sequence[StoredInput] | None
) -> tuple[StoredInput, ...]:
    """Return the stored forms of `packs` in their order: `inputs` where the caller has them."""
    return tuple(inputs or (StoredInput.of(pack_to_document(pack)) for pack in packs))


def pack_list(packs: Sequence[Pack], stored: Sequence[StoredInput]) -> list[dict[str, Any]]:
    """Return the rule packs by id and version, each with the digest of its document."""
    return sorted(
        (
            {"id": pack.pack_id, "version": pack.version, "digest": one.digest}
            for pack, one in zip(packs, stored, strict=True)
        ),
        key=lambda entry: (entry["id"], entry["version"]),
    )


def about_token(material: Material) -> dict[str, Any]:
    """Return all that a report says of one token, but for the moment that it speaks of."""
    results = evaluate(material.snapshot, material.packs, material.as_of)
    status = status_document(aggregate(results, material.as_of), results)
    warnings = list(material.warnings)
    if material.trail is not None:
        warnings += sections.trail_warnings(material.trail)
    about: dict[str, Any] = {
        "token": dict(material.token),
        "summary": {
            "status": status["status"],
            "rationale": status["rationale"],
            "counts": status["counts"],
            "jurisdictions": status["jurisdictions"],
            "missingFacts": status["missingFacts"],
            "nextEvaluationAt": status["nextEvaluationAt"],
        },
        **_sections(material, results),
        "warnings": warnings,
        "packVersions": status["packVersions"],
    }
    if material.subject is not None:
        about["subject"] = dict(material.subject)
    if material.issuance is not None:
        checks = sections.issuance_checks(material.packs, results)
        about["issuance"] = {**material.issuance, "checks": checks}
    return about


def _sections(material: Material, results: tuple[CheckResult, ...]) -> dict[str, Any]:
    kind, snapshot, now = material.report_type, material.snapshot, material.as_of
    if kind == ReportType.AUDIT_TRAIL:
        trail = material.trail or Trail()
        return {
            "auditTrail": sections.audit_trail(snapshot, material.changes),
            "trail": sections.trail_summary(trail),
            "events": list(trail.events),
        }
    if kind == ReportType.COMPLIANCE_BADGE:
        return {"badge": sections.badge(snapshot, results, now)}
    mica = sections.mica_checks(material.packs, results)
    readiness = {"micaReadiness": sections.mica_readiness(material.packs, mica, now)}
    if kind == ReportType.MICA_READINESS:
        return {**readiness, "checks": _checks(material.packs, mica)}
    overall = aggregate(results, now)
    return {
        **readiness,
        "attestations": sections.attestation_presence(snapshot, material.packs, results, now),
        "auditTrail": sections.audit_trail(snapshot, material.changes),
        "requiredChecks": sections.required_checks(material.packs, results),
        "nextBestFacts": sections.next_best_facts(overall.missing_facts, material.catalogue),
        "checks": _checks(material.packs, results),
    }


def _checks(packs: Iterable[Pack], results: Iterable[CheckResult]) -> list[dict[str, Any]]:
    requirements = sections.requirements_by_key(packs)
    return [_check(requirements, result) for result in results]


def _check(
    requirements: Mapping[tuple[str, str, str], Requirement], result: CheckResult
) -> dict[str, Any]:
    requirement = requirements.get((result.pack_id, result.pack_version, result.key))
    return {
        **check_document(result),
        "confidence": requirement.confidence if requirement else None,
    }


def period_document(start: datetime | None, end: datetime | None) -> dict[str, Any] | None:
    """Return the period that was asked for; None where none was."""
    if start is None and end is None:
        return None
    return {"from": utc_text(start) if start else None, "to": utc_text(end) if end else None}


def stamped(timeless: Mapping[str, Any], as_of: str) -> dict[str, Any]:
    """Return what is said with the moment that it was evaluated for."""
    made = {**timeless, "asOf": as_of}
    if "checks" in made:
        made["checks"] = [{**check, "evaluatedAt": as_of} for check in made["checks"]]
    return made
