"""The record of a token, its computed status, and the reports about it."""

import uuid
from typing import Any

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Issuer, Token, User
from compliance.choices import (
    ComplianceStatus,
    InputKind,
    OverallStatus,
    ReportType,
    VerificationStatus,
)
from compliance.querysets import (
    MetadataQuerySet,
    PackageQuerySet,
    ReportJobQuerySet,
    ReportQuerySet,
)
from config.jobs.models import JobStatus, LeasedJob
from deployments.models import Deployment


class ComplianceMetadata(models.Model):
    """What is claimed about a token (seed 1, sections 1 to 4). One row a token.

    `version` grows by one with every change; the ETag is made of it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    token = models.OneToOneField(Token, on_delete=models.PROTECT, related_name="metadata")
    kyc_provider = models.CharField(max_length=200, null=True, blank=True)
    kyc_verification_date = models.DateTimeField(null=True, blank=True)
    verification_status = models.CharField(
        max_length=12, choices=VerificationStatus, default=VerificationStatus.PENDING
    )
    jurisdiction = models.CharField(max_length=500, null=True, blank=True)
    regulatory_framework = models.CharField(max_length=500, null=True, blank=True)
    compliance_status = models.CharField(
        max_length=12, choices=ComplianceStatus, default=ComplianceStatus.UNDER_REVIEW
    )
    last_compliance_review = models.DateTimeField(null=True, blank=True)
    next_compliance_review = models.DateTimeField(null=True, blank=True)
    asset_type = models.CharField(max_length=200, null=True, blank=True)
    transfer_restrictions = models.CharField(max_length=1000, null=True, blank=True)
    max_holders = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)]
    )
    requires_accredited_investors = models.BooleanField(default=False)
    notes = models.CharField(max_length=2000, null=True, blank=True)
    created_by = models.CharField(max_length=254, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_by = models.CharField(max_length=254, null=True, editable=False)
    updated_at = models.DateTimeField(null=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = MetadataQuerySet.as_manager()

    class Meta:
        verbose_name = "compliance metadata"
        verbose_name_plural = "compliance metadata"
        constraints = [
            models.CheckConstraint(
                condition=Q(max_holders__isnull=True) | Q(max_holders__gte=1),
                name="metadata_max_holders_positive",
            ),
            models.CheckConstraint(
                condition=Q(verification_status__in=VerificationStatus.values),
                name="metadata_verification_status_known",
            ),
            models.CheckConstraint(
                condition=Q(compliance_status__in=ComplianceStatus.values),
                name="metadata_compliance_status_known",
            ),
        ]
        indexes = [models.Index(fields=["-created_at", "-id"], name="metadata_created")]

    def __str__(self) -> str:
        return f"Metadata of {self.token}"

    @property
    def etag(self) -> str:
        return f"{self.pk}-{self.version}"


class TokenStatus(models.Model):
    """The computed status of a token. Fresh while `revision` equals `evaluated_revision`.

    A change that affects the status adds one to `revision` in its own transaction; an evaluation
    writes down the revision that it read before it read anything else. `payload` is the answer as
    it goes over the wire. `next_evaluation_at` is the moment at which time overtakes it.
    """

    token = models.OneToOneField(
        Token, on_delete=models.CASCADE, primary_key=True, related_name="computed_status"
    )
    revision = models.BigIntegerField(default=1)
    evaluated_revision = models.BigIntegerField(default=0)
    status = models.CharField(max_length=20, choices=OverallStatus, blank=True)
    payload = models.TextField(blank=True)
    digest = models.CharField(max_length=64, blank=True)
    evaluated_at = models.DateTimeField(null=True)
    next_evaluation_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "token status"
        verbose_name_plural = "token statuses"
        indexes = [
            models.Index(
                fields=["token"],
                name="status_stale",
                condition=~Q(revision=models.F("evaluated_revision")),
            ),
            models.Index(fields=["next_evaluation_at"], name="status_due"),
        ]

    def __str__(self) -> str:
        return f"{self.token}: {self.status or 'not evaluated yet'}"


# A token, an issuance with its token, or an issuer.
ONE_SUBJECT = Q(token__isnull=False, issuer__isnull=True) | Q(
    token__isnull=True, issuer__isnull=False, deployment__isnull=True
)


class ReportInput(models.Model):
    """A document that evaluations read, a snapshot or a rule pack, stored once; append-only.

    Reports name it by its digest, the SHA-256 of `content`, and can be evaluated again with it.
    """

    digest = models.CharField(max_length=64, primary_key=True)
    kind = models.CharField(max_length=8, choices=InputKind)
    content = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "report input"
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=InputKind.values), name="report_input_kind_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.digest[:16]}"


class ComplianceReport(models.Model):
    """A stored report; append-only. `content` is the report as it was generated, to the byte.

    `digest` is the SHA-256 of its canonical part: the same data and the same `as_of` give the same
    digest, whoever asks and whenever. `fingerprint` is that of the content without the moment it
    speaks of: while it stays the same, nothing has changed. `signature` seals the report with the
    key `key_id`; reports from before there were seals have neither.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # About a token, about one issuance of it, or about an issuer.
    token = models.ForeignKey(Token, on_delete=models.PROTECT, null=True, related_name="reports")
    issuer = models.ForeignKey(Issuer, on_delete=models.PROTECT, null=True, related_name="reports")
    deployment = models.ForeignKey(
        Deployment, on_delete=models.PROTECT, null=True, related_name="reports"
    )
    report_type = models.CharField(max_length=20, choices=ReportType, default=ReportType.FULL)
    schema_version = models.CharField(max_length=10)
    status = models.CharField(max_length=20, choices=OverallStatus)
    as_of = models.DateTimeField()
    content = models.TextField()
    digest = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64, blank=True)
    key_id = models.CharField(max_length=64, blank=True)
    signature = models.CharField(max_length=100, blank=True)
    created_by = models.CharField(max_length=254)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ReportQuerySet.as_manager()

    # Whether this answer is a report that was stored before, because nothing has changed since.
    reused = False

    class Meta:
        verbose_name = "compliance report"
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="report_created"),
            models.Index(fields=["token", "-created_at", "-id"], name="report_token"),
            models.Index(
                fields=["token", "fingerprint", "-created_at", "-id"], name="report_fingerprint"
            ),
            models.Index(fields=["issuer", "-created_at", "-id"], name="report_issuer"),
        ]
        constraints = [models.CheckConstraint(condition=ONE_SUBJECT, name="report_one_subject")]

    def __str__(self) -> str:
        return f"Report {self.pk}: {self.status}"


