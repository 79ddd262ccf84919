"""The overview of the log in the admin: what happened, who was refused, and how the seal is."""

from datetime import UTC, timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from audit.activity import Activity, Period, activity, refusals
from audit.admin_base import ReadOnlyAdmin, event_label, short_actor
from audit.charts import Series, stacked_bars
from audit.checkpoints import last_checkpoint
from audit.choices import Category
from audit.counting import exact_count
from audit.lag import seal_lag
from audit.models import AuditEvent, AuditVerification, Overview, VerificationJob
from audit.seal import last_seal
from audit.verification_jobs import current_verification, verification_request

_FAILURES = 20
_COLOURS = {category: number for number, category in enumerate(Category, start=1)}


@admin.register(Overview)
class OverviewAdmin(ReadOnlyAdmin):
    """One page; it is not a list of rows."""

    def get_urls(self) -> list[URLPattern]:
        kept = {"audit_overview_changelist", "audit_overview_add"}
        view = self.admin_site.admin_view(self.verify_view)
        return [
            path("verify/", view, name="audit_overview_verify"),
            *(url for url in super().get_urls() if url.name in kept),
        ]

    def verify_view(self, request: HttpRequest) -> HttpResponse:
        """Have the log verified, and lead to the page that shows how far that is."""
        if request.method != "POST" or not self.has_view_permission(request):
            raise PermissionDenied
        job = verification_request(actor=request.user)  # type: ignore[arg-type]
        return HttpResponseRedirect(reverse("admin:audit_verificationjob_change", args=[job.pk]))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the overview of the period that is asked for, or of 30 days."""
        asked = request.GET.get("period", "")
        period = Period(asked) if asked in list(Period) else Period.MONTH
        now = timezone.now()
        found = activity(period, now.astimezone(UTC).date())
        lag = seal_lag()
        context = {
            **self.admin_site.each_context(request),
            "title": "Overview of the log",
            "opts": self.opts,
            "periods": list(Period),
            "activity": found,
            "colours": [(one, _COLOURS[one.category]) for one in found.categories],
            "chart": _chart(found),
            "total": exact_count(AuditEvent.objects.all()),
            "seal": last_seal(),
            "lag": lag,
            "oldest": now - timedelta(seconds=lag.seconds),
            "checkpoint": last_checkpoint(),
            "verification": AuditVerification.objects.order_by("-id").first(),
            "running": current_verification(),
            "failures": _failures(),
            "refusals": refusals(found.since),
            **(extra_context or {}),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/audit/overview/overview.html", context)


@admin.register(VerificationJob)
class VerificationJobAdmin(ReadOnlyAdmin):
    """Verifications that were asked for: how far they are, and what they found."""

    list_display = ("created_at", "status", "progress", "found", "requested_by", "finished_at")
    list_filter = ("status",)
    list_select_related = ("verification",)
    ordering = ("-created_at", "-id")
    change_form_template = "admin/audit/verificationjob/change_form.html"
    fields = (
        "status",
        "progress",
        "found",
        "error_message",
        "requested_by",
        "created_at",
        "started_at",
        "finished_at",
        "attempts",
    )
    readonly_fields = fields

    @admin.display(description="Progress")
    def progress(self, job: VerificationJob) -> str:
        return f"{job.progress_percent} % ({job.events_done:,} of {job.events_total:,} events)"

    @admin.display(description="Found")
    def found(self, job: VerificationJob) -> SafeString | str:
        if job.verification is None:
            return "Nothing." if job.is_over else "Nothing yet."
        url = reverse("admin:audit_auditverification_change", args=[job.verification.pk])
        return format_html('<a href="{}">{}</a>', url, job.verification)


def _chart(found: Activity) -> SafeString:
    unit = "month" if found.period == Period.YEAR else "day"
    drawn = stacked_bars(
        title=f"Events by {unit} and category",
        description=f"{found.total:,} events in {found.period.label}; the table below has each.",
        labels=found.bars,
        series=[
            Series(one.category.label, _COLOURS[one.category], one.bars) for one in found.categories
        ],
    )
    return mark_safe(drawn)  # noqa: S308 - made of elements, which escape what they hold


def _failures() -> list[tuple[AuditEvent, str, str]]:
    """Return the latest events that did not succeed, what each is called, and who acted."""
    rows = AuditEvent.objects.filter(success=False).defer("body").order_by("-occurred_at", "-seq")
    return [
        (event, event_label(event.name), short_actor(event.actor)) for event in rows[:_FAILURES]
    ]
