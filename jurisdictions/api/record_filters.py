"""The filters of waivers and of the history of facts."""

from typing import Any

from django.utils import timezone

from accounts.api.filters import NetworkFilter
from config.api.filters import (
    ChoiceFilter,
    MomentFilter,
    WireFilterSet,
    asset_id_filter,
    text_filter,
)
from config.api.paging import PAGING_PARAMETERS
from jurisdictions.choices import WaiverStatus, WaiverType
from jurisdictions.models import FactValue, Waiver
from jurisdictions.querysets import WaiverQuerySet


class IssuerFactHistoryFilter(WireFilterSet):
    """Filters of the history of an issuer's facts; dates bound `recordedAt`."""

    path = text_filter("path", 100)
    fromDate = MomentFilter(field_name="recorded_at", lookup_expr="gte")
    toDate = MomentFilter(field_name="recorded_at", lookup_expr="lte", end_of_day=True)

    class Meta:
        model = FactValue
        fields: list[str] = []


class TokenFactHistoryFilter(IssuerFactHistoryFilter):
    """Filters of the history of a token's facts; `network` says which token is meant."""

    extra_parameters = PAGING_PARAMETERS | {"network"}


class WaiverFilter(WireFilterSet):
    """Filters of the waiver list; dates bound `requestedAt`."""

    assetId = asset_id_filter("token__asset_id")
    network = NetworkFilter("token__network")
    requirementKey = text_filter("requirement_key", 100)
    type = ChoiceFilter(field_name="type", enum=WaiverType)
    status = ChoiceFilter(enum=WaiverStatus, method="by_status")
    fromDate = MomentFilter(field_name="requested_at", lookup_expr="gte")
    toDate = MomentFilter(field_name="requested_at", lookup_expr="lte", end_of_day=True)

    class Meta:
        model = Waiver
        fields: list[str] = []

    def by_status(self, rows: WaiverQuerySet, name: str, value: Any) -> WaiverQuerySet:
        return rows if value is None else rows.in_status(value, timezone.now())
