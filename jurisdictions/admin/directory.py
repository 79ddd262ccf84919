"""Jurisdictions in the admin."""

from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest

from accounts.admin_roles import ServiceModelAdmin, actor_of
from accounts.models import User
from jurisdictions.forms import JurisdictionForm
from jurisdictions.models import Jurisdiction
from jurisdictions.services.directory import (
    JurisdictionContent,
    jurisdiction_create,
    jurisdiction_update,
)

CONTENT = tuple(JurisdictionContent.__annotations__)


@admin.register(Jurisdiction)
class JurisdictionAdmin(ServiceModelAdmin):
    """Jurisdictions: readers see them, administrators add and change them."""

    form = JurisdictionForm
    list_display = ("code", "name", "kind", "spellings", "edited_by")
    list_filter = ("kind",)
    search_fields = ("code", "name", "aliases")
    ordering = ("code",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_administrator(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_administrator(request)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = ("code", *CONTENT)
        if obj is None:
            return fields
        seen = ("seen_version",) if self.has_change_permission(request, obj) else ()
        return (*fields, "edited_by", "edited_at", *seen)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("code", "edited_by", "edited_at")

    @admin.display(description="Other spellings")
    def spellings(self, jurisdiction: Jurisdiction) -> str:
        return ", ".join(jurisdiction.aliases)

    def save_model(self, request: HttpRequest, obj: Jurisdiction, form: Any, change: bool) -> None:
        written = form.changed_data if change else CONTENT
        content = cast(
            JurisdictionContent,
            {name: form.cleaned_data[name] for name in written if name in CONTENT},
        )
        if change:
            jurisdiction_update(
                actor=actor_of(request),
                jurisdiction=obj,
                lock_version=form.cleaned_data["seen_version"],
                **content,
            )
        else:
            row = jurisdiction_create(actor=actor_of(request), code=obj.code, **content)
            obj.pk = row.pk


def is_administrator(request: HttpRequest) -> bool:
    """Return whether an administrator asks."""
    return isinstance(request.user, User) and request.user.is_administrator
