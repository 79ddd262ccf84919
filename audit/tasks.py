"""Periodic work on the log."""

from celery import shared_task

from audit import verification
from audit.checkpoints import checkpoint_sign
from audit.seal import seal_events as seal


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
