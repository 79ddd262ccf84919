"""The filters of the list of rule packs."""

from typing import Any

import django_filters
from django.db.models import Q, QuerySet

from config.api.filters import BooleanFilter, ChoiceFilter, WireFilterSet, text_filter
from jurisdictions.choices import DryRunState, PackStatus
from jurisdictions.models import DryRun, DryRunChange, RulePack


class PackFilter(WireFilterSet):
    """Filters over versions of rule packs.

    `framework` is its short name or its name; `jurisdictionCode`, `regulatoryFramework` and
    `isActive` are what older clients call the same.
    """

    jurisdiction = text_filter("jurisdiction__code", 16)
    jurisdictionCode = text_filter("jurisdiction__code", 16)
    framework = django_filters.CharFilter(method="by_framework", max_length=200)
    regulatoryFramework = django_filters.CharFilter(method="by_framework", max_length=200)
    status = ChoiceFilter(field_name="status", enum=PackStatus)
    isActive = BooleanFilter(method="by_active")
    packId = text_filter("pack_id", 50)

    class Meta:
        model = RulePack
        fields: list[str] = []

    def by_framework(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(Q(framework_id__iexact=value) | Q(framework_name__iexact=value))

    def by_active(self, rows: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:
        active = Q(status=PackStatus.ACTIVE)
        return rows.filter(active if value else ~active)


class DryRunFilter(WireFilterSet):
    """Filters over the dry runs of a version."""

    status = ChoiceFilter(field_name="state", enum=DryRunState)

    class Meta:
        model = DryRun
        fields: list[str] = []


class DryRunChangeFilter(WireFilterSet):
    """Filters over the tokens that a dry run would change."""

    fromStatus = text_filter("before", 20)
    toStatus = text_filter("after", 20)
    network = text_filter("token__network", 50)

    class Meta:
        model = DryRunChange
        fields: list[str] = []
