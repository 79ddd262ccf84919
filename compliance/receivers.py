"""How a change anywhere below reaches the status: through the event that records it."""

from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction

from audit.body import EventDraft
from audit.signals import event_recorded
from compliance.services.issuance import issuance_record
from compliance.services.report_jobs import REPORT_JOB_REQUESTED
from compliance.services.status import mark_stale
from compliance.tasks import (
    request_dry_run,
    request_recalculation,
    request_report_job,
    request_sweep,
)
from jurisdictions.services.dry_runs import DRY_RUN_REQUESTED


def connect() -> None:
    """Subscribe to the event log."""
    event_recorded.connect(on_events, dispatch_uid="compliance.on_events")


def on_events(sender: object, events: tuple[EventDraft, ...], **kwargs: Any) -> None:
    """Mark statuses stale in the transaction of the change, and recalculate after its commit."""
    for event in events:
        if event.name == DRY_RUN_REQUESTED and event.reference_id is not None:
            transaction.on_commit(partial(request_dry_run, UUID(event.reference_id)))
        if event.name == REPORT_JOB_REQUESTED and event.reference_id is not None:
            transaction.on_commit(partial(request_report_job, UUID(event.reference_id)))
        if event.name == "deployments.deployment.completed" and event.reference_id is not None:
            issuance_record(deployment_id=UUID(event.reference_id))
    if not any(event.type.affects_status for event in events):
        return
    named, wide = mark_stale(events)
    for token_id in sorted(named):
        transaction.on_commit(partial(request_recalculation, token_id))
    if wide:
        transaction.on_commit(request_sweep)
