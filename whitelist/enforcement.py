"""Reading the enforcement of whitelists: the validated transfers, and what they come to."""

import re
from collections import Counter
from typing import Any

from django.db.models import CharField, Count, JSONField, Max, Min, Q, Value
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce

from audit.choices import Category
from audit.counting import exact_figure
from audit.models import AuditEvent
from audit.principal import Principal
from audit.querysets import AuditEventQuerySet
from config.api.formats import utc_text
from whitelist.log_entries import CATEGORIES

TRANSFER_VALIDATED = "whitelist.transfer.validated"
TOP_REASONS = 10
# The addresses and numbers of one transfer; without them a reason is one that others have too.
_PARTICULAR = re.compile(r"\b(?:0x[0-9a-fA-F]{40}|[A-Z2-7]{58}|[0-9]+(?:-[0-9]+)*)\b")
_ELLIPSIS = "…"


def whitelist_events(actor: Principal) -> AuditEventQuerySet:
    """Return the events of the whitelist audit log that `actor` sees."""
    return AuditEvent.objects.filter(category__in=CATEGORIES).visible_to(actor)


def validated_transfers(actor: Principal) -> AuditEventQuerySet:
    """Return the events of validated transfers that `actor` sees."""
    return AuditEvent.objects.filter(
        category=Category.TRANSFER_VALIDATION, name=TRANSFER_VALIDATED
    ).visible_to(actor)


# [asset id, network, allowed] -> [how many, first, last]; and how often each reason denied one.
_Figure = tuple[dict[tuple[int | None, str | None, bool], tuple[int, Any, Any]], dict[str, int]]
_NOTHING: _Figure = ({}, {})


def enforcement_summary(events: AuditEventQuerySet) -> dict[str, Any]:
    """Return what the validated transfers come to: the incumbent's `summary`, exact.

    The database counts, and only what is new since the figures were last asked for.
    """
    groups, reasons = exact_figure(
        events,
        name="enforcement",
        measure=_measure,
        add=_add,
        size=lambda figure: sum(count for count, _, _ in figure[0].values()),
        nothing=_NOTHING,
    )
    total = sum(count for count, _, _ in groups.values())
    allowed = sum(count for (_, _, passed), (count, _, _) in groups.items() if passed)
    moments = [one for _, first, last in groups.values() for one in (first, last)]
    return {
        "totalValidations": total,
        "allowedTransfers": allowed,
        "deniedTransfers": total - allowed,
        "allowedPercentage": _percentage(allowed, total),
        "deniedPercentage": _percentage(total - allowed, total),
        "uniqueAssets": sorted({asset for asset, _, _ in groups if asset is not None}),
        "uniqueNetworks": sorted({network for _, network, _ in groups if network}),
        "dateRange": {
            "earliestEvent": utc_text(min(moments)),
            "latestEvent": utc_text(max(moments)),
        }
        if moments
        else None,
        "denialReasons": dict(
            sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:TOP_REASONS]
        ),
    }


def _percentage(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0.0


def _measure(events: AuditEventQuerySet) -> _Figure:
    rows = (
        events.order_by()
        .values_list("asset_id", "network", "transfer_allowed")
        .annotate(Count("seq"), Min("occurred_at"), Max("occurred_at"))
    )
    groups = {
        (asset, network, bool(allowed)): (count, first, last)
        for asset, network, allowed, count, first, last in rows
    }
    # Addresses are taken out here: PostgreSQL takes four times as long for it.
    denied = events.filter(~Q(transfer_allowed=True) | Q(transfer_allowed__isnull=True))
    reasons: Counter[str] = Counter()
    for reason, count in (
        denied.order_by()
        .annotate(reason=_reason())
        .values_list("reason")
        .annotate(Count("seq"))
        .iterator(chunk_size=2_000)
    ):
        reasons[_PARTICULAR.sub(_ELLIPSIS, reason)] += count
    return groups, dict(reasons)


def _reason() -> Combinable:
    stated = KeyTextTransform("denialReason", Cast("body", JSONField()))
    return Coalesce(stated, Value("No reason stated"), output_field=CharField())


def _add(one: _Figure, other: _Figure) -> _Figure:
    groups = dict(one[0])
    for key, (count, first, last) in other[0].items():
        if key in groups:
            before, earliest, latest = groups[key]
            count, first, last = before + count, min(earliest, first), max(latest, last)
        groups[key] = (count, first, last)
    return groups, dict(Counter(one[1]) + Counter(other[1]))
