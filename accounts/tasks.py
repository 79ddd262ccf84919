"""Periodic work of accounts."""

from celery import shared_task

from accounts.anchors import anchors_follow
from accounts.idempotency import idempotency_purge


@shared_task
def follow_chain_rounds() -> None:
    """Ask every configured node for its round; without nodes there is nothing to do."""
    anchors_follow()


@shared_task
def purge_idempotency_keys() -> None:
    """Forget the answers to requests whose idempotency keys are too old to be sent again."""
    idempotency_purge()
