"""Working on jobs: one worker at a time, and whoever is stopped, the next one goes on."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from config.api.errors import Conflict, DomainError
from config.jobs.models import UNFINISHED, JobStatus, LeasedJob, lease_end

logger = logging.getLogger("assayer.jobs")

MAX_ATTEMPTS = 5
_QUEUED_SECONDS = 30

Job = TypeVar("Job", bound=LeasedJob)


class LeaseLost(Exception):
    """The job was cancelled, or somebody else works on it."""


@dataclass(frozen=True, slots=True)
class Held(Generic[Job]):
    """A job that this worker holds, as it was when it took it."""

    job: Job
    lease: UUID
    related: tuple[str, ...]

    def locked(self) -> Job:
        """Return the row, locked, while it is held; else raise `LeaseLost`."""
        rows = type(self.job)._default_manager.select_for_update(of=("self",))
        row = rows.select_related(*self.related).filter(pk=self.job.pk).first()
        if row is None or row.lease != self.lease or row.status != JobStatus.RUNNING:
            raise LeaseLost
        return row


@dataclass(frozen=True, slots=True)
class JobKind(Generic[Job]):
    """A kind of job: how its work is done, and what is left behind where that fails.

    `work` does it all, raising a `DomainError` where trying again would not help; `failed` forgets
    what an unfinished job keeps and records the failure, in the transaction that ends the job.
    `given_up` tells the caller of a job that was tried `MAX_ATTEMPTS` times.
    """

    model: type[Job]
    related: tuple[str, ...]
    work: Callable[[Held[Job]], None]
    failed: Callable[[Job], None]
    given_up: str

    def run(self, job_id: UUID) -> bool:
        """Work on the job until it is over; return False where it should be tried again.

        Does nothing where it is over already or somebody works on it.
        """
        held = self._claim(job_id)
        if held is None:
            return True
        where = {"kind": self.model._meta.label_lower, "job": str(job_id)}
        try:
            self.work(held)
        except LeaseLost:
            logger.info("a job was left to others", extra=where)
        except DomainError as refusal:
            self._stop(held, refusal.message)
        except Exception:
            logger.exception("a job stopped", extra=where)
            return self._stop(held)
        return True

    def attempt(self, job_id: UUID) -> None:
        """Work on the job as a task does; what stops it is tried again by the sweep."""
        # Without a broker there is no sweep either.
        for _ in range(MAX_ATTEMPTS if settings.CELERY_TASK_ALWAYS_EAGER else 1):
            if self.run(job_id):
                return

    def unattended(self, *, limit: int = 100) -> Sequence[UUID]:
        """Return the jobs that nobody works on: queued for a while, or their worker is gone."""
        now = timezone.now()
        waiting = Q(
            status=JobStatus.QUEUED, created_at__lte=now - timedelta(seconds=_QUEUED_SECONDS)
        )
        left = Q(status=JobStatus.RUNNING, lease_until__lte=now)
        rows = self.model._default_manager.filter(waiting | left).order_by("created_at")
        return list(rows.values_list("pk", flat=True)[:limit])

    @transaction.atomic
    def _claim(self, job_id: UUID) -> Held[Job] | None:
        rows = self.model._default_manager.select_for_update(skip_locked=True, of=("self",))
        rows = rows.select_related(*self.related)
        job = rows.filter(pk=job_id, status__in=UNFINISHED).first()
        now = timezone.now()
        if job is None or (job.lease_until is not None and job.lease_until > now):
            return None
        if job.attempts >= MAX_ATTEMPTS:
            self._end_failed(job, self.given_up)
            return None
        job.status, job.attempts = JobStatus.RUNNING, job.attempts + 1
        job.started_at = job.started_at or now
        job.lease, job.lease_until = uuid4(), lease_end()
        job.save(update_fields=["status", "attempts", "started_at", "lease", "lease_until"])
        return Held(job, job.lease, self.related)

    @transaction.atomic
    def _stop(self, held: Held[Job], refusal: str | None = None) -> bool:
        """Leave the job to whoever comes next, or end it; return whether it is over."""
        try:
            job = held.locked()
        except LeaseLost:
            return True
        if refusal is not None or job.attempts >= MAX_ATTEMPTS:
            self._end_failed(job, refusal or self.given_up)
            return True
        job.status, job.lease, job.lease_until = JobStatus.QUEUED, None, None
        job.save(update_fields=["status", "lease", "lease_until"])
        return False

    def _end_failed(self, job: Job, message: str) -> None:
        job.end(JobStatus.FAILED, error_message=message[:1000])
        self.failed(job)


def stored_once(job: Job, same: QuerySet[Job]) -> tuple[Job, bool]:
    """Return the unfinished job among `same`, or else `job`, stored; and whether it was.

    A unique constraint decides between two that ask at the same moment.
    """
    waiting = same.filter(status__in=UNFINISHED)
    if (found := waiting.first()) is not None:
        return found, False
    try:
        with transaction.atomic():
            job.save(force_insert=True)
    except IntegrityError:
        # Any reason but an equal job is a defect.
        if (found := waiting.first()) is None:
            raise
        return found, False
    return job, True


def end_cancelled(job: LeasedJob, noun: str) -> bool:
    """End a job whose row is locked; return False where it was cancelled before.

    Raises `Conflict` where it is over otherwise.
    """
    if job.status == JobStatus.CANCELLED:
        return False
    if job.is_over:
        raise Conflict(f"This {noun} is {job.status.lower()} already.")
    job.end(JobStatus.CANCELLED)
    return True
