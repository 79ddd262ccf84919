"""The work on reports that are made in the background; whoever is stopped, the next one goes on.

The sections of the tokens that are done stay with the job, all of one moment and by one set of rule
packs, until the report is put together in one transaction.
"""

from collections.abc import Sequence
from uuid import UUID

import orjson
from django.db import transaction
from django.utils import timezone

from accounts.models import Token
from compliance.choices import InputKind
from compliance.issuer_material import issuer_material, issuer_tokens, packs_of, token_materials
from compliance.models import ReportInput, ReportJob, ReportJobPart
from compliance.past import PastNotKept
from compliance.report_material import pack_inputs, store_inputs
from compliance.report_subjects import ReportAsk, Subject, find_subject
from compliance.reports.content import StoredInput
from compliance.reports.issuer_content import TokenSection, make_issuer_content, make_section
from compliance.services.report_jobs import job_ask, record_job_event
from compliance.services.reports import report_keep, report_make
from config.jobs.models import JobStatus
from config.jobs.work import Held, JobKind
from jurisdictions.engine import Pack, pack_from_document

BATCH = 50
MAX_RESTARTS = 3


def _run(work: Held[ReportJob]) -> None:
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
def _make_at_once(work: Held[ReportJob], subject: Subject) -> None:
    job = work.locked()
    ask, now = job_ask(job), timezone.now()
    report = report_make(actor=work.job.requested_by, ask=ask, subject=subject, moment=now)
    job.as_of = ask.as_of or now
    _finish(work, job, report.pk)


def _make_in_batches(work: Held[ReportJob], subject: Subject) -> None:
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


def _begin(work: Held[ReportJob], subject: Subject) -> None:
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
        digests = [one.digest for one in inputs]
        row.advance(as_of=moment, packs=digests, tokens_total=len(tokens))
    job.as_of, job.packs, job.tokens_total = row.as_of, row.packs, row.tokens_total


def _stored_packs(job: ReportJob) -> tuple[Pack, ...]:
    rows = ReportInput.objects.in_bulk(job.packs)
    return tuple(pack_from_document(orjson.loads(rows[digest].content)) for digest in job.packs)


@transaction.atomic
def _keep_parts(
    work: Held[ReportJob], tokens: Sequence[Token], sections: Sequence[TokenSection], total: int
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
    row.advance(tokens_total=total, tokens_done=row.parts.count())


def _section_of(part: ReportJobPart) -> TokenSection:
    return TokenSection(
        place=(part.token.asset_id, part.token.network),
        text=part.content.encode(),
        fingerprint=part.fingerprint,
        snapshot=StoredInput(part.snapshot.encode(), part.snapshot_digest),
    )


@transaction.atomic
def _restart(work: Held[ReportJob]) -> bool:
    row = work.locked()
    if row.restarts >= MAX_RESTARTS:
        return False
    row.advance(restarts=row.restarts + 1, as_of=None, packs=[], tokens_done=0)
    row.parts.all().delete()
    work.job.as_of, work.job.packs = None, []
    return True


def _finish(work: Held[ReportJob], row: ReportJob, report_id: UUID) -> None:
    done = row.tokens_total
    row.end(JobStatus.FINISHED, report_id=report_id, as_of=row.as_of, tokens_done=done)
    row.parts.all().delete()
    record_job_event("compliance.report_job.finished", row, actor=work.job.requested_by)


def _failed(job: ReportJob) -> None:
    job.parts.all().delete()
    record_job_event(
        "compliance.report_job.failed", job, actor=job.requested_by, error=job.error_message
    )


REPORT_WORK = JobKind(
    model=ReportJob,
    related=("token__issuer", "issuer", "deployment", "requested_by"),
    work=_run,
    failed=_failed,
    given_up="The report could not be made; the operator's log says why. Ask again later.",
)
