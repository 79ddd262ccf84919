"""The trails of one token: to those who see it, and as an issuer exports it (seed 0)."""

from typing import Any, ClassVar, Final

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from accounts.api.actor import actor_of
from accounts.api.networks import named_network
from accounts.models import Token
from accounts.selectors import token_get_visible
from audit.api.enterprise_audit import ENTERPRISE_AUDIT, enterprise_page
from audit.api.event_trail import AUDIT_TRAIL, trail_page
from audit.api.filters import ActionFilter, TokenTrailFilter
from audit.api.log_viewset import LogViewSet, documented
from audit.querysets import AuditEventQuerySet
from config.api.errors import NotVisible, PermissionRefused
from config.api.schema import ASSET_ID_PARAMETER, NETWORK_PARAMETER
from config.api.serializers import BIGINT_MAX

_PLACE: Final = frozenset({"assetId", "network"})


def _of(token: Token, events: AuditEventQuerySet) -> AuditEventQuerySet:
    return events.filter(asset_id=token.asset_id, network=token.network or None)


@extend_schema(parameters=[NETWORK_PARAMETER])
@documented(
    TokenTrailFilter,
    trail_page("TokenAuditTrailResponse"),
    listing="List what happened to one token, newest first.",
)
class TokenTrailViewSet(LogViewSet):
    """The trail of one token: to the members of its issuer, and to those who read everything."""

    view = AUDIT_TRAIL

    def select(
        self, request: Request, beside: frozenset[str] = frozenset()
    ) -> tuple[AuditEventQuerySet, str]:
        actor = actor_of(request)
        every = self.view.events(actor)
        parameters = request.query_params
        events, words = TokenTrailFilter.select(every, parameters, beside | {"network"})
        asset_id: int = self.kwargs["asset_id"]
        token = token_get_visible(actor=actor, asset_id=asset_id, network=named_network(request))
        return _of(token, events), f"AssetId={token.asset_id}, {words}"


@extend_schema(parameters=[ASSET_ID_PARAMETER, NETWORK_PARAMETER])
@documented(
    ActionFilter,
    enterprise_page("IssuerAuditTrailResponse"),
    listing="List every event about a token of one's own, newest first, with a summary.",
)
class IssuerTrailViewSet(LogViewSet):
    """What an issuer exports about one of its tokens; about another's it is a 403."""

    view = ENTERPRISE_AUDIT
    file_name: ClassVar[str] = "issuer-audit-trail"

    def select(
        self, request: Request, beside: frozenset[str] = frozenset()
    ) -> tuple[AuditEventQuerySet, str]:
        actor = actor_of(request)
        every = self.view.events(actor)
        events, words = ActionFilter.select(every, request.query_params, beside | _PLACE)
        asset_id, network = _asset_id(request), named_network(request)
        try:
            token = token_get_visible(actor=actor, asset_id=asset_id, network=network)
        except NotVisible:
            raise PermissionRefused(
                "You are not authorized to export the audit trail of this asset."
            ) from None
        return _of(token, events), f"AssetId={asset_id}, {words}"


def _asset_id(request: Request) -> int:
    asked: Any = request.query_params.get("assetId", "")
    if not (asked.isascii() and asked.isdigit() and 1 <= int(asked[:20]) <= BIGINT_MAX):
        raise ValidationError({"assetId": [f"Must be a whole number from 1 to {BIGINT_MAX}."]})
    return int(asked)
