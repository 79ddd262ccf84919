"""Facts of tokens and issuers: what rules ask for and no other record holds."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.http.response import HttpResponseBase
from django.utils.http import quote_etag
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.actor import actor_of
from accounts.api.networks import named_network
from accounts.models import Issuer, Token
from accounts.selectors import token_get_visible
from config.api.idempotency import idempotent
from config.api.paging import Paginator
from config.api.schema import (
    IF_MATCH_PARAMETER,
    IF_NONE_MATCH_PARAMETER,
    NETWORK_PARAMETER,
    filter_parameters,
    noun_serializer,
    page_serializer,
    tagged,
)
from config.api.views import WireViewSet, answer, answer_page, answer_tagged
from jurisdictions.api.record_filters import IssuerFactHistoryFilter, TokenFactHistoryFilter
from jurisdictions.api.record_serializers import (
    FactChangeSerializer,
    IssuerFactsSerializer,
    IssuerFactsWriteSerializer,
    TokenFactsSerializer,
    TokenFactsWriteSerializer,
)
from jurisdictions.facts import current_facts, fact_history, facts_etag
from jurisdictions.models import FactValue
from jurisdictions.querysets import FactValueQuerySet
from jurisdictions.services.facts import facts_record, issuer_facts_record
from jurisdictions.services.subjects import issuer_get_visible

_FAILED = "jurisdictions.facts.write_failed"
_HISTORY = Paginator(("recorded_at", "id"))
_OF_TOKEN = noun_serializer("TokenFactsResponse", "facts", TokenFactsSerializer())
_OF_ISSUER = noun_serializer("IssuerFactsResponse", "facts", IssuerFactsSerializer())


class TokenFactsViewSet(WireViewSet):
    """Facts of a token of one's own issuers, or of any for those who read all."""

    failure_events: ClassVar[dict[str, str]] = {"record": _FAILED}
    query_parameters: ClassVar[dict[str, frozenset[str]]] = {
        "retrieve": frozenset({"network"}),
        "record": frozenset({"network"}),
        "history": TokenFactHistoryFilter.known_parameters(),
    }

    @extend_schema(
        parameters=[NETWORK_PARAMETER, IF_NONE_MATCH_PARAMETER], responses=tagged(_OF_TOKEN)
    )
    def retrieve(self, request: Request, asset_id: int) -> HttpResponseBase:
        """Get the facts that are recorded of a token, by catalogue path."""
        token = token_get_visible(
            actor=actor_of(request), asset_id=asset_id, network=named_network(request)
        )
        rows = current_facts(token=token)
        return answer_tagged(request, facts_etag(rows), "facts", _token_data(token, rows))

    @extend_schema(
        parameters=[NETWORK_PARAMETER, IF_MATCH_PARAMETER],
        request=TokenFactsWriteSerializer,
        responses=_OF_TOKEN,
    )
    @idempotent
    def record(self, request: Request, asset_id: int) -> Response:
        """Record facts of a token; those not named stay, a null withdraws one.

        Facts that another record holds (`metadata.*`, `tag.*`, the issuer's) are refused with a
        hint where to write them.
        """
        body = TokenFactsWriteSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        token = facts_record(
            actor=actor_of(request),
            asset_id=asset_id,
            network=named_network(request) or body.validated_data.get("network"),
            facts=body.validated_data["facts"],
            if_match=request.headers.get("If-Match"),
        )
        rows = current_facts(token=token)
        return _answer(rows, _token_data(token, rows))

    @extend_schema(
        parameters=[NETWORK_PARAMETER, *filter_parameters(TokenFactHistoryFilter)],
        responses=page_serializer("TokenFactHistoryResponse", "facts", FactChangeSerializer),
    )
    def history(self, request: Request, asset_id: int) -> Response:
        """List every value that was ever recorded of a token, the last recorded first."""
        token = token_get_visible(
            actor=actor_of(request), asset_id=asset_id, network=named_network(request)
        )
        rows, _ = TokenFactHistoryFilter.apply(fact_history(token=token), request)
        return _answer_history(request, rows)


class IssuerFactsViewSet(WireViewSet):
    """Facts of one's own issuers, or of any for those who read all."""

    failure_events: ClassVar[dict[str, str]] = {"record": _FAILED}
    query_parameters: ClassVar[dict[str, frozenset[str]]] = {
        "retrieve": frozenset(),
        "record": frozenset(),
        "history": IssuerFactHistoryFilter.known_parameters(),
    }

    @extend_schema(parameters=[IF_NONE_MATCH_PARAMETER], responses=tagged(_OF_ISSUER))
    def retrieve(self, request: Request, issuer_id: UUID) -> HttpResponseBase:
        """Get the facts that are recorded of an issuer, by catalogue path."""
        issuer = issuer_get_visible(actor=actor_of(request), issuer_id=issuer_id)
        rows = current_facts(issuer=issuer)
        return answer_tagged(request, facts_etag(rows), "facts", _issuer_data(issuer, rows))

    @extend_schema(
        parameters=[IF_MATCH_PARAMETER],
        request=IssuerFactsWriteSerializer,
        responses=_OF_ISSUER,
    )
    @idempotent
    def record(self, request: Request, issuer_id: UUID) -> Response:
        """Record facts of an issuer; those not named stay, a null withdraws one."""
        body = IssuerFactsWriteSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        issuer = issuer_facts_record(
            actor=actor_of(request),
            issuer_id=issuer_id,
            facts=body.validated_data["facts"],
            if_match=request.headers.get("If-Match"),
        )
        rows = current_facts(issuer=issuer)
        return _answer(rows, _issuer_data(issuer, rows))

    @extend_schema(
        parameters=filter_parameters(IssuerFactHistoryFilter),
        responses=page_serializer("IssuerFactHistoryResponse", "facts", FactChangeSerializer),
    )
    def history(self, request: Request, issuer_id: UUID) -> Response:
        """List every value that was ever recorded of an issuer, the last recorded first."""
        issuer = issuer_get_visible(actor=actor_of(request), issuer_id=issuer_id)
        rows, _ = IssuerFactHistoryFilter.apply(fact_history(issuer=issuer), request)
        return _answer_history(request, rows)


def _answer_history(request: Request, rows: FactValueQuerySet) -> Response:
    page = _HISTORY.paginate(rows, request)
    return answer_page("facts", page, FactChangeSerializer(page.rows, many=True).data)


def _content(rows: list[FactValue]) -> dict[str, Any]:
    return {"values": {row.path: row.value for row in rows}, "records": rows}


def _token_data(token: Token, rows: list[FactValue]) -> Any:
    content = {"asset_id": token.asset_id, "network": token.network or None, **_content(rows)}
    return TokenFactsSerializer(content).data


def _issuer_data(issuer: Issuer, rows: list[FactValue]) -> Any:
    return IssuerFactsSerializer({"issuer_id": issuer.pk, **_content(rows)}).data


def _answer(rows: list[FactValue], data: Mapping[str, Any]) -> Response:
    response = answer("facts", data)
    response["ETag"] = quote_etag(facts_etag(rows))
    return response
