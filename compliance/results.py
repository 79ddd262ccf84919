"""Check results as they go over the wire and into reports. Pure."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from config.api.formats import utc_text
from jurisdictions.engine import (
    ENGINE_PACK_ID,
    ENGINE_VERSION,
    Aggregate,
    CheckResult,
    Pack,
    RationaleItem,
    Severity,
    Verdict,
    Waiver,
    aggregate,
)
from jurisdictions.engine.conflicts import Conflict
from jurisdictions.engine.outlook import Outlook, StatusWarning
from jurisdictions.engine.path import Path

SAFE_INTEGER = 2**53 - 1


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (Decimal, float)):
        return str(value)  # the canonical form has no fractions
    if isinstance(value, int) and abs(value) > SAFE_INTEGER:
        return str(value)  # nor integers that JSON readers round
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _waiver_document(waiver: Waiver) -> dict[str, Any]:
    return {
        "id": waiver.id,
        "type": waiver.type or None,
        "reason": waiver.reason,
        "approvedBy": waiver.approved_by,
        "expiresAt": utc_text(waiver.expires_at),
    }


def check_document(result: CheckResult) -> dict[str, Any]:
    """Return one check as a report shows it (reference/regulation.md, section 10)."""
    return {
        "key": result.key,
        "jurisdiction": result.jurisdiction,
        "viaTag": result.via_tag,
        "pack": {"id": result.pack_id, "version": result.pack_version},
        "title": result.title,
        "category": result.category,
        "severity": str(result.severity),
        "basis": result.basis,
        "verdict": str(result.verdict),
        "underlyingVerdict": str(result.underlying_verdict) if result.underlying_verdict else None,
        "reasonCode": str(result.reason_code),
        "reason": result.reason,
        "citations": [{"text": one.text, "uri": one.uri or None} for one in result.citations],
        "evidence": [
            {
                "type": one.type,
                "reference": one.reference,
                "value": _plain(one.value),
                "hash": one.hash,
            }
            for one in result.evidence
        ],
        "missingFacts": list(result.missing_facts),
        "assumptions": [
            {"fact": one.path, "value": _plain(one.value)} for one in result.assumptions
        ],
        "warnings": [str(one) for one in result.warnings],
        "waiver": _waiver_document(result.waiver) if result.waiver else None,
        "control": result.control,
        "remediation": result.remediation or None,
        "flipsAt": utc_text(result.flips_at) if result.flips_at else None,
    }


def rationale_document(item: RationaleItem) -> dict[str, Any]:
    """Return one line of the rationale: which check decided, how, and why."""
    return {
        "key": item.key,
        "jurisdiction": item.jurisdiction,
        "viaTag": item.via_tag,
        "severity": str(item.severity),
        "verdict": str(item.verdict),
        "reasonCode": str(item.reason_code),
        "reason": item.reason,
    }


def status_document(overall: Aggregate, results: Iterable[CheckResult]) -> dict[str, Any]:
    """Return the status with what explains it: rationale, counts, jurisdictions, next questions."""
    packs = sorted({(one.pack_id, one.pack_version) for one in results})
    return {
        "status": str(overall.status),
        "rationale": [rationale_document(item) for item in overall.rationale],
        "counts": {str(verdict): count for verdict, count in overall.counts.items()},
        "jurisdictions": [
            {
                "jurisdiction": one.jurisdiction,
                "status": str(one.status),
                "rationale": [rationale_document(item) for item in one.rationale],
                "counts": {str(verdict): count for verdict, count in one.counts.items()},
            }
            for one in overall.jurisdictions
        ],
        "missingFacts": [
            {"fact": one.path, "tag": one.tag, "unlocksChecks": one.checks}
            for one in overall.missing_facts
        ],
        "packVersions": [{"id": pack, "version": version} for pack, version in packs],
        "engineVersion": ENGINE_VERSION,
        "nextEvaluationAt": (
            utc_text(overall.next_evaluation_at) if overall.next_evaluation_at else None
        ),
    }


def path_document(path: Path) -> dict[str, Any]:
    """Return what leads to Compliant, step by step, or why nothing that is known does."""
    return {
        "found": path.found,
        "steps": [
            {
                "kind": str(step.kind),
                "target": _plain(step.target),
                "by": list(step.by),
                "unlocks": list(step.unlocks),
            }
            for step in path.steps
        ],
        "blockers": [
            {
                "key": one.key or None,
                "jurisdiction": one.jurisdiction or None,
                "reason": one.reason,
            }
            for one in path.blockers
        ],
    }


def warning_document(warning: StatusWarning) -> dict[str, Any]:
    """Return one warning: what to know although no verdict follows from it."""
    return {
        "code": warning.code,
        "message": warning.message,
        "checks": list(warning.checks),
        "facts": list(warning.facts),
        "at": utc_text(warning.at) if warning.at else None,
    }


def owner_warnings(*, owned: bool, verified: bool) -> list[StatusWarning]:
    """Return what a reader must know of the token's owner (design, section 3)."""
    if not owned:
        return [StatusWarning("owner_missing", "Nobody owns the record of this token.", ())]
    if not verified:
        message = "No compliance officer has verified that this issuer owns the token."
        return [StatusWarning("owner_unverified", message, ())]
    return []


def outlook_document(outlook: Outlook) -> dict[str, Any]:
    """Return when the status turns worse by itself, to what and by which checks."""
    return {
        "worsensAt": utc_text(outlook.at) if outlook.at else None,
        "worsensTo": str(outlook.status) if outlook.status else None,
        "worsensBy": [rationale_document(item) for item in outlook.rationale],
        "foreseenUntil": utc_text(outlook.looked_until) if outlook.looked_until else None,
    }


def conflict_document(conflict: Conflict) -> dict[str, Any]:
    """Return two rules that contradict each other, and what a person can do."""
    return {
        "kind": conflict.kind,
        "jurisdictions": list(conflict.jurisdictions),
        "checks": list(conflict.checks),
        "reason": conflict.reason,
        "resolution": conflict.resolution,
    }


def frameworks_document(
    packs: Iterable[Pack], results: Iterable[CheckResult], now: datetime
) -> list[dict[str, Any]]:
    """Return the status under each pack that was applied; `requiredMet` leaves its advice out."""
    frameworks = {(one.pack_id, one.version): str(one.framework.get("id", "")) for one in packs}
    groups: dict[tuple[str, str], list[CheckResult]] = {}
    for result in results:
        if result.pack_id != ENGINE_PACK_ID:
            groups.setdefault((result.pack_id, result.pack_version), []).append(result)
    return [
        {
            "packId": version[0],
            "version": version[1],
            "framework": frameworks.get(version) or None,
            "jurisdiction": checks[0].jurisdiction,
            "status": str(aggregate(checks, now).status),
            "requiredMet": _required_met(checks),
        }
        for version, checks in sorted(groups.items())
    ]


def _required_met(checks: Iterable[CheckResult]) -> bool:
    """Whether some required check applies and every one that does passes."""
    verdicts = {one.verdict for one in checks if one.severity == Severity.REQUIRED}
    return verdicts - {Verdict.NOT_APPLICABLE} == {Verdict.PASS}
