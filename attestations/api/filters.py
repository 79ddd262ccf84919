"""The filters of the attestation list (seed 1, section 10)."""

from typing import Any

from django.db.models import QuerySet

from accounts.api.filters import NetworkFilter
from attestations.choices import VerificationStatus
from attestations.models import Attestation
from config.api.filters import (
    BooleanFilter,
    ChoiceFilter,
    MomentFilter,
    WireFilterSet,
    asset_id_filter,
    text_filter,
)


class AttestationFilter(WireFilterSet):
    """Filters over attestations with their status; dates are inclusive bounds of `issuedAt`."""

    walletAddress = text_filter("wallet_address", 100)
    assetId = asset_id_filter()
    issuerAddress = text_filter("issuer_address", 100)
    verificationStatus = ChoiceFilter(field_name="verification_status", enum=VerificationStatus)
    attestationType = text_filter("attestation_type", 100)
    network = NetworkFilter("network")
    excludeExpired = BooleanFilter(method="without_expired")
    fromDate = MomentFilter(field_name="issued_at", lookup_expr="gte")
    toDate = MomentFilter(field_name="issued_at", lookup_expr="lte", end_of_day=True)

    class Meta:
        model = Attestation
        fields: list[str] = []

    def without_expired(self, queryset: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:
        """Leave out those whose status is Expired: what `verificationStatus=Expired` returns."""
        if not value:
            return queryset
        return queryset.exclude(verification_status=VerificationStatus.EXPIRED)
