"""Reports, and those that are made in the background, in the admin; nobody edits one."""

import json
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin import IssuerAdmin
from accounts.admin_roles import RoleAdminMixin, actor_of
from accounts.models import Issuer
from compliance.models import ComplianceReport, ReportJob
from compliance.report_subjects import Subject
from compliance.services.report_jobs import report_ask
from config.api.errors import DomainError

_CONTENT_SHOWN = 200_000
_ISSUERS_AT_ONCE = 20


class SubjectFilter(admin.SimpleListFilter):
    """What a report is about."""

    title = "subject"
    parameter_name = "subject"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("token", "Token"), ("issuer", "Issuer"), ("issuance", "Issuance")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "token":
                return queryset.filter(token__isnull=False, deployment__isnull=True)
            case "issuer":
                return queryset.filter(issuer__isnull=False)
            case "issuance":
                return queryset.filter(deployment__isnull=False)
        return queryset


class _SubjectAdmin(RoleAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows about a token, an issuer or an issuance, to look at."""

    list_select_related: ClassVar[Any] = ("token", "issuer", "deployment")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="Subject")
    def subject(self, row: ComplianceReport | ReportJob) -> str:
        subject = Subject.of(row)
        return f"{subject.kind}: {subject}"


@admin.register(ComplianceReport)
class ComplianceReportAdmin(_SubjectAdmin):
    """Stored reports, as they were generated."""

    list_display = ("created_at", "subject", "report_type", "status", "as_of", "created_by")
    list_filter = (SubjectFilter, "report_type", "status", "token__network")
    search_fields = ("token__asset_id__exact", "issuer__legal_name", "digest__exact")
    ordering = ("-created_at", "-id")
    fields = (
        "id",
        "subject",
        "report_type",
        "status",
        "as_of",
        "digest",
        "key_id",
        "created_by",
        "created_at",
        "document",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[ComplianceReport]:
        return super().get_queryset(request).defer("content")

    @admin.display(description="Content")
    def document(self, report: ComplianceReport) -> SafeString:
        readable = json.dumps(json.loads(report.content), indent=2, ensure_ascii=False)
        shown, rest = readable[:_CONTENT_SHOWN], len(readable) - _CONTENT_SHOWN
        note = f"\n... and {rest:,} characters more, which the download has." if rest > 0 else ""
        return format_html("<pre>{}{}</pre>", shown, note)


@admin.register(ReportJob)
class ReportJobAdmin(_SubjectAdmin):
    """Reports that are made in the background: how far they are, and what stopped them."""

    list_display = (
        "created_at",
        "subject",
        "report_type",
        "status",
        "progress",
        "requested_by",
        "finished_at",
    )
    list_filter = ("status", SubjectFilter, "report_type")
    list_select_related: ClassVar[Any] = ("token", "issuer", "deployment", "requested_by")
    search_fields = ("token__asset_id__exact", "issuer__legal_name", "requested_by__email")
    ordering = ("-created_at", "-id")
    fields: ClassVar[Any] = (
        "id",
        "subject",
        "report_type",
        "status",
        "progress",
        "error_message",
        "the_report",
        "as_of",
        "period_from",
        "period_to",
        "requested_by",
        "created_at",
        "started_at",
        "finished_at",
        "attempts",
    )
    readonly_fields = fields

    @admin.display(description="Progress")
    def progress(self, job: ReportJob) -> str:
        return f"{job.progress_percent} % ({job.tokens_done} of {job.tokens_total} tokens)"

    @admin.display(description="Report")
    def the_report(self, job: ReportJob) -> SafeString | str:
        if job.report_id is None:
            return "Not stored yet." if not job.is_over else "None."
        url = reverse("admin:compliance_compliancereport_change", args=[job.report_id])
        return format_html('<a href="{}">{}</a>', url, job.report_id)


@admin.action(description="Generate a report", permissions=["view"])
def generate_issuer_report(
    page: IssuerAdmin, request: HttpRequest, queryset: QuerySet[Issuer]
) -> None:
    """Have a report made of each chosen issuer; long ones are made in the background."""
    for issuer in queryset[:_ISSUERS_AT_ONCE]:
        try:
            made = report_ask(actor=actor_of(request), issuer_id=issuer.pk)
        except DomainError as refusal:
            page.message_user(request, f"{issuer}: {refusal.message}", messages.ERROR)
            continue
        if isinstance(made, ReportJob):
            text = f"{issuer}: the report is made in the background, see its progress there"
        else:
            text = f"{issuer}: {made.status}, report {made.pk}"
        page.message_user(request, text)


# Issuers live on a floor below, which knows nothing of reports.
_page: Any = IssuerAdmin
_page.actions = [*_page.actions, generate_issuer_report]
