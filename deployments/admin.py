"""Deployments in the admin: read-only, and "Add" records a token that was issued elsewhere."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminSplitDateTime
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin_roles import ModelForm, ReadOnlyInline, ServiceModelAdmin, actor_of
from config.api.serializers import BIGINT_MAX
from deployments.models import Deployment, DeploymentTransaction, DeploymentTransition
from deployments.services import deployment_cancel, deployment_import, deployment_retry


class DeploymentImportForm(ModelForm):
    """What an officer states of a token that was issued elsewhere, after looking it up."""

    transaction_id = forms.CharField(
        label="Transaction id", help_text="Look it up in an explorer or indexer first."
    )
    confirmed_round = forms.IntegerField(
        label="Confirmed in round or block", min_value=1, max_value=BIGINT_MAX
    )
    deployed_by = forms.CharField(label="Deployed by", help_text="The address that sent it.")
    deployed_at = forms.SplitDateTimeField(label="Deployed at (UTC)", widget=AdminSplitDateTime)


class TransitionInline(ReadOnlyInline):
    """The history of a deployment, oldest first."""

    model = DeploymentTransition
    fields = (
        "occurred_at",
        "from_status",
        "to_status",
        "actor",
        "reason_code",
        "transaction_id",
        "confirmed_round",
        "message",
        "took",
        "what_failed",
    )
    readonly_fields = fields
    ordering = ("id",)

    @admin.display(description="Took")
    def took(self, row: DeploymentTransition) -> str:
        return "-" if row.duration_ms is None else f"{row.duration_ms / 1000:,.1f} s"

    @admin.display(description="What failed")
    def what_failed(self, row: DeploymentTransition) -> str:
        if row.error is None:
            return "-"
        return f"{row.error['category']}: {row.error['technicalMessage']}"


class TransactionInline(ReadOnlyInline):
    """What was signed for a deployment, oldest first."""

    model = DeploymentTransaction
    fields = (
        "transaction_id",
        "sender",
        "nonce",
        "valid_from",
        "valid_until",
        "prepared_at",
        "replaced_at",
        "dead_at",
    )
    readonly_fields = fields
    ordering = ("id",)


@admin.register(Deployment)
class DeploymentAdmin(ServiceModelAdmin):
    """Deployments: readers see them, officers record imported ones, nobody edits one."""

    list_display = (
        "created_at",
        "named",
        "network",
        "standard",
        "status",
        "origin",
        "created_by",
    )
    list_display_links = ("created_at", "named")
    actions = ["retry_selected", "cancel_selected"]
    list_filter = ("status", "origin", "network", "standard")
    list_select_related = ("token",)
    search_fields = ("token__asset_id", "transaction_id", "deployed_by", "name", "symbol")
    ordering = ("-created_at", "-pk")
    date_hierarchy = "created_at"
    raw_id_fields = ("token",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Deployment]:
        return Deployment.objects.visible_to(actor_of(request)).order_by(*self.ordering)

    @admin.display(description="Token")
    def named(self, deployment: Deployment) -> str:
        parts = (deployment.name, f"({deployment.symbol})" if deployment.symbol else "")
        return " ".join(filter(None, parts)) or str(deployment.token)

    @admin.action(description="Retry what has failed", permissions=["add"])
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[Deployment]) -> None:
        """Queue the chosen ones again; one that cannot be refuses all of them."""
        with transaction.atomic():
            for row in queryset.order_by("pk"):
                deployment_retry(actor=actor_of(request), deployment_id=row.pk)
        self.message_user(request, "Queued again.", messages.SUCCESS)

    @admin.action(description="Cancel what is queued", permissions=["add"])
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Deployment]) -> None:
        """Cancel the chosen ones; one that cannot be refuses all of them."""
        with transaction.atomic():
            for row in queryset.order_by("pk"):
                deployment_cancel(
                    actor=actor_of(request), deployment_id=row.pk, reason="in the admin"
                )
        self.message_user(request, "Cancelled.", messages.SUCCESS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return (
                "token",
                "standard",
                "transaction_id",
                "confirmed_round",
                "deployed_by",
                "deployed_at",
            )
        hidden = {"lease", "lease_until"}
        return [field.name for field in Deployment._meta.fields if field.name not in hidden]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm]:
        if obj is None:
            kwargs["form"] = DeploymentImportForm
            kwargs["fields"] = ("token", "standard")
        return super().get_form(request, obj, change, **kwargs)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return [] if obj is None else [TransitionInline, TransactionInline]

    def save_model(self, request: HttpRequest, obj: Deployment, form: Any, change: bool) -> None:
        stated = form.cleaned_data
        deployment = deployment_import(
            actor=actor_of(request),
            token=stated["token"],
            transaction_id=stated["transaction_id"],
            confirmed_round=stated["confirmed_round"],
            deployed_by=stated["deployed_by"],
            standard=stated["standard"],
            deployed_at=stated["deployed_at"],
        )
        obj.pk = deployment.pk
