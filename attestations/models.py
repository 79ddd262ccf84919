"""Attestations and what became of them. Both tables are append-only."""

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils import timezone

from accounts.models import Issuer, Token
from attestations.choices import SubjectType, VerificationStatus
from attestations.credentials import LIST_SIZE
from attestations.querysets import AttestationQuerySet
from attestations.transitions import NEEDS_REASON, TRANSITIONS

_WALLET_SUBJECT = Q(
    ~Q(wallet_address=""),
    subject_type=SubjectType.WALLET,
    token__isnull=False,
    asset_id__isnull=False,
    issuer__isnull=True,
)
_TOKEN_SUBJECT = Q(
    wallet_address="",
    subject_type=SubjectType.TOKEN,
    token__isnull=False,
    asset_id__isnull=False,
    issuer__isnull=True,
)
_ISSUER_SUBJECT = Q(
    wallet_address="",
    subject_type=SubjectType.ISSUER,
    token__isnull=True,
    asset_id__isnull=True,
    issuer__isnull=False,
)


class Attestation(models.Model):
    """What somebody attested about a wallet, a token or an issuer (seed 1, section 9).

    Its content never changes. Its status is what its status changes and the time make of it;
    `Attestation.objects.with_status(now)` computes it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subject_type = models.CharField(max_length=6, choices=SubjectType, default=SubjectType.WALLET)
    token = models.ForeignKey(
        Token, on_delete=models.PROTECT, null=True, blank=True, related_name="attestations"
    )
    issuer = models.ForeignKey(
        Issuer, on_delete=models.PROTECT, null=True, blank=True, related_name="attestations"
    )
    wallet_address = models.CharField(max_length=100, blank=True)
    asset_id = models.BigIntegerField(null=True, blank=True)
    issuer_address = models.CharField(max_length=100)
    proof_hash = models.CharField(max_length=200)
    proof_type = models.CharField(max_length=50, blank=True)
    attestation_type = models.CharField(max_length=100, blank=True)
    network = models.CharField(max_length=50, blank=True)
    jurisdiction = models.CharField(max_length=500, blank=True)
    regulatory_framework = models.CharField(max_length=500, blank=True)
    issued_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    notes = models.CharField(max_length=2000, blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_by_label = models.CharField(max_length=254)

    objects = AttestationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=_WALLET_SUBJECT | _TOKEN_SUBJECT | _ISSUER_SUBJECT,
                name="attestation_subject_consistent",
            ),
            models.CheckConstraint(
                condition=Q(asset_id__isnull=True) | Q(asset_id__gte=1),
                name="attestation_asset_id_positive",
            ),
            models.CheckConstraint(
                condition=~Q(issuer_address="") & ~Q(proof_hash=""),
                name="attestation_proof_and_issuer_named",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=F("issued_at")),
                name="attestation_expires_after_issue",
            ),
        ]
        indexes = [
            models.Index(fields=["-issued_at", "-id"], name="attestation_time"),
            models.Index(fields=["asset_id", "-issued_at", "-id"], name="attestation_asset"),
            models.Index(
                Upper("wallet_address"),
                F("issued_at").desc(),
                F("id").desc(),
                name="attestation_wallet",
            ),
            models.Index(fields=["expires_at"], name="attestation_expiry"),
        ]

    def __str__(self) -> str:
        return f"{self.attestation_type or 'Attestation'} of {self.subject}"

    @property
    def subject(self) -> str:
        """Who or what is attested: a wallet's address, an asset id, or an issuer's id."""
        if self.subject_type == SubjectType.ISSUER:
            return str(self.issuer_id)
        return self.wallet_address or str(self.asset_id)

    @property
    def event_fields(self) -> dict[str, Any]:
        """What an event about this attestation says of it; needs `token` where there is one."""
        of_token = self.token.event_fields if self.token is not None else None
        return {
            **(of_token or {"network": self.network or None, "issuer_id": self.issuer_id}),
            "affected_address": self.wallet_address or None,
            "reference_type": "attestation",
            "reference_id": str(self.pk),
        }

    def is_expired(self, now: datetime) -> bool:
        """Return whether its time has run out; the moment of expiry itself is too late."""
        return self.expires_at is not None and self.expires_at <= now


class AttestationStatusChange(models.Model):
    """One decision about an attestation: by whom, when and why.

    `from_status` makes the database decide between two decisions at the same moment: an
    attestation leaves each status once. `attestation_created_by` repeats the attestation's creator
    so that the database can refuse a decision by the same person.
    """

    attestation = models.ForeignKey(
        Attestation, on_delete=models.PROTECT, related_name="status_changes"
    )
    attestation_created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    from_status = models.CharField(max_length=8, choices=VerificationStatus)
    status = models.CharField(max_length=8, choices=VerificationStatus)
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    changed_by_label = models.CharField(max_length=254)
    reason = models.CharField(max_length=2000, blank=True)

    class Meta:
        verbose_name = "status change"
        constraints = [
            # In this order its index also finds the few revocations among many decisions.
            models.UniqueConstraint(
                fields=["from_status", "attestation"], name="attestation_leaves_a_status_once"
            ),
            models.UniqueConstraint(
                fields=["attestation", "status"], name="attestation_reaches_a_status_once"
            ),
            models.CheckConstraint(
                condition=~Q(changed_by=F("attestation_created_by")),
                name="attestation_decided_by_another",
            ),
            models.CheckConstraint(
                condition=Q(
                    *(Q(from_status=before, status=after) for before, after in sorted(TRANSITIONS)),
                    _connector=Q.OR,
                ),
                name="attestation_transition_legal",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=sorted(NEEDS_REASON)) | ~Q(reason=""),
                name="attestation_reason_given",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_status} to {self.status}"


class AttestationReminder(models.Model):
    """That it was told, so many days ahead, that an attestation is about to expire; append-only."""

    attestation = models.ForeignKey(Attestation, on_delete=models.PROTECT, related_name="reminders")
    days_ahead = models.PositiveSmallIntegerField()
    sent_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["attestation", "days_ahead"], name="attestation_reminded_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.days_ahead} days ahead"


class AttestationCredential(models.Model):
    """The place of a Verified attestation in the published status lists; append-only.

    It is given with the verification and follows from the primary key.
    """

    attestation = models.OneToOneField(
        Attestation, on_delete=models.PROTECT, related_name="credential"
    )
    issued_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.list_index} of list {self.list_number}"

    @property
    def list_number(self) -> int:
        """The status list that it is in, from 1."""
        return (self.pk - 1) // LIST_SIZE + 1

    @property
    def list_index(self) -> int:
        """Its position in that list, from 0."""
        return (self.pk - 1) % LIST_SIZE
