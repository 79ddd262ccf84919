"""Delivering: one worker per subscription, one event at a time, in the order of the log.

Who works holds the lease of the subscription; the cursor moves with the answer of the receiver in
one transaction. Whoever is stopped in between, the next one sends the same event again, under the
same id: at least once.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from audit.cursor import CURSOR_FIELDS, Cursor
from audit.models import AuditEvent
from audit.principal import SYSTEM, Principal
from audit.querysets import AuditEventQuerySet
from audit.reading import cursor_ahead, events_between, log_end
from audit.webhooks.models import (
    DeliveryFault,
    DisabledReason,
    WebhookDelivery,
    WebhookSubscription,
)
from audit.webhooks.patterns import matches
from audit.webhooks.payload import headers_of, payload_of
from audit.webhooks.secrets import SecretUnreadable, secret_open
from audit.webhooks.sending import Outcome, send
from audit.webhooks.state import REFERENCE, subscription_disable
from audit.webhooks.subscribers import subscriber_of
from config.jobs.models import lease_end

logger = logging.getLogger("assayer.webhooks")

BACKOFF: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=7),
    timedelta(hours=10),
)
"""How long after each failure the next attempt is made: 24 h 35 min in all."""

_WORK_SECONDS: Final = 30.0
_WITHDRAWN: Final = DeliveryFault.WITHDRAWN


class LeaseLost(Exception):
    """Somebody else works on the subscription, or it is disabled or gone."""


@dataclass(frozen=True, slots=True)
class Held:
    """A subscription that this worker holds, as it was when last looked at."""

    subscription_id: UUID
    lease: UUID

    def locked(self) -> WebhookSubscription:
        """Return the row, locked, while it is held; else raise `LeaseLost`."""
        rows = WebhookSubscription.objects.select_for_update()
        row = rows.filter(pk=self.subscription_id, lease=self.lease, is_active=True).first()
        if row is None:
            raise LeaseLost
        return row

    def renewed(self) -> WebhookSubscription:
        """Return the row with its lease renewed; raise `LeaseLost` where it is not held."""
        with transaction.atomic():
            row = self.locked()
            row.lease_until = lease_end()
            row.save(update_fields=["lease_until"])
        return row


@dataclass(frozen=True, slots=True)
class Parcel:
    """An event for a subscription, as it is sent."""

    event_id: UUID
    name: str
    seq: int
    line: str


def subscriptions_due(*, limit: int = 500) -> Sequence[UUID]:
    """Return the active subscriptions that nobody works on and that have something to do now."""
    now, end = timezone.now(), log_end()
    asked = WebhookDelivery.objects.filter(subscription=OuterRef("pk"), redelivery_at__isnull=False)
    behind = Q(cursor_xid__lt=end.xid) | Q(cursor_xid=end.xid, cursor_seq__lt=end.seq)
    # Transaction ids of before a dump was restored are above the end.
    unread = behind | Q(cursor_xid__gt=end.xid) | Q(restored_seq__isnull=False)
    rows = WebhookSubscription.objects.filter(
        Q(lease_until=None) | Q(lease_until__lte=now),
        (unread & (Q(retry_at=None) | Q(retry_at__lte=now))) | Exists(asked),
        is_active=True,
    )
    return list(rows.order_by("created_at", "pk").values_list("pk", flat=True)[:limit])


def subscription_deliver(*, subscription_id: UUID) -> int:
    """Deliver what a subscription waits for, for at most half a minute; return how many arrived.

    Does nothing where somebody else works on it.
    """
    held = _claim(subscription_id)
    if held is None:
        return 0
    try:
        return _deliver(held)
    except LeaseLost:
        return 0
    finally:
        WebhookSubscription.objects.filter(pk=subscription_id, lease=held.lease).update(
            lease=None, lease_until=None
        )


@transaction.atomic
def _claim(subscription_id: UUID) -> Held | None:
    now = timezone.now()
    rows = WebhookSubscription.objects.select_for_update(skip_locked=True)
    row = rows.filter(Q(lease_until=None) | Q(lease_until__lte=now), pk=subscription_id).first()
    if row is None or not row.is_active:
        return None
    row.lease, row.lease_until = uuid4(), lease_end()
    row.save(update_fields=["lease", "lease_until"])
    return Held(row.pk, row.lease)


def _deliver(held: Held) -> int:
    delivered, end = 0, time.monotonic() + _WORK_SECONDS
    while time.monotonic() < end:
        row = held.renewed()
        owner = subscriber_of(row.owner_id)
        if owner is None:
            _disable(held, DisabledReason.NO_OWNER)
            return delivered
        if _deliver_again(held, row, owner):
            continue
        if row.retry_at is not None and row.retry_at > timezone.now():
            return delivered
        ahead = cursor_ahead(row.cursor)
        if ahead is None:
            return delivered
        parcel = _next(row, owner, ahead)
        if parcel is None:
            _move(held, row.cursor, ahead)
        elif _deliver_one(held, row, parcel):
            delivered += 1
        else:
            return delivered
    return delivered


def _wanted(row: WebhookSubscription, owner: Principal) -> AuditEventQuerySet:
    """Return what the subscription asks for of what its owner sees now.

    What happens to a subscription itself is visible to its owner.
    """
    own = AuditEvent.objects.filter(reference_type=REFERENCE, reference_id=str(row.pk))
    events = AuditEvent.objects.visible_to(owner) | own
    events = events.filter(matches(row.event_types))
    if row.asset_id is not None:
        events = events.filter(asset_id=row.asset_id)
    if row.network is not None:
        events = events.on_network(row.network)
    return events


def _next(
    row: WebhookSubscription, owner: Principal, ahead: Cursor
) -> tuple[Parcel, Cursor] | None:
    found = events_between(row.cursor, ahead, _wanted(row, owner))
    event = found.values_list("id", "name", "seq", "body", "xid").first()
    if event is None:
        return None
    return Parcel(*event[:4]), ahead._replace(xid=event[4] or 0, seq=event[2])


def _deliver_one(held: Held, row: WebhookSubscription, found: tuple[Parcel, Cursor]) -> bool:
    """Send the next event; return whether the subscription goes on behind it."""
    parcel, place = found
    delivery, _ = WebhookDelivery.objects.get_or_create(
        subscription=row,
        event_id=parcel.event_id,
        defaults={"event_type": parcel.name, "event_seq": parcel.seq},
    )
    if delivery.success:  # asked for again, and delivered before its turn
        _move(held, row.cursor, place)
        return True
    at, outcome = _sent(row, parcel)
    with transaction.atomic():
        locked = held.locked()
        delivery = WebhookDelivery.objects.select_for_update().get(pk=delivery.pk)
        _note(delivery, at, outcome)
        if outcome.delivered:
            _advance(locked, row.cursor, place)
        else:
            _retry_or_disable(locked, delivery, outcome)
        delivery.save()
    return outcome.delivered


def _retry_or_disable(
    locked: WebhookSubscription, delivery: WebhookDelivery, outcome: Outcome
) -> None:
    delivery.failures += 1
    if outcome.gone or delivery.failures > len(BACKOFF):
        delivery.next_attempt_at = None
        reason = DisabledReason.GONE if outcome.gone else DisabledReason.FAILED
        subscription_disable(locked, reason=reason, actor=SYSTEM, event_id=delivery.event_id)
        return
    wait = max(BACKOFF[delivery.failures - 1], outcome.retry_after)
    delivery.next_attempt_at = locked.retry_at = timezone.now() + wait
    locked.save(update_fields=["retry_at"])


def _deliver_again(held: Held, row: WebhookSubscription, owner: Principal) -> bool:
    """Send what was asked for again, once; return whether there was any."""
    delivery = row.deliveries.filter(redelivery_at__isnull=False).order_by("redelivery_at").first()
    if delivery is None:
        return False
    own = AuditEvent.objects.filter(reference_type=REFERENCE, reference_id=str(row.pk))
    seen = (AuditEvent.objects.visible_to(owner) | own).filter(id=delivery.event_id)
    event = seen.values_list("id", "name", "seq", "body").first()
    if event is None:
        at, outcome = timezone.now(), Outcome(fault=_WITHDRAWN)
    else:
        at, outcome = _sent(row, Parcel(*event))
    with transaction.atomic():
        locked = held.locked()
        delivery = WebhookDelivery.objects.select_for_update().get(pk=delivery.pk)
        _note(delivery, at, outcome)
        delivery.redelivery_at = None
        if outcome.delivered and locked.retry_at is not None:
            locked.retry_at = None  # it answers again
            locked.save(update_fields=["retry_at"])
        delivery.save()
    return True


def _sent(row: WebhookSubscription, parcel: Parcel) -> tuple[datetime, Outcome]:
    at = timezone.now()
    try:
        secrets = live_secrets(row, at)
    except SecretUnreadable:
        logger.exception("a webhook secret cannot be read", extra={"subscription": str(row.pk)})
        return at, Outcome(fault=DeliveryFault.SECRET)
    body = payload_of(parcel.line)
    headers: Mapping[str, str] = headers_of(
        body, event_id=str(parcel.event_id), at=at, secrets=secrets
    )
    return at, send(row.url, body, headers)


def live_secrets(row: WebhookSubscription, at: datetime) -> list[str]:
    """Return the secrets that sign at a moment, the newest first. Raises `SecretUnreadable`."""
    sealed = [row.secret]
    if row.previous_secret is not None and row.previous_expires_at is not None:
        sealed += [row.previous_secret] if at < row.previous_expires_at else []
    return [secret_open(one) for one in sealed]


def _note(delivery: WebhookDelivery, at: datetime, outcome: Outcome) -> None:
    delivery.note_attempt(at=at, status_code=outcome.status_code, error_code=outcome.fault)
    if outcome.delivered:
        delivery.delivered_at = delivery.delivered_at or timezone.now()
        delivery.next_attempt_at = None


@transaction.atomic
def _move(held: Held, seen: Cursor, place: Cursor) -> None:
    _advance(held.locked(), seen, place)


def _advance(locked: WebhookSubscription, seen: Cursor, place: Cursor) -> None:
    """Go on behind `place`; what still waited before it is not wanted or not visible any more."""
    if locked.cursor != seen:
        raise LeaseLost  # it was told to begin elsewhere
    locked.cursor = place
    locked.retry_at = None
    locked.save(update_fields=[*CURSOR_FIELDS, "retry_at"])
    waiting = locked.deliveries.filter(next_attempt_at__isnull=False, delivered_at=None)
    waiting.update(next_attempt_at=None, error_code=_WITHDRAWN)


@transaction.atomic
def _disable(held: Held, reason: DisabledReason) -> None:
    subscription_disable(held.locked(), reason=reason, actor=SYSTEM)
