"""Exports in the admin: of chosen events and of all that a list shows, with their progress."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils.text import Truncator
from rest_framework.exceptions import ValidationError

from audit.admin_base import ReadOnlyAdmin
from audit.api.exports import file_answer
from audit.choices import ExportFormat
from audit.exports.downloads import export_download
from audit.exports.models import ExportJob
from audit.exports.services import export_cancel, export_request
from config.api.errors import DomainError

# What the list of events is narrowed by, and what the view of the log calls it.
_FILTERS = {
    "category": "category",
    "category__exact": "category",
    "action_type": "actionType",
    "action_type__exact": "actionType",
    "success": "success",
    "success__exact": "success",
    "q": "search",
}
_BOOLEANS = {"1": "true", "True": "true", "0": "false", "False": "false"}
_DAYS = ("occurred_at__year", "occurred_at__month", "occurred_at__day")
_ORDER = {"o", "p", "all", "e"}  # how the list is shown, not what is in it


class ExportActionForm(ActionForm):
    """Asks beside the action in which form the file is to be."""

    format = forms.ChoiceField(choices=ExportFormat, label="as", required=False)


def parameters_of(query: Mapping[str, str]) -> dict[str, str]:
    """Return the filters of the view `events` that show what the list shows for this query.

    Raises ValueError that names what has no such filter.
    """
    parameters = _days(query)
    for name, value in query.items():
        if name in _ORDER or name in _DAYS or value == "":
            continue
        if name not in _FILTERS:
            raise ValueError(name)
        wire = _FILTERS[name]
        parameters[wire] = _BOOLEANS.get(value, value) if wire == "success" else value
    return parameters


def _days(query: Mapping[str, str]) -> dict[str, str]:
    given = [int(query[name]) for name in _DAYS if query.get(name)]
    if not given:
        return {}
    first = date(*[*given, 1, 1][:3])
    last = first
    if len(given) == 1:
        last = date(first.year, 12, 31)
    elif len(given) == 2:
        last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return {"fromDate": first.isoformat(), "toDate": last.isoformat()}


def export_redirect(
    page: ReadOnlyAdmin,
    request: HttpRequest,
    parameters: Callable[[], dict[str, str]],
    back: str,
) -> HttpResponseRedirect:
    """Ask for an export of events and lead to its progress, or `back` with what stands against."""
    form = request.POST.get("format") or ExportFormat.CSV
    try:
        job = export_request(
            actor=request.user,  # type: ignore[arg-type]
            view="events",
            parameters=parameters(),
            form=ExportFormat(form),
        )
    except ValueError as problem:
        page.message_user(request, f"Cannot be exported: {problem}.", messages.ERROR)
    except (DomainError, ValidationError) as refusal:
        text = refusal.message if isinstance(refusal, DomainError) else str(refusal.detail)
        page.message_user(request, text, messages.ERROR)
    else:
        return HttpResponseRedirect(_page(job.pk))
    return HttpResponseRedirect(back)


@admin.register(ExportJob)
class ExportJobAdmin(ReadOnlyAdmin):
    """Exports: how far they are, and their files."""

    list_display = (
        "created_at",
        "view",
        "format",
        "what",
        "status",
        "rows_and_percent",
        "requested_by",
        "expires_at",
    )
    list_filter = ("status", "format", "view")
    search_fields = ("requested_by__exact", "sha256__exact")
    ordering = ("-created_at", "-id")
    change_form_template = "admin/audit/exportjob/change_form.html"
    fields = (
        "view",
        "criteria",
        "format",
        "gzip",
        "status",
        "rows_and_percent",
        "error_message",
        "size",
        "sha256",
        "requested_by",
        "created_at",
        "started_at",
        "finished_at",
        "expires_at",
        "attempts",
    )
    readonly_fields = fields

    @admin.display(description="Filters")
    def what(self, job: ExportJob) -> str:
        return Truncator(job.criteria).chars(100)

    @admin.display(description="Progress")
    def rows_and_percent(self, job: ExportJob) -> str:
        if job.rows_total is None:
            return "Not counted yet"
        return f"{job.progress_percent} % ({job.rows_done:,} of {job.rows_total:,} rows)"

    def get_urls(self) -> list[URLPattern]:
        views: dict[str, Callable[..., HttpResponseBase]] = {
            "cancel": self.cancel_view,
            "download": self.download_view,
        }
        own = [
            path(
                f"<uuid:pk>/{name}/",
                self.admin_site.admin_view(view),
                name=f"audit_exportjob_{name}",
            )
            for name, view in views.items()
        ]
        return [*own, *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        job: ExportJob | None = context.get("original")
        user: Any = request.user
        context["may_cancel"] = (
            job is not None and not job.is_over and job.requested_by_id == user.principal_id
        )
        return super().render_change_form(request, context, *args, **kwargs)

    def cancel_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Stop an export that one asked for."""
        if request.method != "POST" or not self.has_view_permission(request):
            raise PermissionDenied
        try:
            export_cancel(actor=request.user, export_id=pk)  # type: ignore[arg-type]
        except DomainError as refusal:
            self.message_user(request, refusal.message, messages.ERROR)
        return HttpResponseRedirect(_page(pk))

    def download_view(self, request: HttpRequest, pk: UUID) -> HttpResponseBase:
        """Download the file."""
        if request.method != "GET" or not self.has_view_permission(request):
            raise PermissionDenied
        try:
            download = export_download(
                actor=request.user,  # type: ignore[arg-type]
                export_id=pk,
                wanted=request.headers.get("Range"),
                if_range=request.headers.get("If-Range"),
            )
        except DomainError as refusal:
            self.message_user(request, refusal.message, messages.ERROR)
            return HttpResponseRedirect(_page(pk))
        return file_answer(download)


def _page(pk: Any) -> str:
    return reverse("admin:audit_exportjob_change", args=[pk])
