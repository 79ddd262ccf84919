"""The event log in the admin: read-only; what it shows can be exported."""

import json
from typing import Any, cast

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html

from audit.admin_base import ReadOnlyAdmin, event_label, short_actor
from audit.choices import ExportFormat
from audit.counting import exact_count
from audit.export_admin import (
    ExportActionForm,
    ExportJobAdmin,
    export_redirect,
    parameters_of,
)
from audit.models import AuditCheckpoint, AuditEvent, AuditSeal, AuditVerification
from audit.overview_admin import OverviewAdmin, VerificationJobAdmin
from audit.querysets import AuditEventQuerySet
from audit.selectors import searched
from audit.webhook_admin import WebhookSubscriptionAdmin

__all__ = [
    "AuditEventAdmin",
    "ExportJobAdmin",
    "OverviewAdmin",
    "VerificationJobAdmin",
    "WebhookSubscriptionAdmin",
]


class EventPaginator(Paginator):  # type: ignore[type-arg]
    """Counts by `exact_count`: a plain COUNT(*) of the log takes longer the longer it is."""

    @cached_property
    def count(self) -> int:
        if isinstance(self.object_list, AuditEventQuerySet):
            return exact_count(self.object_list)
        return len(self.object_list)


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Everything that happened, newest first."""

    list_display = (
        "occurred_at",
        "label",
        "token",
        "who",
        "success",
        "correlation_id",
    )
    list_display_links = ("occurred_at", "label")
    list_filter = ("category", "action_type", "success")
    search_fields = ("actor__exact", "correlation_id__exact", "reference_id__exact")
    search_help_text = "Actor, correlation id, reference id or asset id, in full."
    date_hierarchy = "occurred_at"
    ordering = ("-occurred_at", "-seq")
    change_list_template = "admin/audit/auditevent/change_list.html"
    show_full_result_count = False
    paginator = EventPaginator
    list_per_page = 50
    actions = ["export_selected"]
    action_form = ExportActionForm
    fields = (
        "id",
        "label",
        "name",
        "occurred_at",
        "actor",
        "success",
        "network",
        "asset_id",
        "issuer_id",
        "affected_address",
        "reference_type",
        "reference_id",
        "correlation_id",
        "evidence",
    )
    readonly_fields = ("label", "evidence")

    @admin.display(description="Event")
    def label(self, event: AuditEvent) -> str:
        return event_label(event.name)

    @admin.display(description="Token", ordering="asset_id")
    def token(self, event: AuditEvent) -> str:
        if event.asset_id is None:
            return "-"
        return f"{event.asset_id} {event.network or ''}".strip()

    @admin.display(description="Actor", ordering="actor")
    def who(self, event: AuditEvent) -> str:
        """The actor; a wallet's address in short, in full on the event's page."""
        return short_actor(event.actor)

    @admin.display(description="Body (the evidence)")
    def evidence(self, event: AuditEvent) -> str:
        readable = json.dumps(json.loads(event.body), indent=2, ensure_ascii=False)
        return format_html("<pre>{}</pre>", readable)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEvent], search_term: str
    ) -> tuple[QuerySet[AuditEvent], bool]:
        return searched(cast("AuditEventQuerySet", queryset), search_term), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(
            request, {"export_formats": ExportFormat.values, **(extra_context or {})}
        )

    @admin.action(description="Export selected")
    def export_selected(
        self, request: HttpRequest, queryset: AuditEventQuerySet
    ) -> HttpResponseRedirect:
        if request.POST.get("select_across") == "1":
            return self._export_all(request, request.get_full_path())
        ids = ",".join(str(one) for one in queryset.values_list("id", flat=True))
        return export_redirect(self, request, lambda: {"ids": ids}, request.get_full_path())

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export_view)
        return [path("export/", view, name="audit_auditevent_export"), *super().get_urls()]

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """Have everything exported that the list shows for this query."""
        if request.method != "POST" or not self.has_view_permission(request):
            raise PermissionDenied
        back = reverse("admin:audit_auditevent_changelist")
        return self._export_all(request, f"{back}?{request.GET.urlencode()}")

    def _export_all(self, request: HttpRequest, back: str) -> HttpResponseRedirect:
        return export_redirect(self, request, lambda: parameters_of(request.GET.dict()), back)


@admin.register(AuditSeal)
class AuditSealAdmin(ReadOnlyAdmin):
    """The states of the Merkle tree."""

    list_display = ("size", "root", "sealed_at")
    ordering = ("-size",)
    show_full_result_count = False


@admin.register(AuditCheckpoint)
class AuditCheckpointAdmin(ReadOnlyAdmin):
    """The signed checkpoints: hand one to the auditor, and the log is bound by it."""

    list_display = ("size", "root", "signed_at")
    fields = ("size", "root", "signed_at", "key", "signed_note")
    readonly_fields = fields
    ordering = ("-size",)
    show_full_result_count = False

    @admin.display(description="Note")
    def signed_note(self, checkpoint: AuditCheckpoint) -> str:
        return format_html("<pre>{}</pre>", checkpoint.note)


@admin.register(AuditVerification)
class AuditVerificationAdmin(ReadOnlyAdmin):
    """The verifications of the log."""

    list_display = ("verified_at", "size", "intact", "finding")
    list_filter = ("intact",)
    ordering = ("-id",)
