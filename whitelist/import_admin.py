"""Imports of whitelists in the admin: a file is tried first, shown, and then confirmed."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse

from accounts.admin_roles import ModelForm, ServiceModelAdmin, actor_of
from config.api.csv import csv_response
from config.api.errors import DomainError
from config.jobs.models import JobStatus
from whitelist.choices import BulkMode
from whitelist.csv_rows import MAX_ROWS
from whitelist.models import WhitelistImport, WhitelistImportFile
from whitelist.services.imports import (
    whitelist_import_cancel,
    whitelist_import_confirm,
    whitelist_import_rejections_export,
    whitelist_import_request,
)

_ROWS_SHOWN = 50
REJECTED_COLUMNS = ("Line", "Address", "Reason")


class ImportForm(ModelForm):
    """The file, and for which token."""

    file = forms.FileField(
        label="CSV file",
        help_text=(
            "The first line names the columns: Address, and any of Status, Reason, "
            "ExpirationDate, KycVerified, KycVerificationDate, KycProvider, InvestorCategory, "
            "JurisdictionCode. An empty cell leaves what is recorded. At most 100,000 rows. "
            "Nothing is changed before you confirm it on the next page."
        ),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
    )

    class Meta:
        model = WhitelistImport
        fields = ("token", "mode")
        labels: ClassVar[dict[str, str]] = {"mode": "Where a row cannot be used"}
        widgets: ClassVar[dict[str, Any]] = {"mode": forms.RadioSelect}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mode: Any = self.fields["mode"]
        mode.choices = (
            (BulkMode.PARTIAL, "Leave it out and write the others"),
            (BulkMode.ALL, "Write nothing"),
        )


@admin.register(WhitelistImport)
class WhitelistImportAdmin(ServiceModelAdmin):
    """Imports: readers see them; officers send files, confirm and cancel."""

    list_display = (
        "created_at",
        "token",
        "file_name",
        "what",
        "status",
        "progress",
        "created",
        "changed",
        "rejected",
        "requested_by",
    )
    list_filter = ("status", "dry_run", "token__network")
    list_select_related = ("token", "requested_by")
    search_fields = ("token__asset_id__exact", "file_name", "file_digest__exact")
    ordering = ("-created_at", "-pk")
    autocomplete_fields = ("token",)
    change_form_template = "admin/whitelist/whitelistimport/change_form.html"
    shown = (
        "token",
        "file_name",
        "what",
        "mode",
        "status",
        "progress",
        "error_message",
        "rows_total",
        "created",
        "changed",
        "unchanged",
        "rejected",
        "requested_by",
        "created_at",
        "finished_at",
        "file_digest",
    )

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        context = {"title": "Import a CSV file", **(extra_context or {})}
        return super().add_view(request, form_url, context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[WhitelistImport]:
        return WhitelistImport.objects.visible_to(actor_of(request)).order_by(*self.ordering)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("token", "file", "mode") if obj is None else self.shown

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else self.shown

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is None:
            kwargs |= {"form": ImportForm, "fields": ("token", "mode")}
        return super().get_form(request, obj, change, **kwargs)

    @admin.display(description="Kind", ordering="dry_run")
    def what(self, row: WhitelistImport) -> str:
        return "Trial, nothing is changed" if row.dry_run else "Import"

    @admin.display(description="Progress")
    def progress(self, row: WhitelistImport) -> str:
        return f"{row.progress_percent} % ({row.rows_done:,} of {row.rows_total:,} rows)"

    def save_model(
        self, request: HttpRequest, obj: WhitelistImport, form: Any, change: bool
    ) -> None:
        file = form.cleaned_data["file"]
        row = whitelist_import_request(
            actor=actor_of(request),
            token=obj.token,
            raw=file.read(),
            file_name=file.name or "",
            mode=BulkMode(obj.mode),
            dry_run=True,
        )
        obj.pk = row.pk

    def response_add(
        self, request: HttpRequest, obj: WhitelistImport, post_url_continue: str | None = None
    ) -> HttpResponse:
        return HttpResponseRedirect(self._page(obj.pk))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row: WhitelistImport | None = context.get("original")
        context["show_save_and_add_another"] = context["show_save_and_continue"] = False
        if row is not None:
            context["rejections"] = list(row.rejections.order_by("line")[:_ROWS_SHOWN])
            kept = WhitelistImportFile.objects.filter(pk=row.pk).exists()
            kept = kept and row.status == JobStatus.FINISHED
            officer = actor_of(request).is_officer
            context["usable"] = usable = row.created + row.changed
            useless = not usable or (row.mode == BulkMode.ALL and row.rejected)
            context["may_confirm"] = officer and row.dry_run and kept and not useless
            context["may_cancel"] = officer and not row.is_over
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        views: dict[str, Callable[..., HttpResponseBase]] = {
            "confirm": self.confirm_view,
            "cancel": self.cancel_view,
            "rejected": self.rejected_view,
        }
        own = [
            path(
                f"<uuid:pk>/{name}/",
                self.admin_site.admin_view(view),
                name=f"whitelist_whitelistimport_{name}",
            )
            for name, view in views.items()
        ]
        return [*own, *super().get_urls()]

    def confirm_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Write what the trial has shown."""
        return self._step(
            request, pk, lambda: whitelist_import_confirm(actor=actor_of(request), import_id=pk)
        )

    def cancel_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Stop an import."""
        return self._step(
            request, pk, lambda: whitelist_import_cancel(actor=actor_of(request), import_id=pk)
        )

    def _step(
        self, request: HttpRequest, pk: UUID, service: Callable[[], WhitelistImport]
    ) -> HttpResponse:
        if request.method != "POST" or not actor_of(request).is_officer:
            raise PermissionDenied
        try:
            pk = service().pk
        except DomainError as refusal:
            self.message_user(request, refusal.message, messages.ERROR)
        return HttpResponseRedirect(self._page(pk))

    def rejected_view(self, request: HttpRequest, pk: UUID) -> HttpResponseBase:
        """Download the rows that were not used."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        actor = actor_of(request)
        row, rows = whitelist_import_rejections_export(actor=actor, import_id=pk)
        return csv_response(
            f"whitelist-import-{row.pk}-rejected.csv",
            REJECTED_COLUMNS,
            rows,
            total=row.rejected,
            limit=MAX_ROWS,
        )

    @staticmethod
    def _page(pk: Any) -> str:
        return reverse("admin:whitelist_whitelistimport_change", args=[pk])
