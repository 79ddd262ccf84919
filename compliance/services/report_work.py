"""The work on reports that are made in the background; whoever is stopped, the next one goes on.

Who works holds the job's lease and renews it with every batch. The sections of the tokens that are
done stay with the job, all of one moment and by one set of rule packs, until the report is put
together in one transaction.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

import orjson
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import Token
from compliance.choices import InputKind, JobStatus
from compliance.issuer_material import issuer_material, issuer_tokens, packs_of, token_materials
from compliance.models import UNFINISHED, ReportInput, ReportJob, ReportJobPart
from compliance.past import PastNotKept
from compliance.report_material import pack_inputs, store_inputs
from compliance.report_subjects import ReportAsk, Subject, find_subject
from compliance.reports.content import StoredInput
from compliance.reports.issuer_content import TokenSection, make_issuer_content, make_section
from compliance.services.report_jobs import job_ask, record_job_event
from compliance.services.reports import report_keep, report_make
from config.api.errors import DomainError
from jurisdictions.engine import Pack, pack_from_document

logger = logging.getLogger("assayer.reports")

BATCH = 50
LEASE_SECONDS = 120
MAX_ATTEMPTS = 5
MAX_RESTARTS = 3
_RELATED = ("token__issuer", "issuer", "deployment", "requested_by")
_GIVEN_UP = "The report could not be made; the operator's log says why. Ask again later."


class _LeaseLost(Exception):
    """The job was cancelled, or somebody else works on it."""


class _Work(NamedTuple):
    """A job that this worker holds."""

    job: ReportJob
    lease: UUID

    def locked(self) -> ReportJob:
        """Return the row, locked, while it is held; else raise `_LeaseLost`."""
        row = ReportJob.objects.select_for_update().filter(pk=self.job.pk).first()
        if row is None or row.lease != self.lease or row.status != JobStatus.RUNNING:
            raise _LeaseLost
        return row


def report_job_run(*, job_id: UUID) -> bool:
    """Work on the job until it is over; return False where it should be tried again.

    Does nothing where it is over already or somebody works on it.
    """
    work = _claim(job_id)
    if work is None:
        return True
    try:
        _run(work)
    except _LeaseLost:
        logger.info("report job left to others", extra={"job": str(job_id)})
    except DomainError as refusal:
        _fail(work, refusal.message)
    except Exception:
        logger.exception("a report job stopped", extra={"job": str(job_id)})
        return _give_back(work)
    return True


def unattended_report_jobs(*, limit: int = 100) -> Sequence[UUID]:
    """Return the jobs that nobody works on: queued for a while, or their worker is gone."""
    now = timezone.now()
    waiting = Q(status=JobStatus.QUEUED, created_at__lte=now - timedelta(seconds=30))
    left = Q(status=JobStatus.RUNNING, lease_until__lte=now)
    rows = ReportJob.objects.filter(waiting | left).order_by("created_at")
    return list(rows.values_list("pk", flat=True)[:limit])


@transaction.atomic
def _claim(job_id: UUID) -> _Work | None:
    rows = ReportJob.objects.select_for_update(skip_locked=True, of=("self",))
    job = rows.select_related(*_RELATED).filter(pk=job_id, status__in=UNFINISHED).first()
    now = timezone.now()
    if job is None or (job.lease_until is not None and job.lease_until > now):
        return None
    if job.attempts >= MAX_ATTEMPTS:
        _end_failed(job, _GIVEN_UP)
        return None
    job.status, job.attempts = JobStatus.RUNNING, job.attempts + 1
    job.started_at = job.started_at or now
    job.lease, job.lease_until = uuid4(), now + timedelta(seconds=LEASE_SECONDS)
    job.save(update_fields=["status", "attempts", "started_at", "lease", "lease_until"])
    return _Work(job, job.lease)


def _run(work: _Work) -> None:
    job = work.job
    subject = Subject.of(job)
    # Since it was asked for, the issuer may have lost the token, or the person the issuer.
    find_subject(
        job.requested_by,
        ReportAsk(
            issuer_id=job.issuer_id,
            deployment_id=job.deployment_id,
            asset_id=subject.token.asset_id if subject.token and not job.deployment_id else None,
            network=subject.token.network if subject.token and not job.deployment_id else None,
        ),
    )
    if subject.issuer is None:
        _make_at_once(work, subject)
        return
    while True:
        try:
            _make_in_batches(work, subject)
        except PastNotKept:
            # The record has changed since the moment that we chose; the caller named none.
            if job.asked_as_of is not None or not _restart(work):
                raise
        else:
            return


@transaction.atomic
def _make_at_once(work: _Work, subject: Subject) -> None:
    job = work.locked()
    ask, now = job_ask(job), timezone.now()
    report = report_make(actor=work.job.requested_by, ask=ask, subject=subject, moment=now)
    job.as_of = ask.as_of or now
    _finish(work, job, report.pk)


def _make_in_batches(work: _Work, subject: Subject) -> None:
    job, issuer = work.job, subject.issuer
    if issuer is None:
        raise ValueError("only issuers have batches")
    if job.as_of is None:
        _begin(work, subject)
    moment = job.as_of
    if moment is None:
        raise ValueError("the work has begun")
    ask, past = job_ask(job), job.asked_as_of is not None
    tokens, packs = issuer_tokens(issuer, moment), _stored_packs(job)
    done = set(job.parts.values_list("token_id", flat=True))
    left = [token for token in tokens if token.pk not in done]
    for start in range(0, len(left), BATCH):
        batch = left[start : start + BATCH]
        materials = token_materials(batch, ask, moment, packs, past=past)
        _keep_parts(work, batch, [make_section(one) for one in materials], len(tokens))
    with transaction.atomic():
        row = work.locked()
        wanted = {token.pk for token in tokens}
        parts = row.parts.filter(token__in=wanted).select_related("token")
        content = make_issuer_content(
            issuer_material(issuer, tokens, ask, moment, packs),
            [_section_of(part) for part in parts.iterator(chunk_size=BATCH)],
            pack_inputs.of(packs),
        )
        report = report_keep(
            actor=job.requested_by, ask=ask, subject=subject, as_of=moment, content=content
        )
        _finish(work, row, report.pk)


def _begin(work: _Work, subject: Subject) -> None:
    """Settle the moment and the rule packs, once for all tokens."""
    job = work.job
    if subject.issuer is None:
        raise ValueError("only issuers begin")
    moment = job.asked_as_of or timezone.now()
    tokens = issuer_tokens(subject.issuer, moment)
    packs = packs_of(tokens, moment, past=job.asked_as_of is not None)
    inputs = pack_inputs.of(packs)
    with transaction.atomic():
        row = work.locked()
        store_inputs([(InputKind.PACK, one) for one in inputs])
        row.as_of, row.packs = moment, [one.digest for one in inputs]
        row.tokens_total = len(tokens)
        row.save(update_fields=["as_of", "packs", "tokens_total"])
    job.as_of, job.packs, job.tokens_total = row.as_of, row.packs, row.tokens_total


def _stored_packs(job: ReportJob) -> tuple[Pack, ...]:
    rows = ReportInput.objects.in_bulk(job.packs)
    return tuple(pack_from_document(orjson.loads(rows[digest].content)) for digest in job.packs)


@transaction.atomic
def _keep_parts(
    work: _Work, tokens: Sequence[Token], sections: Sequence[TokenSection], total: int
) -> None:
    row = work.locked()
    ReportJobPart.objects.bulk_create(
        ReportJobPart(
            job=row,
            token=token,
            content=section.text.decode(),
            fingerprint=section.fingerprint,
            snapshot=section.snapshot.text.decode(),
            snapshot_digest=section.snapshot.digest,
        )
        for token, section in zip(tokens, sections, strict=True)
    )
    row.tokens_total, row.tokens_done = total, row.parts.count()
    row.lease_until = timezone.now() + timedelta(seconds=LEASE_SECONDS)
    row.save(update_fields=["tokens_total", "tokens_done", "lease_until"])


def _section_of(part: ReportJobPart) -> TokenSection:
    return TokenSection(
        place=(part.token.asset_id, part.token.network),
        text=part.content.encode(),
        fingerprint=part.fingerprint,
        snapshot=StoredInput(part.snapshot.encode(), part.snapshot_digest),
    )


@transaction.atomic
def _restart(work: _Work) -> bool:
    row = work.locked()
    if row.restarts >= MAX_RESTARTS:
        return False
    row.restarts, row.as_of, row.packs, row.tokens_done = row.restarts + 1, None, [], 0
    row.lease_until = timezone.now() + timedelta(seconds=LEASE_SECONDS)
    row.save(update_fields=["restarts", "as_of", "packs", "tokens_done", "lease_until"])
    row.parts.all().delete()
    work.job.as_of, work.job.packs = None, []
    return True


def _finish(work: _Work, row: ReportJob, report_id: UUID) -> None:
    row.status, row.report_id, row.finished_at = JobStatus.FINISHED, report_id, timezone.now()
    row.lease = row.lease_until = None
    row.tokens_done = row.tokens_total
    row.save()
    row.parts.all().delete()
    record_job_event("compliance.report_job.finished", row, actor=work.job.requested_by)


@transaction.atomic
def _fail(work: _Work, message: str) -> None:
    try:
        _end_failed(work.locked(), message)
    except _LeaseLost:
        logger.info("report job left to others", extra={"job": str(work.job.pk)})


def _end_failed(job: ReportJob, message: str) -> None:
    job.status, job.finished_at = JobStatus.FAILED, timezone.now()
    job.error_message = message[:1000]
    job.lease = job.lease_until = None
    job.save(update_fields=["status", "finished_at", "error_message", "lease", "lease_until"])
    job.parts.all().delete()
    record_job_event(
        "compliance.report_job.failed", job, actor=job.requested_by, error=job.error_message
    )


@transaction.atomic
def _give_back(work: _Work) -> bool:
    """Leave the job to whoever comes next; return whether it is over instead."""
    try:
        row = work.locked()
    except _LeaseLost:
        return True
    if row.attempts >= MAX_ATTEMPTS:
        _end_failed(row, _GIVEN_UP)
        return True
    row.status, row.lease, row.lease_until = JobStatus.QUEUED, None, None
    row.save(update_fields=["status", "lease", "lease_until"])
    return False
