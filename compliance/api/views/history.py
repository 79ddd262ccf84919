"""How the status of a token changed."""

from hashlib import sha256
from typing import ClassVar

import orjson
from django.http.response import HttpResponseBase
from django.utils.http import quote_etag
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from accounts.api.actor import actor_of
from accounts.api.networks import named_network
from accounts.selectors import token_get_visible
from audit.counting import exact_count
from audit.models import AuditEvent
from compliance.api.status_serializers import StatusChangeSerializer
from compliance.services.history import change_entry, status_changes
from config.api.conditional import is_unchanged, not_modified
from config.api.filters import MomentFilter, WireFilterSet
from config.api.json import dumps
from config.api.paging import PAGING_PARAMETERS, Paginator
from config.api.schema import (
    IF_NONE_MATCH_PARAMETER,
    NETWORK_PARAMETER,
    filter_parameters,
    page_serializer,
    tagged,
)
from config.api.views import WireViewSet, answer_page


class StatusHistoryFilter(WireFilterSet):
    """Bounds of the time of a change; both days are included."""

    extra_parameters = PAGING_PARAMETERS | {"network"}
    fromDate = MomentFilter(field_name="occurred_at", lookup_expr="gte")
    toDate = MomentFilter(field_name="occurred_at", lookup_expr="lte", end_of_day=True)

    class Meta:
        model = AuditEvent
        fields: ClassVar[list[str]] = []


class StatusHistoryViewSet(WireViewSet):
    """What the status was, and what changed it: events of own issuers, or all for staff."""

    paginator = Paginator(("occurred_at", "seq"))
    query_parameters: ClassVar[dict[str, frozenset[str]]] = {
        "list": StatusHistoryFilter.extra_parameters | set(StatusHistoryFilter.base_filters)
    }

    @extend_schema(
        parameters=[
            NETWORK_PARAMETER,
            *filter_parameters(StatusHistoryFilter),
            IF_NONE_MATCH_PARAMETER,
        ],
        responses=tagged(
            page_serializer("StatusHistoryResponse", "history", StatusChangeSerializer)
        ),
    )
    def list(self, request: Request, asset_id: int) -> HttpResponseBase:
        """List the changes of a token's status, newest first, with the checks that decided."""
        actor = actor_of(request)
        token = token_get_visible(actor=actor, asset_id=asset_id, network=named_network(request))
        changes, _ = StatusHistoryFilter.apply(status_changes(actor=actor, token=token), request)
        page = self.paginator.paginate(
            changes.only("seq", "occurred_at", "body"), request, count=exact_count
        )
        entries = [change_entry(orjson.loads(event.body)) for event in page.rows]
        etag = sha256(dumps([entries, page.envelope])).hexdigest()
        if is_unchanged(request, etag):
            return not_modified(etag)
        response = answer_page("history", page, entries)
        response["ETag"] = quote_etag(etag)
        return response
