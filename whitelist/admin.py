"""The whitelists in the admin; every change goes through the services."""

from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin_roles import ModelForm, ServiceModelAdmin, actor_of
from whitelist.addresses import holder_address
from whitelist.models import WhitelistEntry, WhitelistPolicy
from whitelist.services.entries import CLEARED, EntryContent, whitelist_entry_upsert
from whitelist.services.policies import whitelist_policy_set


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
        "expired",
        "kyc_verified",
        "investor_category",
        "jurisdiction_code",
        "created_at",
    )
    list_filter = ("status", "kyc_verified", "investor_category", "token__network")
    list_select_related = ("token",)
    search_fields = ("address", "token__asset_id")
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

    @admin.display(boolean=True)
    def expired(self, entry: WhitelistEntry) -> bool:
        return entry.is_expired(timezone.now())

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
