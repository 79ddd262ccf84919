"""Whether a subscription is delivered to, and the events of what happens to it."""

from typing import Any, Final
from uuid import UUID

from django.utils import timezone

from audit.principal import Principal
from audit.services import record_event
from audit.webhooks.models import DisabledReason, WebhookSubscription

REFERENCE: Final = "webhook_subscription"


def subscription_record(
    what: str, *, actor: Principal, subscription: WebhookSubscription, **details: Any
) -> UUID:
    """Record what happened to a subscription, in the caller's transaction; return the event's id.

    Its URL is not in the event: it may hold a token.
    """
    return record_event(
        f"audit.webhook.{what}",
        actor=actor,
        reference_type=REFERENCE,
        reference_id=str(subscription.pk),
        details={"ownerId": subscription.owner_id, **details},
    )


def subscription_disable(
    locked: WebhookSubscription,
    *,
    reason: DisabledReason,
    actor: Principal,
    event_id: UUID | None = None,
) -> None:
    """Deliver nothing more to a locked subscription until it is enabled, and record why.

    `event_id` is the event that did not arrive.
    """
    locked.is_active, locked.disabled_reason = False, reason
    locked.disabled_at, locked.retry_at = timezone.now(), None
    locked.save(update_fields=["is_active", "disabled_reason", "disabled_at", "retry_at"])
    more = {"eventId": str(event_id)} if event_id is not None else {}
    subscription_record("disabled", actor=actor, subscription=locked, reason=str(reason), **more)


def subscription_resume(locked: WebhookSubscription, *, actor: Principal, skipped: bool) -> None:
    """Deliver to a locked subscription again, what failed from its first attempt on."""
    locked.is_active, locked.disabled_reason, locked.disabled_at = True, None, None
    locked.retry_at = None
    locked.save(update_fields=["is_active", "disabled_reason", "disabled_at", "retry_at"])
    locked.deliveries.filter(delivered_at=None).exclude(failures=0).update(failures=0)
    subscription_record("enabled", actor=actor, subscription=locked, skippedMissed=skipped)
