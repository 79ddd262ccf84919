"""The whitelists in the admin; every change goes through the services."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone

from accounts.admin_roles import ModelForm, ServiceModelAdmin, actor_of
from config.api.csv import csv_response
from whitelist.addresses import holder_address
from whitelist.admin_filters import ExpiryFilter, TokenFilter
from whitelist.choices import EntryStatus
from whitelist.entry_rows import ENTRY_BARE, ENTRY_COLUMNS
from whitelist.import_admin import WhitelistImportAdmin
from whitelist.models import WhitelistEntry, WhitelistPolicy
from whitelist.services.entries import CLEARED, EntryContent, whitelist_entry_upsert
from whitelist.services.exports import whitelist_entries_export
from whitelist.services.policies import whitelist_policy_set
from whitelist.services.status_changes import (
    MOST_AT_ONCE,
    REASON_LENGTH,
    whitelist_entries_set_status,
)

__all__ = ["WhitelistEntryAdmin", "WhitelistImportAdmin", "WhitelistPolicyAdmin"]

_VERBS = {
    EntryStatus.ACTIVE: "Activate",
    EntryStatus.INACTIVE: "Deactivate",
    EntryStatus.REVOKED: "Revoke",
}


class ReasonForm(forms.Form):
    """Why the status of entries is changed."""

    reason = forms.CharField(
        max_length=REASON_LENGTH, widget=forms.Textarea(attrs={"rows": 3, "cols": 80})
    )


class WhitelistEntryForm(ModelForm):
    """Finds an address that is listed already in whatever spelling it is typed.

    It knows what was edited by what the page showed, not by what the entry says meanwhile.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.fields.keys() & CLEARED.keys():
            self.fields[name].show_hidden_initial = True

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("token") and cleaned.get("address"):
            try:
                cleaned["address"] = holder_address(cleaned["address"], cleaned["token"].network)
            except ValueError as problem:
                self.add_error("address", str(problem))
        return cleaned


