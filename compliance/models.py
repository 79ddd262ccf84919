"""The record of a token, its computed status, and the reports about it."""

import uuid

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Token
from compliance.choices import (
    ComplianceStatus,
    InputKind,
    OverallStatus,
    ReportType,
    VerificationStatus,
)
from compliance.querysets import MetadataQuerySet, ReportQuerySet


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
    token = models.ForeignKey(Token, on_delete=models.PROTECT, related_name="reports")
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
        ]

    def __str__(self) -> str:
        return f"Report {self.pk}: {self.status}"
