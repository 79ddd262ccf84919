"""Routes of the audit log and of what proves it."""

from django.urls import path

from audit.api.converters import register
from audit.api.enterprise_audit import EnterpriseAuditViewSet
from audit.api.event_trail import AuditTrailViewSet
from audit.api.exports import ExportViewSet
from audit.api.metering import MeteringViewSet
from audit.api.trail_views import TrailViewSet
from audit.api.views import ComplianceAuditLogViewSet
from audit.api.webhook_views import WebhookDeliveryViewSet, WebhookSubscriptionViewSet

register()

_log = ComplianceAuditLogViewSet
_trail = TrailViewSet
_hook = WebhookSubscriptionViewSet
_ONE_HOOK = "webhooks/subscriptions/<uuid:subscription_id>"
_every = EnterpriseAuditViewSet
_events = AuditTrailViewSet
_export = ExportViewSet

urlpatterns = [
    path("compliance/audit-log", _log.as_view({"get": "list"})),
    path("compliance/audit-log/export/csv", _log.as_view({"get": "export_csv"})),
    path("compliance/audit-log/export/json", _log.as_view({"get": "export_json"})),
    path("compliance/audit-log/retention-policy", _log.as_view({"get": "retention_policy"})),
    path("exports", _export.as_view({"get": "list", "post": "create"})),
    path("exports/<uuid:export_id>", _export.as_view({"get": "retrieve"})),
    path("exports/<uuid:export_id>/cancel", _export.as_view({"post": "cancel"})),
    path("exports/<uuid:export_id>/manifest", _export.as_view({"get": "manifest"})),
    path("exports/<uuid:export_id>/download", _export.as_view({"get": "download"})),
    path("metering", MeteringViewSet.as_view({"get": "usage"})),
    path("metering/events", MeteringViewSet.as_view({"get": "events"})),
    path("enterprise-audit/export", _every.as_view({"get": "list"})),
    path("enterprise-audit/export/csv", _every.as_view({"get": "export_csv"})),
    path("enterprise-audit/export/json", _every.as_view({"get": "export_json"})),
    path("enterprise-audit/retention-policy", _every.as_view({"get": "retention_policy"})),
    path("audit-trail", _events.as_view({"get": "list"})),
    path("audit-trail/export/csv", _events.as_view({"get": "export_csv"})),
    path("audit-trail/export/json", _events.as_view({"get": "export_json"})),
    path("audit-trail/export/ndjson", _events.as_view({"get": "export_ndjson"})),
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
    path("webhooks/subscriptions", _hook.as_view({"get": "list", "post": "create"})),
    path(
        _ONE_HOOK,
        _hook.as_view(
            {
                "get": "retrieve",
                "put": "update",
                "patch": "partial_update",
                "delete": "destroy",
            }
        ),
    ),
    path(f"{_ONE_HOOK}/rotate-secret", _hook.as_view({"post": "rotate_secret"})),
    path(f"{_ONE_HOOK}/enable", _hook.as_view({"post": "enable"})),
    path(f"{_ONE_HOOK}/test", _hook.as_view({"post": "test"})),
    path("webhooks/deliveries", WebhookDeliveryViewSet.as_view({"get": "list"})),
    path(
        "webhooks/deliveries/<uuid:delivery_id>/redeliver",
        WebhookDeliveryViewSet.as_view({"post": "redeliver"}),
    ),
]
