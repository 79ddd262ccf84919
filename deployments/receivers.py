"""A deployment that was queued is worked on as soon as it is committed."""

from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from audit.body import EventDraft
from audit.signals import event_recorded
from config.jobs.tasks import request
from deployments.tasks import advance_deployment

_BEGUN = frozenset({"deployments.deployment.requested", "deployments.deployment.retried"})


def connect() -> None:
    """Subscribe to the event log."""
    event_recorded.connect(on_events, dispatch_uid="deployments.on_events")


def on_events(sender: object, events: tuple[EventDraft, ...], **kwargs: Any) -> None:
    """Have a worker begin after the commit.

    Without a broker tasks run in the process of the request, and no request waits for a chain:
    `manage.py advance_deployments` does the work then.
    """
    if settings.CELERY_TASK_ALWAYS_EAGER:
        return
    for event in events:
        if event.name in _BEGUN and event.reference_id is not None:
            transaction.on_commit(partial(request, advance_deployment, UUID(event.reference_id)))
