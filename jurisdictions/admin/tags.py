"""Explicit jurisdiction tags in the admin."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin_roles import ServiceModelAdmin, actor_of
from jurisdictions.models import IssuerJurisdiction, TokenJurisdiction
from jurisdictions.record_forms import IssuerTagForm, TokenTagForm
from jurisdictions.services.tags import (
    issuer_tag_assign,
    issuer_tag_remove,
    tag_assign,
    tag_remove,
)

_CONTENT = ("roles", "classification", "offering_kind", "exemption", "note")
_WHO = ("assigned_by", "assigned_at", "updated_by", "updated_at")
_COMMON = ("code", "recognized", "classification", "offering_kind", "exemption", "assigned_by")
Tag = TokenJurisdiction | IssuerJurisdiction


class TagAdmin(ServiceModelAdmin):
    """Base of both kinds of tags: readers see them, officers add, change and remove them.

    A text that names no jurisdiction comes from outside; here it can only be removed.
    """

    subject = ""
    content: tuple[str, ...] = _CONTENT
    list_filter = ("recognized", "code", "classification", "offering_kind")
    ordering = ("-assigned_at", "-pk")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.recognized)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # One at a time: the action on a selection would go past the service.
        return obj is not None and self.has_add_permission(request)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return (self.subject, "jurisdiction_code", *self.content)
        seen = ("seen_version",) if self.has_change_permission(request, obj) else ()
        return (self.subject, "code", "raw_text", *self.content, *_WHO, *seen)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else (self.subject, "code", "raw_text", *_WHO)

    def written(self, form: Any, change: bool) -> dict[str, Any]:
        """Return what the form says of the tag's content; an empty choice is none."""
        names = form.changed_data if change else self.content
        return {
            name: None if form.cleaned_data[name] == "" else form.cleaned_data[name]
            for name in names
            if name in self.content
        }

    @staticmethod
    def named(obj: Tag, form: Any, change: bool) -> dict[str, Any]:
        """Return which tag is meant, and the state of it that was seen."""
        if change:
            return {"jurisdiction": obj.code, "lock_version": form.cleaned_data["seen_version"]}
        return {"jurisdiction": form.cleaned_data["jurisdiction_code"]}


@admin.register(TokenJurisdiction)
class TokenJurisdictionAdmin(TagAdmin):
    """Tags of tokens."""

    form = TokenTagForm
    subject = "token"
    content = (*_CONTENT, "is_primary")
    list_display = ("token", *_COMMON, "is_primary")
    list_select_related = ("token",)
    search_fields = ("code", "raw_text", "token__asset_id__exact")
    search_help_text = "Jurisdiction, or a whole asset id."
    autocomplete_fields = ("token",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[TokenJurisdiction]:
        rows = TokenJurisdiction.objects.visible_to(actor_of(request)).select_related("token")
        return rows.order_by(*self.ordering)

    def save_model(
        self, request: HttpRequest, obj: TokenJurisdiction, form: Any, change: bool
    ) -> None:
        row = tag_assign(
            actor=actor_of(request),
            asset_id=obj.token.asset_id,
            network=obj.token.network,
            **self.named(obj, form, change),
            **self.written(form, change),
        )
        obj.pk = row.pk

    def delete_model(self, request: HttpRequest, obj: TokenJurisdiction) -> None:
        tag_remove(
            actor=actor_of(request),
            asset_id=obj.token.asset_id,
            network=obj.token.network,
            jurisdiction=obj.code,
        )


@admin.register(IssuerJurisdiction)
class IssuerJurisdictionAdmin(TagAdmin):
    """Tags of issuers."""

    form = IssuerTagForm
    subject = "issuer"
    list_display = ("issuer", *_COMMON)
    list_select_related = ("issuer",)
    search_fields = ("code", "raw_text", "issuer__legal_name")
    autocomplete_fields = ("issuer",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[IssuerJurisdiction]:
        rows = IssuerJurisdiction.objects.visible_to(actor_of(request)).select_related("issuer")
        return rows.order_by(*self.ordering)

    def save_model(
        self, request: HttpRequest, obj: IssuerJurisdiction, form: Any, change: bool
    ) -> None:
        row = issuer_tag_assign(
            actor=actor_of(request),
            issuer_id=obj.issuer_id,
            **self.named(obj, form, change),
            **self.written(form, change),
        )
        obj.pk = row.pk

    def delete_model(self, request: HttpRequest, obj: IssuerJurisdiction) -> None:
        issuer_tag_remove(actor=actor_of(request), issuer_id=obj.issuer_id, jurisdiction=obj.code)
