"""What the owner of a webhook subscription does with it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar, Final, NamedTuple
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from audit.cursor import CURSOR_FIELDS
from audit.models import AuditEvent
from audit.principal import Principal
from audit.reading import log_end
from audit.webhooks.addresses import url_problem
from audit.webhooks.models import (
    MAX_SUBSCRIPTIONS,
    DisabledReason,
    WebhookDelivery,
    WebhookSubscription,
)
from audit.webhooks.patterns import MAX_PATTERNS, pattern_problem
from audit.webhooks.secrets import secret_make, secret_seal
from audit.webhooks.signals import delivery_wanted
from audit.webhooks.state import subscription_disable, subscription_record, subscription_resume
from config.api.errors import (
    Conflict,
    DomainError,
    NotFound,
    NotVisible,
    PermissionRefused,
    ValidationFailed,
)

SECRET_OVERLAP: Final = timedelta(hours=24)
"""How long both secrets sign after a rotation."""

_UNKNOWN: Final = "There is no such webhook subscription."
_UNKNOWN_DELIVERY: Final = "There is no such webhook delivery."
_CHANGEABLE: Final = ("url", "event_types", "asset_id", "network", "description")
_ATTEMPTS: Final = 5


class TooManySubscriptions(DomainError):
    """The caller has as many subscriptions as anybody may have (422)."""

    code: ClassVar[str] = "BUSINESS_RULE_VIOLATION"


class WithSecret(NamedTuple):
    """A subscription and its newest secret, which is never shown again."""

    subscription: WebhookSubscription
    secret: str


def subscriptions_visible(actor: Principal) -> QuerySet[WebhookSubscription]:
    """Return the subscriptions of `actor`, or all where the role reads everything."""
    rows = WebhookSubscription.objects.all()
    return rows if actor.reads_everything else rows.filter(owner_id=actor.principal_id or "")


def deliveries_visible(actor: Principal) -> QuerySet[WebhookDelivery]:
    """Return the deliveries of the subscriptions that `actor` sees."""
    rows = WebhookDelivery.objects.all()
    if actor.reads_everything:
        return rows
    return rows.filter(subscription__owner_id=actor.principal_id or "")


def subscription_get(*, actor: Principal, subscription_id: UUID) -> WebhookSubscription:
    """Return a subscription that `actor` sees. Raises `NotFound`."""
    return _seen(actor, WebhookSubscription.objects.filter(pk=subscription_id).first())


@transaction.atomic
def subscription_create(
    *,
    actor: Principal,
    url: str,
    event_types: Sequence[str],
    asset_id: int | None = None,
    network: str | None = None,
    description: str = "",
) -> WithSecret:
    """Subscribe `actor` to what is recorded from now on, and return the secret, this once.

    Raises `ValidationFailed`, by field, and `TooManySubscriptions`.
    """
    given = _sound(
        {
            "url": url,
            "event_types": event_types,
            "asset_id": asset_id,
            "network": network,
            "description": description,
        }
    )
    secret = secret_make()
    row = WebhookSubscription(
        owner_id=actor.principal_id or "",
        owner=actor.label,
        secret=secret_seal(secret),
        **given,
    )
    row.cursor = log_end()
    _store_in_free_slot(row)
    subscription_record("created", actor=actor, subscription=row)
    return WithSecret(row, secret)


@transaction.atomic
def subscription_update(
    *,
    actor: Principal,
    subscription_id: UUID,
    changes: Mapping[str, Any],
    is_active: bool | None = None,
) -> WebhookSubscription:
    """Change some of url, event_types, asset_id, network and description, or whether it is active.

    What waits for another attempt is tried at once where the URL changed. Raises `NotFound`,
    `PermissionRefused` and `ValidationFailed`, by field.
    """
    row = _locked(actor, subscription_id)
    given = _sound(changes)
    changed = sorted(name for name in given if getattr(row, name) != given[name])
    for name in changed:
        setattr(row, name, given[name])
    if changed:
        row.updated_at = timezone.now()
        row.retry_at = None if "url" in changed else row.retry_at
        row.save(update_fields=[*changed, "updated_at", "retry_at"])
        subscription_record("updated", actor=actor, subscription=row, fields=changed)
    if is_active is False and row.is_active:
        subscription_disable(row, reason=DisabledReason.OWNER, actor=actor)
    elif is_active and not row.is_active:
        subscription_resume(row, actor=actor, skipped=False)
    return row


@transaction.atomic
def subscription_delete(*, actor: Principal, subscription_id: UUID) -> WebhookSubscription:
    """Delete a subscription and its delivery log; the events of it stay.

    Raises `NotFound` and `PermissionRefused`.
    """
    row = _locked(actor, subscription_id)
    subscription_record("deleted", actor=actor, subscription=row)
    WebhookSubscription.objects.filter(pk=row.pk).delete()
    return row


@transaction.atomic
def secret_rotate(*, actor: Principal, subscription_id: UUID) -> WithSecret:
    """Replace the secret and return the new one, this once; for a day both sign.

    An older one that still signed does not any more. Raises `NotFound` and `PermissionRefused`.
    """
    row = _locked(actor, subscription_id)
    secret, now = secret_make(), timezone.now()
    row.previous_secret, row.previous_expires_at = row.secret, now + SECRET_OVERLAP
    row.secret, row.secret_created_at = secret_seal(secret), now
    row.save(
        update_fields=["previous_secret", "previous_expires_at", "secret", "secret_created_at"]
    )
    subscription_record("rotated", actor=actor, subscription=row)
    return WithSecret(row, secret)


@transaction.atomic
def subscription_enable(
    *, actor: Principal, subscription_id: UUID, skip_missed: bool = False
) -> WebhookSubscription:
    """Deliver again, from where it stopped, or with `skip_missed` what is recorded from now on.

    Raises `NotFound`, `PermissionRefused`, and `Conflict` where it is active.
    """
    row = _locked(actor, subscription_id)
    if row.is_active:
        raise Conflict("This subscription is active.")
    if skip_missed:
        row.cursor = log_end()
        row.save(update_fields=CURSOR_FIELDS)
    subscription_resume(row, actor=actor, skipped=skip_missed)
    return row


@transaction.atomic
def subscription_test(*, actor: Principal, subscription_id: UUID) -> WebhookDelivery:
    """Send an `audit.webhook.tested` event to a subscription, whatever it asks for.

    Raises `NotFound`, `PermissionRefused`, and `Conflict` where it is not active.
    """
    row = _locked(actor, subscription_id)
    _require_active(row)
    event_id = subscription_record("tested", actor=actor, subscription=row)
    event = AuditEvent.objects.get(id=event_id)
    delivery = WebhookDelivery.objects.create(
        subscription=row,
        event_id=event.id,
        event_type=event.name,
        event_seq=event.seq,
        redelivery_at=timezone.now(),
    )
    _want(row)
    return delivery


@transaction.atomic
def delivery_redeliver(*, actor: Principal, delivery_id: UUID) -> WebhookDelivery:
    """Send an event again, once and beside the order, to the subscription that it was for.

    Raises `NotFound`, `PermissionRefused`, and `Conflict` where the subscription is not active.
    """
    found = WebhookDelivery.objects.filter(pk=delivery_id).first()
    if found is None:
        raise NotFound(_UNKNOWN_DELIVERY)
    row = _locked(actor, found.subscription_id, _UNKNOWN_DELIVERY)
    _require_active(row)
    delivery = WebhookDelivery.objects.select_for_update().get(pk=delivery_id)
    delivery.redelivery_at = timezone.now()
    delivery.save(update_fields=["redelivery_at"])
    subscription_record(
        "redelivered", actor=actor, subscription=row, eventId=str(delivery.event_id)
    )
    _want(row)
    return delivery


@transaction.atomic
def subscription_disable_by_officer(*, actor: Principal, subscription_id: UUID) -> bool:
    """Disable anybody's subscription; return False where it was disabled. Raises `NotFound`."""
    row = WebhookSubscription.objects.select_for_update().filter(pk=subscription_id).first()
    if row is None:
        raise NotFound(_UNKNOWN)
    if row.is_active:
        subscription_disable(row, reason=DisabledReason.OFFICER, actor=actor)
        return True
    return False


