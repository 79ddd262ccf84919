"""The entries of whitelists (seed 1, "Enhanced Whitelist Entries") and their policies."""

from typing import Any, ClassVar, cast

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.actor import actor_of
from accounts.api.networks import named_network
from accounts.models import Token
from accounts.selectors import token_get_visible
from config.api.idempotency import idempotent
from config.api.paging import Paginator
from config.api.schema import (
    ASSET_ID_PARAMETER,
    NETWORK_PARAMETER,
    choice_parameter,
    filter_parameters,
    noun_serializer,
    page_serializer,
)
from config.api.views import WireViewSet, answer, answer_page, body_with_query
from whitelist.api.filters import EntryFilter
from whitelist.api.serializers import (
    BulkAnswerSerializer,
    BulkWriteSerializer,
    EntryRemoveSerializer,
    EntrySerializer,
    EntryWriteSerializer,
    PolicySerializer,
    PolicyWriteSerializer,
)
from whitelist.choices import BulkMode
from whitelist.models import WhitelistEntry, WhitelistPolicy
from whitelist.services.bulk import Outcome, whitelist_bulk_write
from whitelist.services.content import EntryContent
from whitelist.services.entries import whitelist_entry_remove, whitelist_entry_write
from whitelist.services.policies import whitelist_policy_get, whitelist_policy_write

_FAILED = "whitelist.entry.write_failed"
_SHOWN_LENGTH = 100  # of an address that is none


class WhitelistViewSet(WireViewSet):
    """Who may hold a token: written by its issuer and by officers, read by who sees the token."""

    paginator = Paginator(("created_at", "id"))
    failure_events: ClassVar[dict[str, str]] = {
        "upsert": _FAILED,
        "bulk": _FAILED,
        "destroy": "whitelist.entry.remove_failed",
    }
    query_parameters: ClassVar[dict[str, frozenset[str]]] = {
        "upsert": frozenset(),
        "bulk": frozenset({"mode"}),
        "destroy": frozenset({"assetId", "network", "address"}),
    }

    @extend_schema(
        request=EntryWriteSerializer,
        responses=noun_serializer(
            "WhitelistEntryWriteResponse",
            "entry",
            EntrySerializer(),
            warnings=serializers.ListField(child=serializers.CharField()),
        ),
    )
    @idempotent
    def upsert(self, request: Request) -> Response:
        """List an address for a token, or change what its entry says.

        Absent fields stay as they are, a null clears. `warnings` say what the network recommends.
        """
        body = EntryWriteSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = dict(body.validated_data)
        entry, warnings = whitelist_entry_write(
            actor=actor_of(request),
            asset_id=given.pop("asset_id"),
            network=given.pop("network", None),
            address=given.pop("address"),
            role=given.pop("role", None),
            content=cast(EntryContent, given),
        )
        return answer("entry", _data(entry), warnings=warnings)

    @extend_schema(
        parameters=[choice_parameter("mode", BulkMode, "As in the body; in one place only.")],
        request=BulkWriteSerializer,
        responses=BulkAnswerSerializer,
    )
    @idempotent
    def bulk(self, request: Request) -> Response:
        """List up to 10,000 addresses for a token, all with the same content.

        One that cannot be listed refuses the whole, unless `mode` is Partial: then the others are
        listed. `details` of the refusal, and `errors`, name each by its index from 0.
        """
        body = BulkWriteSerializer(data=body_with_query(request))
        body.is_valid(raise_exception=True)
        given = dict(body.validated_data)
        outcome = whitelist_bulk_write(
            actor=actor_of(request),
            asset_id=given.pop("asset_id"),
            network=given.pop("network", None),
            addresses=given.pop("addresses"),
            mode=given.pop("mode", None) or BulkMode.ALL,
            role=given.pop("role", None),
            content=cast(EntryContent, given),
        )
        return answer(**_bulk_data(outcome))

    @extend_schema(
        parameters=[
            ASSET_ID_PARAMETER,
            NETWORK_PARAMETER,
            OpenApiParameter("address", OpenApiTypes.STR, required=True),
        ],
        request=EntryRemoveSerializer,
        responses={
            200: noun_serializer(
                "WhitelistEntryRemovedResponse", "entry", EntrySerializer(allow_null=True)
            )
        },
    )
    def destroy(self, request: Request) -> Response:
        """Take an address from a whitelist; named in the body or in the query.

        The event log keeps what its entry said. It can be listed again, as a new entry.
        """
        body = EntryRemoveSerializer(data=body_with_query(request))
        body.is_valid(raise_exception=True)
        named = body.validated_data
        whitelist_entry_remove(
            actor=actor_of(request),
            asset_id=named["asset_id"],
            network=named.get("network"),
            address=named["address"],
        )
        return answer("entry", None)

    @extend_schema(
        parameters=[*filter_parameters(EntryFilter), NETWORK_PARAMETER],
        responses=page_serializer("WhitelistResponse", "entries", EntrySerializer),
    )
    def list(self, request: Request, asset_id: int) -> Response:
        """List the entries of a token's whitelist, the newest first."""
        rows, _ = EntryFilter.apply(WhitelistEntry.objects.all(), request)
        token = token_get_visible(
            actor=actor_of(request), asset_id=asset_id, network=named_network(request)
        )
        page = self.paginator.paginate(rows.filter(token=token), request)
        for entry in page.rows:
            entry.token = token
        return answer_page("entries", page, _data(page.rows, many=True))


