"""The whitelist audit log: a view of the one event log."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.actor import actor_of
from accounts.api.networks import named_network
from accounts.selectors import token_get_visible
from audit.api.log_viewset import LogViewSet, RetentionPolicyMixin, documented
from audit.api.serializers import RetentionPolicySerializer
from config.api.schema import NETWORK_PARAMETER, filter_parameters, page_serializer
from whitelist.api.log_filters import AssetLogFilter, WhitelistLogFilter
from whitelist.api.log_serializers import WhitelistLogEntrySerializer
from whitelist.api.log_views import WHITELIST_AUDIT_LOG
from whitelist.enforcement import whitelist_events

_PAGE = page_serializer(
    "WhitelistAuditLogResponse",
    "entries",
    WhitelistLogEntrySerializer,
    retentionPolicy=RetentionPolicySerializer(),
)


@documented(
    WhitelistLogFilter, _PAGE, listing="List entries of the whitelist audit log, newest first."
)
class WhitelistAuditLogViewSet(RetentionPolicyMixin, LogViewSet):
    """What was done to whitelists, and the transfers that were checked against them."""

    view = WHITELIST_AUDIT_LOG

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
