"""Routes of whitelists: their entries and how they bind transfers."""

from django.urls import URLPattern, path

from whitelist.api.views.audit_log import WhitelistAuditLogViewSet as _Log
from whitelist.api.views.entries import WhitelistPolicyViewSet, WhitelistViewSet
from whitelist.api.views.imports import WhitelistImportViewSet as _Imports
from whitelist.api.views.imports import WhitelistUploadViewSet as _Upload
from whitelist.api.views.reports import EnforcementReportViewSet as _Enforcement
from whitelist.api.views.reports import WhitelistExportViewSet as _Export
from whitelist.api.views.reports import WhitelistOverviewViewSet as _Overview

_ONE = "whitelist/<asset:asset_id>"
_IMPORT = "whitelist/imports/<uuid:import_id>"

urlpatterns: list[URLPattern] = [
    path("whitelist", WhitelistViewSet.as_view({"post": "upsert", "delete": "destroy"})),
    path("whitelist/bulk", WhitelistViewSet.as_view({"post": "bulk"})),
    path("whitelist/<asset:asset_id>", WhitelistViewSet.as_view({"get": "list"})),
    path(
        "whitelist/<asset:asset_id>/policy",
        WhitelistPolicyViewSet.as_view({"get": "retrieve", "put": "update"}),
    ),
    path("whitelist/audit-log", _Log.as_view({"get": "list"})),
    path("whitelist/audit-log/export/csv", _Log.as_view({"get": "export_csv"})),
    path("whitelist/audit-log/export/json", _Log.as_view({"get": "export_json"})),
    path("whitelist/audit-log/retention-policy", _Log.as_view({"get": "retention_policy"})),
    path("whitelist/enforcement-report", _Enforcement.as_view({"get": "list"})),
    path("whitelist/enforcement-report/export/csv", _Enforcement.as_view({"get": "export_csv"})),
    path("whitelist/enforcement-report/export/json", _Enforcement.as_view({"get": "export_json"})),
    path("whitelist/compliance-overview", _Overview.as_view({"get": "query"})),
    path(_IMPORT, _Imports.as_view({"get": "retrieve", "delete": "destroy"})),
    path(f"{_IMPORT}/rejected/csv", _Imports.as_view({"get": "rejected"})),
    path(f"{_ONE}/audit-log", _Log.as_view({"get": "of_asset"})),
    path(f"{_ONE}/compliance-overview", _Overview.as_view({"get": "retrieve"})),
    path(f"{_ONE}/export/csv", _Export.as_view({"get": "export_csv"})),
    path(f"{_ONE}/import/csv", _Upload.as_view({"post": "create"})),
]
