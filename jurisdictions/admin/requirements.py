"""Requirements in the admin: of a Draft they are edited here, of other versions only read."""

from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from accounts.admin_roles import ServiceModelAdmin, actor_of
from config.api.errors import DomainError
from jurisdictions.choices import PackStatus
from jurisdictions.engine import check_kind, check_kind_names
from jurisdictions.forms import RequirementForm, kind_label
from jurisdictions.models import Requirement, RulePack
from jurisdictions.params_form import params_in_words, params_of_kind
from jurisdictions.services.requirements import (
    CONTENT,
    RequirementContent,
    requirement_create,
    requirement_delete,
    requirement_update,
)
from jurisdictions.validation import condition_sentence

_RULE = (
    "key",
    "title",
    "description",
    "citation",
    "source",
    "basis",
    "category",
    "severity",
)
_REST = (
    "on_missing",
    "evidence",
    "control",
    "confidence",
    "remediation",
    "effective_from",
    "effective_to",
    "note",
)


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

    @admin.display(description="Kind of check")
    def kind_words(self, requirement: Requirement) -> str:
        return kind_label(requirement.check_kind)

    @admin.display(description="What is asked for")
    def params_words(self, requirement: Requirement) -> SafeString:
        said = params_in_words(requirement.check_kind, requirement.params)
        return format_html_join("", "<p><strong>{}</strong>: {}</p>", said)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.pack.is_draft)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # One at a time: the action on a selection would go past the service's refusals.
        return obj is not None and self.has_change_permission(request, obj)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        edits = obj is None or self.has_change_permission(request, obj)
        condition = "applies_when" if edits else "condition"
        kinds = _kind_fieldsets(_kind_shown(request, obj)) if edits else ()
        check = ("check_kind",) if edits else ("kind_words", "params_words")
        seen = ("seen_version",) if edits and obj is not None else ()
        return (
            (None, {"fields": ("pack", *_RULE)}),
            ("When it applies", {"fields": (condition,)}),
            ("What is checked", {"fields": check}),
            *kinds,
            ("What follows", {"fields": (*_REST, *seen)}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("pack", "condition", "kind_words", "params_words")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "pack":
            drafts = RulePack.objects.filter(status=PackStatus.DRAFT)
            kwargs["queryset"] = drafts.order_by("pack_id", "version")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Requirement, form: Any, change: bool) -> None:
        written = form.changed_data if change else CONTENT
        if change and form.params_changed:
            written = [*written, "params"]
        content = cast(
            RequirementContent,
            {name: form.cleaned_data[name] for name in written if name in CONTENT},
        )
        if change:
            row = requirement_update(
                actor=actor_of(request),
                requirement=obj,
                lock_version=form.cleaned_data["seen_version"],
                **content,
            )
        else:
            row = requirement_create(actor=actor_of(request), pack=obj.pack, **content)
            obj.pk = row.pk
        sentence = condition_sentence(row.applies_when)
        when = sentence if sentence == "always" else f"when {sentence}"
        self.message_user(request, f"Requirement {row.key} applies {when}.")

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


def _kind_shown(request: HttpRequest, obj: Requirement | None) -> str:
    """The kind whose fields are shown: the one that was sent, asked for in the address, or kept."""
    sent = request.POST.get("check_kind") if request.method == "POST" else None
    asked = request.GET.get("check_kind", "") if obj is None else obj.check_kind
    return asked if sent is None else sent


def _kind_fieldsets(shown: str) -> list[tuple[str, dict[str, Any]]]:
    """The params of every kind; those of all but one are hidden."""
    found = []
    for name in check_kind_names():
        classes = ["check-params", f"check-params-{name}", *([] if name == shown else ["hidden"])]
        kind = check_kind(name)
        options = {
            "fields": [one.name for one in params_of_kind(name)],
            "classes": classes,
            "description": f"Without data, such a check usually says "
            f"{kind.default_on_missing.value.lower() if kind else ''}: choose it below.",
        }
        found.append((kind_label(name), options))
    return found
