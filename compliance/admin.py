"""Metadata, statuses and reports in the admin; every change goes through the services."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.admin_roles import ModelForm, RoleAdminMixin, ServiceModelAdmin, actor_of
from accounts.networks import canonical_network
from compliance import package_admin, report_admin  # noqa: F401 - they register their pages
from compliance.models import ComplianceMetadata, TokenStatus
from compliance.services.metadata import DEFAULTS, metadata_delete, metadata_upsert
from compliance.services.recalculation import recalculation_progress
from compliance.services.reports import report_generate
from compliance.services.status import status_payload, status_recalculate
from config.api.errors import DomainError
from config.api.serializers import BIGINT_MAX


class MetadataForm(ModelForm):
    """Metadata with the token's own words for its identity, and the version that was read."""

    asset_id = forms.IntegerField(min_value=1, max_value=BIGINT_MAX)
    network = forms.CharField(max_length=50, required=False, help_text="Such as voimain-v1.0.")
    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = ComplianceMetadata
        fields = tuple(DEFAULTS)
        widgets: ClassVar[dict[str, forms.Widget]] = {
            "transfer_restrictions": forms.Textarea(attrs={"rows": 2}),
            "notes": forms.Textarea(attrs={"rows": 3}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.token_id:
            del self.fields["asset_id"], self.fields["network"]
            self.fields["seen_version"].initial = self.instance.version

    def clean_network(self) -> str | None:
        text: str = self.cleaned_data["network"]
        try:
            return canonical_network(text) if text else None
        except ValueError as problem:
            raise forms.ValidationError(str(problem)) from None


@admin.register(ComplianceMetadata)
class ComplianceMetadataAdmin(ServiceModelAdmin):
    """What is claimed about tokens: staff see it, officers add and change it."""

    form = MetadataForm
    list_display = (
        "token",
        "compliance_status",
        "verification_status",
        "jurisdiction",
        "asset_type",
        "created_by",
        "updated_at",
    )
    list_filter = ("compliance_status", "verification_status", "token__network")
    list_select_related = ("token",)
    search_fields = ("token__asset_id__exact", "kyc_provider", "created_by__exact")
    ordering = ("-created_at", "-id")
    readonly_fields = ("token", "created_by", "created_at", "updated_by", "updated_at", "version")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        content = tuple(DEFAULTS)
        if obj is None:
            return ("asset_id", "network", *content)
        kept = ("created_by", "created_at", "updated_by", "updated_at", "version")
        extra = ("seen_version",) if self.has_change_permission(request, obj) else ()
        return ("token", *content, *kept, *extra)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)  # one service call each: delete from the record's page
        return actions

    def save_model(
        self, request: HttpRequest, obj: ComplianceMetadata, form: Any, change: bool
    ) -> None:
        data = form.cleaned_data
        names = [name for name in form.changed_data if name in DEFAULTS] if change else DEFAULTS
        saved = metadata_upsert(
            actor=actor_of(request),
            asset_id=obj.token.asset_id if change else data["asset_id"],
            network=obj.token.network if change else data["network"],
            changes={name: data[name] for name in names},
            if_match=f'"{obj.pk}-{data["seen_version"]}"' if change else None,
        )
        obj.pk, obj.token = saved.pk, saved.token

    def delete_model(self, request: HttpRequest, obj: ComplianceMetadata) -> None:
        metadata_delete(
            actor=actor_of(request), asset_id=obj.token.asset_id, network=obj.token.network
        )


@admin.register(TokenStatus)
class TokenStatusAdmin(RoleAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    """Computed statuses with their rationale; nobody edits a result."""

    list_display = ("token", "status", "fresh", "evaluated_at", "next_evaluation_at")
    list_filter = ("status", "token__network")
    list_select_related = ("token",)
    search_fields = ("token__asset_id__exact",)
    ordering = ("-evaluated_at", "pk")
    actions = ["recalculate", "generate_report"]
    fields = ("token", "status", "fresh", "evaluated_at", "next_evaluation_at", "why", "questions")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        progress = recalculation_progress()
        text = f"{progress.due} of {progress.total} statuses wait to be recalculated"
        return super().changelist_view(request, {**(extra_context or {}), "subtitle": text})

    @admin.display(boolean=True)
    def fresh(self, row: TokenStatus) -> bool:
        return row.revision == row.evaluated_revision

    @admin.display(description="Why")
    def why(self, row: TokenStatus) -> SafeString | str:
        if not row.payload:
            return "Not evaluated yet."
        items = status_payload(row)["rationale"]
        return format_html(
            "<ul>{}</ul>",
            format_html_join(
                "",
                "<li><b>{}</b> {} ({}): {}</li>",
                (
                    (item["verdict"], item["key"], item["severity"], item["reason"])
                    for item in items
                ),
            ),
        )

    @admin.display(description="Facts that would unlock most checks")
    def questions(self, row: TokenStatus) -> SafeString | str:
        facts = status_payload(row)["missingFacts"] if row.payload else []
        if not facts:
            return "None."
        return format_html(
            "<ol>{}</ol>",
            format_html_join(
                "",
                "<li>{}{}: {} checks</li>",
                (
                    (
                        item["fact"],
                        f" ({item['tag']})" if item["tag"] else "",
                        item["unlocksChecks"],
                    )
                    for item in facts[:10]
                ),
            ),
        )

    @admin.action(description="Recalculate the status now", permissions=["view"])
    def recalculate(self, request: HttpRequest, queryset: QuerySet[TokenStatus]) -> None:
        for row in queryset[:100]:
            status_recalculate(token_id=row.pk)
        self.message_user(request, f"Recalculated {min(queryset.count(), 100)} statuses.")

    @admin.action(description="Generate a report", permissions=["view"])
    def generate_report(self, request: HttpRequest, queryset: QuerySet[TokenStatus]) -> None:
        for row in queryset.select_related("token")[:100]:
            try:
                report = report_generate(
                    actor=actor_of(request),
                    asset_id=row.token.asset_id,
                    network=row.token.network,
                )
                self.message_user(request, f"{row.token}: {report.status}, report {report.pk}")
            except DomainError as refusal:
                self.message_user(request, f"{row.token}: {refusal.message}", messages.ERROR)
