"""The filters of waivers."""

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
from jurisdictions.choices import WaiverStatus, WaiverType
from jurisdictions.models import Waiver
from jurisdictions.querysets import WaiverQuerySet


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
