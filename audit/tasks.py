"""Periodic work on the log."""

from uuid import UUID

from celery import shared_task

from audit import verification
from audit.checkpoints import checkpoint_sign
from audit.seal import seal_events as seal
from audit.verification_jobs import VERIFICATION_WORK
from config.jobs.tasks import request, request_all


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
