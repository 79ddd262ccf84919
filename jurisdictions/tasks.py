"""Periodic work on what is recorded for the rules."""

from celery import shared_task

from jurisdictions.services.waivers import waivers_record_expired

_BATCH = 500


@shared_task(acks_late=True)
def record_expired_waivers() -> int:
    """Record the expiry of every waiver whose time ran out; return how many."""
    done = 0
    while count := waivers_record_expired(limit=_BATCH):
        done += count
        if count < _BATCH:
            break
    return done
