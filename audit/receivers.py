"""Denials and failures of API requests become events, after the rollback.

And two events start work: an export or a verification begins once its request is committed.
"""

from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction

from audit.body import EventDraft
from audit.context import token_of
from audit.exports.services import EXPORT_REQUESTED
from audit.principal import ANONYMOUS, Principal
from audit.services import record_event
from audit.signals import event_recorded
from audit.tasks import request_export, request_verification, request_webhooks
from audit.verification_jobs import VERIFICATION_REQUESTED
from audit.webhooks.signals import delivery_wanted
from config.api.handler import Failure
from config.api.signals import request_failed


def connect() -> None:
    """Subscribe to the signals of the floor below, and to the log's own."""
    request_failed.connect(record_failure, dispatch_uid="audit.record_failure")
    event_recorded.connect(start_work, dispatch_uid="audit.start_work")
    delivery_wanted.connect(start_delivery, dispatch_uid="audit.start_delivery")


_STARTS = {EXPORT_REQUESTED: request_export, VERIFICATION_REQUESTED: request_verification}


def start_work(sender: object, events: tuple[EventDraft, ...], **kwargs: Any) -> None:
    """Have the work begin that an event asks for, once that is committed."""
    for event in events:
        if event.name in _STARTS and event.reference_id is not None:
            transaction.on_commit(partial(_STARTS[event.name], UUID(event.reference_id)))


def start_delivery(sender: object, subscription_id: UUID, **kwargs: Any) -> None:
    """Have a subscription's webhooks delivered now rather than with the next sweep."""
    request_webhooks(subscription_id)


def record_failure(
    sender: object, request: Any, view: Any, failure: Failure, **kwargs: Any
) -> None:
    """Record a failed request, in a transaction of its own.

    A refusal for who the caller is becomes `security.access.denied`. Another failure becomes the
    event that the failure names, or that the view names for its action, where either names one. A
    request beyond its rate limit becomes none: the log never shrinks, so nobody may fill it as fast
    as they can send.
    """
    if failure.code == "RATE_LIMITED" or failure.event == "":
        return
    actor = _actor(request)
    network, asset_id = token_of(view, request)
    action = getattr(view, "action", None) or (request.method or "").lower()
    details = {"method": request.method or "", "route": _route(request), "code": failure.code}
    if failure.denied:
        details["reason"] = failure.reason_code or failure.code
        name = "security.access.denied"
    elif failure.event is not None:
        name = failure.event
    elif action in getattr(view, "failure_events", {}):
        name = view.failure_events[action]
    else:
        return
    reference_type, reference_id = _reference(view)
    with transaction.atomic():
        record_event(
            name,
            actor=actor,
            success=False,
            network=network,
            asset_id=asset_id,
            error_message=failure.recordable_message,
            details=details,
            reference_type=reference_type,
            reference_id=reference_id,
        )


def _reference(view: Any) -> tuple[str, str] | tuple[None, None]:
    """Return what the path named besides a token: `attestation_id` is an `attestation`."""
    for name, value in (getattr(view, "kwargs", None) or {}).items():
        if isinstance(value, UUID):
            return name.removesuffix("_id"), str(value)
    return None, None


def _actor(request: Any) -> Principal:
    # `_user` is what authentication left behind; `user` would run it again after its failure.
    user = getattr(request, "_user", None)
    return user if user is not None and user.is_authenticated else ANONYMOUS


def _route(request: Any) -> str:
    match = request._request.resolver_match
    return match.route if match else ""
