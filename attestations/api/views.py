"""The endpoints of attestations (seed 1, sections 9 to 11)."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.actor import actor_of
from attestations import services
from attestations.api.credentials import (
    CREDENTIAL_MEDIA_TYPE,
    FORMATS,
    credential_answer,
    wants_credential,
)
from attestations.api.filters import AttestationFilter
from attestations.api.serializers import (
    AttestationCreateSerializer,
    AttestationSerializer,
    DecisionSerializer,
    VerificationSerializer,
)
from attestations.models import Attestation
from attestations.selectors import attestation_get, attestations_visible
from audit.services import record_event
from config.api.idempotency import idempotent
from config.api.paging import Paginator
from config.api.schema import filter_parameters, noun_serializer, page_serializer
from config.api.serializers import WireSerializer
from config.api.views import WireViewSet, answer, answer_page

_ONE = noun_serializer("AttestationResponse", "attestation", AttestationSerializer())
_FORMAT = OpenApiParameter("format", OpenApiTypes.STR, enum=FORMATS, default="json")
_DECISION_FAILED = "attestations.attestation.decision_failed"


class AttestationViewSet(WireViewSet):
    """Attestations: everyone who signed in creates and reads them, officers decide about them."""

    paginator = Paginator(("issued_at", "id"))
    failure_events: ClassVar[dict[str, str]] = {
        "create": "attestations.attestation.create_failed",
        "list": "attestations.attestation.list_failed",
        "retrieve": "attestations.attestation.read_failed",
        "verify": _DECISION_FAILED,
        "fail": _DECISION_FAILED,
        "revoke": _DECISION_FAILED,
    }
    query_parameters: ClassVar[dict[str, frozenset[str]]] = {
        **{action: frozenset() for action in ("create", "verify", "fail", "revoke")},
        "retrieve": frozenset({"format"}),
    }

    @extend_schema(request=AttestationCreateSerializer, responses={200: _ONE})
    @idempotent
    def create(self, request: Request) -> Response:
        """Record an attestation about a wallet, a token or an issuer; it is Pending."""
        given = _body(AttestationCreateSerializer, request)
        attestation = services.attestation_create(actor=actor_of(request), **given)
        return _answer(attestation)

    @extend_schema(
        parameters=filter_parameters(AttestationFilter),
        responses=page_serializer("AttestationListResponse", "attestations", AttestationSerializer),
    )
    def list(self, request: Request) -> Response:
        """List attestations, newest first."""
        visible = attestations_visible(actor=actor_of(request), now=timezone.now())
        rows, words = AttestationFilter.apply(visible, request)
        page = self.paginator.paginate(rows, request)
        record_event(
            "attestations.attestation.listed",
            actor=actor_of(request),
            item_count=len(page.rows),
            filter_criteria=words,
        )
        return answer_page("attestations", page, AttestationSerializer(page.rows, many=True).data)

    @extend_schema(
        parameters=[_FORMAT],
        responses={
            (200, "application/json"): _ONE,
            (200, CREDENTIAL_MEDIA_TYPE): OpenApiTypes.OBJECT,
        },
    )
    def retrieve(self, request: Request, attestation_id: UUID) -> HttpResponseBase:
        """Return one attestation with its status at this moment, or as a Verifiable Credential.

        With `format=vc` a Verified attestation is answered as a W3C Verifiable Credential 2.0 with
        a Data Integrity proof (`eddsa-jcs-2022`) and its place in a Bitstring status list; any
        other has none (409).
        """
        if wants_credential(request):
            return credential_answer(request, attestation_id)
        attestation = attestation_get(
            actor=actor_of(request), attestation_id=attestation_id, now=timezone.now()
        )
        record_event(
            "attestations.attestation.read", actor=actor_of(request), **attestation.event_fields
        )
        return _answer(attestation)

    @extend_schema(request=VerificationSerializer, responses={200: _ONE})
    @idempotent
    def verify(self, request: Request, attestation_id: UUID) -> Response:
        """Confirm a Pending attestation; officers only, never its creator."""
        return _decide(services.attestation_verify, VerificationSerializer, request, attestation_id)

    @extend_schema(request=DecisionSerializer, responses={200: _ONE})
    @idempotent
    def fail(self, request: Request, attestation_id: UUID) -> Response:
        """Reject a Pending attestation for a reason; officers only, never its creator."""
        return _decide(services.attestation_fail, DecisionSerializer, request, attestation_id)

    @extend_schema(request=DecisionSerializer, responses={200: _ONE})
    @idempotent
    def revoke(self, request: Request, attestation_id: UUID) -> Response:
        """Withdraw an attestation for a reason; officers only, never its creator."""
        return _decide(services.attestation_revoke, DecisionSerializer, request, attestation_id)


def _body(serializer_class: type[WireSerializer], request: Request) -> dict[str, Any]:
    serializer = serializer_class(data=request.data)
    serializer.is_valid(raise_exception=True)
    return {name: value for name, value in serializer.validated_data.items() if value is not None}


def _decide(
    service: Callable[..., Attestation],
    serializer_class: type[WireSerializer],
    request: Request,
    attestation_id: UUID,
) -> Response:
    given = _body(serializer_class, request)
    return _answer(service(actor=actor_of(request), attestation_id=attestation_id, **given))


def _answer(attestation: Attestation) -> Response:
    return answer("attestation", AttestationSerializer(attestation).data)
