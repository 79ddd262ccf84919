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
    Aggregate,
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
    snapshot: StoredInput
    packs: tuple[StoredInput, ...] = field(default_factory=tuple)


def make_content(material: Material, pack_inputs: Sequence[StoredInput] | None = None) -> Content:
    """Evaluate the material and return what the report says.

    `pack_inputs` are the stored forms of `material.packs` in their order, where the caller has
    them at hand. Raises ValueError for material that has no canonical form.
    """
    results = evaluate(material.snapshot, material.packs, material.as_of)
    overall = aggregate(results, material.as_of)
    snapshot = StoredInput.of(snapshot_to_document(material.snapshot))
    packs = tuple(
        pack_inputs or (StoredInput.of(pack_to_document(pack)) for pack in material.packs)
    )
    timeless = _timeless(material, results, overall, snapshot, packs)
    fingerprint = sha256(canonical(timeless)).hexdigest()
    text = canonical(_stamped(timeless, utc_text(material.as_of)))
    return Content(
        text=text,
        digest=sha256(text).hexdigest(),
        fingerprint=fingerprint,
        status=str(overall.status),
        snapshot=snapshot,
        packs=packs,
    )


def _timeless(
    material: Material,
    results: tuple[CheckResult, ...],
    overall: Aggregate,
    snapshot: StoredInput,
    packs: Sequence[StoredInput],
) -> dict[str, Any]:
    status = status_document(overall, results)
    warnings = list(material.warnings)
    if material.trail is not None:
        warnings += sections.trail_warnings(material.trail)
    return {
        "schemaVersion": SCHEMA_VERSION,
        "reportType": str(material.report_type),
        "period": _period(material),
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
        "engineVersion": ENGINE_VERSION,
        "inputs": {
            "snapshot": snapshot.digest,
            "packs": sorted(
                (
                    {"id": pack.pack_id, "version": pack.version, "digest": stored.digest}
                    for pack, stored in zip(material.packs, packs, strict=True)
                ),
                key=lambda entry: (entry["id"], entry["version"]),
            ),
        },
        "disclaimer": DISCLAIMER,
    }


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


def _period(material: Material) -> dict[str, Any] | None:
    if material.period_from is None and material.period_to is None:
        return None
    return {
        "from": utc_text(material.period_from) if material.period_from else None,
        "to": utc_text(material.period_to) if material.period_to else None,
    }


def _stamped(timeless: Mapping[str, Any], as_of: str) -> dict[str, Any]:
    stamped = {**timeless, "asOf": as_of}
    if "checks" in stamped:
        stamped["checks"] = [{**check, "evaluatedAt": as_of} for check in stamped["checks"]]
    return stamped
