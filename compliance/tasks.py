"""Recalculating statuses: one token soon after its change, and whatever is due, periodically."""

import logging
from collections.abc import Sequence

from celery import shared_task
from django.conf import settings
from django.core.cache import cache
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from compliance.models import TokenStatus
from compliance.services.recalculation import BATCH, statuses_recalculate
from compliance.services.status import due_statuses, is_fresh, status_recalculate

logger = logging.getLogger("assayer.status")

COALESCE_SECONDS = 1
_LOST_TASK_SECONDS = 60
_BATCH = 500
_KEY = "status:queued:{}"


def request_recalculation(token_id: int) -> None:
    """Have the token's status recalculated soon; many requests within a second are one.

    With a broker the first request queues a task that waits a second and then covers them all.
    Without one the first request computes at once, and the rest of that second is left to the next
    read. Nothing is lost where the broker or the cache is down: the row itself is stale.
    """
    key = _KEY.format(token_id)
    eager = settings.CELERY_TASK_ALWAYS_EAGER
    try:
        first = cache.add(key, 1, COALESCE_SECONDS if eager else _LOST_TASK_SECONDS)
    except (RedisError, OSError):
        logger.warning("the cache is down: recalculations are not coalesced")
        first = True
    if not first:
        return
    try:
        recalculate_token_status.apply_async(
            (token_id,), countdown=None if eager else COALESCE_SECONDS
        )
    except (OperationalError, OSError):
        logger.warning("the broker is down: the sweep will recalculate", extra={"id": token_id})
        _try_again_soon(key)


def request_sweep() -> None:
    """Have everything that is due recalculated."""
    try:
        recalculate_due_statuses.delay()
    except (OperationalError, OSError):
        logger.warning("the broker is down: the periodic sweep will recalculate")


def _try_again_soon(key: str) -> None:
    # Not at once: every event of one change asks, and each attempt may wait for its time-out.
    try:
        cache.touch(key, COALESCE_SECONDS)
    except (RedisError, OSError):
        logger.warning("the cache is down")


def _forget(key: str) -> None:
    try:
        cache.delete(key)
    except (RedisError, OSError):
        logger.warning("the cache is down")


@shared_task(acks_late=True)
def recalculate_token_status(token_id: int) -> None:
    """Recalculate one token's status, if it is still stale."""
    if not settings.CELERY_TASK_ALWAYS_EAGER:
        _forget(_KEY.format(token_id))  # before the facts are read: a later change queues anew
    row = TokenStatus.objects.filter(pk=token_id).first()
    if row is not None and not is_fresh(row, timezone.now()):
        status_recalculate(token_id=token_id)


@shared_task(acks_late=True)
def recalculate_due_statuses() -> int:
    """Recalculate a batch of the statuses that are stale or overtaken by time; return how many.

    One that cannot be computed is logged and left for the next run, so that it stops nobody else.
    """
    due = due_statuses(limit=_BATCH)
    done = sum(_recalculate(due[start : start + BATCH]) for start in range(0, len(due), BATCH))
    if len(due) == _BATCH and done and not settings.CELERY_TASK_ALWAYS_EAGER:
        request_sweep()
    return done


def _recalculate(token_ids: Sequence[int]) -> int:
    try:
        return statuses_recalculate(token_ids=token_ids)
    except Exception:
        logger.exception("a batch of statuses could not be read; each is tried by itself")
    done = 0
    for token_id in token_ids:
        try:
            status_recalculate(token_id=token_id)
            done += 1
        except Exception:
            logger.exception("a status could not be recalculated", extra={"id": token_id})
    return done
