"""The status of an issuer."""

from typing import ClassVar
from uuid import UUID

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from accounts.api.actor import actor_of
from compliance.api.status_serializers import IssuerStatusSerializer
from compliance.services.issuer_status import issuer_status
from config.api.schema import IF_NONE_MATCH_PARAMETER, noun_serializer, tagged
from config.api.views import WireViewSet, answer_tagged


class IssuerStatusViewSet(WireViewSet):
    """Is this issuer compliant? As its worst token is."""

    query_parameters: ClassVar[dict[str, frozenset[str]]] = {"retrieve": frozenset()}

    @extend_schema(
        parameters=[IF_NONE_MATCH_PARAMETER],
        responses=tagged(
            noun_serializer("IssuerStatusResponse", "status", IssuerStatusSerializer())
        ),
    )
    def retrieve(self, request: Request, issuer_id: UUID) -> HttpResponseBase:
        """Get the status of an issuer: that of its worst token, with each token listed."""
        status = issuer_status(actor=actor_of(request), issuer_id=issuer_id)
        return answer_tagged(request, status.etag, "status", status.document())
