"""The endpoints of the compliance audit log (seed 1, sections 5 to 8)."""

from audit.api.filters import ComplianceAuditFilter
from audit.api.log_views import COMPLIANCE_AUDIT_LOG
from audit.api.log_viewset import LogViewSet, RetentionPolicyMixin, documented
from audit.api.serializers import ComplianceAuditEntrySerializer, RetentionPolicySerializer
from config.api.schema import page_serializer


@documented(
    ComplianceAuditFilter,
    page_serializer(
        "ComplianceAuditLogResponse",
        "entries",
        ComplianceAuditEntrySerializer,
        retentionPolicy=RetentionPolicySerializer(),
    ),
    listing="List entries of the compliance audit log, newest first.",
)
class ComplianceAuditLogViewSet(RetentionPolicyMixin, LogViewSet):
    """The compliance audit log: own issuers' events, or all for those who read all."""

    view = COMPLIANCE_AUDIT_LOG
