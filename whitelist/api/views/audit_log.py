"""The whitelist audit log: a view of the one event log."""

from typing import Any, ClassVar

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.actor import actor_of
from accounts.api.networks import named_network
from accounts.selectors import token_get_visible
from audit.api.serializers import RetentionPolicySerializer
from audit.querysets import AuditEventQuerySet
from audit.retention import retention_policy
from config.api.schema import NETWORK_PARAMETER, filter_parameters, page_serializer
from whitelist.api.log_filters import (
    AssetLogFilter,
    WhitelistLogFileFilter,
    WhitelistLogFilter,
)
from whitelist.api.log_serializers import WhitelistLogEntrySerializer
from whitelist.api.views.log_views import LogViewSet
from whitelist.enforcement import whitelist_events
from whitelist.log_entries import LOG_BARE, LOG_COLUMNS, log_row

_PAGE = page_serializer(
    "WhitelistAuditLogResponse",
    "entries",
    WhitelistLogEntrySerializer,
    retentionPolicy=RetentionPolicySerializer(),
)


class WhitelistAuditLogViewSet(LogViewSet):
    """What was done to whitelists, and the transfers that were checked against them."""

    query_parameters: ClassVar[dict[str, frozenset[str]]] = {"retention_policy": frozenset()}
    view = "whitelist-audit-log"
    events = whitelist_events
    page_filter = WhitelistLogFilter
    file_filter = WhitelistLogFileFilter
    columns = LOG_COLUMNS
    bare = LOG_BARE
    row = log_row

    def more(self, events: AuditEventQuerySet) -> dict[str, Any]:
        return {"retentionPolicy": retention_policy()}

    @extend_schema(parameters=filter_parameters(WhitelistLogFilter), responses=_PAGE)
    def list(self, request: Request) -> Response:
        """List entries of the whitelist audit log, newest first."""
        return self.page(request, self.filtered(request))

    @extend_schema(
        parameters=[*filter_parameters(AssetLogFilter), NETWORK_PARAMETER], responses=_PAGE
    )
    def of_asset(self, request: Request, asset_id: int) -> Response:
        """List entries of the audit log of one whitelist, newest first."""
        actor = actor_of(request)
        events, _ = AssetLogFilter.apply(whitelist_events(actor), request)
        network = named_network(request)
        token = token_get_visible(actor=actor, asset_id=asset_id, network=network)
        own = events.filter(asset_id=token.asset_id, network=token.network or None)
        return self.page(request, own)

    @extend_schema(
        parameters=filter_parameters(WhitelistLogFileFilter),
        responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "The CSV file.")},
    )
    def export_csv(self, request: Request) -> StreamingHttpResponse:
        """Download at most 10,000 entries as CSV; `X-Export-Truncated` says whether more exist."""
        return self.csv_file(request)

    @extend_schema(
        parameters=filter_parameters(WhitelistLogFileFilter),
        responses={(200, "application/json"): OpenApiResponse(OpenApiTypes.OBJECT, "The file.")},
    )
    def export_json(self, request: Request) -> StreamingHttpResponse:
        """Download at most 10,000 entries in the structure of the list."""
        return self.json_file(request)

    @extend_schema(responses=RetentionPolicySerializer)
    def retention_policy(self, request: Request) -> Response:
        """Return how long entries are kept."""
        return Response(retention_policy())
