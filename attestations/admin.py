"""Attestations in the admin: read-only content, and decisions as actions through the services."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from accounts.admin_roles import ReadOnlyInline, ServiceModelAdmin, actor_of
from attestations.choices import VerificationStatus
from attestations.forms import AttestationForm, DecisionForm
from attestations.models import Attestation, AttestationReminder, AttestationStatusChange
from attestations.selectors import attestations_visible
from attestations.services import (
    attestation_create,
    attestation_fail,
    attestation_revoke,
    attestation_verify,
)
from attestations.transitions import NEEDS_REASON, TRANSITIONS
from config.api.errors import DomainError

MOST_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Decision:
    """One of the actions: its name, its words, the status that it leads to, and its service."""

    action: str
    label: str
    status: VerificationStatus
    service: Callable[..., Attestation]

    @property
    def needs_reason(self) -> bool:
        return self.status in NEEDS_REASON


VERIFY = Decision("verify", "Verify", VerificationStatus.VERIFIED, attestation_verify)
FAIL = Decision("fail", "Mark as failed", VerificationStatus.FAILED, attestation_fail)
REVOKE = Decision("revoke", "Revoke", VerificationStatus.REVOKED, attestation_revoke)


class StatusFilter(admin.SimpleListFilter):
    """Filters by the status at this moment."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(value), str(label)) for value, label in VerificationStatus.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        return queryset.filter(verification_status=self.value())


class StatusChangeInline(ReadOnlyInline):
    """Who decided what, when and why."""

    model = AttestationStatusChange
    fk_name = "attestation"
    verbose_name_plural = "history"
    fields = ("from_status", "status", "changed_at", "changed_by_label", "reason")
    readonly_fields = fields
    ordering = ("pk",)


class ReminderInline(ReadOnlyInline):
    """When it was told that the attestation is about to expire."""

    model = AttestationReminder
    verbose_name_plural = "reminders of the expiry"
    fields = ("days_ahead", "sent_at")
    readonly_fields = fields
    ordering = ("pk",)


@admin.register(Attestation)
class AttestationAdmin(ServiceModelAdmin):
    """Attestations: staff see them, officers add and decide about them, nobody changes one."""

    form = AttestationForm
    change_form_template = "attestations/admin/change_form.html"
    list_display = (
        "attestation_type",
        "status",
        "subject_type",
        "subject",
        "asset_id",
        "network",
        "issued_at",
        "expires_at",
        "created_by_label",
    )
    list_display_links = ("attestation_type", "subject")
    list_filter = (StatusFilter, "subject_type", "issued_at", "expires_at")
    search_fields = ("id", "wallet_address", "asset_id__exact")
    search_help_text = "Id, wallet address, or a whole asset id."
    ordering = ("-issued_at", "-id")
    show_full_result_count = False
    actions = ("verify", "fail", "revoke")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        visible = attestations_visible(actor=actor_of(request), now=timezone.now())
        return visible.order_by(*self.ordering)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        content = AttestationForm.Meta.fields
        if obj is None:
            return content
        return ("id", "status", *content, "issued_at", "created_by", "created_by_label")

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return () if obj is None else (StatusChangeInline, ReminderInline)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Whether the actions are offered; the services decide anew."""
        return actor_of(request).is_officer

    @admin.display(ordering="verification_status")
    def status(self, attestation: Any) -> str:
        return str(attestation.verification_status)

    def save_model(
        self, request: HttpRequest, obj: Attestation, form: AttestationForm, change: bool
    ) -> None:
        obj.pk = attestation_create(actor=actor_of(request), **form.arguments()).pk

    @admin.action(description="Verify", permissions=["decide"])
    def verify(self, request: HttpRequest, queryset: QuerySet[Attestation]) -> Any:
        return self._decide(request, queryset, VERIFY)

    @admin.action(description="Mark as failed", permissions=["decide"])
    def fail(self, request: HttpRequest, queryset: QuerySet[Attestation]) -> Any:
        return self._decide(request, queryset, FAIL)

    @admin.action(description="Revoke", permissions=["decide"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Attestation]) -> Any:
        return self._decide(request, queryset, REVOKE)

    def _decide(
        self, request: HttpRequest, queryset: QuerySet[Attestation], decision: Decision
    ) -> HttpResponse | None:
        """Ask for the reason, then decide about each of the attestations by itself."""
        attestations = list(queryset[: MOST_AT_ONCE + 1])
        if len(attestations) > MOST_AT_ONCE:
            text = f"Select at most {MOST_AT_ONCE} attestations at once."
            self.message_user(request, text, messages.ERROR)
            return None
        confirmed = "confirmed" in request.POST
        form = DecisionForm(
            request.POST if confirmed else None, reason_required=decision.needs_reason
        )
        if not confirmed or not form.is_valid():
            return self._ask(request, attestations, decision, form)
        for attestation in attestations:
            self._decide_one(request, attestation, decision, form.cleaned_data["reason"])
        return None

    def _decide_one(
        self, request: HttpRequest, attestation: Attestation, decision: Decision, reason: str
    ) -> None:
        try:
            decision.service(actor=actor_of(request), attestation_id=attestation.pk, reason=reason)
        except DomainError as refusal:
            self.message_user(request, f"{attestation}: {refusal.message}", messages.ERROR)
        else:
            self.message_user(request, f"{attestation}: {decision.status}", messages.SUCCESS)

    def _ask(
        self,
        request: HttpRequest,
        attestations: list[Attestation],
        decision: Decision,
        form: DecisionForm,
    ) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"{decision.label}: attestations",
            "opts": self.opts,
            "media": self.media + form.media,
            "attestations": attestations,
            "decision": decision,
            "form": form,
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "attestations/admin/decision.html", context)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        attestation = context.get("original")
        context["decisions"] = () if attestation is None else _possible(request, attestation)
        context["action_checkbox_name"] = ACTION_CHECKBOX_NAME
        return super().render_change_form(request, context, *args, **kwargs)


def _possible(request: HttpRequest, attestation: Any) -> list[Decision]:
    actor = actor_of(request)
    if not actor.is_officer or actor.pk == attestation.created_by_id:
        return []
    return [
        decision
        for decision in (VERIFY, FAIL, REVOKE)
        if (attestation.decided_status, decision.status) in TRANSITIONS
        and not (decision is VERIFY and attestation.is_expired(timezone.now()))
    ]
