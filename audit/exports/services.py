"""Export jobs: asked for, followed, cancelled and deleted here; `audit.exports.work` works on them.

The row says all that a worker must know, so nothing is lost where the broker is down or a worker is
killed.
"""

import hashlib
import logging
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from audit.body import canonical
from audit.choices import ExportFormat
from audit.exports.bounds import Bounds
from audit.exports.files import folder_delete
from audit.exports.models import UNFINISHED_LIMIT, ExportJob
from audit.log_views import LogView, log_view, log_view_names
from audit.principal import SYSTEM, Principal
from audit.querysets import AuditEventQuerySet
from audit.services import record_event
from config.api.errors import Conflict, NotFound, NotVisible, PermissionRefused, ValidationFailed
from config.jobs.models import UNFINISHED, JobStatus
from config.jobs.work import end_cancelled, stored_once

logger = logging.getLogger("assayer.export")

EXPORT_REQUESTED = "audit.export.requested"
_NO_EXPORT = "There is no such export."
_TOO_MANY = "You have {} unfinished exports; wait until one is finished, or cancel one."
_LEFT_OVER = timedelta(minutes=10)  # a worker that lost its job may still be writing


def export_request(
    *,
    actor: Principal,
    view: str,
    parameters: Mapping[str, str],
    form: ExportFormat,
    gzip: bool = False,
) -> ExportJob:
    """Have the events of a view of the log that `parameters` ask for written to a file.

    The file holds what the caller sees and what is committed now. Who asks again for what is not
    finished yet gets the same job. Raises `ValidationFailed` for an unknown view and for XLSX with
    gzip, `Conflict` where the caller has too many unfinished jobs, and what the filters raise.
    """
    shown = _view(view)
    if gzip and form == ExportFormat.XLSX:
        problem = "An XLSX file is compressed already."
        raise ValidationFailed(f"gzip: {problem}", details={"gzip": [problem]})
    _, criteria = shown.select(actor, parameters)
    bounds = Bounds.now()
    exports_expire()  # here too, for there may be no sweep
    job = ExportJob(
        view=view,
        parameters=dict(parameters),
        criteria=criteria,
        format=form,
        gzip=gzip,
        reads_everything=actor.reads_everything,
        issuer_ids=sorted(map(str, actor.issuer_ids)),
        requested_by=actor.label,
        requested_by_id=actor.principal_id or "",
        bounds=bounds.document(),
    )
    asked = _store(job, actor)
    return export_get(actor=actor, export_id=asked.pk)  # it may be over by now


def _view(name: str) -> LogView:
    try:
        return log_view(name)
    except KeyError:
        problem = f"Must be one of {', '.join(log_view_names())}."
        raise ValidationFailed(f"view: {problem}", details={"view": [problem]}) from None


@transaction.atomic
def _store(job: ExportJob, actor: Principal) -> ExportJob:
    names = ("view", "parameters", "format", "gzip", "reads_everything", "issuer_ids")
    ask = canonical([getattr(job, name) for name in names])
    job.ask_key = hashlib.sha256(ask).hexdigest()
    mine = ExportJob.objects.filter(requested_by_id=job.requested_by_id)
    same = mine.filter(ask_key=job.ask_key)
    taken = set(mine.filter(status__in=UNFINISHED).values_list("slot", flat=True))
    free = [slot for slot in range(UNFINISHED_LIMIT) if slot not in taken]
    if not free and not same.filter(status__in=UNFINISHED).exists():
        raise Conflict(_TOO_MANY.format(UNFINISHED_LIMIT))
    job.slot = free[0] if free else 0
    try:
        asked, is_new = stored_once(job, same)
    except IntegrityError:
        raise Conflict("You asked for another export at this very moment; ask again.") from None
    if is_new:
        # Starts the work, once this is committed.
        record_export_event(EXPORT_REQUESTED, asked, actor=actor)
    return asked


def export_events(job: ExportJob) -> AuditEventQuerySet:
    """Return the events of a job's filter that its caller saw, whenever they were committed."""
    return log_view(job.view).select(job.scope, job.parameters)[0]


def record_export_event(
    name: str, job: ExportJob, *, actor: Principal, error: str | None = None
) -> None:
    """Record what happened to an export."""
    record_event(
        name,
        actor=actor,
        success=error is None,
        reference_type="export",
        reference_id=str(job.pk),
        error_message=error,
        item_count=job.rows_total,
        filter_criteria=job.criteria,
        details={
            "view": job.view,
            "format": str(job.format),
            "gzip": job.gzip,
            **({"sha256": job.sha256} if job.sha256 else {}),
        },
    )


def export_get(*, actor: Principal, export_id: UUID) -> ExportJob:
    """Return an export: to who asked for it, and to those who read everything.

    Raises `NotFound` and `NotVisible`.
    """
    job: ExportJob | None = ExportJob.objects.visible_to(actor).filter(pk=export_id).first()
    if job is None:
        exists = ExportJob.objects.filter(pk=export_id).exists()
        raise (NotVisible if exists else NotFound)(_NO_EXPORT)
    return job


@transaction.atomic
def export_cancel(*, actor: Principal, export_id: UUID) -> ExportJob:
    """End an export that is not over; only who asked for it may. Cancelled twice is cancelled.

    Raises `NotFound`, `NotVisible`, `PermissionRefused`, and `Conflict` where it is over.
    """
    export_get(actor=actor, export_id=export_id)
    job = ExportJob.objects.select_for_update().get(pk=export_id)
    if job.requested_by_id != actor.principal_id:
        raise PermissionRefused("Only who asked for an export may cancel it.")
    if end_cancelled(job, "export"):
        record_export_event("audit.export.cancelled", job, actor=actor)
    return job


def exports_expire() -> int:
    """Delete the files that are not kept any more, and those of exports that came to nothing.

    Returns of how many exports. What the storage cannot delete now is left to the next run.
    """
    now = timezone.now()
    expired = Q(status=JobStatus.FINISHED, expires_at__lte=now)
    left = Q(status__in=[JobStatus.FAILED, JobStatus.CANCELLED], finished_at__lte=now - _LEFT_OVER)
    due = ExportJob.objects.filter(expired | left, cleared_at=None)
    cleared = 0
    for export_id in list(due.order_by("finished_at").values_list("pk", flat=True)[:100]):
        try:
            cleared += _clear(export_id)
        except Exception:
            logger.exception("the files of an export stay", extra={"export": str(export_id)})
    return cleared


@transaction.atomic
def _clear(export_id: UUID) -> bool:
    rows = ExportJob.objects.select_for_update(skip_locked=True)
    job = rows.filter(pk=export_id, cleared_at=None).first()
    if job is None:
        return False
    folder_delete(str(job.pk))
    job.parts.all().delete()
    job.cleared_at = timezone.now()
    job.save(update_fields=["cleared_at"])
    record_export_event("audit.export.expired", job, actor=SYSTEM)
    return True
