"""Routes of what is recorded for the rules: tags, facts and waivers."""

from django.urls import URLPattern, path

from jurisdictions.api.views.facts import IssuerFactsViewSet, TokenFactsViewSet
from jurisdictions.api.views.tags import IssuerJurisdictionViewSet, TokenJurisdictionViewSet
from jurisdictions.api.views.waivers import WaiverViewSet

_WAIVER = "compliance/waivers/<uuid:waiver_id>"

record_patterns: list[URLPattern] = [
    path(
        "compliance/jurisdiction-rules/assign",
        TokenJurisdictionViewSet.as_view({"post": "assign"}),
    ),
    path(
        "compliance/token-jurisdictions",
        TokenJurisdictionViewSet.as_view({"get": "list", "delete": "destroy"}),
    ),
    path(
        "issuers/<uuid:issuer_id>/jurisdictions",
        IssuerJurisdictionViewSet.as_view({"get": "list", "post": "assign", "delete": "destroy"}),
    ),
    path(
        "compliance/<asset:asset_id>/facts",
        TokenFactsViewSet.as_view({"get": "retrieve", "post": "record"}),
    ),
    path(
        "issuers/<uuid:issuer_id>/facts",
        IssuerFactsViewSet.as_view({"get": "retrieve", "post": "record"}),
    ),
    path(
        "compliance/<asset:asset_id>/facts/history",
        TokenFactsViewSet.as_view({"get": "history"}),
    ),
    path(
        "issuers/<uuid:issuer_id>/facts/history",
        IssuerFactsViewSet.as_view({"get": "history"}),
    ),
    path("compliance/waivers", WaiverViewSet.as_view({"get": "list", "post": "create"})),
    path(_WAIVER, WaiverViewSet.as_view({"get": "retrieve"})),
    path(f"{_WAIVER}/approve", WaiverViewSet.as_view({"post": "approve"})),
    path(f"{_WAIVER}/revoke", WaiverViewSet.as_view({"post": "revoke"})),
]
