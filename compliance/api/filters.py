"""The filters of metadata (seed 1, section 4) and of reports."""

import django_filters

from accounts.api.filters import NetworkFilter
from compliance.choices import ComplianceStatus, OverallStatus, ReportType, VerificationStatus
from compliance.models import ComplianceMetadata, ComplianceReport
from config.api.filters import ChoiceFilter, MomentFilter, WireFilterSet, asset_id_filter


class MetadataFilter(WireFilterSet):
    """Filters of the metadata list."""

    complianceStatus = ChoiceFilter(field_name="compliance_status", enum=ComplianceStatus)
    verificationStatus = ChoiceFilter(field_name="verification_status", enum=VerificationStatus)
    network = NetworkFilter("token__network")

    class Meta:
        model = ComplianceMetadata
        fields: list[str] = []


class ReportFilter(WireFilterSet):
    """Filters of the report list; dates bound `generatedAt`."""

    assetId = asset_id_filter("token__asset_id")
    network = NetworkFilter("token__network")
    issuerId = django_filters.UUIDFilter("issuer_id")
    deploymentId = django_filters.UUIDFilter("deployment_id")
    reportType = ChoiceFilter(field_name="report_type", enum=ReportType)
    status = ChoiceFilter(field_name="status", enum=OverallStatus)
    fromDate = MomentFilter(field_name="created_at", lookup_expr="gte")
    toDate = MomentFilter(field_name="created_at", lookup_expr="lte", end_of_day=True)

    class Meta:
        model = ComplianceReport
        fields: list[str] = []
