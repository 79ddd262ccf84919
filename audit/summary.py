"""What the events of a filter come to: the figures of the enterprise audit, exact and cheap."""

from typing import Any, Final

from django.db.models import Count, Max, Min

from audit.choices import Category
from audit.counting import exact_figure
from audit.querysets import AuditEventQuerySet
from config.api.formats import utc_text

MOST_ASSETS: Final = 1_000
"""How many asset ids a summary names: the smallest of them."""

# [category, success, network] -> [how many, first, last]; and the smallest asset ids.
_Groups = dict[tuple[str, bool, str | None], tuple[int, Any, Any]]
_Figure = tuple[_Groups, list[int]]
_NOTHING: _Figure = ({}, [])


def events_summary(events: AuditEventQuerySet) -> dict[str, Any]:
    """Return the incumbent's `summary` of `events`, and how many there are of each category.

    Whitelist events count checked transfers too, as the incumbent's do. `assets` names at most
    `MOST_ASSETS`, the smallest ids, and `assetsTruncated` says whether there are more.
    """
    groups, assets = exact_figure(
        events, name="summary", measure=_measure, add=_add, size=_size, nothing=_NOTHING
    )
    by_category = {str(category): 0 for category in Category}
    for (category, _, _), (count, _, _) in groups.items():
        by_category[category] += count
    succeeded = sum(count for (_, success, _), (count, _, _) in groups.items() if success)
    moments = [one for _, first, last in groups.values() for one in (first, last)]
    return {
        "whitelistEvents": by_category[Category.WHITELIST]
        + by_category[Category.TRANSFER_VALIDATION],
        "blacklistEvents": by_category[Category.BLACKLIST],
        "complianceEvents": by_category[Category.COMPLIANCE],
        "tokenIssuanceEvents": by_category[Category.TOKEN_ISSUANCE],
        "byCategory": by_category,
        "successfulOperations": succeeded,
        "failedOperations": _size((groups, assets)) - succeeded,
        "dateRange": {
            "earliestEvent": utc_text(min(moments)),
            "latestEvent": utc_text(max(moments)),
        }
        if moments
        else None,
        "networks": sorted({network for _, _, network in groups if network}),
        "assets": assets[:MOST_ASSETS],
        "assetsTruncated": len(assets) > MOST_ASSETS,
    }


def _measure(events: AuditEventQuerySet) -> _Figure:
    rows = (
        events.order_by()
        .values_list("category", "success", "network")
        .annotate(Count("seq"), Min("occurred_at"), Max("occurred_at"))
    )
    groups = {
        (category, success, network): (count, first, last)
        for category, success, network, count, first, last in rows
    }
    named = events.filter(asset_id__isnull=False).order_by("asset_id")
    # One more than are shown, to know whether there are more.
    assets = named.values_list("asset_id", flat=True).distinct()[: MOST_ASSETS + 1]
    return groups, [asset for asset in assets if asset is not None]


def _add(one: _Figure, other: _Figure) -> _Figure:
    groups = dict(one[0])
    for key, (count, first, last) in other[0].items():
        if key in groups:
            before, earliest, latest = groups[key]
            count, first, last = before + count, min(earliest, first), max(latest, last)
        groups[key] = (count, first, last)
    return groups, sorted({*one[1], *other[1]})[: MOST_ASSETS + 1]


def _size(figure: _Figure) -> int:
    return sum(count for count, _, _ in figure[0].values())
