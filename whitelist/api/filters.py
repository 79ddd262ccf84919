"""The filters of the entries of a whitelist."""

from contextlib import suppress
from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.utils import timezone

from config.api.filters import BooleanFilter, ChoiceFilter, WireFilterSet
from config.api.paging import PAGING_PARAMETERS
from whitelist.addresses import MAX_LENGTH, holder_address
from whitelist.choices import EntryStatus
from whitelist.models import WhitelistEntry

_Rows = QuerySet[WhitelistEntry]


class EntryFilter(WireFilterSet):
    """Filters of one whitelist; `network` says which token is meant.

    `expired` is asked of the moment: an entry has expired once its expiration date has come.
    """

    extra_parameters = PAGING_PARAMETERS | {"network"}

    status = ChoiceFilter(enum=EntryStatus)
    address = django_filters.CharFilter(method="by_address", max_length=MAX_LENGTH)
    expired = BooleanFilter(method="by_expiry")
    kycVerified = BooleanFilter("kyc_verified")

    class Meta:
        model = WhitelistEntry
        fields: list[str] = []

    def by_address(self, rows: _Rows, name: str, value: str) -> _Rows:
        spellings = {value.strip()}
        with suppress(ValueError):  # a network that nobody knows has addresses of its own
            spellings.add(holder_address(value, ""))
        return rows.filter(address__in=sorted(spellings))

    def by_expiry(self, rows: _Rows, name: str, value: Any) -> _Rows:
        if value is None:
            return rows
        over = Q(expiration_date__isnull=False, expiration_date__lte=timezone.now())
        return rows.filter(over if value else ~over)
