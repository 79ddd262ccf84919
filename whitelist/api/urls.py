"""Routes of whitelists: their entries and how they bind transfers."""

from django.urls import URLPattern, path

from whitelist.api.views.entries import WhitelistPolicyViewSet, WhitelistViewSet

urlpatterns: list[URLPattern] = [
    path("whitelist", WhitelistViewSet.as_view({"post": "upsert", "delete": "destroy"})),
    path("whitelist/bulk", WhitelistViewSet.as_view({"post": "bulk"})),
    path("whitelist/<asset:asset_id>", WhitelistViewSet.as_view({"get": "list"})),
    path(
        "whitelist/<asset:asset_id>/policy",
        WhitelistPolicyViewSet.as_view({"get": "retrieve", "put": "update"}),
    ),
]
