"""Reports: the status of a token or an issuer with what explains it, sealed and stored (seed 0).

The content is one RFC 8785 document and its digest the SHA-256 of those bytes. Who asked, when and
under which id are not part of it: the same data and the same `asOf` give the same digest.
"""

import base64
import logging
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from audit.principal import Principal
from audit.services import record_event
from audit.signing import current_key, sign
from compliance.choices import ReportType
from compliance.issuer_material import (
    issuer_material,
    issuer_tokens,
    packs_of,
    token_materials,
    with_issuance,
)
from compliance.models import ComplianceReport
from compliance.report_material import keep_inputs, pack_inputs, read_material
from compliance.report_subjects import ReportAsk, Subject, find_subject
from compliance.reports.content import Content, make_content
from compliance.reports.issuer_content import make_issuer_content, make_section
from compliance.reports.seal import signed_message, unsigned_bytes
from config.api.errors import NotFound, NotVisible
from config.api.formats import utc_text
from config.observability.metrics import REPORTS

logger = logging.getLogger("assayer.reports")


@transaction.atomic
def report_generate(
    *,
    actor: User,
    asset_id: int | None = None,
    network: str | None = None,
    issuer_id: UUID | None = None,
    deployment_id: UUID | None = None,
    report_type: ReportType = ReportType.FULL,
    as_of: datetime | None = None,
    period_from: datetime | None = None,
    period_to: datetime | None = None,
) -> ComplianceReport:
    """Evaluate a token, all tokens of an issuer, or an issuance as of `as_of`; seal and store it.

    Without `as_of` the moment is now, and where nothing has changed since such a report was stored
    that one is returned, `reused`. The period bounds the events that are counted and listed.
    Raises `ValidationFailed` for more or less than one subject, a moment in the future or a period
    that the type does not have, `PastNotKept`, `NotVisible`, `NotFound` and `AmbiguousAsset`.
    """
    ask = ReportAsk(
        asset_id=asset_id,
        network=network,
        issuer_id=issuer_id,
        deployment_id=deployment_id,
        report_type=report_type,
        as_of=as_of,
        period_from=period_from,
        period_to=period_to,
    )
    now = timezone.now()
    ask.require_sensible(now)
    return report_make(actor=actor, ask=ask, subject=find_subject(actor, ask), moment=now)


@transaction.atomic
def report_make(
    *, actor: User, ask: ReportAsk, subject: Subject, moment: datetime
) -> ComplianceReport:
    """Make the report that was asked for, of a subject that `actor` sees; `moment` is now."""
    as_of = ask.as_of or moment
    content = _content(subject, ask, as_of)
    return report_keep(actor=actor, ask=ask, subject=subject, as_of=as_of, content=content)


def _content(subject: Subject, ask: ReportAsk, as_of: datetime) -> Content:
    past = ask.as_of is not None
    if subject.issuer is not None:
        tokens = issuer_tokens(subject.issuer, as_of)
        packs = packs_of(tokens, as_of, past=past)
        materials = token_materials(tokens, ask, as_of, packs, past=past) if tokens else []
        rest = issuer_material(subject.issuer, tokens, ask, as_of, packs)
        return make_issuer_content(rest, map(make_section, materials), pack_inputs.of(packs))
    material = read_material(
        subject.the_token,
        ask.report_type,
        as_of,
        period_from=ask.period_from,
        period_to=ask.period_to,
        past=past,
    )
    material = with_issuance(material, subject)
    return make_content(material, pack_inputs.of(material.packs))


@transaction.atomic
def report_keep(
    *, actor: User, ask: ReportAsk, subject: Subject, as_of: datetime, content: Content
) -> ComplianceReport:
    """Seal and store what was made, or return the stored report that says the same of now."""
    if ask.as_of is None and (stored := _unchanged(subject, content)) is not None:
        return _answer_again(actor, stored)
    return _store(actor, subject, ask.report_type, as_of, content)


def _unchanged(subject: Subject, content: Content) -> ComplianceReport | None:
    """Return the newest report that says the same, sealed by the key that seals now."""
    reports = ComplianceReport.objects.select_related("token", "issuer", "deployment").filter(
        token=subject.token,
        issuer=subject.issuer,
        deployment=subject.deployment,
        fingerprint=content.fingerprint,
        key_id=current_key().key_id,
    )
    newest: ComplianceReport | None = reports.order_by("-created_at", "-id").first()
    return newest


def _answer_again(actor: User, report: ComplianceReport) -> ComplianceReport:
    report.reused = True
    record_event(
        "compliance.report.reused",
        actor=actor,
        **Subject.of(report).event_fields,
        reference_type="report",
        reference_id=str(report.pk),
    )
    logger.info("report reused", extra={"report": str(report.pk), "kind": report.report_type})
    return report


def _store(
    actor: User, subject: Subject, report_type: ReportType, as_of: datetime, content: Content
) -> ComplianceReport:
    report = ComplianceReport(
        **subject.fields,
        report_type=report_type,
        schema_version=content.schema_version,
        status=content.status,
        as_of=as_of,
        content=content.text.decode(),
        digest=content.digest,
        fingerprint=content.fingerprint,
        key_id=current_key().key_id,
        created_by=actor.label,
        created_at=timezone.now(),
    )
    message = signed_message(report_unsigned(report))
    report.signature = base64.b64encode(sign(message)).decode()
    keep_inputs(content)
    report.save(force_insert=True)
    record_event(
        "compliance.report.generated",
        actor=actor,
        **subject.event_fields,
        reference_type="report",
        reference_id=str(report.pk),
        details={
            "reportType": str(report_type),
            "subject": str(subject.kind),
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
    """Return a stored report with its subject. Raises `NotFound` and `NotVisible`."""
    reports = ComplianceReport.objects.select_related("token", "issuer", "deployment")
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
        **Subject.of(report).event_fields,
        reference_type="report",
        reference_id=str(report.pk),
    )
    return report
