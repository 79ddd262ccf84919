"""The filters of the log (seed 1, section 5)."""

from typing import Any

import django_filters
from django import forms
from django.core.validators import RegexValidator
from django.db.models import QuerySet

from audit.actions import ShownAction, names_of
from audit.choices import ActionType, Category, Severity
from audit.events import EVENT_TYPES, SEVERITIES
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
from config.api.paging import PAGING_PARAMETERS

_ID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_IDS = rf"\A{_ID}(,{_ID})*\Z"
_ADDRESS_LENGTH = 58  # of an Algorand address


class PeriodFilter(WireFilterSet):
    """By when it happened; dates are inclusive bounds. Pages are numbered."""

    extra_parameters = frozenset({"page", "pageSize"})
    fromDate = MomentFilter(field_name="occurred_at", lookup_expr="gte")
    toDate = MomentFilter(field_name="occurred_at", lookup_expr="lte", end_of_day=True)

    class Meta:
        model = AuditEvent
        fields: list[str] = []


class ActorLogFilter(PeriodFilter):
    """By who did it too; dates are bounds of `performedAt`."""

    extra_parameters = PAGING_PARAMETERS
    performedBy = django_filters.CharFilter(method="by_actor", max_length=254)

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

    def by_network(self, queryset: AuditEventQuerySet, name: str, value: str) -> AuditEventQuerySet:
        """Match a network by its name, or without the version: `voimain` for `voimain-v1.0`."""
        return queryset.on_network(value)


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


class ActionFilter(ActorLogFilter):
    """By what was done too; `actionType` is our word or the one of older clients."""

    actionType = ChoiceFilter(method="by_action", enum=ShownAction)

    def by_action(self, queryset: AuditEventQuerySet, name: str, value: Any) -> AuditEventQuerySet:
        """Match the events that a view shows under this word, or that have this type."""
        return queryset.filter(name__in=names_of(str(value)))


class AnyEventFilter(ActionFilter, LogFilter):
    """Filters of events of any kind."""

    category = ChoiceFilter(field_name="category", enum=Category)
    affectedAddress = django_filters.CharFilter(method="by_address", max_length=100)
    success = BooleanFilter(field_name="success")

    def by_address(self, queryset: AuditEventQuerySet, name: str, value: str) -> AuditEventQuerySet:
        """Match an address on either side: the one that an event is about, or a receiver."""
        return queryset.touching(value)


class _EventTypeField(forms.CharField):
    def clean(self, value: Any) -> Any:
        name = (super().clean(value) or "").lower()
        if name and name not in EVENT_TYPES:
            raise forms.ValidationError("Not a type of event, such as compliance.metadata.updated.")
        return name


class EventTypeFilter(django_filters.CharFilter):
    """Filters by the name of an event, whatever its case; another name is a 400."""

    field_class = _EventTypeField


class KindFilter(ActorLogFilter):
    """By the kind of an event; `actor` is `performedBy` under the name of these views."""

    eventType = EventTypeFilter(field_name="name", max_length=64)
    severity = ChoiceFilter(method="by_severity", enum=Severity)
    actor = django_filters.CharFilter(method="by_actor", max_length=254)

    def by_severity(
        self, queryset: AuditEventQuerySet, name: str, value: Any
    ) -> AuditEventQuerySet:
        """Match the kinds of events that have this severity."""
        return queryset.filter(name__in=[one for one, told in SEVERITIES.items() if told == value])


class TokenTrailFilter(KindFilter):
    """Filters of the trail of one token, which the path names."""

    category = ChoiceFilter(field_name="category", enum=Category)
    success = BooleanFilter(field_name="success")
    referenceType = django_filters.CharFilter(field_name="reference_type", max_length=32)
    referenceId = django_filters.CharFilter(field_name="reference_id", max_length=128)


class TrailFilter(AnyEventFilter, TokenTrailFilter):
    """Filters of the trail."""

    issuerId = django_filters.UUIDFilter(field_name="issuer_id")


class SecurityFilter(KindFilter):
    """Filters of security activity."""

    success = BooleanFilter(field_name="success")