def _seen(
    actor: Principal, row: WebhookSubscription | None, unknown: str = _UNKNOWN
) -> WebhookSubscription:
    if row is None:
        raise NotFound(unknown)
    if row.owner_id != actor.principal_id and not actor.reads_everything:
        raise NotVisible(unknown)
    return row


def _locked(
    actor: Principal, subscription_id: UUID, unknown: str = _UNKNOWN
) -> WebhookSubscription:
    rows = WebhookSubscription.objects.select_for_update()
    row = _seen(actor, rows.filter(pk=subscription_id).first(), unknown)
    if row.owner_id != actor.principal_id:
        raise PermissionRefused("Only who made a subscription may change it.")
    return row


def _require_active(row: WebhookSubscription) -> None:
    if not row.is_active:
        raise Conflict("This subscription is disabled; enable it first.")


def _want(row: WebhookSubscription) -> None:
    """Have it delivered once this is committed, rather than with the next sweep."""
    transaction.on_commit(
        partial(delivery_wanted.send, sender=WebhookSubscription, subscription_id=row.pk)
    )


def _sound(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the fields as they are kept; raise `ValidationFailed`, by field."""
    values = {name: given[name] for name in _CHANGEABLE if name in given}
    problems: dict[str, list[str]] = {}
    if "url" in values and (problem := url_problem(values["url"])):
        problems["url"] = [problem]
    if "event_types" in values:
        patterns = list(dict.fromkeys(values["event_types"]))
        # By its place: what the caller wrote would be repeated in the log.
        wrong = [
            f"Number {place}: {text}"
            for place, one in enumerate(patterns, start=1)
            if (text := pattern_problem(one))
        ]
        if not 1 <= len(patterns) <= MAX_PATTERNS:
            wrong = [f"Give 1 to {MAX_PATTERNS} of them."]
        if wrong:
            problems["eventTypes"] = wrong[:5]
        values["event_types"] = patterns
    if problems:
        name, texts = next(iter(problems.items()))
        raise ValidationFailed(f"{name}: {texts[0]}", details=problems)
    if values.get("network") is not None:
        values["network"] = values["network"].strip().lower() or None
    if "description" in values:
        values["description"] = values["description"] or ""
    return values


def _store_in_free_slot(row: WebhookSubscription) -> None:
    """Store a new row in the first free slot of its owner; a constraint decides between two."""
    same = WebhookSubscription.objects.filter(owner_id=row.owner_id)
    for _ in range(_ATTEMPTS):
        taken = set(same.values_list("slot", flat=True))
        free = [slot for slot in range(1, MAX_SUBSCRIPTIONS + 1) if slot not in taken]
        if not free:
            raise TooManySubscriptions(
                f"You have {MAX_SUBSCRIPTIONS} webhook subscriptions; delete one first."
            )
        row.slot = free[0]
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            continue
        return
    raise Conflict("Other subscriptions were made at the same moment; try again.")
