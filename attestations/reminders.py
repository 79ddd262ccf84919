"""Telling of an expiry ahead of it: an event 30, 7 and 1 days before, once each.

Which day counts goes by the clock, so a worker that slept sends the nearest reminder alone, and
never one of a day that lies before the attestation itself.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from attestations.choices import VerificationStatus
from attestations.models import Attestation, AttestationReminder
from attestations.services import event_details
from audit.body import EventDraft
from audit.principal import SYSTEM
from audit.services import record_events
from config.api.formats import utc_text

DAYS_AHEAD = (1, 7, 30)
_STANDING = (VerificationStatus.PENDING, VerificationStatus.VERIFIED)


@transaction.atomic
def attestations_remind_expiring(*, limit: int = 500) -> int:
    """Record that Pending and Verified attestations are about to expire; return how many events.

    At most `limit`, those first that expire first. What another worker is at is left to it.
    """
    now = timezone.now()
    drafts: list[EventDraft] = []
    marks: list[AttestationReminder] = []
    nearer = 0
    for days in DAYS_AHEAD:
        for attestation in _take(now, nearer, days, limit - len(marks)):
            marks.append(AttestationReminder(attestation=attestation, days_ahead=days, sent_at=now))
            drafts.append(_event(attestation, days))
        nearer = days
    if marks:
        AttestationReminder.objects.bulk_create(marks)
        record_events(drafts, actor=SYSTEM)
    return len(marks)


def _take(now: datetime, nearer: int, days: int, limit: int) -> list[Attestation]:
    """Lock what is due, and return what still is: the lock may have waited for another worker."""
    rows = _due(now, nearer, days).select_for_update(skip_locked=True, of=("self",))
    locked = list(rows.order_by("expires_at", "pk").values_list("pk", flat=True)[: max(limit, 0)])
    return list(_still_due(locked, now, nearer, days)) if locked else []


def _still_due(locked: Collection[UUID], now: datetime, nearer: int, days: int) -> "QuerySet[Any]":
    rows = _due(now, nearer, days).filter(pk__in=locked).select_related("token")
    return rows.order_by("expires_at", "pk")


def _due(now: datetime, nearer: int, days: int) -> "QuerySet[Any]":
    ahead = timedelta(days=days)
    reminded = AttestationReminder.objects.filter(attestation=OuterRef("pk"), days_ahead=days)
    attestations: QuerySet[Any] = Attestation.objects.with_decisions()
    return attestations.filter(
        ~Exists(reminded),
        expires_at__gt=now + timedelta(days=nearer),
        expires_at__lte=now + ahead,
        issued_at__lte=F("expires_at") - ahead,
        decided_status__in=_STANDING,
    )


def _event(attestation: Attestation, days: int) -> EventDraft:
    return EventDraft(
        "attestations.attestation.expiring",
        **attestation.event_fields,
        details={
            **event_details(attestation),
            "daysAhead": days,
            "expiresAt": utc_text(attestation.expires_at) if attestation.expires_at else None,
        },
    )