@admin.register(WhitelistEntry)
class WhitelistEntryAdmin(ServiceModelAdmin):
    """Entries: readers see them, officers add and change them."""

    form = WhitelistEntryForm
    list_display = (
        "address",
        "token",
        "status",
        "expiry",
        "kyc_verified",
        "investor_category",
        "jurisdiction_code",
        "created_at",
    )
    list_filter = (
        TokenFilter,
        "status",
        ExpiryFilter,
        "kyc_verified",
        "investor_category",
        "token__network",
    )
    list_select_related = ("token",)
    list_per_page = 50
    search_fields = ("address", "token__asset_id")
    search_help_text = "An address, or a part of one, or an asset id."
    change_list_template = "admin/whitelist/whitelistentry/change_list.html"
    actions = ["activate", "deactivate", "revoke", "export_as_csv"]
    ordering = ("-created_at", "-pk")
    raw_id_fields = ("token",)
    fields = ("token", "address", *CLEARED)
    written = ("created_by", "created_at", "updated_by", "updated_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[WhitelistEntry]:
        return WhitelistEntry.objects.visible_to(actor_of(request)).order_by(*self.ordering)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj is None else (*self.fields, *self.written)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("token", "address", *self.written)

    @admin.display(description="Expires", ordering="expiration_date")
    def expiry(self, entry: WhitelistEntry) -> str:
        if entry.expiration_date is None:
            return "Never"
        expired = entry.is_expired(timezone.now())
        return f"{'Expired ' if expired else ''}{entry.expiration_date:%Y-%m-%d}"

    def save_model(
        self, request: HttpRequest, obj: WhitelistEntry, form: Any, change: bool
    ) -> None:
        # Only what was edited: what somebody else changed meanwhile stays.
        content = {name: form.cleaned_data[name] for name in form.changed_data if name in CLEARED}
        entry = whitelist_entry_upsert(
            actor=actor_of(request),
            token=obj.token,
            address=obj.address,
            **cast(EntryContent, content),
        )
        obj.pk = entry.pk

    @admin.action(description="Activate", permissions=["change"])
    def activate(
        self, request: HttpRequest, queryset: QuerySet[WhitelistEntry]
    ) -> HttpResponse | None:
        return self._set_status(request, queryset, EntryStatus.ACTIVE)

    @admin.action(description="Deactivate", permissions=["change"])
    def deactivate(
        self, request: HttpRequest, queryset: QuerySet[WhitelistEntry]
    ) -> HttpResponse | None:
        return self._set_status(request, queryset, EntryStatus.INACTIVE)

    @admin.action(description="Revoke", permissions=["change"])
    def revoke(
        self, request: HttpRequest, queryset: QuerySet[WhitelistEntry]
    ) -> HttpResponse | None:
        return self._set_status(request, queryset, EntryStatus.REVOKED)

    @admin.action(description="Export as CSV", permissions=["view"])
    def export_as_csv(
        self, request: HttpRequest, queryset: QuerySet[WhitelistEntry]
    ) -> HttpResponseBase:
        file = whitelist_entries_export(actor=actor_of(request), entries=queryset)
        return csv_response(
            file.name, ENTRY_COLUMNS, file.rows, bare=ENTRY_BARE, total=file.total, limit=file.total
        )

    def _set_status(
        self, request: HttpRequest, queryset: QuerySet[WhitelistEntry], status: EntryStatus
    ) -> HttpResponse | None:
        """Ask for the reason, then give the entries their status."""
        entries = list(queryset.select_related("token")[: MOST_AT_ONCE + 1])
        if len(entries) > MOST_AT_ONCE:
            text = f"Choose at most {MOST_AT_ONCE:,} entries at once, or import a CSV file."
            self.message_user(request, text, messages.ERROR)
            return None
        confirmed = "confirmed" in request.POST
        form = ReasonForm(request.POST if confirmed else None)
        if not confirmed or not form.is_valid():
            return self._ask(request, entries, status, form)
        done = whitelist_entries_set_status(
            actor=actor_of(request),
            entries=entries,
            status=status,
            reason=form.cleaned_data["reason"],
        )
        for address, problem in done.refused:
            self.message_user(request, f"{address}: {problem}", messages.ERROR)
        text = f"{done.changed} became {status}, {done.unchanged} were already."
        self.message_user(request, text, messages.SUCCESS if done.changed else messages.INFO)
        return None

    def _ask(
        self,
        request: HttpRequest,
        entries: list[WhitelistEntry],
        status: EntryStatus,
        form: ReasonForm,
    ) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"{_VERBS[status]}: whitelist entries",
            "opts": self.opts,
            "media": self.media + form.media,
            "entries": entries,
            "status": status,
            "verb": _VERBS[status],
            "form": form,
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
        }
        request.current_app = self.admin_site.name
        template = "admin/whitelist/whitelistentry/status.html"
        return TemplateResponse(request, template, context)


@admin.register(WhitelistPolicy)
class WhitelistPolicyAdmin(ServiceModelAdmin):
    """Policies: readers see them, officers set them."""

    list_display = ("token", "enforcement", "set_by", "set_at")
    list_filter = ("enforcement", "token__network")
    list_select_related = ("token",)
    search_fields = ("token__asset_id",)
    ordering = ("-set_at", "-pk")
    raw_id_fields = ("token",)
    fields = ("token", "enforcement")
    written = ("set_by", "set_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[WhitelistPolicy]:
        return WhitelistPolicy.objects.visible_to(actor_of(request)).order_by(*self.ordering)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj is None else (*self.fields, *self.written)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("token", *self.written)

    def save_model(
        self, request: HttpRequest, obj: WhitelistPolicy, form: Any, change: bool
    ) -> None:
        policy = whitelist_policy_set(
            actor=actor_of(request), token=obj.token, enforcement=obj.enforcement
        )
        obj.pk = policy.pk
