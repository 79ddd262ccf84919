"""Periodic work on the log."""

from celery import shared_task

from audit import seal


@shared_task
def seal_events() -> None:
    """Seal every finished event."""
    seal.seal_events()


@shared_task
def verify_trail() -> None:
    """Verify the whole sealed log."""
    seal.seal_events()
    seal.verify_trail()
