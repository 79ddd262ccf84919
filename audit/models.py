"""The event log and its seal."""

import uuid
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q

from audit.choices import ActionType, Category
from audit.exports.models import ExportJob as ExportJob  # Django looks for models here
from audit.exports.models import ExportPart as ExportPart
from audit.querysets import AuditEventQuerySet
from audit.webhooks.models import WebhookDelivery, WebhookSubscription
from config.jobs.models import JobStatus, LeasedJob

__all__ = ["WebhookDelivery", "WebhookSubscription"]

if TYPE_CHECKING:
    _BigIntegerField = models.BigIntegerField[Any, Any]
else:
    _BigIntegerField = models.BigIntegerField


class TransactionIdField(_BigIntegerField):
    """The id of the transaction that wrote the row (`xid8`); null where the database has none."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "xid8" if connection.vendor == "postgresql" else "bigint"

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        number = super().get_db_prep_value(value, connection, prepared)
        return str(number) if number is not None and connection.vendor == "postgresql" else number

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> int | None:
        return None if value is None else int(value)


class AuditEvent(models.Model):
    """One thing that happened. Written by `audit.services.record_event` alone; never changed.

    `body` is the evidence: the canonical line of the whole event. The other columns repeat parts
    of it so that the log can be filtered; they are made from the same values in the same INSERT.
    No column refers to another table, so an event survives whatever it describes.
    """

    seq = models.BigAutoField(primary_key=True)
    id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    xid = TransactionIdField(null=True, editable=False)
    name = models.CharField(max_length=64)
    category = models.CharField(max_length=32, choices=Category)
    action_type = models.CharField(max_length=16, choices=ActionType)
    occurred_at = models.DateTimeField()
    actor = models.CharField(max_length=254)
    success = models.BooleanField()
    network = models.CharField(max_length=50, null=True)
    asset_id = models.BigIntegerField(null=True)
    issuer_id = models.UUIDField(null=True)
    affected_address = models.CharField(max_length=100, null=True)
    to_address = models.CharField(max_length=100, null=True)
    transfer_allowed = models.BooleanField(null=True)
    reference_type = models.CharField(max_length=32, null=True)
    reference_id = models.CharField(max_length=128, null=True)
    correlation_id = models.CharField(max_length=64)
    body = models.TextField()

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        verbose_name = "event"
        indexes = [
            models.Index(fields=["-occurred_at", "-seq"], name="event_time"),
            models.Index(fields=["asset_id", "-occurred_at", "-seq"], name="event_asset"),
            models.Index(fields=["issuer_id", "-occurred_at", "-seq"], name="event_issuer"),
            models.Index(fields=["actor", "-occurred_at", "-seq"], name="event_actor"),
            models.Index(
                fields=["category", "action_type", "-occurred_at", "-seq"],
                name="event_category_action",
            ),
            models.Index(
                fields=["-occurred_at", "-seq"],
                name="event_failed",
                condition=models.Q(success=False),
            ),
            models.Index(
                fields=["asset_id", "name", "occurred_at"],
                name="event_asset_evidence",
                condition=~models.Q(action_type__in=["Read", "List"]),
            ),
            models.Index(fields=["xid", "seq"], name="event_xid"),
            models.Index(fields=["name", "-occurred_at", "-seq"], name="event_name"),
            models.Index(
                fields=["reference_id", "-occurred_at", "-seq"],
                name="event_reference",
                condition=models.Q(reference_id__isnull=False),
            ),
            models.Index(
                fields=["affected_address", "-occurred_at", "-seq"],
                name="event_address",
                condition=models.Q(affected_address__isnull=False),
            ),
            models.Index(
                fields=["to_address", "-occurred_at", "-seq"],
                name="event_receiver",
                condition=models.Q(to_address__isnull=False),
            ),
            # With this operator class it serves the beginning of a name too.
            models.Index(
                fields=["network"], name="event_network", opclasses=["varchar_pattern_ops"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.id}"


class AuditSeal(models.Model):
    """The state of the Merkle tree after a batch of events was sealed; append-only.

    `root` is the RFC 9162 tree hash of the first `size` events in the order (xid, seq);
    `frontier` holds the hashes of the complete subtrees, from which sealing goes on. After a dump
    and restore transaction ids begin anew: from then on only events behind `floor_seq` follow.
    `order_digest` binds the places of the batch's events; `signature` is the log's over the row
    and the signature before it (`audit.seal.seal_content`); older seals have neither.
    """

    size = models.BigIntegerField(primary_key=True)
    root = models.CharField(max_length=64)
    frontier = models.JSONField()
    last_xid = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    floor_seq = models.BigIntegerField(null=True)
    order_digest = models.CharField(max_length=64, null=True)
    signature = models.CharField(max_length=88, null=True)
    sealed_at = models.DateTimeField()

    class Meta:
        verbose_name = "seal"
        indexes = [models.Index(fields=["last_xid", "last_seq"], name="seal_place")]

    def __str__(self) -> str:
        return f"{self.size} events, root {self.root[:16]}"


class AuditTile(models.Model):
    """Up to 256 hashes of the Merkle tree (`audit.tiles`); it only grows.

    `places` are the sequence numbers of the events of a tile of level 0, 8 bytes each.
    """

    id = models.BigAutoField(primary_key=True)
    level = models.PositiveSmallIntegerField()
    number = models.PositiveBigIntegerField()
    hashes = models.BinaryField()
    places = models.BinaryField()

    class Meta:
        verbose_name = "tile"
        constraints = [models.UniqueConstraint(fields=["level", "number"], name="tile_unique")]

    def __str__(self) -> str:
        return f"Tile {self.level}/{self.number}"


class AuditCheckpoint(models.Model):
    """A signed statement of the tree's size and root, in the C2SP note form; append-only.

    `key` is the verifier key of the signature, so that one signed by an older key still verifies.
    `signature` is the log's over the whole row, with the size that was signed before it.
    """

    size = models.BigIntegerField(primary_key=True)
    root = models.CharField(max_length=64)
    note = models.TextField()
    key = models.CharField(max_length=200)
    previous = models.BigIntegerField(null=True)
    signature = models.CharField(max_length=88, null=True)
    signed_at = models.DateTimeField()

    class Meta:
        verbose_name = "checkpoint"
        indexes = [models.Index(fields=["-signed_at"], name="checkpoint_time")]

    def __str__(self) -> str:
        return f"{self.size} events, root {self.root[:16]}"


class AuditCosignature(models.Model):
    """A witness's line under a checkpoint (`audit.cosignatures`); append-only.

    `seconds` is the time in the signature, in seconds since 1970; `key_id` is four bytes in hex.
    """

    id = models.BigAutoField(primary_key=True)
    checkpoint = models.ForeignKey(
        AuditCheckpoint, on_delete=models.PROTECT, related_name="cosignatures"
    )
    witness = models.CharField(max_length=255)
    key_id = models.CharField(max_length=8)
    seconds = models.BigIntegerField()
    line = models.CharField(max_length=400)
    received_at = models.DateTimeField()

    class Meta:
        verbose_name = "cosignature"
        constraints = [
            models.UniqueConstraint(fields=["checkpoint", "witness"], name="cosignature_unique")
        ]

    def __str__(self) -> str:
        return f"{self.witness} of {self.checkpoint_id} events"


class AuditAnchoring(models.Model):
    """A checkpoint written down outside the database (`audit.anchors`); append-only.

    `reference` says where, in the words of that kind of place; null where it failed.
    """

    id = models.BigAutoField(primary_key=True)
    checkpoint = models.ForeignKey(AuditCheckpoint, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=32)
    reference = models.CharField(max_length=200, null=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name = "anchoring"
        indexes = [models.Index(fields=["kind", "-id"], name="anchoring_last")]

    def __str__(self) -> str:
        return f"{self.checkpoint_id} events, {self.kind}"


class AuditVerification(models.Model):
    """One verification: the sealed events were read again and the root computed anew."""

    id = models.BigAutoField(primary_key=True)
    size = models.BigIntegerField()
    root = models.CharField(max_length=64)
    intact = models.BooleanField()
    finding = models.CharField(max_length=500, blank=True)
    verified_at = models.DateTimeField()

    class Meta:
        verbose_name = "verification"

    def __str__(self) -> str:
        return f"{self.size} events, {'intact' if self.intact else self.finding}"


class VerificationJob(LeasedJob):
    """A verification of the whole log that somebody asked for; there is one at a time.

    Whoever takes over from a worker that is gone begins anew: the root is that of all events. The
    numbers count events; `verification` is what was found.
    """

    requested_by = models.CharField(max_length=254)
    events_total = models.PositiveBigIntegerField(default=0)
    events_done = models.PositiveBigIntegerField(default=0)
    verification = models.ForeignKey(
        AuditVerification, on_delete=models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        verbose_name = "verification in the background"
        verbose_name_plural = "verifications in the background"
        indexes = [models.Index(fields=["-created_at", "-id"], name="verification_job_created")]
        constraints = [
            models.UniqueConstraint(
                models.Value(1),
                condition=Q(status__in=["Queued", "Running"]),
                name="verification_job_once",
            ),
            models.CheckConstraint(
                condition=Q(status__in=JobStatus.values), name="verification_job_status_known"
            ),
        ]

    def __str__(self) -> str:
        return f"Verification of {self.created_at:%Y-%m-%d %H:%M:%S}"

    @property
    def progress(self) -> tuple[int, int]:
        return self.events_done, self.events_total


class Overview(AuditEvent):
    """The log as a whole: what the page of the admin shows that says how it is doing."""

    class Meta:
        proxy = True
        verbose_name = "overview"
        verbose_name_plural = "overview"
