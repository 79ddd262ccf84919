"""Jurisdiction tags of tokens and issuers (reference/incumbent-compliance.md, section 6)."""

from typing import Any, ClassVar
from uuid import UUID

from django.http.response import HttpResponseBase
from django.utils.http import quote_etag
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.actor import actor_of
from accounts.api.networks import named_network
from accounts.models import Issuer, Token
from accounts.selectors import token_get
from config.api.idempotency import idempotent
from config.api.schema import (
    ASSET_ID_PARAMETER,
    IF_MATCH_PARAMETER,
    IF_NONE_MATCH_PARAMETER,
    NETWORK_PARAMETER,
    noun_serializer,
    tagged,
)
from config.api.serializers import AssetIdField, ErrorEnvelopeSerializer
from config.api.views import WireViewSet, answer, answer_tagged, body_with_query
from jurisdictions.api.record_serializers import (
    IssuerTagRemoveSerializer,
    IssuerTagWriteSerializer,
    TagSerializer,
    TokenTagRemoveSerializer,
    TokenTagSerializer,
    TokenTagWriteSerializer,
)
from jurisdictions.services.subjects import issuer_get_visible
from jurisdictions.services.tags import (
    issuer_tag_assign,
    issuer_tag_remove,
    tag_assign,
    tag_remove,
)
from jurisdictions.tags import ShownTag, issuer_tags, tags_etag, token_tags

_FAILED = "jurisdictions.tag.write_failed"
_REQUIRED = "This field is required."
_OF_TOKEN = noun_serializer(
    "TokenJurisdictionsResponse", "jurisdictions", TokenTagSerializer(many=True)
)
_OF_ISSUER = noun_serializer(
    "IssuerJurisdictionsResponse", "jurisdictions", TagSerializer(many=True)
)
_CODE_PARAMETER = OpenApiParameter("jurisdictionCode", OpenApiTypes.STR, required=True)
_BY_QUERY = frozenset(
    {
        "assetId",
        "network",
        "jurisdictionCode",
        "isPrimary",
        "notes",
        "roles",
        "classification",
        "offeringKind",
        "exemption",
    }
)


def _flag(text: str) -> bool | str:
    return {"true": True, "false": False}.get(text.lower(), text)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


_READERS = {"isPrimary": _flag, "roles": _words}


class TokenJurisdictionViewSet(WireViewSet):
    """Which jurisdictions a token is tagged with; everyone who signed in reads them."""

    failure_events: ClassVar[dict[str, str]] = {"assign": _FAILED, "destroy": _FAILED}
    query_parameters: ClassVar[dict[str, frozenset[str]]] = {
        "assign": _BY_QUERY,
        "list": frozenset({"assetId", "network"}),
        "destroy": frozenset({"assetId", "network", "jurisdictionCode"}),
    }

    @extend_schema(
        parameters=[IF_MATCH_PARAMETER], request=TokenTagWriteSerializer, responses=_OF_TOKEN
    )
    @idempotent
    def assign(self, request: Request) -> Response:
        """Tag a token with a jurisdiction, or change its tag; answers all tags of the token.

        The fields may also be given as query parameters, as older clients do: `isPrimary` as true
        or false, `roles` separated by commas. A field may be given in one place only.
        """
        body = TokenTagWriteSerializer(data=body_with_query(request, _READERS))
        body.is_valid(raise_exception=True)
        given = dict(body.validated_data)
        row = tag_assign(
            actor=actor_of(request),
            asset_id=given.pop("asset_id"),
            network=given.pop("network", None),
            jurisdiction=given.pop("jurisdiction_code"),
            if_match=request.headers.get("If-Match"),
            **given,
        )
        return _answer_token(row.token)

    @extend_schema(
        parameters=[ASSET_ID_PARAMETER, NETWORK_PARAMETER, IF_NONE_MATCH_PARAMETER],
        responses={
            **tagged(_OF_TOKEN),
            404: OpenApiResponse(ErrorEnvelopeSerializer, "Nothing is recorded for this asset."),
            409: OpenApiResponse(ErrorEnvelopeSerializer, "It exists on more than one network."),
        },
    )
    def list(self, request: Request) -> HttpResponseBase:
        """List the tags of a token: explicit ones, its issuer's, and those read out of its record.

        `isEvaluated` says whether a tag brings rules: an explicit tag beats a derived one of the
        same code, and where the issuer lives brings none.
        """
        network = named_network(request)
        token = token_get(
            asset_id=_asset_id(request),
            network=network,
            within=Token.objects.select_related("issuer"),
        )
        tags = token_tags(token)
        return answer_tagged(request, tags_etag(tags), "jurisdictions", _token_rows(token, tags))

    @extend_schema(
        parameters=[ASSET_ID_PARAMETER, NETWORK_PARAMETER, _CODE_PARAMETER, IF_MATCH_PARAMETER],
        request=TokenTagRemoveSerializer,
        responses={200: _OF_TOKEN},
    )
    def destroy(self, request: Request) -> Response:
        """Take an explicit tag from a token; answers the tags that it still has."""
        body = TokenTagRemoveSerializer(data=body_with_query(request))
        body.is_valid(raise_exception=True)
        token = tag_remove(
            actor=actor_of(request),
            asset_id=body.validated_data["asset_id"],
            network=body.validated_data.get("network"),
            jurisdiction=body.validated_data["jurisdiction_code"],
            if_match=request.headers.get("If-Match"),
        )
        return _answer_token(token)


