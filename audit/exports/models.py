"""Export jobs and the parts of their files."""

from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils import timezone

from audit.choices import ExportFormat
from audit.principal import NamedPrincipal, Principal
from audit.querysets import ExportJobQuerySet
from config.jobs.models import JobStatus, LeasedJob

UNFINISHED_LIMIT = 5


class ExportJob(LeasedJob):
    """A file of a view of the log that somebody asked for.

    `parameters` are the filters as they were given and `criteria` are they in words; the scope is
    what the caller saw when asking, and `bounds` what was committed then (`audit.exports.bounds`).
    `ask_key` names all that: nobody has two unfinished jobs for the same, nor more than
    `UNFINISHED_LIMIT`, each in a `slot` of its own. `size` and `sha256` are of the whole file.
    """

    view = models.CharField(max_length=64)
    parameters: "models.JSONField[Any, Any]" = models.JSONField("filters", default=dict)
    criteria = models.TextField("filters in words")
    format = models.CharField(max_length=6, choices=ExportFormat)
    gzip = models.BooleanField(default=False)
    reads_everything = models.BooleanField()
    issuer_ids: "models.JSONField[Any, Any]" = models.JSONField(default=list)
    requested_by = models.CharField(max_length=254)
    requested_by_id = models.CharField(max_length=36)
    ask_key = models.CharField(max_length=64)
    slot = models.PositiveSmallIntegerField()
    bounds: "models.JSONField[Any, Any]" = models.JSONField()
    rows_total = models.PositiveBigIntegerField("rows", null=True)
    rows_done = models.PositiveBigIntegerField(default=0)
    size = models.PositiveBigIntegerField("bytes", null=True)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)
    checkpoint = models.TextField("newest checkpoint when it was finished", blank=True)
    checkpoint_key = models.CharField(max_length=200, blank=True)
    expires_at = models.DateTimeField(null=True)
    cleared_at = models.DateTimeField("files deleted at", null=True)

    objects = ExportJobQuerySet.as_manager()

    class Meta:
        verbose_name = "export"
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="export_job_created"),
            models.Index(
                fields=["requested_by_id", "-created_at", "-id"], name="export_job_requester"
            ),
            models.Index(
                fields=["created_at"],
                name="export_job_unfinished",
                condition=Q(status__in=["Queued", "Running"]),
            ),
            models.Index(
                fields=["finished_at"],
                name="export_job_uncleared",
                condition=Q(cleared_at__isnull=True),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["requested_by_id", "ask_key"],
                condition=Q(status__in=["Queued", "Running"]),
                name="export_job_once",
            ),
            models.UniqueConstraint(
                fields=["requested_by_id", "slot"],
                condition=Q(status__in=["Queued", "Running"]),
                name="export_job_few",
            ),
            models.CheckConstraint(
                condition=Q(slot__lt=UNFINISHED_LIMIT), name="export_job_slot_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=JobStatus.values), name="export_job_status_known"
            ),
            models.CheckConstraint(
                condition=Q(format__in=ExportFormat.values), name="export_job_format_known"
            ),
            models.CheckConstraint(
                condition=~Q(status="Finished") | (Q(size__isnull=False) & ~Q(sha256="")),
                name="export_job_finished_is_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.view} as {self.format}"

    @property
    def progress(self) -> tuple[int, int]:
        return self.rows_done, self.rows_total or 0

    @property
    def requester(self) -> NamedPrincipal:
        """Who asked, as far as the log knows them; they see nothing."""
        return NamedPrincipal(self.requested_by, self.requested_by_id)

    @property
    def scope(self) -> Principal:
        """The principal that sees what the caller saw when asking."""
        return NamedPrincipal(
            self.requested_by,
            self.requested_by_id,
            self.reads_everything,
            frozenset(map(UUID, self.issuer_ids)),
        )

    @property
    def is_expired(self) -> bool:
        """Whether the file is not kept any more."""
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def is_ready(self) -> bool:
        """Whether the file can be downloaded."""
        return self.status == JobStatus.FINISHED and not self.is_expired

    @property
    def file_name(self) -> str:
        """What the downloaded file is called."""
        ending = ".gz" if self.gzip else ""
        return f"{self.view}-{self.created_at:%Y%m%d-%H%M%S}.{self.format}{ending}"


class ExportPart(models.Model):
    """A part of the file: where it is stored, what it is, and the key of its last row.

    A part without rows, or of rows that no part follows, has no key.
    """

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(ExportJob, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    name = models.CharField("name in the storage", max_length=255)
    rows = models.PositiveBigIntegerField()
    size = models.PositiveBigIntegerField("bytes")
    sha256 = models.CharField("SHA-256", max_length=64)
    last_moment = models.DateTimeField(null=True)
    last_seq = models.BigIntegerField(null=True)

    class Meta:
        verbose_name = "part of an export"
        verbose_name_plural = "parts of exports"
        constraints = [
            models.UniqueConstraint(fields=["job", "number"], name="export_part_once"),
        ]

    def __str__(self) -> str:
        return f"Part {self.number} of {self.job}"
