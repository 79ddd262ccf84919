"""What every kind of job keeps in its row."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.utils import timezone

LEASE_SECONDS = 120


class JobStatus(models.TextChoices):
    """Where a job stands."""

    QUEUED = "Queued"
    RUNNING = "Running"
    FINISHED = "Finished"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


UNFINISHED = (JobStatus.QUEUED, JobStatus.RUNNING)


class LeasedJob(models.Model):
    """Work that somebody asked for and that is done in the background.

    Who works holds the `lease` until `lease_until` and renews it with every step; whoever comes
    after that goes on with what is done. The subclass says what that is in `progress`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    status = models.CharField(max_length=9, choices=JobStatus, default=JobStatus.QUEUED)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    error_message = models.CharField(max_length=1000, blank=True)

    class Meta:
        abstract = True

    @property
    def progress(self) -> tuple[int, int]:
        """How much is done, of how much."""
        raise NotImplementedError

    @property
    def progress_percent(self) -> int:
        """How much is done; 100 only where it has finished."""
        if self.status == JobStatus.FINISHED:
            return 100
        done, total = self.progress
        return min(99, done * 100 // total) if total else 0

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status not in UNFINISHED

    def advance(self, **values: Any) -> None:
        """Save `values` of a row that is held, and renew its lease."""
        self._put({**values, "lease_until": lease_end()})

    def end(self, status: JobStatus, **values: Any) -> None:
        """Save `values` and that the job is over; nobody holds it any more."""
        over = {"status": status, "finished_at": timezone.now(), "lease": None, "lease_until": None}
        self._put({**values, **over})

    def _put(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            setattr(self, name, value)
        self.save(update_fields=list(values))


def lease_end() -> datetime:
    """Return until when a lease holds that is taken or renewed now."""
    return timezone.now() + timedelta(seconds=LEASE_SECONDS)
