"""Routes of the compliance audit log."""

from django.urls import path

from audit.api.metering import MeteringViewSet
from audit.api.views import ComplianceAuditLogViewSet

_log = ComplianceAuditLogViewSet

urlpatterns = [
    path("compliance/audit-log", _log.as_view({"get": "list"})),
    path("compliance/audit-log/export/csv", _log.as_view({"get": "export_csv"})),
    path("compliance/audit-log/export/json", _log.as_view({"get": "export_json"})),
    path("compliance/audit-log/retention-policy", _log.as_view({"get": "retention_policy"})),
    path("metering", MeteringViewSet.as_view({"get": "usage"})),
    path("metering/events", MeteringViewSet.as_view({"get": "events"})),
]
