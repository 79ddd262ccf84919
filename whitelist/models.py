"""Who may hold a token, and how strictly that binds its transfers."""

import uuid
from datetime import datetime

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Token
from whitelist.addresses import MAX_LENGTH
from whitelist.choices import Enforcement, EntryStatus, InvestorCategory
from whitelist.querysets import WhitelistEntryQuerySet, WhitelistPolicyQuerySet

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
