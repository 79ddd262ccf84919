"""Periodic work of accounts."""

from celery import shared_task

from accounts.anchors import anchors_follow


@shared_task
def follow_chain_rounds() -> None:
    """Ask every configured node for its round; without nodes there is nothing to do."""
    anchors_follow()
