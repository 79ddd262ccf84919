"""Reports on whitelists: how transfers were decided, one whitelist at a glance, and its file."""

from typing import Any, ClassVar

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.actor import actor_of
from accounts.api.networks import named_network
from audit.querysets import AuditEventQuerySet
from config.api.csv import csv_response
from config.api.formats import choice_of
from config.api.schema import (
    ASSET_ID_PARAMETER,
    NETWORK_PARAMETER,
    choice_parameter,
    filter_parameters,
    page_serializer,
)
from config.api.serializers import BIGINT_MAX
from config.api.views import WireViewSet
from whitelist.api.log_filters import EnforcementFileFilter, EnforcementFilter
from whitelist.api.log_serializers import (
    ComplianceOverviewSerializer,
    EnforcementSummarySerializer,
    WhitelistLogEntrySerializer,
)
from whitelist.api.views.log_views import LogViewSet
from whitelist.choices import EntryStatus
from whitelist.enforcement import enforcement_summary, validated_transfers
from whitelist.entry_rows import ENTRY_BARE, ENTRY_COLUMNS
from whitelist.log_entries import ENFORCEMENT_BARE, ENFORCEMENT_COLUMNS, enforcement_row
from whitelist.overview import whitelist_overview
from whitelist.services.exports import whitelist_export


class EnforcementReportViewSet(LogViewSet):
    """The transfers that were checked against whitelists, and what they come to."""

    view = "whitelist-enforcement-report"
    events = validated_transfers
    page_filter = EnforcementFilter
    file_filter = EnforcementFileFilter
    columns = ENFORCEMENT_COLUMNS
    bare = ENFORCEMENT_BARE
    row = enforcement_row

    def more(self, events: AuditEventQuerySet) -> dict[str, Any]:
        return {"summary": enforcement_summary(events)}

    @extend_schema(
        parameters=filter_parameters(EnforcementFilter),
        responses=page_serializer(
            "WhitelistEnforcementReportResponse",
            "entries",
            WhitelistLogEntrySerializer,
            summary=EnforcementSummarySerializer(),
        ),
    )
    def list(self, request: Request) -> Response:
        """List the transfers that were checked, newest first, with a summary of all of them."""
        return self.page(request, self.filtered(request))

    @extend_schema(
        parameters=filter_parameters(EnforcementFileFilter),
        responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "The CSV file.")},
    )
    def export_csv(self, request: Request) -> StreamingHttpResponse:
        """Download at most 10,000 transfers as CSV; `X-Export-Truncated`: whether more exist."""
        return self.csv_file(request)

    @extend_schema(
        parameters=filter_parameters(EnforcementFileFilter),
        responses={(200, "application/json"): OpenApiResponse(OpenApiTypes.OBJECT, "The file.")},
    )
    def export_json(self, request: Request) -> StreamingHttpResponse:
        """Download at most 10,000 transfers in the structure of the list."""
        return self.json_file(request)


class WhitelistOverviewViewSet(WireViewSet):
    """One whitelist at a glance: to the members of the token's issuer, and to who reads all."""

    query_parameters: ClassVar[dict[str, frozenset[str]]] = {
        "retrieve": frozenset({"network"}),
        "query": frozenset({"network", "assetId"}),
    }

    @extend_schema(parameters=[NETWORK_PARAMETER], responses=ComplianceOverviewSerializer)
    def retrieve(self, request: Request, asset_id: int) -> Response:
        """Get how a whitelist stands: holders, transfers, KYC, trail, readiness."""
        return self._answer(request, asset_id, named_network(request))

    @extend_schema(
        parameters=[
            ASSET_ID_PARAMETER,
            NETWORK_PARAMETER,
        ],
        responses=ComplianceOverviewSerializer,
    )
    def query(self, request: Request) -> Response:
        """Get how a whitelist stands: the same for older clients, which name the asset here."""
        network = named_network(request)
        asset = request.query_params.get("assetId", "")
        if not (asset.isascii() and asset.isdigit() and 1 <= int(asset[:20]) <= BIGINT_MAX):
            raise ValidationError({"assetId": [f"Must be a whole number from 1 to {BIGINT_MAX}."]})
        return self._answer(request, int(asset), network)

    @staticmethod
    def _answer(request: Request, asset_id: int, network: str | None) -> Response:
        overview = whitelist_overview(actor=actor_of(request), asset_id=asset_id, network=network)
        return Response({"success": True, **overview})


_STATUS = choice_parameter("status", EntryStatus, "Only the entries with this status.")


class WhitelistExportViewSet(WireViewSet):
    """The entries of a whitelist as a file."""

    export_actions: ClassVar[frozenset[str]] = frozenset({"export_csv"})
    query_parameters: ClassVar[dict[str, frozenset[str]]] = {
        "export_csv": frozenset({"network", "status"})
    }

    @extend_schema(
        parameters=[NETWORK_PARAMETER, _STATUS],
        responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "The CSV file.")},
    )
    def export_csv(self, request: Request, asset_id: int) -> StreamingHttpResponse:
        """Download every entry of a whitelist as CSV, oldest first; it can be imported again."""
        asked = request.query_params.get("status") or None
        status = choice_of(EntryStatus, asked) if asked else None
        if asked and status is None:
            known = ", ".join(EntryStatus.values)
            raise ValidationError({"status": [f"Must be one of {known}."]})
        file = whitelist_export(
            actor=actor_of(request),
            asset_id=asset_id,
            network=named_network(request),
            status=status,
        )
        return csv_response(
            file.name, ENTRY_COLUMNS, file.rows, bare=ENTRY_BARE, total=file.total, limit=file.total
        )
