"""Periodic work on the log."""

import logging

from celery import shared_task
from django.db import DatabaseError

from audit import verification
from audit.checkpoints import checkpoint_sign
from audit.partitions import partitions_prepare, strayed_events
from audit.seal import seal_events as seal

logger = logging.getLogger("assayer.audit")


@shared_task
def seal_events() -> None:
    """Seal every finished event, and sign what the log came to."""
    seal()
    checkpoint_sign()


@shared_task
def verify_trail() -> None:
    """Verify the whole sealed log."""
    seal()
    checkpoint_sign()
    verification.verify_trail()


@shared_task
def prepare_partitions() -> None:
    """Create next year's partition ahead; what stands in the way is logged as an error."""
    try:
        partitions_prepare()
    except DatabaseError:
        logger.exception("a partition of the log cannot be created")
    if strayed := strayed_events():
        logger.error("events are in the default partition", extra={"events": strayed})
