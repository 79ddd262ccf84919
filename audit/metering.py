"""Metering: what was done, by whom, for which token, how often. It is counted from the log.

The registry says which events meter and as what (`EventType.meters`), so a metered operation is
recorded with its change, in its transaction: none is lost, none is counted that did not happen,
and what is billed can be shown. Reads and refusals do not meter.
"""

from collections.abc import Mapping
from typing import Any

from django.db.models import Case, CharField, Count, Func, IntegerField, Max, Min, Sum, Value, When
from django.db.models.functions import Coalesce

from audit.choices import Category, MeteredCategory
from audit.events import EVENT_TYPES, METERED
from audit.models import AuditEvent
from audit.principal import Principal
from audit.querysets import AuditEventQuerySet

_WHITELIST = frozenset({Category.WHITELIST, Category.WHITELIST_RULES, Category.TRANSFER_VALIDATION})


class _ItemCount(Func):
    """The member `itemCount` of a body; null where it has none."""

    output_field = IntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **more: Any) -> Any:
        template = "(%(expressions)s::json->>'itemCount')::bigint"
        return super().as_sql(compiler, connection, template=template, **more)

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        template = "json_extract(%(expressions)s, '$.itemCount')"
        return super().as_sql(compiler, connection, template=template, **more)


def metered_category(name: str) -> MeteredCategory:
    """Return the category of an event that meters."""
    of_whitelist = EVENT_TYPES[name].category in _WHITELIST
    return MeteredCategory.WHITELIST if of_whitelist else MeteredCategory.COMPLIANCE


def metered_events(actor: Principal) -> AuditEventQuerySet:
    """Return the metered events that `actor` sees, with `metered_as` and `metered_category`."""
    events = AuditEvent.objects.filter(name__in=sorted(METERED), success=True).visible_to(actor)
    return events.annotate(
        metered_as=_by_name({name: str(operation) for name, operation in METERED.items()}),
        metered_category=_by_name({name: str(metered_category(name)) for name in METERED}),
    )


def metered_usage(events: AuditEventQuerySet) -> Any:
    """Return how often each operation was done by each actor for each token, most items first.

    `events` counts the events and `items` what they were about: the rows of an export, the
    attestations of a package, one for anything else.
    """
    keys = ("metered_category", "metered_as", "network", "asset_id", "actor")
    return (
        events.order_by()
        .values(*keys)
        .annotate(
            events=Count("seq"),
            items=Sum(Coalesce(_ItemCount("body"), 1)),
            first_at=Min("occurred_at"),
            last_at=Max("occurred_at"),
        )
        .order_by("-items", *keys)
    )


def metered_totals(events: AuditEventQuerySet) -> Any:
    """Return how often each operation was done in all."""
    keys = ("metered_category", "metered_as")
    return (
        events.order_by()
        .values(*keys)
        .annotate(events=Count("seq"), items=Sum(Coalesce(_ItemCount("body"), 1)))
        .order_by(*keys)
    )


def metering_entry(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return one metering event, in the incumbent's names, of an event's body."""
    asset = body.get("assetId")
    return {
        "eventId": body["id"],
        "timestamp": body["occurredAt"],
        "category": str(metered_category(body["name"])),
        "operationType": str(METERED[body["name"]]),
        "network": body.get("network"),
        "assetId": int(asset) if asset is not None else None,
        "performedBy": body["actor"],
        "itemCount": body.get("itemCount", 1),
        "eventType": body["name"],
        "correlationId": body["correlationId"],
    }


def _by_name(words: Mapping[str, str]) -> Case:
    cases = [When(name=name, then=Value(word)) for name, word in sorted(words.items())]
    return Case(*cases, output_field=CharField())
