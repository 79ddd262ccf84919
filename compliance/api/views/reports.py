"""Stored reports (seed 0)."""

from typing import ClassVar
from uuid import UUID

import orjson
from django.utils.http import quote_etag
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.actor import actor_of
from audit.services import record_event
from compliance.api.filters import ReportFilter
from compliance.api.report_serializers import (
    ReportRequestSerializer,
    ReportSerializer,
    ReportSummarySerializer,
)
from compliance.api.views.report_jobs import JOB_RESPONSE, REPORTS, RETRY_SECONDS, job_answer
from compliance.choices import ReportType
from compliance.models import ComplianceReport, ReportJob
from compliance.services.report_jobs import report_ask
from compliance.services.reports import report_read
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
from config.api.views import WireViewSet, answer, answer_page

_RESPONSE = noun_serializer("ComplianceReportResponse", "report", ReportSerializer())


_ASYNC = "respond-async"
_PREFER = OpenApiParameter(
    "Prefer",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description=f"`{_ASYNC}` (RFC 7240): make the report in the background.",
)


def _prefers_async(request: Request) -> bool:
    wishes = request.headers.get("Prefer", "").lower().split(",")
    return _ASYNC in {wish.partition(";")[0].strip() for wish in wishes}


def _accepted(request: Request, job: ReportJob) -> Response:
    response = job_answer(job, status=202)
    response["Location"] = f"{REPORTS}/jobs/{job.pk}"
    response["Retry-After"] = str(RETRY_SECONDS)
    if _prefers_async(request):
        response["Preference-Applied"] = _ASYNC
    return response


class ReportViewSet(WireViewSet):
    """Reports on one's own issuers and their tokens, or on all for those who read all."""

    paginator = Paginator(("created_at", "id"), default=50, cap=100)
    export_actions: ClassVar[frozenset[str]] = frozenset({"create"})
    failure_events: ClassVar[dict[str, str]] = {
        "create": "compliance.report.generation_failed",
        "retrieve": "compliance.report.read_failed",
    }
    query_parameters: ClassVar[dict[str, frozenset[str]]] = {
        "create": frozenset(),
        "retrieve": frozenset(),
    }

    @extend_schema(
        request=ReportRequestSerializer,
        parameters=[_PREFER],
        responses={200: _RESPONSE, 202: JOB_RESPONSE},
    )
    @idempotent
    def create(self, request: Request) -> Response:
        """Generate, seal and store a report on a token, an issuer or an issuance.

        Without `asOf`, a report that was stored before is answered again (`reused`) while nothing
        has changed. The schema of reports is at `/api/v1/compliance/reports/schema/1.0`, that of
        reports on issuers and issuances at `.../1.1`. A long one is made in the background, and
        any that is asked for with `background` or `Prefer: respond-async`: the answer is 202 with
        the job, whose address is the `Location`.
        """
        serializer = ReportRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        wanted = serializer.validated_data
        made = report_ask(
            actor=actor_of(request),
            asset_id=wanted.get("asset_id"),
            network=wanted.get("network"),
            issuer_id=wanted.get("issuer_id"),
            deployment_id=wanted.get("deployment_id"),
            report_type=ReportType(wanted.get("report_type") or ReportType.FULL),
            as_of=wanted.get("as_of"),
            period_from=wanted.get("from_date"),
            period_to=wanted.get("to_date"),
            background=bool(wanted.get("background")) or _prefers_async(request),
        )
        if isinstance(made, ReportJob):
            return _accepted(request, made)
        response = self._answer(made)
        response["Location"] = f"{REPORTS}/{made.pk}"
        return response

    @extend_schema(parameters=[IF_NONE_MATCH_PARAMETER], responses=tagged(_RESPONSE))
    def retrieve(self, request: Request, report_id: UUID) -> Response:
        """Get a stored report exactly as it was generated."""
        report = report_read(actor=actor_of(request), report_id=report_id)
        if is_unchanged(request, report.digest):
            return not_modified(report.digest)
        return self._answer(report)

    @extend_schema(
        parameters=filter_parameters(ReportFilter),
        responses=page_serializer(
            "ComplianceReportListResponse", "reports", ReportSummarySerializer
        ),
    )
    def list(self, request: Request) -> Response:
        """List stored reports, newest first."""
        rows = ComplianceReport.objects.visible_to(actor_of(request)).select_related(
            "token", "issuer", "deployment"
        )
        rows, words = ReportFilter.apply(rows.defer("content"), request)
        page = self.paginator.paginate(rows, request)
        record_event(
            "compliance.report.listed",
            actor=actor_of(request),
            item_count=len(page.rows),
            filter_criteria=words,
        )
        return answer_page("reports", page, ReportSummarySerializer(page.rows, many=True).data)

    @staticmethod
    def _answer(report: ComplianceReport) -> Response:
        document = {
            **ReportSummarySerializer(report).data,
            "signature": report.signature or None,
            "reused": report.reused,
            "content": orjson.Fragment(report.content),
        }
        response = answer("report", document)
        response["ETag"] = quote_etag(report.digest)
        return response
