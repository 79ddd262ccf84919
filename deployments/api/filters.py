"""The filters of deployments (reference, deployments, sections 3.6 and 3.7)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import django_filters
from django.db.models import QuerySet

from accounts.networks import canonical_network
from config.api.filters import ChoiceFilter, MomentFilter, WireFilterSet, text_filter
from config.api.paging import PAGING_PARAMETERS
from deployments.choices import DeploymentStatus
from deployments.models import Deployment


def _from() -> MomentFilter:
    return MomentFilter(field_name="created_at", lookup_expr="gte")


def _to() -> MomentFilter:
    return MomentFilter(field_name="created_at", lookup_expr="lte", end_of_day=True)


class DeploymentFigureFilter(WireFilterSet):
    """By network, kind and sender."""

    extra_parameters = frozenset({"fromDate", "toDate"})

    deployedBy = text_filter("deployed_by", 100)
    network = django_filters.CharFilter(method="by_network", max_length=50)
    tokenType = text_filter("standard", 30)

    class Meta:
        model = Deployment
        fields: list[str] = []

    def by_network(
        self, queryset: QuerySet[Deployment], name: str, value: Any
    ) -> QuerySet[Deployment]:
        """Match a network by its name or one of its aliases."""
        try:
            return queryset.filter(network=canonical_network(value))
        except ValueError:
            return queryset.none()


class DeploymentRangeFilter(WireFilterSet):
    """By when it was asked for; both bounds count."""

    extra_parameters = frozenset[str]()

    fromDate = _from()
    toDate = _to()

    class Meta:
        model = Deployment
        fields: list[str] = []


class DeploymentFilter(DeploymentFigureFilter):
    """Filters of the list."""

    extra_parameters = PAGING_PARAMETERS

    fromDate = _from()
    toDate = _to()
    status = ChoiceFilter(field_name="status", enum=DeploymentStatus)


def wanted_range(parameters: Mapping[str, Any]) -> tuple[datetime | None, datetime | None]:
    """Return the bounds that `fromDate` and `toDate` name; a wrong or inverted one is a 400."""
    given = {name: parameters[name] for name in ("fromDate", "toDate") if name in parameters}
    DeploymentRangeFilter.select(Deployment.objects.none(), given)
    form = DeploymentRangeFilter(data=given, queryset=Deployment.objects.none()).form
    form.is_valid()
    return form.cleaned_data.get("fromDate"), form.cleaned_data.get("toDate")
