"""The filters of the whitelist's views of the event log."""

from typing import Any

import django_filters
from django.db.models import Q, QuerySet

from audit.api.filters import ActorLogFilter, LogFilter
from audit.models import AuditEvent
from config.api.filters import BooleanFilter, ChoiceFilter
from config.api.paging import PAGING_PARAMETERS
from whitelist.choices import LogAction
from whitelist.log_entries import ACTIONS

Events = QuerySet[AuditEvent]


def _spellings(address: str) -> list[str]:
    # Algorand addresses are kept in capitals, those of EVM chains in small or mixed letters.
    bare = address.strip()
    return sorted({bare, bare.upper(), bare.lower()})


class _WhitelistFilter(ActorLogFilter):
    address = django_filters.CharFilter(method="by_address", max_length=100)
    actionType = ChoiceFilter(method="by_action", enum=LogAction)

    def by_address(self, queryset: Events, name: str, value: str) -> Events:
        """Match an address on either side: the one that an event is about, or a receiver."""
        wanted = _spellings(value)
        return queryset.filter(Q(affected_address__in=wanted) | Q(to_address__in=wanted))

    def by_action(self, queryset: Events, name: str, value: Any) -> Events:
        """Match the events that the log shows under this word."""
        return queryset.filter(name__in=[one for one, action in ACTIONS.items() if action == value])


class AssetLogFilter(_WhitelistFilter):
    """Filters of the audit log of one whitelist; the path and `network` name the token."""

    extra_parameters = PAGING_PARAMETERS | {"network"}


class WhitelistLogFilter(_WhitelistFilter, LogFilter):
    """Filters of the whitelist audit log."""


class EnforcementFilter(LogFilter):
    """Filters of the enforcement report; the addresses are those of the transfer."""

    fromAddress = django_filters.CharFilter(method="by_sender", max_length=100)
    toAddress = django_filters.CharFilter(method="by_receiver", max_length=100)
    transferAllowed = BooleanFilter(field_name="transfer_allowed")

    def by_sender(self, queryset: Events, name: str, value: str) -> Events:
        """Match the sender."""
        return queryset.filter(affected_address__in=_spellings(value))

    def by_receiver(self, queryset: Events, name: str, value: str) -> Events:
        """Match the receiver."""
        return queryset.filter(to_address__in=_spellings(value))
