"""Stored reports (seed 0)."""

from typing import ClassVar
from uuid import UUID

import orjson
from django.utils.http import quote_etag
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.actor import actor_of
from audit.services import record_event
from compliance.api.filters import ReportFilter
from compliance.api.serializers import (
    ReportRequestSerializer,
    ReportSerializer,
    ReportSummarySerializer,
)
from compliance.choices import ReportType
from compliance.models import ComplianceReport
from compliance.services.reports import report_generate, report_read
from config.api.conditional import is_unchanged, not_modified
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


class ReportViewSet(WireViewSet):
    """Reports on tokens of one's own issuers, or on all for those who read all."""

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

    @extend_schema(request=ReportRequestSerializer, responses={200: _RESPONSE})
    def create(self, request: Request) -> Response:
        """Generate, seal and store a report on a token.

        Without `asOf`, a report that was stored before is answered again (`reused`) while nothing
        has changed. The schema of reports is at `/api/v1/compliance/reports/schema/1.0`.
        """
        serializer = ReportRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        wanted = serializer.validated_data
        report = report_generate(
            actor=actor_of(request),
            asset_id=wanted["asset_id"],
            network=wanted.get("network"),
            report_type=ReportType(wanted.get("report_type") or ReportType.FULL),
            as_of=wanted.get("as_of"),
            period_from=wanted.get("from_date"),
            period_to=wanted.get("to_date"),
        )
        response = self._answer(report)
        response["Location"] = f"/api/v1/compliance/reports/{report.pk}"
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
        rows = ComplianceReport.objects.visible_to(actor_of(request)).select_related("token")
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
