"""Reports: the status of a token with every check, stored as generated (seed 0).

The content is one RFC 8785 document and its digest the SHA-256 of those bytes. Who asked, when and
under which id are not part of it: the same data and the same `asOf` give the same digest.
"""

from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import Token, User
from accounts.selectors import token_get_visible
from audit.body import canonical
from audit.principal import Principal
from audit.services import record_event
from compliance.models import ComplianceReport
from compliance.results import check_document, status_document
from compliance.services.status import Evaluation, token_evaluate
from config.api.errors import NotFound, NotVisible, ValidationFailed
from config.api.formats import utc_text
from config.observability.metrics import REPORTS

SCHEMA_VERSION = "1.0"
REPORT_TYPE = "TokenCompliance"
DISCLAIMER = (
    "A pass means that the evidence on file meets the declared check, never that the law is "
    "complied with."
)


@transaction.atomic
def report_generate(
    *, actor: User, asset_id: int, network: str | None, as_of: datetime | None = None
) -> ComplianceReport:
    """Evaluate a token as of `as_of` (now where None) and store the report.

    Raises `ValidationFailed` for a moment in the future, `NotVisible` and `NotFound`,
    `AmbiguousAsset`.
    """
    now = timezone.now()
    moment = as_of or now
    if moment > now:
        raise ValidationFailed(
            "A report cannot speak for the future.",
            details={"asOf": ["Must not be later than now."]},
        )
    found = token_get_visible(actor=actor, asset_id=asset_id, network=network)
    token = Token.objects.select_related("issuer").get(pk=found.pk)
    evaluation = token_evaluate(token, moment)
    content = canonical(report_content(evaluation))
    report = ComplianceReport(
        token=token,
        schema_version=SCHEMA_VERSION,
        status=str(evaluation.aggregate.status),
        as_of=moment,
        content=content.decode(),
        digest=sha256(content).hexdigest(),
        created_by=actor.label,
        created_at=now,
    )
    report.save(force_insert=True)
    record_event(
        "compliance.report.generated",
        actor=actor,
        **token.event_fields,
        reference_type="report",
        reference_id=str(report.pk),
        details={"status": report.status, "digest": report.digest, "asOf": utc_text(moment)},
    )
    REPORTS.labels(REPORT_TYPE).inc()
    return report


def report_content(evaluation: Evaluation) -> dict[str, Any]:
    """Return the canonical part of the report on `evaluation`. 64-bit numbers are text."""
    status = status_document(evaluation.aggregate, evaluation.results)
    return {
        "schemaVersion": SCHEMA_VERSION,
        "reportType": REPORT_TYPE,
        "asOf": utc_text(evaluation.evaluated_at),
        "token": _token_document(evaluation.token),
        "summary": {
            "status": status["status"],
            "rationale": status["rationale"],
            "counts": status["counts"],
            "jurisdictions": status["jurisdictions"],
            "missingFacts": status["missingFacts"],
            "nextEvaluationAt": status["nextEvaluationAt"],
        },
        "checks": [check_document(result) for result in evaluation.results],
        "warnings": _warnings(evaluation.token),
        "packVersions": status["packVersions"],
        "engineVersion": status["engineVersion"],
        "disclaimer": DISCLAIMER,
    }


def _token_document(token: Token) -> dict[str, Any]:
    issuer = token.issuer
    return {
        "assetId": str(token.asset_id),
        "network": token.network or None,
        "name": token.name or None,
        "unitName": token.unit_name or None,
        "standard": token.standard or None,
        "total": str(token.total) if token.total is not None else None,
        "decimals": token.decimals,
        "creatorAddress": token.creator_address or None,
        "issuer": {"id": str(issuer.pk), "legalName": issuer.legal_name or None}
        if issuer
        else None,
        "ownershipVerifiedAt": (
            utc_text(token.ownership_verified_at) if token.ownership_verified_at else None
        ),
    }


def _warnings(token: Token) -> list[dict[str, str]]:
    if token.issuer is None:
        return [{"code": "owner_missing", "message": "Nobody owns the record of this token."}]
    if token.ownership_verified_at is None:
        return [
            {
                "code": "owner_unverified",
                "message": "No compliance officer has verified that this issuer owns the token.",
            }
        ]
    return []


@transaction.atomic
def report_read(*, actor: Principal, report_id: UUID) -> ComplianceReport:
    """Return a stored report and record that it was read. Raises `NotFound` and `NotVisible`."""
    reports = ComplianceReport.objects.select_related("token")
    report: ComplianceReport | None = reports.visible_to(actor).filter(pk=report_id).first()
    if report is None:
        exists = ComplianceReport.objects.filter(pk=report_id).exists()
        raise (NotVisible if exists else NotFound)("Report not found or access denied")
    record_event(
        "compliance.report.read",
        actor=actor,
        **report.token.event_fields,
        reference_type="report",
        reference_id=str(report.pk),
    )
    return report
