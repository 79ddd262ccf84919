"""How much of what was recorded, day by day: for the overview of the log.

The figures are exact and stay cheap as the log grows: those of a year are kept and what came after
them is added (`audit.counting`).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from django.db.models import Count, Q
from django.db.models.functions import TruncDate

from audit.choices import ActionType, Category
from audit.counting import exact_figure
from audit.models import AuditEvent
from audit.querysets import AuditEventQuerySet

_MONTHS = 12
_REFUSALS_READ = 10_000
_PRINCIPALS = 10

Figures = dict[tuple[str, str], tuple[int, int]]
"""By day (ISO 8601) and category: how many events, and how many of them failed."""


class Period(StrEnum):
    """What the overview looks back on."""

    WEEK = "7d"
    MONTH = "30d"
    YEAR = "12m"

    @property
    def label(self) -> str:
        return {"7d": "7 days", "30d": "30 days", "12m": "12 months"}[self]


@dataclass(frozen=True, slots=True)
class CategoryActivity:
    """The events of one category: in each bar of the period, in all, and how many failed."""

    category: Category
    bars: Sequence[int]
    total: int
    failed: int


@dataclass(frozen=True, slots=True)
class Activity:
    """The events of a period from `since` (UTC): a bar for each day or month, oldest first."""

    period: Period
    since: date
    bars: Sequence[str]
    categories: Sequence[CategoryActivity]

    @property
    def total(self) -> int:
        return sum(one.total for one in self.categories)

    @property
    def failed(self) -> int:
        return sum(one.failed for one in self.categories)

    @property
    def rows(self) -> list[tuple[str, list[int], int]]:
        """Return the chart as a table: each bar with its values by category, and their sum."""
        rows = []
        for at, bar in enumerate(self.bars):
            values = [one.bars[at] for one in self.categories]
            rows.append((bar, values, sum(values)))
        return rows


@dataclass(frozen=True, slots=True)
class Refusals:
    """Who was refused most often: of the newest `read` refusals of the period, and if all were."""

    principals: Sequence[tuple[str, int]]
    read: int
    complete: bool


def activity(period: Period, today: date) -> Activity:
    """Return what was recorded in the period up to `today`; categories without events are left."""
    first = _months_back(today)
    bars = _bars(period, today)
    width = len(bars[0])
    place = {bar: at for at, bar in enumerate(bars)}
    counts = {category: [0] * len(bars) for category in Category}
    failures = dict.fromkeys(Category, 0)
    for (day, name), (count, failed) in _daily(first).items():
        at = place.get(day[:width])
        if at is not None:
            counts[Category(name)][at] += count
            failures[Category(name)] += failed
    return Activity(
        period=period,
        since=first if period == Period.YEAR else date.fromisoformat(bars[0]),
        bars=bars,
        categories=[
            CategoryActivity(category, values, sum(values), failures[category])
            for category, values in counts.items()
            if any(values)
        ],
    )


def refusals(since: date) -> Refusals:
    """Return who was refused most often since then; reads the newest 10,000 refusals at most."""
    denied = AuditEvent.objects.filter(
        category=Category.SECURITY,  # with the action: an index has both
        action_type=ActionType.DENY,
        name="security.access.denied",
        occurred_at__gte=_begin(since),
    )
    newest = denied.order_by("-occurred_at", "-seq").values_list("actor", flat=True)
    counts = Counter(newest[:_REFUSALS_READ].iterator(chunk_size=_REFUSALS_READ))
    most = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:_PRINCIPALS]
    return Refusals(most, counts.total(), counts.total() < _REFUSALS_READ)


def _bars(period: Period, today: date) -> list[str]:
    if period == Period.YEAR:
        months = today.year * 12 + today.month - 1
        numbers = range(months - _MONTHS + 1, months + 1)
        return [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in numbers]
    days = 7 if period == Period.WEEK else 30
    return [(today - timedelta(days=back)).isoformat() for back in range(days - 1, -1, -1)]


def _months_back(today: date) -> date:
    """Return the first day of the twelve months that `today` ends."""
    month = today.year * 12 + today.month - _MONTHS
    return date(month // 12, month % 12 + 1, 1)


def _daily(first: date) -> Figures:
    """Return the figures of every day from `first` on."""

    def measure(events: AuditEventQuerySet) -> Figures:
        rows = (
            events.filter(occurred_at__gte=_begin(first))
            .order_by()
            .values_list(TruncDate("occurred_at", tzinfo=UTC), "category")
            .annotate(count=Count("seq"), failed=Count("seq", filter=Q(success=False)))
        )
        return {(str(day), name): (count, failed) for day, name, count, failed in rows}

    return exact_figure(
        AuditEvent.objects.all(),
        name=f"days-from-{first}",
        measure=measure,
        add=_sum,
        size=lambda figures: sum(count for count, _ in figures.values()),
        nothing={},
    )


def _sum(one: Figures, other: Figures) -> Figures:
    both = dict(one)
    for key, (count, failed) in other.items():
        before = both.get(key, (0, 0))
        both[key] = (before[0] + count, before[1] + failed)
    return both


def _begin(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
