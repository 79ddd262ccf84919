"""Reports on whitelists: how transfers were decided, one whitelist at a glance, and its file."""

from typing import ClassVar

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.actor import actor_of
from accounts.api.networks import named_network
from audit.api.log_viewset import LogViewSet, documented
from config.api.csv import csv_response
from config.api.formats import choice_of
from config.api.schema import (
    ASSET_ID_PARAMETER,
    NETWORK_PARAMETER,
    choice_parameter,
    page_serializer,
)
from config.api.serializers import BIGINT_MAX
from config.api.views import WireViewSet
from whitelist.api.log_filters import EnforcementFilter
from whitelist.api.log_serializers import (
    ComplianceOverviewSerializer,
    EnforcementSummarySerializer,
    WhitelistLogEntrySerializer,
)
from whitelist.api.log_views import WHITELIST_ENFORCEMENT_REPORT
from whitelist.choices import EntryStatus
from whitelist.entry_rows import ENTRY_BARE, ENTRY_COLUMNS
from whitelist.overview import whitelist_overview
from whitelist.services.exports import whitelist_export


@documented(
    EnforcementFilter,
    page_serializer(
        "WhitelistEnforcementReportResponse",
        "entries",
        WhitelistLogEntrySerializer,
        summary=EnforcementSummarySerializer(),
    ),
    listing="List the transfers that were checked, newest first, with a summary of all of them.",
    rows="transfers",
)
class EnforcementReportViewSet(LogViewSet):
    """The transfers that were checked against whitelists, and what they come to."""

    view = WHITELIST_ENFORCEMENT_REPORT


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
