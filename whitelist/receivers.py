"""How an import that was asked for reaches a worker: through the event that records it."""

from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction

from audit.body import EventDraft
from audit.signals import event_recorded
from whitelist.services.imports import IMPORT_REQUESTED
from whitelist.tasks import request_import


def connect() -> None:
    """Subscribe to the event log."""
    event_recorded.connect(on_events, dispatch_uid="whitelist.on_events")


def on_events(sender: object, events: tuple[EventDraft, ...], **kwargs: Any) -> None:
    """Start an import after the commit of its request."""
    for event in events:
        if event.name == IMPORT_REQUESTED and event.reference_id is not None:
            transaction.on_commit(partial(request_import, UUID(event.reference_id)))
