"""The endpoints of deployments (seed 4)."""

from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.actor import actor_of
from config.api.conditional import is_unchanged, not_modified
from config.api.idempotency import idempotent
from config.api.paging import Paginator
from config.api.schema import (
    IF_NONE_MATCH_PARAMETER,
    filter_parameters,
    noun_serializer,
    page_serializer,
    tagged,
)
from config.api.serializers import NothingSerializer
from config.api.views import WireViewSet, answer, answer_page, answer_tagged
from deployments.api.filters import (
    DeploymentFigureFilter,
    DeploymentFilter,
    wanted_range,
)
from deployments.api.serializers import (
    CancelSerializer,
    DeploymentRequestSerializer,
    DeploymentSerializer,
    DeploymentSummarySerializer,
    MetricsSerializer,
)
from deployments.api.streams import CONTENT_TYPE, changes
from deployments.documents import deployment_document, history_entry, sees_technical
from deployments.metrics import Period, deployment_metrics
from deployments.models import Deployment
from deployments.selectors import deployment_etag, deployment_history
from deployments.services import (
    deployment_cancel,
    deployment_request,
    deployment_retry,
)
from deployments.services.requests import deployment_get
from deployments.vocabulary import Standard

DEPLOYMENTS = "/api/v1/token/deployments"
_RETRY_SECONDS = 2
_RESPONSE = noun_serializer("DeploymentResponse", "deployment", DeploymentSerializer())
_NONE: frozenset[str] = frozenset()
_TEXT = {"type": "string"}
_HISTORY = OpenApiResponse(
    {"type": "array", "items": {"$ref": "#/components/schemas/HistoryEntry"}},
    "Oldest change first.",
)
_EVENTS = OpenApiResponse(
    {"type": "object", "properties": {"id": _TEXT, "event": _TEXT, "data": _TEXT}},
    "Server-sent events: `status` with an entry of the history as JSON, at last `end`.",
)


