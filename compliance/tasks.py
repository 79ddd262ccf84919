"""Recalculating statuses: one token soon after its change, and whatever is due, periodically."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from compliance.models import TokenStatus
from compliance.services.dry_runs import dry_run_continue
from compliance.services.recalculation import BATCH, statuses_recalculate
from compliance.services.report_work import REPORT_WORK
from compliance.services.status import due_statuses, is_fresh, status_recalculate
from config.jobs.tasks import request, request_all
from jurisdictions.services.dry_runs import dry_run_fail, unattended_dry_runs

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


def request_dry_run(run_id: UUID) -> None:
    """Have a dry run evaluated in the background."""
    request(continue_dry_run, run_id)


def request_report_job(job_id: UUID) -> None:
    """Have a report made in the background."""
    request(make_report, job_id)


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


@shared_task(acks_late=True)
def continue_dry_run(run_id: str) -> None:
    """Evaluate a dry run to its end, a batch at a time; what stops it is written down on it."""
    try:
        while dry_run_continue(UUID(run_id)):
            pass
    except DatabaseError:
        raise  # the sweep tries again where the run stands
    except Exception as problem:
        logger.exception("a dry run failed", extra={"id": run_id})
        dry_run_fail(run_id=UUID(run_id), problem=f"{type(problem).__name__}: {problem}")


@shared_task
def continue_dry_runs() -> int:
    """Take up the dry runs that nobody works on; return how many."""
    since = timezone.now() - timedelta(seconds=_LOST_TASK_SECONDS)
    return request_all(continue_dry_run, unattended_dry_runs(since=since))


@shared_task(acks_late=True)
def make_report(job_id: str) -> None:
    """Make a report in the background; what stops it is tried again by the sweep."""
    REPORT_WORK.attempt(UUID(job_id))


@shared_task
def continue_report_jobs() -> int:
    """Take up the reports that nobody works on; return how many."""
    return request_all(make_report, REPORT_WORK.unattended())
