"""Figures of deployments over a period, computed by the database in a few queries."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    Avg,
    Count,
    DurationField,
    ExpressionWrapper,
    F,
    Max,
    Min,
    Q,
    QuerySet,
)
from django.db.models.fields.json import KT
from django.utils import timezone

from config.api.formats import utc_text
from deployments.choices import Origin
from deployments.models import Deployment, DeploymentTransition
from deployments.vocabulary import Status

_OVER = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)
# The status of a deployment is changed in the moment that is its last transition's.
_DURATION = ExpressionWrapper(F("updated_at") - F("created_at"), output_field=DurationField())


@dataclass(frozen=True, slots=True)
class Period:
    """When the deployments were asked for; both ends count."""

    start: datetime
    end: datetime


def deployment_metrics(rows: QuerySet[Deployment], period: Period) -> dict[str, Any]:
    """Return the figures of `rows` that were asked for in the period (reference, section 3.7).

    Rates are percentages of all of them. Durations are milliseconds from the request to Completed.
    """
    rows = rows.filter(created_at__gte=period.start, created_at__lte=period.end).order_by()
    by_status: Counter[str] = Counter()
    by_network: Counter[str] = Counter()
    by_type: Counter[str] = Counter()
    for status, network, standard, count in rows.values_list(
        "status", "network", "standard"
    ).annotate(count=Count("pk")):
        by_status[status] += count
        by_network[network] += count
        by_type[standard] += count
    total = by_status.total()
    pending = sum(count for status, count in by_status.items() if status not in _OVER)
    return {
        "totalDeployments": total,
        "successfulDeployments": by_status[Status.COMPLETED],
        "failedDeployments": by_status[Status.FAILED],
        "cancelledDeployments": by_status[Status.CANCELLED],
        "pendingDeployments": pending,
        "successRate": _percent(by_status[Status.COMPLETED], total),
        "failureRate": _percent(by_status[Status.FAILED], total),
        **_durations(rows),
        "failuresByCategory": _failures(rows),
        "deploymentsByNetwork": dict(sorted(by_network.items())),
        "deploymentsByTokenType": dict(sorted(by_type.items())),
        "averageDurationByTransition": _transitions(rows),
        "retriedDeployments": _retried(rows),
        "periodStart": utc_text(period.start),
        "periodEnd": utc_text(period.end),
        "calculatedAt": utc_text(timezone.now()),
    }


def _percent(count: int, total: int) -> float:
    return count / total * 100 if total else 0.0


def _durations(rows: QuerySet[Deployment]) -> dict[str, int]:
    completed = rows.filter(status=Status.COMPLETED, origin=Origin.PIPELINE)
    timed = completed.annotate(duration=_DURATION)
    found = timed.aggregate(
        count=Count("pk"), average=Avg("duration"), fastest=Min("duration"), slowest=Max("duration")
    )
    count = found["count"]
    ranks = [(count - 1) // 2, count // 2, math.ceil(0.95 * count) - 1] if count else []
    values = timed.order_by("duration", "pk").values_list("duration", flat=True)
    low, high, p95 = [values[rank : rank + 1].get() for rank in ranks] or [timedelta()] * 3
    return {
        "averageDurationMs": _ms(found["average"]),
        "medianDurationMs": (_ms(low) + _ms(high)) // 2,
        "p95DurationMs": _ms(p95),
        "fastestDurationMs": _ms(found["fastest"]),
        "slowestDurationMs": _ms(found["slowest"]),
    }


def _ms(duration: timedelta | None) -> int:
    return 0 if duration is None else duration // timedelta(milliseconds=1)


def _failures(rows: QuerySet[Deployment]) -> dict[str, int]:
    """Count deployments by the category of their first failure."""
    failed = DeploymentTransition.objects.filter(deployment__in=rows, to_status=Status.FAILED)
    first = failed.order_by().values("deployment").annotate(first=Min("pk")).values("first")
    counted = (
        DeploymentTransition.objects.filter(pk__in=first)
        .order_by()
        .values(category=KT("error__category"))
        .annotate(count=Count("pk"))
    )
    return dict(sorted((one["category"], one["count"]) for one in counted if one["category"]))


def _transitions(rows: QuerySet[Deployment]) -> dict[str, int]:
    steps = (
        DeploymentTransition.objects.filter(
            Q(deployment__in=rows.filter(status=Status.COMPLETED)), duration_ms__isnull=False
        )
        .order_by()
        .values("from_status", "to_status")
        .annotate(average=Avg("duration_ms"))
    )

    def named() -> Iterator[tuple[str, int]]:
        for step in steps:
            yield f"{step['from_status']}->{step['to_status']}", int(step["average"])

    return dict(sorted(named()))


def _retried(rows: QuerySet[Deployment]) -> int:
    return (
        DeploymentTransition.objects.filter(
            deployment__in=rows, from_status=Status.FAILED, to_status=Status.QUEUED
        )
        .values("deployment")
        .distinct()
        .count()
    )
