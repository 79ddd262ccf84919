"""Waivers: officers request, approve and revoke them; those who see the token read them."""

from typing import Any, ClassVar
from uuid import UUID

from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.http import quote_etag
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.actor import actor_of
from config.api.idempotency import idempotent
from config.api.paging import Paginator
from config.api.schema import (
    IF_MATCH_PARAMETER,
    IF_NONE_MATCH_PARAMETER,
    filter_parameters,
    noun_serializer,
    page_serializer,
    tagged,
)
from config.api.views import WireViewSet, answer, answer_page, answer_tagged
from jurisdictions.api.record_filters import WaiverFilter
from jurisdictions.api.record_serializers import (
    WaiverApprovalSerializer,
    WaiverRequestSerializer,
    WaiverRevocationSerializer,
    WaiverSerializer,
)
from jurisdictions.models import Waiver
from jurisdictions.services.waivers import waiver_approve, waiver_request, waiver_revoke
from jurisdictions.waivers import waiver_get

_FAILED = "jurisdictions.waiver.write_failed"
_ONE = noun_serializer("WaiverResponse", "waiver", WaiverSerializer())


class WaiverViewSet(WireViewSet):
    """Decisions to live with a requirement that is not met, each made by two people."""

    paginator = Paginator(("requested_at", "id"))
    failure_events: ClassVar[dict[str, str]] = {
        "create": _FAILED,
        "approve": _FAILED,
        "revoke": _FAILED,
    }
    query_parameters: ClassVar[dict[str, frozenset[str]]] = {
        action: frozenset() for action in ("create", "retrieve", "approve", "revoke")
    }

    @extend_schema(request=WaiverRequestSerializer, responses={200: _ONE})
    @idempotent
    def create(self, request: Request) -> Response:
        """Request a waiver of one requirement for one token; officers only."""
        body = WaiverRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = {name: value for name, value in body.validated_data.items() if value is not None}
        waiver = waiver_request(
            actor=actor_of(request), network=given.pop("network", None), **given
        )
        response = _answer(waiver)
        response["Location"] = f"/api/v1/compliance/waivers/{waiver.pk}"
        return response

    @extend_schema(
        parameters=filter_parameters(WaiverFilter),
        responses=page_serializer("WaiverListResponse", "waivers", WaiverSerializer),
    )
    def list(self, request: Request) -> Response:
        """List waivers, the last requested first."""
        rows = Waiver.objects.visible_to(actor_of(request)).select_related("token")
        rows, _ = WaiverFilter.apply(rows, request)
        page = self.paginator.paginate(rows, request)
        return answer_page("waivers", page, _data(page.rows, many=True))

    @extend_schema(parameters=[IF_NONE_MATCH_PARAMETER], responses=tagged(_ONE))
    def retrieve(self, request: Request, waiver_id: UUID) -> HttpResponseBase:
        """Get one waiver with its status at this moment."""
        waiver = waiver_get(actor=actor_of(request), waiver_id=waiver_id)
        return answer_tagged(request, _etag(waiver), "waiver", _data(waiver))

    @extend_schema(
        parameters=[IF_MATCH_PARAMETER], request=WaiverApprovalSerializer, responses=_ONE
    )
    @idempotent
    def approve(self, request: Request, waiver_id: UUID) -> Response:
        """Bring a requested waiver into effect; officers only, never who requested it."""
        WaiverApprovalSerializer(data=request.data).is_valid(raise_exception=True)
        return _answer(
            waiver_approve(
                actor=actor_of(request),
                waiver_id=waiver_id,
                if_match=request.headers.get("If-Match"),
            )
        )

    @extend_schema(
        parameters=[IF_MATCH_PARAMETER], request=WaiverRevocationSerializer, responses=_ONE
    )
    @idempotent
    def revoke(self, request: Request, waiver_id: UUID) -> Response:
        """End a requested or approved waiver at once, for a reason; officers only."""
        body = WaiverRevocationSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return _answer(
            waiver_revoke(
                actor=actor_of(request),
                waiver_id=waiver_id,
                reason=body.validated_data["reason"],
                if_match=request.headers.get("If-Match"),
            )
        )


def _data(waivers: Any, *, many: bool = False) -> Any:
    return WaiverSerializer(waivers, many=many, context={"now": timezone.now()}).data


def _etag(waiver: Waiver) -> str:
    return waiver.etag_at(timezone.now())


def _answer(waiver: Waiver) -> Response:
    response = answer("waiver", _data(waiver))
    response["ETag"] = quote_etag(_etag(waiver))
    return response
