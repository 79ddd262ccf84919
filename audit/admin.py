"""The event log in the admin: read-only; the selection can be exported."""

import json

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect, StreamingHttpResponse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html

from audit.admin_base import ReadOnlyAdmin, event_label, short_actor
from audit.api.log_views import EVENTS
from audit.counting import exact_count
from audit.log_files import csv_file
from audit.models import AuditCheckpoint, AuditEvent, AuditSeal, AuditVerification
from audit.overview_admin import OverviewAdmin, VerificationJobAdmin
from audit.querysets import AuditEventQuerySet
from audit.services import record_event
from config.api.csv import mark_download
from config.api.serializers import BIGINT_MAX

__all__ = ["AuditEventAdmin", "OverviewAdmin", "VerificationJobAdmin"]

EXPORT_LIMIT = 10_000


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
        term = search_term.strip()
        if term.isascii() and term.isdigit() and len(term) <= 19 and int(term) <= BIGINT_MAX:
            return queryset.filter(asset_id=int(term)), False
        return super().get_search_results(request, queryset, term)

    @admin.action(description="Export the selection as CSV")
    def export_selected(
        self, request: HttpRequest, queryset: AuditEventQuerySet
    ) -> StreamingHttpResponse | HttpResponseRedirect:
        total = queryset.count()
        if total > EXPORT_LIMIT:
            self.message_user(
                request, f"At most {EXPORT_LIMIT} events at once; filter first.", messages.ERROR
            )
            return HttpResponseRedirect(request.get_full_path())
        record_event(
            "audit.log.exported",
            actor=request.user,  # type: ignore[arg-type]
            item_count=total,
            details={"view": "admin", "format": "csv"},
        )
        response = StreamingHttpResponse(
            csv_file(EVENTS, queryset, EXPORT_LIMIT), content_type="text/csv; charset=utf-8"
        )
        name = f"events-{timezone.now():%Y%m%d-%H%M%S}.csv"
        mark_download(response, name, total=total, limit=EXPORT_LIMIT)
        return response


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
