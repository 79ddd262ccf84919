"""Check results as they go over the wire and into reports. Pure."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from config.api.formats import utc_text
from jurisdictions.engine import ENGINE_VERSION, Aggregate, CheckResult, RationaleItem


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (Decimal, float)):
        return str(value)  # the canonical form has no fractions
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    return value


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


def status_document(aggregate: Aggregate, results: Iterable[CheckResult]) -> dict[str, Any]:
    """Return the status with what explains it: rationale, counts, jurisdictions, next questions."""
    packs = sorted({(one.pack_id, one.pack_version) for one in results})
    return {
        "status": str(aggregate.status),
        "rationale": [rationale_document(item) for item in aggregate.rationale],
        "counts": {str(verdict): count for verdict, count in aggregate.counts.items()},
        "jurisdictions": [
            {
                "jurisdiction": one.jurisdiction,
                "status": str(one.status),
                "rationale": [rationale_document(item) for item in one.rationale],
                "counts": {str(verdict): count for verdict, count in one.counts.items()},
            }
            for one in aggregate.jurisdictions
        ],
        "missingFacts": [
            {"fact": one.path, "tag": one.tag, "unlocksChecks": one.checks}
            for one in aggregate.missing_facts
        ],
        "packVersions": [{"id": pack, "version": version} for pack, version in packs],
        "engineVersion": ENGINE_VERSION,
        "nextEvaluationAt": (
            utc_text(aggregate.next_evaluation_at) if aggregate.next_evaluation_at else None
        ),
    }
