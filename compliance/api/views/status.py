"""The computed status: the hot read, answered from the stored payload."""

from typing import ClassVar

from django.http import HttpResponse
from django.utils.http import quote_etag
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from accounts.api.networks import named_network
from compliance.api.serializers import StatusSerializer
from compliance.services.status import status_get
from config.api.conditional import is_unchanged, not_modified
from config.api.schema import (
    IF_NONE_MATCH_PARAMETER,
    NETWORK_PARAMETER,
    noun_serializer,
    tagged,
)
from config.api.views import WireViewSet


class TokenStatusViewSet(WireViewSet):
    """Is this token compliant, and why?"""

    query_parameters: ClassVar[dict[str, frozenset[str]]] = {"retrieve": frozenset({"network"})}

    @extend_schema(
        parameters=[NETWORK_PARAMETER, IF_NONE_MATCH_PARAMETER],
        responses=tagged(noun_serializer("TokenStatusResponse", "status", StatusSerializer())),
    )
    def retrieve(self, request: Request, asset_id: int) -> HttpResponse:
        """Get the status of a token as of its last committed change, with what decided it."""
        row = status_get(asset_id=asset_id, network=named_network(request))
        if is_unchanged(request, row.digest):
            return not_modified(row.digest)
        # The payload is JSON already: it is passed through, neither parsed nor rendered again.
        return HttpResponse(
            b'{"success":true,"status":%b}' % row.payload.encode(),
            content_type="application/json",
            headers={"ETag": quote_etag(row.digest)},
        )
