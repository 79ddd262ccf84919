"""Routes."""

from django.urls import URLPattern, path

from attestations.api.views import AttestationViewSet

_ONE = "compliance/attestations/<uuid:attestation_id>"

urlpatterns: list[URLPattern] = [
    path(
        "compliance/attestations",
        AttestationViewSet.as_view({"get": "list", "post": "create"}),
    ),
    path(_ONE, AttestationViewSet.as_view({"get": "retrieve"})),
    path(f"{_ONE}/verify", AttestationViewSet.as_view({"post": "verify"})),
    path(f"{_ONE}/fail", AttestationViewSet.as_view({"post": "fail"})),
    path(f"{_ONE}/revoke", AttestationViewSet.as_view({"post": "revoke"})),
]
