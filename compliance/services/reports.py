"""Reports: the status of a token with what explains it, sealed and stored as generated (seed 0).

The content is one RFC 8785 document and its digest the SHA-256 of those bytes. Who asked, when and
under which id are not part of it: the same data and the same `asOf` give the same digest.
"""

import base64
import logging
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import Token, User
from accounts.selectors import token_get_visible
from audit.principal import Principal
from audit.services import record_event
from compliance.choices import ReportType
from compliance.models import ComplianceReport
from compliance.report_material import keep_inputs, pack_inputs, read_material
from compliance.reports.content import SCHEMA_VERSION, WITH_PERIOD, Content, make_content
from compliance.reports.seal import signed_message, unsigned_bytes
from compliance.signing import current_key, sign
from config.api.errors import NotFound, NotVisible, ValidationFailed
from config.api.formats import utc_text
from config.observability.metrics import REPORTS

logger = logging.getLogger("assayer.reports")


@transaction.atomic
def report_generate(
    *,
    actor: User,
    asset_id: int,
    network: str | None,
    report_type: ReportType = ReportType.FULL,
    as_of: datetime | None = None,
    period_from: datetime | None = None,
    period_to: datetime | None = None,
) -> ComplianceReport:
    """Evaluate a token as of `as_of`, seal the report and store it.

    Without `as_of` the moment is now, and where nothing has changed since such a report was stored
    that one is returned, `reused`. The period bounds the events that are counted and listed.
    Raises `ValidationFailed` for a moment in the future or a period that the type does not have,
    `PastNotKept`, `NotVisible`, `NotFound` and `AmbiguousAsset`.
    """
    now = timezone.now()
    _require_sensible(now, report_type, as_of, period_from, period_to)
    found = token_get_visible(actor=actor, asset_id=asset_id, network=network)
    token = Token.objects.select_related("issuer").get(pk=found.pk)
    material = read_material(
        token,
        report_type,
        as_of or now,
        period_from=period_from,
        period_to=period_to,
        past=as_of is not None,
    )
    content = make_content(material, pack_inputs.of(material.packs))
    if as_of is None and (stored := _unchanged(token, content)) is not None:
        return _answer_again(actor, stored)
    return _store(actor, token, material.report_type, material.as_of, content, now)


def _require_sensible(
    now: datetime,
    report_type: ReportType,
    as_of: datetime | None,
    period_from: datetime | None,
    period_to: datetime | None,
) -> None:
    if as_of is not None and as_of > now:
        raise ValidationFailed(
            "A report cannot speak for the future.",
            details={"asOf": ["Must not be later than now."]},
        )
    if (period_from or period_to) and report_type not in WITH_PERIOD:
        names = " and ".join(sorted(WITH_PERIOD))
        given = "fromDate" if period_from else "toDate"
        raise ValidationFailed(
            f"A {report_type} report has no period.",
            details={given: [f"Only {names} reports have a period."]},
        )
    if period_from and period_to and period_from > period_to:
        raise ValidationFailed(
            "The period ends before it begins.",
            details={"toDate": ["fromDate must not be later than toDate."]},
        )


def _unchanged(token: Token, content: Content) -> ComplianceReport | None:
    """Return the newest report that says the same, sealed by the key that seals now."""
    reports = ComplianceReport.objects.select_related("token").filter(
        token=token, fingerprint=content.fingerprint, key_id=current_key().key_id
    )
    newest: ComplianceReport | None = reports.order_by("-created_at", "-id").first()
    return newest


def _answer_again(actor: User, report: ComplianceReport) -> ComplianceReport:
    report.reused = True
    record_event(
        "compliance.report.reused",
        actor=actor,
        **report.token.event_fields,
        reference_type="report",
        reference_id=str(report.pk),
    )
    logger.info("report reused", extra={"report": str(report.pk), "kind": report.report_type})
    return report


def _store(
    actor: User,
    token: Token,
    report_type: ReportType,
    as_of: datetime,
    content: Content,
    now: datetime,
) -> ComplianceReport:
    report = ComplianceReport(
        token=token,
        report_type=report_type,
        schema_version=SCHEMA_VERSION,
        status=content.status,
        as_of=as_of,
        content=content.text.decode(),
        digest=content.digest,
        fingerprint=content.fingerprint,
        key_id=current_key().key_id,
        created_by=actor.label,
        created_at=now,
    )
    message = signed_message(report_unsigned(report))
    report.signature = base64.b64encode(sign(message)).decode()
    keep_inputs(content)
    report.save(force_insert=True)
    record_event(
        "compliance.report.generated",
        actor=actor,
        **token.event_fields,
        reference_type="report",
        reference_id=str(report.pk),
        details={
            "reportType": str(report_type),
            "status": report.status,
            "digest": report.digest,
            "asOf": utc_text(as_of),
            "keyId": report.key_id,
        },
    )
    REPORTS.labels(str(report_type)).inc()
    logger.info(
        "report generated",
        extra={
            "report": str(report.pk),
            "kind": str(report_type),
            "status": report.status,
            "bytes": len(content.text),
        },
    )
    return report


def report_unsigned(report: ComplianceReport) -> bytes:
    """Return the report in RFC 8785 form without its signature: what the seal is about."""
    return unsigned_bytes(
        report.content.encode(),
        digest=report.digest,
        generatedAt=utc_text(report.created_at),
        generatedBy=report.created_by,
        keyId=report.key_id,
        reportId=str(report.pk),
        schemaVersion=report.schema_version,
    )


def report_get_visible(*, actor: Principal, report_id: UUID) -> ComplianceReport:
    """Return a stored report with its token. Raises `NotFound` and `NotVisible`."""
    reports = ComplianceReport.objects.select_related("token")
    report: ComplianceReport | None = reports.visible_to(actor).filter(pk=report_id).first()
    if report is None:
        exists = ComplianceReport.objects.filter(pk=report_id).exists()
        raise (NotVisible if exists else NotFound)("Report not found or access denied")
    return report


@transaction.atomic
def report_read(*, actor: Principal, report_id: UUID) -> ComplianceReport:
    """Return a stored report and record that it was read. Raises `NotFound` and `NotVisible`."""
    report = report_get_visible(actor=actor, report_id=report_id)
    record_event(
        "compliance.report.read",
        actor=actor,
        **report.token.event_fields,
        reference_type="report",
        reference_id=str(report.pk),
    )
    return report
