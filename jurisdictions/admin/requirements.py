"""Requirements in the admin: of a Draft they are edited here, of other versions only read."""

import json
from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.admin_roles import ServiceModelAdmin, actor_of
from config.api.errors import DomainError
from jurisdictions.choices import PackStatus
from jurisdictions.engine import check_kind, check_kind_names
from jurisdictions.forms import RequirementForm
from jurisdictions.models import Requirement, RulePack
from jurisdictions.services.requirements import (
    CONTENT,
    RequirementContent,
    requirement_create,
    requirement_delete,
    requirement_update,
)
from jurisdictions.validation import condition_sentence


@admin.register(Requirement)
class RequirementAdmin(ServiceModelAdmin):
    """Requirements: readers see them, officers write those of a Draft."""

    form = RequirementForm
    list_display = ("key", "title", "pack", "pack_status", "severity", "check_kind", "basis")
    list_filter = ("pack__status", "severity", "basis", "category", "check_kind", "pack__pack_id")
    list_select_related = ("pack",)
    search_fields = ("key", "title", "citation", "control")
    ordering = ("pack__pack_id", "pack__version", "position", "pk")
    save_on_top = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Requirement]:
        return Requirement.objects.visible_to(actor_of(request)).order_by(*self.ordering)

    @admin.display(description="Status", ordering="pack__status")
    def pack_status(self, requirement: Requirement) -> str:
        return requirement.pack.get_status_display()

    @admin.display(description="Applies when, in words")
    def condition(self, requirement: Requirement) -> str:
        return condition_sentence(requirement.applies_when)

    @admin.display(description="What the kinds of checks take")
    def guide(self, requirement: Requirement) -> SafeString:
        chosen = [requirement.check_kind] if requirement.check_kind else check_kind_names()
        return format_html_join("", "{}", ((_kind_guide(name),) for name in chosen))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.pack.is_draft)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # One at a time: the action on a selection would go past the service's refusals.
        return obj is not None and self.has_change_permission(request, obj)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        explained = {"params": "guide", **({"applies_when": "condition"} if obj else {})}
        fields = [
            name
            for field in CONTENT
            for name in ((field, explained[field]) if field in explained else (field,))
        ]
        seen = obj is not None and self.has_change_permission(request, obj)
        return ("pack", *fields, *(("seen_version",) if seen else ()))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("guide",) if obj is None else ("pack", "condition", "guide")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "pack":
            drafts = RulePack.objects.filter(status=PackStatus.DRAFT)
            kwargs["queryset"] = drafts.order_by("pack_id", "version")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Requirement, form: Any, change: bool) -> None:
        written = form.changed_data if change else CONTENT
        content = cast(
            RequirementContent,
            {name: form.cleaned_data[name] for name in written if name in CONTENT},
        )
        if change:
            requirement_update(
                actor=actor_of(request),
                requirement=obj,
                lock_version=form.cleaned_data["seen_version"],
                **content,
            )
        else:
            row = requirement_create(actor=actor_of(request), pack=obj.pack, **content)
            obj.pk = row.pk

    def delete_model(self, request: HttpRequest, obj: Requirement) -> None:
        requirement_delete(actor=actor_of(request), requirement=obj)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except DomainError as refusal:
            self.message_user(request, refusal.message, messages.ERROR)
            return HttpResponseRedirect(
                reverse("admin:jurisdictions_requirement_change", args=[object_id])
            )

    def response_post_save_add(
        self, request: HttpRequest, obj: Requirement
    ) -> HttpResponseRedirect:
        return _to_pack(obj)

    def response_post_save_change(
        self, request: HttpRequest, obj: Requirement
    ) -> HttpResponseRedirect:
        return _to_pack(obj)


def _to_pack(requirement: Requirement) -> HttpResponseRedirect:
    return HttpResponseRedirect(
        reverse("admin:jurisdictions_rulepack_change", args=[requirement.pack_id])
    )


def _kind_guide(name: str) -> SafeString:
    """What a kind of check looks at and which params it takes, as a paragraph and a list."""
    kind = check_kind(name)
    if kind is None:
        return format_html("<p>There is no kind of check {}.</p>", name)
    required = kind.params_schema["required"]
    params = (
        (param, " (required)" if param in required else "", _describe(schema))
        for param, schema in kind.params_schema["properties"].items()
    )
    return format_html(
        "<p><strong>{}</strong>: {}</p><ul>{}</ul>",
        name,
        kind.purpose,
        format_html_join("", "<li><code>{}</code>{}: {}</li>", params),
    )


def _describe(schema: Any) -> str:
    """A param's JSON Schema in a few words."""
    if "enum" in schema:
        return "one of " + ", ".join(json.dumps(one) for one in schema["enum"])
    if schema.get("type") == "array":
        return "a list: " + _describe(schema.get("items", {}))
    for word in ("oneOf", "anyOf"):
        if word in schema:
            return " or ".join(_describe(one) for one in schema[word])
    words = {
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
        "string": "a text",
        "object": "an object",
    }
    if "pattern" in schema and "\\." in schema["pattern"]:
        return "the path of a fact"
    return words.get(str(schema.get("type")), "any value")