class IssuerJurisdictionViewSet(WireViewSet):
    """Which jurisdictions an issuer is tagged with; for its members and those who read all."""

    failure_events: ClassVar[dict[str, str]] = {"assign": _FAILED, "destroy": _FAILED}
    query_parameters: ClassVar[dict[str, frozenset[str]]] = {
        "assign": frozenset(),
        "list": frozenset(),
        "destroy": frozenset({"jurisdictionCode"}),
    }

    @extend_schema(parameters=[IF_NONE_MATCH_PARAMETER], responses=tagged(_OF_ISSUER))
    def list(self, request: Request, issuer_id: UUID) -> HttpResponseBase:
        """List the tags of an issuer; those that are evaluated bring rules for all its tokens."""
        tags = issuer_tags(issuer_get_visible(actor=actor_of(request), issuer_id=issuer_id))
        rows = TagSerializer(tags, many=True).data
        return answer_tagged(request, tags_etag(tags), "jurisdictions", rows)

    @extend_schema(
        parameters=[IF_MATCH_PARAMETER], request=IssuerTagWriteSerializer, responses=_OF_ISSUER
    )
    @idempotent
    def assign(self, request: Request, issuer_id: UUID) -> Response:
        """Tag an issuer with a jurisdiction, or change its tag; answers all tags of the issuer."""
        body = IssuerTagWriteSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = dict(body.validated_data)
        row = issuer_tag_assign(
            actor=actor_of(request),
            issuer_id=issuer_id,
            jurisdiction=given.pop("jurisdiction_code"),
            if_match=request.headers.get("If-Match"),
            **given,
        )
        return _answer_issuer(row.issuer)

    @extend_schema(
        parameters=[_CODE_PARAMETER, IF_MATCH_PARAMETER],
        request=IssuerTagRemoveSerializer,
        responses={200: _OF_ISSUER},
    )
    def destroy(self, request: Request, issuer_id: UUID) -> Response:
        """Take an explicit tag from an issuer; answers the tags that it still has."""
        body = IssuerTagRemoveSerializer(data=body_with_query(request))
        body.is_valid(raise_exception=True)
        issuer = issuer_tag_remove(
            actor=actor_of(request),
            issuer_id=issuer_id,
            jurisdiction=body.validated_data["jurisdiction_code"],
            if_match=request.headers.get("If-Match"),
        )
        return _answer_issuer(issuer)


def _asset_id(request: Request) -> int:
    text = request.query_params.get("assetId")
    if text is None:
        raise ValidationError({"assetId": [_REQUIRED]})
    field = AssetIdField()
    try:
        return int(field.run_validation(text))
    except ValidationError as problem:
        raise ValidationError({"assetId": problem.detail}) from None


def _token_rows(token: Token, tags: tuple[ShownTag, ...]) -> Any:
    return TokenTagSerializer(tags, many=True, context={"token": token}).data


def _answer_token(token: Token) -> Response:
    tags = token_tags(token)
    response = answer("jurisdictions", _token_rows(token, tags))
    response["ETag"] = quote_etag(tags_etag(tags))
    return response


def _answer_issuer(issuer: Issuer) -> Response:
    tags = issuer_tags(issuer)
    response = answer("jurisdictions", TagSerializer(tags, many=True).data)
    response["ETag"] = quote_etag(tags_etag(tags))
    return response
