"""Routes of the audit log and of what proves it."""

from django.urls import path

from audit.api.converters import register
from audit.api.metering import MeteringViewSet
from audit.api.trail_views import TrailViewSet
from audit.api.views import ComplianceAuditLogViewSet

register()

_log = ComplianceAuditLogViewSet
_trail = TrailViewSet

urlpatterns = [
    path("compliance/audit-log", _log.as_view({"get": "list"})),
    path("compliance/audit-log/export/csv", _log.as_view({"get": "export_csv"})),
    path("compliance/audit-log/export/json", _log.as_view({"get": "export_json"})),
    path("compliance/audit-log/retention-policy", _log.as_view({"get": "retention_policy"})),
    path("metering", MeteringViewSet.as_view({"get": "usage"})),
    path("metering/events", MeteringViewSet.as_view({"get": "events"})),
    path("audit-trail/checkpoint", _trail.as_view({"get": "checkpoint"})),
    path("audit-trail/checkpoint/cosign", _trail.as_view({"post": "cosign"})),
    path("audit-trail/checkpoints", _trail.as_view({"get": "checkpoints"})),
    path("audit-trail/consistency", _trail.as_view({"get": "consistency"})),
    path("audit-trail/export/bundle", _trail.as_view({"get": "bundle"})),
    path("audit-trail/<uuid:event_id>/proof", _trail.as_view({"get": "proof"})),
    path("audit-trail/tile/<level:level>/<tile:number>", _trail.as_view({"get": "tile"})),
    path(
        "audit-trail/tile/<level:level>/<tile:number>.p/<width:width>",
        _trail.as_view({"get": "partial_tile"}),
    ),
]
