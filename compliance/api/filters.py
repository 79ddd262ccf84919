"""The filters of metadata (seed 1, section 4) and of reports."""

from typing import Any

import django_filters
from django.db.models import QuerySet

from accounts.networks import canonical_network
from compliance.choices import ComplianceStatus, OverallStatus, VerificationStatus
from compliance.models import ComplianceMetadata, ComplianceReport
from config.api.filters import ChoiceFilter, MomentFilter, WireFilterSet, asset_id_filter


class _NetworkFilterSet(WireFilterSet):
    def by_network(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Match a network in any spelling; a malformed name matches nothing."""
        try:
            return queryset.filter(token__network=canonical_network(value))
        except ValueError:
            return queryset.none()


class MetadataFilter(_NetworkFilterSet):
    """Filters of the metadata list."""

    complianceStatus = ChoiceFilter(field_name="compliance_status", enum=ComplianceStatus)
    verificationStatus = ChoiceFilter(field_name="verification_status", enum=VerificationStatus)
    network = django_filters.CharFilter(method="by_network", max_length=50)

    class Meta:
        model = ComplianceMetadata
        fields: list[str] = []


class ReportFilter(_NetworkFilterSet):
    """Filters of the report list; dates bound `generatedAt`."""

    assetId = asset_id_filter("token__asset_id")
    network = django_filters.CharFilter(method="by_network", max_length=50)
    status = ChoiceFilter(field_name="status", enum=OverallStatus)
    fromDate = MomentFilter(field_name="created_at", lookup_expr="gte")
    toDate = MomentFilter(field_name="created_at", lookup_expr="lte", end_of_day=True)

    class Meta:
        model = ComplianceReport
        fields: list[str] = []
