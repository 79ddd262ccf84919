"""Periodic work on attestations."""

from celery import shared_task

from attestations.reminders import attestations_remind_expiring

_BATCH = 500


@shared_task(acks_late=True)
def remind_of_expiring_attestations() -> int:
    """Record that attestations are about to expire, 30, 7 and 1 days ahead; return how many."""
    done = 0
    while count := attestations_remind_expiring(limit=_BATCH):
        done += count
    return done
