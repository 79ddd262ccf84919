"""Routes of the rules and of what is recorded for them."""

from django.urls import URLPattern, path

from jurisdictions.api import converters
from jurisdictions.api.record_urls import record_patterns
from jurisdictions.api.views.dry_runs import DryRunViewSet
from jurisdictions.api.views.packs import RequirementViewSet, RulePackViewSet

converters.register()

_RULES = "compliance/jurisdiction-rules"
_DRY_RUN = "compliance/dry-runs/<uuid:run_id>"
_VERSION = f"{_RULES}/<slug:pack_id>/<version:version>"

urlpatterns: list[URLPattern] = [
    # Before the packs, whose ids their words could be.
    *record_patterns,
    path(_DRY_RUN, DryRunViewSet.as_view({"get": "retrieve", "delete": "cancel"}), name="dry-run"),
    path(f"{_DRY_RUN}/changes", DryRunViewSet.as_view({"get": "changes"})),
    path(f"{_DRY_RUN}/report", DryRunViewSet.as_view({"get": "report"}), name="dry-run-report"),
    path(_RULES, RulePackViewSet.as_view({"get": "list", "post": "create"})),
    path(f"{_RULES}/<slug:pack_id>", RulePackViewSet.as_view({"get": "retrieve"})),
    path(
        _VERSION,
        RulePackViewSet.as_view({"get": "retrieve_version", "patch": "update", "put": "replace"}),
    ),
    path(f"{_VERSION}/submit", RulePackViewSet.as_view({"post": "submit"})),
    path(f"{_VERSION}/return", RulePackViewSet.as_view({"post": "send_back"})),
    path(f"{_VERSION}/activate", RulePackViewSet.as_view({"post": "activate"})),
    path(f"{_VERSION}/dry-runs", DryRunViewSet.as_view({"get": "list", "post": "create"})),
    path(f"{_VERSION}/retire", RulePackViewSet.as_view({"post": "retire"})),
    path(f"{_VERSION}/requirements", RequirementViewSet.as_view({"post": "create"})),
    path(
        f"{_VERSION}/requirements/<rule:key>",
        RequirementViewSet.as_view(
            {"get": "retrieve", "patch": "update", "put": "replace", "delete": "destroy"}
        ),
    ),
]
