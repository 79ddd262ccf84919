"""Who is told of what, how far they were told, and how each delivery went."""

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from audit.cursor import Cursor
from config.api.formats import utc_text

MAX_SUBSCRIPTIONS = 20
"""How many subscriptions a principal may have."""


class DisabledReason(models.TextChoices):
    """Why nothing is delivered."""

    OWNER = "Owner"
    OFFICER = "Officer"
    FAILED = "DeliveryFailed"
    GONE = "Gone"
    NO_OWNER = "OwnerInactive"


class DeliveryFault(models.TextChoices):
    """Why an attempt did not deliver."""

    STATUS = "Status"
    REDIRECT = "Redirect"
    TIMEOUT = "Timeout"
    CONNECTION = "Connection"
    TLS = "Tls"
    NAME = "NameNotResolved"
    REFUSED = "AddressRefused"
    SECRET = "SecretUnreadable"  # noqa: S105 - no password
    WITHDRAWN = "NoLongerVisible"


class WebhookSubscription(models.Model):
    """Where the events of a filter go. What is not behind its cursor (`audit.cursor`) is done.

    The secrets are kept encrypted (`audit.webhooks.secrets`); for a while after a rotation there
    are two. `slot` numbers the subscriptions of an owner, so that a constraint bounds how many.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner_id = models.CharField(max_length=64)
    owner = models.CharField(max_length=254)
    slot = models.PositiveSmallIntegerField()
    url = models.CharField(max_length=2000)
    event_types = models.JSONField()
    asset_id = models.BigIntegerField(null=True)
    network = models.CharField(max_length=50, null=True)
    description = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=14, choices=DisabledReason, null=True)
    disabled_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(null=True)
    secret = models.BinaryField()
    secret_created_at = models.DateTimeField(default=timezone.now)
    previous_secret = models.BinaryField(null=True)
    previous_expires_at = models.DateTimeField(null=True)
    cursor_xid = models.BigIntegerField(default=0)
    cursor_seq = models.BigIntegerField(default=0)
    floor_seq = models.BigIntegerField(default=0)
    restored_seq = models.BigIntegerField(null=True)
    retry_at = models.DateTimeField(null=True)
    lease = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "webhook subscription"
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="webhook_created"),
            models.Index(fields=["retry_at"], name="webhook_active", condition=Q(is_active=True)),
        ]
        constraints = [
            models.UniqueConstraint(fields=["owner_id", "slot"], name="webhook_slot_once"),
            models.CheckConstraint(
                condition=Q(slot__gte=1, slot__lte=MAX_SUBSCRIPTIONS), name="webhook_slot_bounded"
            ),
            models.CheckConstraint(
                condition=Q(is_active=True, disabled_reason=None)
                | Q(is_active=False, disabled_reason__in=DisabledReason.values),
                name="webhook_disabled_has_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.url} of {self.owner}"

    @property
    def cursor(self) -> Cursor:
        """How far the log was read for it."""
        return Cursor(self.cursor_xid, self.cursor_seq, self.floor_seq, self.restored_seq)

    @cursor.setter
    def cursor(self, cursor: Cursor) -> None:
        self.cursor_xid, self.cursor_seq, self.floor_seq, self.restored_seq = cursor


class WebhookDelivery(models.Model):
    """One event on its way to one subscription. What the receiver answered is not kept.

    `attempts` has of the newest 20 when it was (`at`), the `status_code` and the `error_code`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subscription = models.ForeignKey(
        WebhookSubscription, on_delete=models.CASCADE, related_name="deliveries"
    )
    event_id = models.UUIDField()
    event_type = models.CharField(max_length=64)
    event_seq = models.BigIntegerField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    attempts = models.JSONField(default=list)
    attempt_count = models.PositiveIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(default=0)
    attempted_at = models.DateTimeField(null=True)
    status_code = models.PositiveSmallIntegerField(null=True)
    error_code = models.CharField(max_length=16, choices=DeliveryFault, null=True)
    delivered_at = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField(null=True)
    redelivery_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "webhook delivery"
        verbose_name_plural = "webhook deliveries"
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="delivery_created"),
            models.Index(
                fields=["subscription", "-created_at", "-id"], name="delivery_subscription"
            ),
            models.Index(
                fields=["redelivery_at"],
                name="delivery_asked_again",
                condition=Q(redelivery_at__isnull=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["subscription", "event_id"], name="delivery_once")
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}"

    @property
    def success(self) -> bool:
        """Whether the receiver has confirmed it."""
        return self.delivered_at is not None

    def note_attempt(
        self, *, at: datetime, status_code: int | None, error_code: str | None
    ) -> None:
        """Note an attempt; the caller saves."""
        entry = {"at": utc_text(at), "status_code": status_code, "error_code": error_code}
        self.attempts = [*self.attempts, entry][-20:]
        self.attempt_count += 1
        self.attempted_at, self.status_code, self.error_code = at, status_code, error_code
