"""Who may hold a token, and how strictly that binds its transfers."""

import uuid
from datetime import datetime

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Token, User
from config.jobs.models import JobStatus, LeasedJob
from whitelist.addresses import MAX_LENGTH
from whitelist.choices import (
    BulkMode,
    Enforcement,
    EntryStatus,
    InvestorCategory,
    WhitelistRole,
)
from whitelist.querysets import (
    WhitelistEntryQuerySet,
    WhitelistImportQuerySet,
    WhitelistPolicyQuerySet,
)

_JURISDICTION = RegexValidator(
    r"\A[A-Z]{2}(-[A-Z0-9]{1,3})?\Z",
    "Not a jurisdiction code: two capital letters, such as DE, or a part of a country, such as "
    "US-NY (ISO 3166).",
)


class WhitelistEntry(models.Model):
    """One address on the whitelist of a token (seed 1, "Enhanced Whitelist Entries").

    Null means that nothing was stated. Whether an entry has expired is computed from
    `expiration_date`; it is stored nowhere.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    token = models.ForeignKey(Token, on_delete=models.PROTECT, related_name="whitelist_entries")
    address = models.CharField(max_length=MAX_LENGTH)
    status = models.CharField(max_length=8, choices=EntryStatus, default=EntryStatus.ACTIVE)
    reason = models.CharField(max_length=500, null=True, blank=True)
    expiration_date = models.DateTimeField(null=True, blank=True)
    kyc_verified = models.BooleanField("KYC verified", default=False)
    kyc_verification_date = models.DateTimeField("KYC verification date", null=True, blank=True)
    kyc_provider = models.CharField("KYC provider", max_length=200, null=True, blank=True)
    investor_category = models.CharField(
        max_length=20, choices=InvestorCategory, null=True, blank=True
    )
    jurisdiction_code = models.CharField(
        max_length=6,
        null=True,
        blank=True,
        validators=[_JURISDICTION],
        help_text="ISO 3166, DE or US-NY.",
    )
    created_by = models.CharField(max_length=254, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_by = models.CharField(max_length=254, null=True, editable=False)
    updated_at = models.DateTimeField(null=True, editable=False)
    # As what its last writer wrote it; null where that was before roles were kept.
    role = models.CharField(max_length=8, choices=WhitelistRole, null=True, editable=False)

    objects = WhitelistEntryQuerySet.as_manager()

    class Meta:
        verbose_name = "whitelist entry"
        verbose_name_plural = "whitelist entries"
        constraints = [
            models.UniqueConstraint(
                fields=["token", "address"],
                name="whitelist_entry_unique",
                violation_error_message="This address is on the whitelist of the token already.",
            ),
            models.CheckConstraint(condition=~Q(address=""), name="whitelist_entry_has_address"),
            models.CheckConstraint(
                condition=Q(status__in=EntryStatus.values), name="whitelist_entry_status_known"
            ),
            models.CheckConstraint(
                condition=Q(investor_category__isnull=True)
                | Q(investor_category__in=InvestorCategory.values),
                name="whitelist_entry_category_known",
            ),
            models.CheckConstraint(
                condition=Q(role__isnull=True) | Q(role__in=WhitelistRole.values),
                name="whitelist_entry_role_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.address} for {self.token}"

    def is_expired(self, now: datetime) -> bool:
        """Return whether the entry has expired at `now`; at its very moment it has."""
        return self.expiration_date is not None and self.expiration_date <= now


class WhitelistPolicy(models.Model):
    """How the whitelist of a token binds its transfers, and who said so. One row a token.

    A token without a row has no policy: nobody ever decided.
    """

    token = models.OneToOneField(Token, on_delete=models.PROTECT, related_name="whitelist_policy")
    enforcement = models.CharField(max_length=9, choices=Enforcement)
    set_by = models.CharField(max_length=254, editable=False)
    set_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = WhitelistPolicyQuerySet.as_manager()

    class Meta:
        verbose_name = "whitelist policy"
        verbose_name_plural = "whitelist policies"
        constraints = [
            models.CheckConstraint(
                condition=Q(enforcement__in=Enforcement.values),
                name="whitelist_policy_enforcement_known",
            )
        ]

    def __str__(self) -> str:
        return f"{self.enforcement} for {self.token}"


class WhitelistImport(LeasedJob):
    """A CSV file that somebody sent for the whitelist of a token, worked on in the background.

    The first `rows_done` rows of the file are done: whatever stops a worker, the next one goes on
    after them. Of a dry run the counts say what the import would have done. Nobody has the same
    file for the same token in the work twice.
    """

    token = models.ForeignKey(Token, on_delete=models.PROTECT, related_name="+")
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    file_name = models.CharField(max_length=200, blank=True)
    file_digest = models.CharField("SHA-256 of the file", max_length=64)
    mode = models.CharField(max_length=7, choices=BulkMode, default=BulkMode.PARTIAL)
    dry_run = models.BooleanField(default=False)
    rows_total = models.PositiveIntegerField("rows")
    rows_done = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField("rows added", default=0)
    changed = models.PositiveIntegerField("rows changed", default=0)
    unchanged = models.PositiveIntegerField("rows unchanged", default=0)
    rejected = models.PositiveIntegerField("rows rejected", default=0)
    created_at = models.DateTimeField("requested at", default=timezone.now)

    objects = WhitelistImportQuerySet.as_manager()

    class Meta:
        verbose_name = "whitelist import"
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="whitelist_import_created"),
            models.Index(
                fields=["created_at"],
                name="whitelist_import_unfinished",
                condition=Q(status__in=["Queued", "Running"]),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["requested_by", "token", "file_digest", "mode", "dry_run"],
                condition=Q(status__in=["Queued", "Running"]),
                name="whitelist_import_once",
            ),
            models.CheckConstraint(
                condition=Q(status__in=JobStatus.values), name="whitelist_import_status_known"
            ),
            models.CheckConstraint(
                condition=Q(mode__in=BulkMode.values), name="whitelist_import_mode_known"
            ),
        ]

    def __str__(self) -> str:
        return f"Import of {self.rows_total} rows for {self.token}"

    @property
    def progress(self) -> tuple[int, int]:
        return self.rows_done, self.rows_total


class WhitelistImportFile(models.Model):
    """The text of the file, kept until the import is over."""

    whitelist_import = models.OneToOneField(
        WhitelistImport, on_delete=models.CASCADE, primary_key=True, related_name="file"
    )
    content = models.TextField()

    class Meta:
        verbose_name = "file of a whitelist import"
        verbose_name_plural = "files of whitelist imports"

    def __str__(self) -> str:
        return f"File of {self.pk}"


class WhitelistImportRejection(models.Model):
    """A row of the file that was not used: where it is, and why."""

    id = models.BigAutoField(primary_key=True)
    whitelist_import = models.ForeignKey(
        WhitelistImport, on_delete=models.CASCADE, related_name="rejections"
    )
    line = models.PositiveIntegerField()
    address = models.CharField(max_length=MAX_LENGTH, blank=True)
    reason = models.CharField(max_length=500)

    class Meta:
        verbose_name = "rejected row"
        constraints = [
            models.UniqueConstraint(
                fields=["whitelist_import", "line"], name="whitelist_import_rejection_once"
            )
        ]

    def __str__(self) -> str:
        return f"Line {self.line}: {self.reason}"
