"""The facts catalogue in the admin."""

from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest

from accounts.admin_roles import ServiceModelAdmin, actor_of
from jurisdictions.admin.directory import is_administrator
from jurisdictions.catalogue_form import FactDefinitionForm
from jurisdictions.fact_uses import uses_of_fact
from jurisdictions.models import FactDefinition
from jurisdictions.services.catalogue import CONTENT, FactContent, fact_add, fact_update
from jurisdictions.typed_text import text_of

_EDITED = ("edited_by", "edited_at")


@admin.register(FactDefinition)
class FactDefinitionAdmin(ServiceModelAdmin):
    """The facts that rules may ask for: readers see them, administrators add and change them."""

    form = FactDefinitionForm
    list_display = ("path", "type", "choices", "assumption", "description", "edited_by")
    list_filter = ("type", "origin", ("edited_at", admin.EmptyFieldListFilter))
    search_fields = ("path", "description")
    ordering = ("path",)
    list_per_page = 200

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_administrator(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_administrator(request)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return CONTENT
        seen = ("seen_version",) if self.has_change_permission(request, obj) else ()
        if not seen:
            shown = ("path", "type", "choices", "assumption", "origin", "description")
            return (*shown, "used_by", *_EDITED)
        return (*CONTENT, "used_by", *_EDITED, *seen)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("used_by", "choices", "assumption", *_EDITED)

    @admin.display(description="Values")
    def choices(self, fact: FactDefinition) -> str:
        return ", ".join(fact.enum or [])

    @admin.display(description="Assumed when missing")
    def assumption(self, fact: FactDefinition) -> str:
        return "" if fact.assume_when_missing is None else text_of(fact.assume_when_missing)

    @admin.display(description="Used by")
    def used_by(self, fact: FactDefinition) -> str:
        return ", ".join(uses_of_fact(fact.path)) or "nobody yet"

    def save_model(
        self, request: HttpRequest, obj: FactDefinition, form: Any, change: bool
    ) -> None:
        written = form.changed_data if change else CONTENT
        content = cast(
            FactContent, {name: form.cleaned_data[name] for name in written if name in CONTENT}
        )
        if change:
            row = fact_update(
                actor=actor_of(request),
                definition=obj,
                seen=form.cleaned_data["seen_version"] or "",
                **content,
            )
        else:
            row = fact_add(actor=actor_of(request), **content)
        obj.pk, obj.path = row.pk, row.path