class WhitelistPolicyViewSet(WireViewSet):
    """How a whitelist binds the transfers of its token."""

    failure_events: ClassVar[dict[str, str]] = {"update": "whitelist.policy.write_failed"}
    query_parameters: ClassVar[dict[str, frozenset[str]]] = {
        "retrieve": frozenset({"network"}),
        "update": frozenset(),
    }
    _response = noun_serializer("WhitelistPolicyResponse", "policy", PolicySerializer())

    @extend_schema(parameters=[NETWORK_PARAMETER], responses=_response)
    def retrieve(self, request: Request, asset_id: int) -> Response:
        """Get the policy of a whitelist; `enforcement` is null where nobody ever set one."""
        token, policy = whitelist_policy_get(
            actor=actor_of(request), asset_id=asset_id, network=named_network(request)
        )
        return answer("policy", _policy_data(token, policy))

    @extend_schema(request=PolicyWriteSerializer, responses=_response)
    def update(self, request: Request, asset_id: int) -> Response:
        """Say how a whitelist binds transfers: Mandatory, Optional or Off."""
        body = PolicyWriteSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        policy = whitelist_policy_write(
            actor=actor_of(request),
            asset_id=asset_id,
            network=body.validated_data.get("network"),
            enforcement=body.validated_data["enforcement"],
        )
        return answer("policy", _policy_data(policy.token, policy))


def _data(entries: Any, *, many: bool = False) -> Any:
    return EntrySerializer(entries, many=many, context={"now": timezone.now()}).data


def _bulk_data(outcome: Outcome) -> dict[str, Any]:
    refused = [
        {
            "index": one.index,
            "address": one.address[:_SHOWN_LENGTH],
            "messages": [text for texts in one.problem.details.values() for text in texts],
        }
        for one in outcome.refused
    ]
    return {
        "successfulEntries": _data(outcome.entries, many=True),
        "failedAddresses": [one["address"] for one in refused],
        "successCount": len(outcome.entries),
        "failedCount": len(refused),
        "createdCount": outcome.created,
        "updatedCount": outcome.updated,
        "unchangedCount": outcome.unchanged,
        "validationErrors": [
            f"{one.address[:_SHOWN_LENGTH]}: {one.problem.message}" for one in outcome.refused
        ],
        "errors": refused,
        "duplicates": [
            {"address": address[:_SHOWN_LENGTH], "indexes": indexes}
            for address, indexes in outcome.duplicates.items()
        ],
        "warnings": outcome.advice,
    }


def _policy_data(token: Token, policy: WhitelistPolicy | None) -> Any:
    return PolicySerializer(
        {
            "asset_id": token.asset_id,
            "network": token.network or None,
            "enforcement": policy.enforcement if policy else None,
            "set_by": policy.set_by if policy else None,
            "set_at": policy.set_at if policy else None,
        }
    ).data
