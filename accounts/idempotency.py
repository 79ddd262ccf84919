"""Idempotency keys: a request that is sent again is answered again, and done once.

The row of a key is committed before the request is worked on; who inserted it holds its lease. A
process that dies with it frees the key when the lease ends. What it had committed by then stays, so
a retry after that is a new request, which the rules of the record judge.
"""

import logging
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Q
from django.utils import timezone

from accounts.models import IdempotencyRecord
from config.api.errors import Conflict
from config.api.idempotency import Answer, Claim

logger = logging.getLogger("assayer.accounts")

LEASE = timedelta(seconds=120)


class IdempotencyKeyMismatch(Conflict):
    """The key came with another request within its `IDEMPOTENCY_HOURS` (409)."""

    code = "IDEMPOTENCY_KEY_MISMATCH"


class IdempotencyKeyInUse(Conflict):
    """The first request with the key has not been answered yet (409)."""

    code = "IDEMPOTENCY_KEY_IN_USE"

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


def idempotency_claim(*, user_id: UUID, route: str, key: str, fingerprint: str) -> Claim | Answer:
    """Return the claim to do the request, or the answer that it was given before.

    `route` and `fingerprint` are SHA-256 in hex. Raises `IdempotencyKeyMismatch` where the key
    belongs to another request, `IdempotencyKeyInUse` while somebody holds it.
    """
    now = timezone.now()
    fresh = _in_flight(fingerprint, now)
    named: dict[str, Any] = {"user_id": user_id, "route": route, "key": key}
    IdempotencyRecord.objects.bulk_create(
        [IdempotencyRecord(**named, **fresh)], ignore_conflicts=True
    )
    row = IdempotencyRecord.objects.filter(**named).first()
    if row is None:
        raise IdempotencyKeyInUse  # freed a moment ago, so the next try may have it
    if row.lease == fresh["lease"]:
        return Claim(row.pk, row.lease)
    over = IdempotencyRecord.objects.filter(_over(now), pk=row.pk, lease=row.lease)
    if over.update(**fresh):
        return Claim(row.pk, fresh["lease"])
    if row.fingerprint != fingerprint:
        raise IdempotencyKeyMismatch
    if row.status_code is None:
        raise IdempotencyKeyInUse
    return Answer(row.status_code, row.headers, bytes(row.body))


def idempotency_finish(*, claim: Claim, answer: Answer) -> None:
    """Keep the answer; one that will not be the same next time (429, 5xx) frees the key.

    What the request did is done: a database that fails now is logged, and the lease runs out.
    """
    if answer.status_code == 429 or answer.status_code >= 500:
        idempotency_release(claim=claim)
        return
    try:
        _held(claim).update(
            status_code=answer.status_code,
            headers=dict(answer.headers),
            body=answer.body,
            finished_at=timezone.now(),
        )
    except DatabaseError:
        logger.exception("an answer could not be kept for its idempotency key")


def idempotency_release(*, claim: Claim) -> None:
    """Free the key; a database that fails now is logged, and the lease runs out."""
    try:
        _held(claim).delete()
    except DatabaseError:
        logger.exception("an idempotency key could not be freed")


def idempotency_purge() -> int:
    """Delete the keys whose time is over, and return how many there were."""
    count, _ = IdempotencyRecord.objects.filter(created_at__lte=_oldest(timezone.now())).delete()
    return count


def _in_flight(fingerprint: str, now: datetime) -> dict[str, Any]:
    return {
        "fingerprint": fingerprint,
        "lease": uuid4(),
        "lease_until": now + LEASE,
        "created_at": now,
        "finished_at": None,
        "status_code": None,
        "headers": {},
        "body": b"",
    }


def _held(claim: Claim) -> Any:
    return IdempotencyRecord.objects.filter(
        pk=claim.record_id, lease=claim.lease, status_code__isnull=True
    )


def _over(now: datetime) -> Q:
    """Match the keys that anybody may have: too old, or left by a process that died."""
    left = Q(status_code__isnull=True, lease_until__lte=now)
    return left | Q(status_code__isnull=False, created_at__lte=_oldest(now))


def _oldest(now: datetime) -> datetime:
    return now - timedelta(hours=settings.IDEMPOTENCY_HOURS)
