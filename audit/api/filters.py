"""The filters of the log (seed 1, section 5)."""

from typing import Any

import django_filters
from django.core.validators import RegexValidator
from django.db.models import Q, QuerySet

from audit.choices import ActionType, Category
from audit.models import AuditEvent
from audit.querysets import AuditEventQuerySet
from audit.selectors import searched
from config.api.filters import (
    BooleanFilter,
    ChoiceFilter,
    MomentFilter,
    WireFilterSet,
    asset_id_filter,
)

_ID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_IDS = rf"\A{_ID}(,{_ID})*\Z"
_ADDRESS_LENGTH = 58  # of an Algorand address


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
        """Match an actor whatever the case: addresses are kept in capitals, the others in small.

        One spelling and not several: of those the database reads the whole log for a page.
        """
        address = len(value) == _ADDRESS_LENGTH and "@" not in value
        return queryset.filter(actor=value.upper() if address else value.lower())


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

    actionType = ChoiceFilter(method="by_action", enum=ActionType)
    success = BooleanFilter(field_name="success")

    def by_action(
        self, queryset: QuerySet[AuditEvent], name: str, value: Any
    ) -> QuerySet[AuditEvent]:
        """Match an action; every category is named because the index begins with it."""
        return queryset.filter(category__in=Category.values, action_type=value)


class EventFilter(ComplianceAuditFilter):
    """Filters of all events: those of the admin's list, and a choice of events."""

    category = ChoiceFilter(field_name="category", enum=Category)
    search = django_filters.CharFilter(method="by_search", max_length=254)
    ids = django_filters.CharFilter(
        method="by_ids",
        max_length=40_000,
        validators=[RegexValidator(_IDS, "Must be ids of events, with commas between them.")],
    )

    def by_search(self, queryset: AuditEventQuerySet, name: str, value: str) -> AuditEventQuerySet:
        """Match an asset id, or an actor, a correlation id or a reference id, in full."""
        return searched(queryset, value)

    def by_ids(self, queryset: AuditEventQuerySet, name: str, value: str) -> AuditEventQuerySet:
        """Match events by their ids."""
        return queryset.filter(id__in=value.split(","))
