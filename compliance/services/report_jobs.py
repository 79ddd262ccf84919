"""Reports that are made in the background: asked for, followed and cancelled here.

What is asked for is a row; `compliance.services.report_work` works on it. The row says all that a
worker must know, so nothing is lost where the broker is down or a worker is killed.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import Token, User
from audit.body import EventDraft
from audit.principal import Principal
from audit.services import record_events
from compliance.choices import ReportType
from compliance.issuer_material import issuer_events
from compliance.models import ComplianceReport, ReportJob
from compliance.report_material import token_events
from compliance.report_subjects import ReportAsk, Subject, ask_key, find_subject
from compliance.services.reports import report_make
from config.api.errors import NotFound, NotVisible, PermissionRefused
from config.api.formats import utc_text
from config.jobs.work import end_cancelled, stored_once

# More than that would keep the caller waiting.
LONG_TOKENS = 50
LONG_TRAIL = 5_000
REPORT_JOB_REQUESTED = "compliance.report_job.requested"
_NO_JOB = "There is no such job."
_RELATED = ("token__issuer", "issuer", "deployment", "requested_by")


def report_ask(
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
    background: bool = False,
) -> ComplianceReport | ReportJob:
    """Return the report as `report_generate` does, or the job that makes it in the background.

    That is where `background` asks for it, and where the report is long. Who asks again for what
    is not finished yet gets the same job. Raises as `report_generate` does.
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
    subject = find_subject(actor, ask)
    if background or _is_long(subject, ask, ask.as_of or now):
        job = _job_request(actor, ask, subject)
        job.refresh_from_db()  # without a broker it is over by now
        return job
    return report_make(actor=actor, ask=ask, subject=subject, moment=now)


def _is_long(subject: Subject, ask: ReportAsk, as_of: datetime) -> bool:
    if subject.issuer is not None:
        tokens = Token.objects.filter(issuer=subject.issuer)[: LONG_TOKENS + 1]
        if tokens.count() > LONG_TOKENS:
            return True
    if ask.report_type != ReportType.AUDIT_TRAIL:
        return False
    if subject.issuer is not None:
        events = issuer_events(subject.issuer, ask, as_of)
    else:
        events = token_events(subject.the_token, as_of, ask.period_from, ask.period_to)
    return events.order_by()[: LONG_TRAIL + 1].count() > LONG_TRAIL


@transaction.atomic
def _job_request(actor: User, ask: ReportAsk, subject: Subject) -> ReportJob:
    key = ask_key(ask, subject)
    mine = ReportJob.objects.select_related(*_RELATED).filter(requested_by=actor, ask_key=key)
    job = ReportJob(
        **subject.fields,
        report_type=ask.report_type,
        asked_as_of=ask.as_of,
        period_from=ask.period_from,
        period_to=ask.period_to,
        ask_key=key,
        requested_by=actor,
        tokens_total=_tokens_total(subject),
    )
    asked, is_new = stored_once(job, mine)
    if is_new:
        # Starts the work, once this is committed.
        record_job_event(REPORT_JOB_REQUESTED, asked, actor=actor)
    return asked


def _tokens_total(subject: Subject) -> int:
    return Token.objects.filter(issuer=subject.issuer).count() if subject.issuer else 1


def job_ask(job: ReportJob) -> ReportAsk:
    """Return what the job was asked for; its subject is named by the job's own columns."""
    return ReportAsk(
        report_type=ReportType(job.report_type),
        as_of=job.asked_as_of,
        period_from=job.period_from,
        period_to=job.period_to,
    )


def job_draft(name: str, job: ReportJob, *, error: str | None = None) -> EventDraft:
    """Return the event of what happened to a job."""
    moment = job.as_of or job.asked_as_of
    return EventDraft(
        name,
        success=error is None,
        **Subject.of(job).event_fields,
        reference_type="reportJob",
        reference_id=str(job.pk),
        error_message=error,
        item_count=job.tokens_total,
        details={
            "reportType": str(job.report_type),
            "subject": str(Subject.of(job).kind),
            **({"asOf": utc_text(moment)} if moment else {}),
            **({"reportId": str(job.report_id)} if job.report_id else {}),
        },
    )


def record_job_event(
    name: str, job: ReportJob, *, actor: Principal, error: str | None = None
) -> None:
    """Record what happened to a job."""
    record_events([job_draft(name, job, error=error)], actor=actor)


def report_job_get(*, actor: Principal, job_id: UUID) -> ReportJob:
    """Return a job: to who asked for it, and to those who read everything.

    Raises `NotFound` and `NotVisible`.
    """
    rows = ReportJob.objects.select_related(*_RELATED)
    job: ReportJob | None = rows.visible_to(actor).filter(pk=job_id).first()
    if job is None:
        exists = ReportJob.objects.filter(pk=job_id).exists()
        raise (NotVisible if exists else NotFound)(_NO_JOB)
    return job


@transaction.atomic
def report_job_cancel(*, actor: User, job_id: UUID) -> ReportJob:
    """End a job that is not over; what it had done is forgotten. Cancelled twice is cancelled.

    Only who asked for it, and officers. Raises `NotFound`, `NotVisible`, `PermissionRefused`, and
    `Conflict` where the report is stored already or the job failed.
    """
    report_job_get(actor=actor, job_id=job_id)
    job = ReportJob.objects.select_for_update().get(pk=job_id)
    if job.requested_by_id != actor.pk and not actor.is_officer:
        raise PermissionRefused("Only who asked for a report, or an officer, may cancel it.")
    if end_cancelled(job, "job"):
        job.parts.all().delete()
        record_job_event("compliance.report_job.cancelled", job, actor=actor)
    return report_job_get(actor=actor, job_id=job_id)
