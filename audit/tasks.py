"""Periodic work on the log, and its exports."""

import logging
from uuid import UUID

from celery import shared_task
from django.db import DatabaseError

from audit import verification
from audit.anchors import checkpoint_anchor
from audit.checkpoints import checkpoint_sign
from audit.exports.services import exports_expire
from audit.exports.work import EXPORT_WORK
from audit.lag import seal_lag
from audit.partitions import partitions_prepare, strayed_events
from audit.seal import seal_events as seal
from audit.verification_jobs import VERIFICATION_WORK
from audit.webhooks.delivery import subscription_deliver, subscriptions_due
from config.jobs.tasks import request, request_all

logger = logging.getLogger("assayer.audit")

BUSY = 250
"""From so many waiting events on, the log is sealed each second."""


@shared_task
def seal_events() -> None:
    """Seal every finished event, sign what the log came to, and anchor that where it is due."""
    seal()
    checkpoint_sign()
    checkpoint_anchor()


@shared_task
def seal_busy_log() -> None:
    """Seal where so much waits that it would wait too long for the next `seal_events`.

    A seal is a row: one a second for every single event would cost more than the events.
    """
    if seal_lag().events >= BUSY:
        seal()


@shared_task
def verify_trail() -> None:
    """Verify the whole sealed log."""
    seal()
    checkpoint_sign()
    verification.verify_trail()


def request_export(export_id: UUID) -> None:
    """Have an export written in the background."""
    request(write_export, export_id)


@shared_task(acks_late=True)
def write_export(export_id: str) -> None:
    """Write an export; what stops it is tried again by the sweep."""
    EXPORT_WORK.attempt(UUID(export_id))


@shared_task
def continue_exports() -> int:
    """Take up the exports that nobody works on; return how many."""
    return request_all(write_export, EXPORT_WORK.unattended())


@shared_task
def expire_exports() -> int:
    """Delete the files of exports that are not kept any more; return of how many exports."""
    return exports_expire()


@shared_task
def prepare_partitions() -> None:
    """Create next year's partition ahead; what stands in the way is logged as an error."""
    try:
        partitions_prepare()
    except DatabaseError:
        logger.exception("a partition of the log cannot be created")
    if strayed := strayed_events():
        logger.error("events are in the default partition", extra={"events": strayed})


def request_verification(job_id: UUID) -> None:
    """Have a verification that somebody asked for run in the background."""
    request(run_verification, job_id)


@shared_task(acks_late=True)
def run_verification(job_id: str) -> None:
    """Verify the whole log for who asked; what stops it is tried again by the sweep."""
    VERIFICATION_WORK.attempt(UUID(job_id))


@shared_task
def continue_verifications() -> int:
    """Take up the verification that nobody works on; return how many."""
    return request_all(run_verification, VERIFICATION_WORK.unattended())


def request_webhooks(subscription_id: UUID) -> None:
    """Have what a subscription waits for delivered in the background."""
    request(deliver_webhooks, subscription_id)


@shared_task(acks_late=True)
def deliver_webhooks(subscription_id: str) -> None:
    """Deliver what one subscription waits for."""
    subscription_deliver(subscription_id=UUID(subscription_id))


@shared_task
def deliver_due_webhooks() -> int:
    """Hand every subscription that has something to deliver to a worker; return how many."""
    return request_all(deliver_webhooks, subscriptions_due())