class ReportJob(LeasedJob):
    """A report that somebody asked for and that is made in the background.

    `as_of` and `packs` are settled when the work begins, once for all tokens: the digests name
    stored rule packs. What is done the parts keep. `ask_key` names what was asked for: nobody has
    two unfinished jobs for the same.
    """

    token = models.ForeignKey(Token, on_delete=models.PROTECT, null=True, related_name="+")
    issuer = models.ForeignKey(Issuer, on_delete=models.PROTECT, null=True, related_name="+")
    deployment = models.ForeignKey(
        Deployment, on_delete=models.PROTECT, null=True, related_name="+"
    )
    report_type = models.CharField(max_length=20, choices=ReportType)
    asked_as_of = models.DateTimeField(null=True)
    period_from = models.DateTimeField(null=True)
    period_to = models.DateTimeField(null=True)
    ask_key = models.CharField(max_length=64)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    as_of = models.DateTimeField(null=True)
    packs: "models.JSONField[Any, Any]" = models.JSONField(default=list)
    tokens_total = models.PositiveIntegerField(default=1)
    tokens_done = models.PositiveIntegerField(default=0)
    restarts = models.PositiveSmallIntegerField(default=0)
    report = models.ForeignKey(
        ComplianceReport, on_delete=models.PROTECT, null=True, related_name="+"
    )

    objects = ReportJobQuerySet.as_manager()

    class Meta:
        verbose_name = "report in the background"
        verbose_name_plural = "reports in the background"
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="report_job_created"),
            models.Index(
                fields=["created_at"],
                name="report_job_unfinished",
                condition=Q(status__in=["Queued", "Running"]),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["requested_by", "ask_key"],
                condition=Q(status__in=["Queued", "Running"]),
                name="report_job_once",
            ),
            models.CheckConstraint(condition=ONE_SUBJECT, name="report_job_one_subject"),
            models.CheckConstraint(
                condition=Q(status__in=JobStatus.values), name="report_job_status_known"
            ),
            models.CheckConstraint(
                condition=~Q(status="Finished") | Q(report__isnull=False),
                name="report_job_finished_has_report",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.report_type} report, {self.status}"

    @property
    def progress(self) -> tuple[int, int]:
        return self.tokens_done, self.tokens_total


class ReportJobPart(models.Model):
    """What a report on an issuer says of one token, until the report is put together."""

    job = models.ForeignKey(ReportJob, on_delete=models.CASCADE, related_name="parts")
    token = models.ForeignKey(Token, on_delete=models.PROTECT, related_name="+")
    content = models.TextField()
    fingerprint = models.CharField(max_length=64)
    snapshot = models.TextField()
    snapshot_digest = models.CharField(max_length=64)

    class Meta:
        verbose_name = "part of a report"
        verbose_name_plural = "parts of reports"
        constraints = [
            models.UniqueConstraint(fields=["job", "token"], name="report_job_part_once")
        ]

    def __str__(self) -> str:
        return f"{self.token} of {self.job}"


class AttestationPackage(models.Model):
    """A stored attestation package (seed 1, section 14); append-only.

    `content` is all of it but what differs between two packages of the same data, in RFC 8785
    form; `content_hash` is the SHA-256 of those bytes. The key `key_id` signed the hash together
    with the rest: the id, the moment and the signature's own members.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    token = models.ForeignKey(Token, on_delete=models.PROTECT, related_name="attestation_packages")
    period_from = models.DateTimeField(null=True)
    period_to = models.DateTimeField(null=True)
    attestation_count = models.PositiveIntegerField()
    content = models.TextField()
    content_hash = models.CharField(max_length=64)
    key_id = models.CharField(max_length=64)
    public_key = models.CharField(max_length=44)
    signature = models.CharField(max_length=100)
    created_by = models.CharField(max_length=254)
    created_at = models.DateTimeField(default=timezone.now)

    objects = PackageQuerySet.as_manager()

    class Meta:
        verbose_name = "attestation package"
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="package_created"),
            models.Index(fields=["token", "-created_at", "-id"], name="package_token"),
        ]

    def __str__(self) -> str:
        return f"Attestation package {self.pk}"
