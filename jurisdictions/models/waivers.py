"""Waivers: decisions to live with a requirement that is not met, until they expire."""

import uuid
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Token
from jurisdictions.choices import Basis, WaiverStatus, WaiverType
from jurisdictions.querysets import WaiverQuerySet


class Waiver(models.Model):
    """A waiver of one requirement for one token (reference/regulation.md, section 10).

    `basis` is the strongest basis of the requirement in any version when the waiver was requested;
    where it is law, `type` must say what the decision rests on. Without `pack_id` it covers the key
    in every pack, without versions every version; the bounds are inclusive. People are kept as id
    and label, so that a waiver outlives its authors. `expiry_recorded_at` says that the log knows
    of its end; whether it has expired, its `expires_at` alone says.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    token = models.ForeignKey(Token, on_delete=models.PROTECT, related_name="waivers")
    requirement_key = models.CharField(max_length=100)
    pack_id = models.CharField("pack id", max_length=50, blank=True)
    version_from = models.CharField("from version", max_length=16, blank=True)
    version_to = models.CharField("to version", max_length=16, blank=True)
    basis = models.CharField(max_length=8, choices=Basis)
    type = models.CharField(max_length=16, choices=WaiverType, blank=True)
    reason = models.CharField(max_length=2000)
    evidence_reference = models.CharField(
        "evidence",
        max_length=500,
        blank=True,
        help_text="Where the opinion, letter or minute is kept, such as a file number or link.",
    )
    expires_at = models.DateTimeField("expires at", help_text="At most a year ahead.")
    requested_by = models.CharField(max_length=254, editable=False)
    requested_by_id = models.CharField(max_length=36, editable=False)
    requested_at = models.DateTimeField(default=timezone.now, editable=False)
    approved_by = models.CharField(max_length=254, blank=True, editable=False)
    approved_by_id = models.CharField(max_length=36, null=True, editable=False)
    approved_at = models.DateTimeField(null=True, editable=False)
    revoked_by = models.CharField(max_length=254, blank=True, editable=False)
    revoked_by_id = models.CharField(max_length=36, null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)
    revocation_reason = models.CharField(max_length=2000, blank=True, editable=False)
    expiry_recorded_at = models.DateTimeField(null=True, editable=False)
    lock_version = models.PositiveIntegerField(default=1, editable=False)

    objects = WaiverQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(basis__in=Basis.values), name="waiver_basis_known"),
            models.CheckConstraint(
                condition=Q(type__in=["", *WaiverType.values]), name="waiver_type_known"
            ),
            models.CheckConstraint(
                condition=~Q(basis=Basis.LAW) | ~Q(type=""), name="waiver_of_law_is_typed"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="waiver_reason_given"),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("requested_at")), name="waiver_expires_after_request"
            ),
            models.CheckConstraint(
                condition=Q(version_from="", version_to="") | ~Q(pack_id=""),
                name="waiver_versions_of_a_pack",
                violation_error_message="Versions are those of a pack: name the pack too.",
            ),
            models.CheckConstraint(
                condition=Q(approved_at__isnull=True, approved_by_id__isnull=True)
                | (
                    Q(approved_at__isnull=False, approved_by_id__isnull=False)
                    & ~Q(approved_by_id=F("requested_by_id"))
                ),
                name="waiver_second_person",
                violation_error_message="Somebody who did not request it must approve it.",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True) | ~Q(revocation_reason=""),
                name="waiver_revocation_explained",
            ),
        ]
        indexes = [
            models.Index(fields=["-requested_at", "-id"], name="waiver_requested"),
            models.Index(fields=["token", "-requested_at", "-id"], name="waiver_token"),
            models.Index(
                fields=["expires_at", "id"],
                name="waiver_expiry_unrecorded",
                condition=Q(revoked_at__isnull=True, expiry_recorded_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"Waiver of {self.requirement_key} for {self.token}"

    def status_at(self, now: datetime) -> WaiverStatus:
        """Return where it stands; the moment of expiry itself is too late."""
        if self.revoked_at is not None:
            return WaiverStatus.REVOKED
        if self.expires_at <= now:
            return WaiverStatus.EXPIRED
        return WaiverStatus.REQUESTED if self.approved_at is None else WaiverStatus.APPROVED

    def etag_at(self, now: datetime) -> str:
        """Return a name of this state; the status is part of it, which time alone can change."""
        return f"{self.pk}-{self.lock_version}-{self.status_at(now)}"

    @property
    def event_fields(self) -> dict[str, Any]:
        """What an event about this waiver says of it."""
        return {
            **self.token.event_fields,
            "reference_type": "waiver",
            "reference_id": str(self.pk),
        }
