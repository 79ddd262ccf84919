"""The endpoints of the compliance audit log (seed 1, sections 5 to 8)."""

from collections.abc import Iterator
from typing import Any, ClassVar, cast

import orjson
from django.conf import settings
from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api.filters import ComplianceAuditFileFilter, ComplianceAuditFilter
from audit.api.serializers import ComplianceAuditEntrySerializer, RetentionPolicySerializer
from audit.counting import exact_count
from audit.entries import (
    COMPLIANCE_BARE,
    COMPLIANCE_COLUMNS,
    compliance_entry,
    compliance_row,
)
from audit.principal import Principal
from audit.querysets import AuditEventQuerySet
from audit.retention import retention_policy
from audit.selectors import bodies, compliance_events
from audit.services import record_event
from config.api.csv import csv_response, mark_download
from config.api.json import dumps
from config.api.paging import Paginator
from config.api.schema import filter_parameters, page_serializer
from config.api.views import WireViewSet, answer_page
from config.observability.metrics import EXPORTED_ROWS


class ComplianceAuditLogViewSet(WireViewSet):
    """The compliance audit log: own issuers' events, or all for those who read all."""

    paginator = Paginator(("occurred_at", "seq"), default=50, cap=100)
    export_actions: ClassVar[frozenset[str]] = frozenset({"export_csv", "export_json"})
    query_parameters: ClassVar[dict[str, frozenset[str]]] = {"retention_policy": frozenset()}

    @extend_schema(
        parameters=filter_parameters(ComplianceAuditFilter),
        responses=page_serializer(
            "ComplianceAuditLogResponse",
            "entries",
            ComplianceAuditEntrySerializer,
            retentionPolicy=RetentionPolicySerializer(),
        ),
    )
    def list(self, request: Request) -> Response:
        """List entries of the compliance audit log, newest first."""
        events, _ = ComplianceAuditFilter.apply(compliance_events(_principal(request)), request)
        page = self.paginator.paginate(
            events.values("seq", "occurred_at", "body"), request, count=exact_count
        )
        entries = [compliance_entry(orjson.loads(event["body"])) for event in page.rows]
        return answer_page("entries", page, entries, retentionPolicy=retention_policy())

    @extend_schema(
        parameters=filter_parameters(ComplianceAuditFileFilter),
        responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "The CSV file.")},
    )
    def export_csv(self, request: Request) -> StreamingHttpResponse:
        """Download at most 10,000 entries as CSV; `X-Export-Truncated` says whether more exist."""
        events, total, limit = self._begin_export(request, "csv")
        return csv_response(
            f"compliance-audit-log-{_stamp()}.csv",
            COMPLIANCE_COLUMNS,
            (compliance_row(body) for body in bodies(events, limit)),
            bare=COMPLIANCE_BARE,
            total=total,
            limit=limit,
        )

    @extend_schema(
        parameters=filter_parameters(ComplianceAuditFileFilter),
        responses={(200, "application/json"): OpenApiResponse(OpenApiTypes.OBJECT, "The file.")},
    )
    def export_json(self, request: Request) -> StreamingHttpResponse:
        """Download at most 10,000 entries in the structure of the list."""
        events, total, limit = self._begin_export(request, "json")
        response = StreamingHttpResponse(
            _json_file(events, total, limit), content_type="application/json"
        )
        name = f"compliance-audit-log-{_stamp()}.json"
        mark_download(response, name, total=total, limit=limit)
        return response

    @extend_schema(responses=RetentionPolicySerializer)
    def retention_policy(self, request: Request) -> Response:
        """Return how long entries are kept."""
        return Response(retention_policy())

    @staticmethod
    def _begin_export(request: Request, form: str) -> tuple[AuditEventQuerySet, int, int]:
        events, words = ComplianceAuditFileFilter.apply(
            compliance_events(_principal(request)), request
        )
        total, limit = exact_count(events), settings.EXPORT_ROW_LIMIT
        record_event(
            "audit.log.exported",
            actor=_principal(request),
            item_count=min(total, limit),
            filter_criteria=words,
            details={"view": "compliance-audit-log", "format": form, "matching": total},
        )
        EXPORTED_ROWS.labels("compliance-audit-log", form).inc(min(total, limit))
        return events, total, limit


def _principal(request: Request) -> Principal:
    return cast("Principal", request.user)


def _stamp() -> str:
    return timezone.now().strftime("%Y%m%d-%H%M%S")


def _json_file(events: AuditEventQuerySet, total: int, limit: int) -> Iterator[bytes]:
    yield b'{"success":true,"entries":['
    buffer: list[bytes] = []
    first = True
    for body in bodies(events, limit):
        buffer.append((b"" if first else b",") + dumps(compliance_entry(body)))
        first = False
        if len(buffer) >= 100:
            yield b"".join(buffer)
            buffer = []
    tail: dict[str, Any] = {
        "totalCount": total,
        "page": 1,
        "pageSize": limit,
        "totalPages": -(-total // limit),
        "truncated": total > limit,
        "retentionPolicy": retention_policy(),
    }
    yield b"".join(buffer) + b"]," + dumps(tail)[1:]
