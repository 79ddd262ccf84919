"""Waivers in the admin: requested in a form, approved or revoked on their page."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin_roles import ModelForm, ServiceModelAdmin, actor_of
from jurisdictions.choices import WaiverStatus
from jurisdictions.models import Waiver
from jurisdictions.record_forms import (
    APPROVE,
    REVOKE,
    WaiverDecisionForm,
    WaiverRequestForm,
)
from jurisdictions.services.waivers import waiver_approve, waiver_request, waiver_revoke

_SHOWN = (
    "token",
    "requirement_key",
    "pack_id",
    "version_from",
    "version_to",
    "basis",
    "type",
    "reason",
    "evidence_reference",
    "expires_at",
    "status",
    "requested_by",
    "requested_at",
    "approved_by",
    "approved_at",
    "revoked_by",
    "revoked_at",
    "revocation_reason",
)
_OPEN = (WaiverStatus.REQUESTED, WaiverStatus.APPROVED)


class StatusFilter(admin.SimpleListFilter):
    """Filters by where a waiver stands at this moment."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(value), str(label)) for value, label in WaiverStatus.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value not in WaiverStatus.values:
            return queryset
        wanted = Waiver.objects.in_status(value, timezone.now())
        return queryset.filter(pk__in=wanted.values("pk"))


@admin.register(Waiver)
class WaiverAdmin(ServiceModelAdmin):
    """Waivers: readers see them, officers request, approve and revoke them."""

    list_display = (
        "requirement_key",
        "token",
        "status",
        "type",
        "expires_at",
        "requested_by",
        "approved_by",
    )
    list_filter = (StatusFilter, "type", "basis")
    list_select_related = ("token",)
    search_fields = ("requirement_key", "token__asset_id__exact")
    search_help_text = "Key of a requirement, or a whole asset id."
    ordering = ("-requested_at", "-pk")
    autocomplete_fields = ("token",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Waiver]:
        rows = Waiver.objects.visible_to(actor_of(request)).select_related("token")
        return rows.order_by(*self.ordering)

    @admin.display(description="Status")
    def status(self, waiver: Waiver) -> str:
        return str(waiver.status_at(timezone.now()))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_open = obj is None or obj.status_at(timezone.now()) in _OPEN
        return super().has_change_permission(request, obj) and is_open

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm]:
        kwargs["form"] = WaiverRequestForm if obj is None else WaiverDecisionForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return WaiverRequestForm.Meta.fields
        decides = self.has_change_permission(request, obj)
        return (*_SHOWN, *(("decision", "decision_reason", "seen_version") if decides else ()))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else _SHOWN

    def save_model(self, request: HttpRequest, obj: Waiver, form: Any, change: bool) -> None:
        actor, given = actor_of(request), form.cleaned_data
        if not change:
            content = {name: given[name] for name in WaiverRequestForm.Meta.fields}
            token = content.pop("token")
            row = waiver_request(
                actor=actor, asset_id=token.asset_id, network=token.network, **content
            )
            obj.pk = row.pk
        elif given["decision"] == APPROVE:
            waiver_approve(actor=actor, waiver_id=obj.pk, lock_version=given["seen_version"])
        elif given["decision"] == REVOKE:
            waiver_revoke(
                actor=actor,
                waiver_id=obj.pk,
                reason=given["decision_reason"],
                lock_version=given["seen_version"],
            )
