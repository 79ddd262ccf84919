"""Routes."""

from django.urls import URLPattern, path

from attestations.api.exports import AttestationExportViewSet
from attestations.api.views import AttestationViewSet

_ONE = "compliance/attestations/<uuid:attestation_id>"

urlpatterns: list[URLPattern] = [
    path(
        "compliance/attestations",
        AttestationViewSet.as_view({"get": "list", "post": "create"}),
    ),
    path(
        "compliance/attestations/export/csv",
        AttestationExportViewSet.as_view({"get": "export_csv"}),
    ),
    path(
        "compliance/attestations/export/json",
        AttestationExportViewSet.as_view({"get": "export_json"}),
    ),
    path(_ONE, AttestationViewSet.as_view({"get": "retrieve"})),
    path(f"{_ONE}/verify", AttestationViewSet.as_view({"post": "verify"})),
    path(f"{_ONE}/fail", AttestationViewSet.as_view({"post": "fail"})),
    path(f"{_ONE}/revoke", AttestationViewSet.as_view({"post": "revoke"})),
]