class DeploymentViewSet(WireViewSet):
    """Deployments of one's own issuers, or of all for those who read all."""

    paginator = Paginator(("created_at", "id"), default=50, cap=100)
    failure_events: ClassVar[dict[str, str]] = {
        "create": "deployments.deployment.request_failed",
        "cancel": "deployments.deployment.change_failed",
        "retry": "deployments.deployment.change_failed",
    }
    query_parameters: ClassVar[dict[str, frozenset[str]]] = {
        "create": _NONE,
        "retrieve": _NONE,
        "history": _NONE,
        "events": _NONE,
        "cancel": _NONE,
        "retry": _NONE,
    }

    @extend_schema(request=DeploymentRequestSerializer, responses={202: _RESPONSE})
    @idempotent
    def create(self, request: Request) -> Response:
        """Issue a token: the answer is 202 with the queued deployment, the pipeline does the rest.

        Send an `Idempotency-Key`: the same request again then is answered the same, and issues
        nothing twice. Follow it by `GET {Location}`, which has an `ETag`, or by its `events`.
        """
        serializer = DeploymentRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        wanted = serializer.validated_data
        deployment = deployment_request(
            actor=actor_of(request),
            network=wanted["network"],
            standard=Standard(wanted["standard"]),
            parameters=wanted["parameters"],
            compliance_metadata=_stated(request.data),
            issuer_id=wanted.get("issuer_id"),
        )
        response = _whole(request, deployment, status=202)
        response["Location"] = f"{DEPLOYMENTS}/{deployment.pk}"
        response["Retry-After"] = str(_RETRY_SECONDS)
        return response

    @extend_schema(
        parameters=filter_parameters(DeploymentFilter),
        responses=page_serializer(
            "DeploymentListResponse", "deployments", DeploymentSummarySerializer
        ),
    )
    def list(self, request: Request) -> Response:
        """List deployments, newest first."""
        actor = actor_of(request)
        rows = Deployment.objects.visible_to(actor).select_related("token")
        rows, _ = DeploymentFilter.apply(rows, request)
        page = self.paginator.paginate(rows, request)
        found = [
            deployment_document(row, technical=sees_technical(actor, row)) for row in page.rows
        ]
        return answer_page("deployments", page, found)

    @extend_schema(parameters=[IF_NONE_MATCH_PARAMETER], responses=tagged(_RESPONSE))
    def retrieve(self, request: Request, deployment_id: UUID) -> HttpResponseBase:
        """Get a deployment with its history; `If-None-Match` costs a 304 while nothing changes."""
        actor = actor_of(request)
        row = deployment_get(actor=actor, deployment_id=deployment_id)
        etag = deployment_etag(row)
        if is_unchanged(request, etag):
            return not_modified(etag)
        technical = sees_technical(actor, row)
        document = deployment_document(row, technical=technical, history=deployment_history(row))
        return answer_tagged(request, etag, "deployment", document)

    @extend_schema(responses={(200, "application/json"): _HISTORY})
    def history(self, request: Request, deployment_id: UUID) -> Response:
        """Get the history of a deployment, oldest change first: an array without an envelope."""
        actor = actor_of(request)
        row = deployment_get(actor=actor, deployment_id=deployment_id)
        technical = sees_technical(actor, row)
        return Response(
            [history_entry(one, technical=technical) for one in deployment_history(row)]
        )

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "Last-Event-ID",
                OpenApiTypes.STR,
                OpenApiParameter.HEADER,
                description="The `id` of the last entry that was read: go on after it.",
            )
        ],
        responses={(200, CONTENT_TYPE): _EVENTS},
    )
    def events(self, request: Request, deployment_id: UUID) -> StreamingHttpResponse:
        """Follow a deployment: its history, then each change as it comes, for a minute at most."""
        actor = actor_of(request)
        row = deployment_get(actor=actor, deployment_id=deployment_id)
        after = _last_event(request)
        response = StreamingHttpResponse(
            changes(row.pk, after=after, technical=sees_technical(actor, row)),
            content_type=CONTENT_TYPE,
        )
        response["Cache-Control"] = "no-cache"
        response["X-Accel-Buffering"] = "no"
        return response

    @extend_schema(request=CancelSerializer, responses=_RESPONSE)
    @idempotent
    def cancel(self, request: Request, deployment_id: UUID) -> Response:
        """Cancel a deployment that is Queued and of which nothing was signed."""
        serializer = CancelSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        deployment = deployment_cancel(
            actor=actor_of(request),
            deployment_id=deployment_id,
            reason=serializer.validated_data["reason"],
        )
        return _whole(request, deployment, message="Deployment cancelled")

    @extend_schema(request=NothingSerializer, responses=_RESPONSE)
    @idempotent
    def retry(self, request: Request, deployment_id: UUID) -> Response:
        """Queue a failed deployment again; what was signed before is looked for first."""
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        deployment = deployment_retry(actor=actor_of(request), deployment_id=deployment_id)
        return _whole(request, deployment, message="Deployment queued again")

    @extend_schema(
        parameters=[
            *filter_parameters(DeploymentFigureFilter),
            OpenApiParameter("fromDate", OpenApiTypes.STR, description="24 hours ago if absent."),
            OpenApiParameter("toDate", OpenApiTypes.STR, description="Now if absent."),
        ],
        responses=noun_serializer("DeploymentMetricsResponse", "metrics", MetricsSerializer()),
    )
    def metrics(self, request: Request) -> Response:
        """Get the figures of the deployments that were asked for in a period."""
        rows = Deployment.objects.visible_to(actor_of(request))
        rows, _ = DeploymentFigureFilter.apply(rows, request)
        return answer("metrics", deployment_metrics(rows, _period(request)))


def _whole(request: Request, row: Deployment, *, status: int = 200, **more: Any) -> Response:
    technical = sees_technical(actor_of(request), row)
    document = deployment_document(row, technical=technical, history=deployment_history(row))
    return answer("deployment", document, status=status, **more)


def _stated(body: Any) -> dict[str, Any] | None:
    """Return the compliance metadata as it was sent, once the serializer has found it valid."""
    stated = body.get("complianceMetadata")
    return None if stated is None else {name: value for name, value in stated.items() if value}


def _last_event(request: Request) -> int:
    given = request.headers.get("Last-Event-ID", "")
    if not given:
        return 0
    if not (given.isascii() and given.isdigit() and len(given) <= 18):
        message = "Must be the id of an entry of this history."
        raise ValidationError({"Last-Event-ID": [message]})
    return int(given)


def _period(request: Request) -> Period:
    now = timezone.now()
    start, end = wanted_range(request.query_params)
    end = end or now
    return Period(start or min(now, end) - timedelta(hours=24), end)
