"""The filters of the log (seed 1, section 5)."""

from typing import Any

import django_filters
from django.db.models import Q, QuerySet

from audit.choices import ActionType
from audit.models import AuditEvent
from config.api.filters import (
    BooleanFilter,
    ChoiceFilter,
    MomentFilter,
    WireFilterSet,
    asset_id_filter,
)


class ActorLogFilter(WireFilterSet):
    """By who did it and when; dates are inclusive bounds of `performedAt`."""

    performedBy = django_filters.CharFilter(method="by_actor", max_length=254)
    fromDate = MomentFilter(field_name="occurred_at", lookup_expr="gte")
    toDate = MomentFilter(field_name="occurred_at", lookup_expr="lte", end_of_day=True)

    class Meta:
        model = AuditEvent
        fields: list[str] = []

    def by_actor(
        self, queryset: QuerySet[AuditEvent], name: str, value: Any
    ) -> QuerySet[AuditEvent]:
        """Match an actor whatever the case: addresses are kept in capitals, e-mail in small."""
        return queryset.filter(actor__in=sorted({value, value.upper(), value.lower()}))


class LogFilter(ActorLogFilter):
    """By the token too."""

    assetId = asset_id_filter()
    network = django_filters.CharFilter(method="by_network", max_length=50)

    def by_network(
        self, queryset: QuerySet[AuditEvent], name: str, value: str
    ) -> QuerySet[AuditEvent]:
        """Match a network by its name, or without the version: `voimain` for `voimain-v1.0`."""
        wanted = value.lower()
        return queryset.filter(Q(network=wanted) | Q(network__startswith=f"{wanted}-v"))


class ComplianceAuditFilter(LogFilter):
    """Filters of the compliance audit log."""

    actionType = ChoiceFilter(field_name="action_type", enum=ActionType)
    success = BooleanFilter(field_name="success")
