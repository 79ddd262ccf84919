"""The badges of a token."""

from hashlib import sha256
from typing import ClassVar

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from accounts.api.networks import named_network
from compliance.api.status_serializers import IndicatorsSerializer
from compliance.services.indicators import indicators_get
from config.api.json import dumps
from config.api.schema import (
    IF_NONE_MATCH_PARAMETER,
    NETWORK_PARAMETER,
    noun_serializer,
    tagged,
)
from config.api.views import WireViewSet, answer_tagged


class IndicatorsViewSet(WireViewSet):
    """What a frontend shows beside a token."""

    query_parameters: ClassVar[dict[str, frozenset[str]]] = {"retrieve": frozenset({"network"})}

    @extend_schema(
        parameters=[NETWORK_PARAMETER, IF_NONE_MATCH_PARAMETER],
        responses=tagged(
            noun_serializer("ComplianceIndicatorsResponse", "indicators", IndicatorsSerializer())
        ),
    )
    def retrieve(self, request: Request, asset_id: int) -> HttpResponseBase:
        """Get the badges of a token; of an asset that is not recorded, all of them empty."""
        badges = indicators_get(asset_id=asset_id, network=named_network(request))
        etag = sha256(dumps(badges)).hexdigest()
        return answer_tagged(request, etag, "indicators", badges)
