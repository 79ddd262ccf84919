"""Compliance metadata (seed 1, sections 1 to 4)."""

from typing import Any, ClassVar

from django.utils.http import quote_etag
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.actor import actor_of
from accounts.api.networks import named_network
from audit.services import record_event
from compliance.api.filters import MetadataFilter
from compliance.api.serializers import (
    MetadataSerializer,
    MetadataWriteSerializer,
    TokenNameSerializer,
)
from compliance.models import ComplianceMetadata
from compliance.services.metadata import metadata_delete, metadata_get, metadata_upsert
from config.api.conditional import is_unchanged, not_modified
from config.api.idempotency import idempotent
from config.api.paging import Paginator
from config.api.schema import (
    IF_MATCH_PARAMETER,
    IF_NONE_MATCH_PARAMETER,
    NETWORK_PARAMETER,
    filter_parameters,
    noun_serializer,
    page_serializer,
    tagged,
)
from config.api.views import WireViewSet, answer, answer_page

_RESPONSE = noun_serializer("ComplianceMetadataResponse", "metadata", MetadataSerializer())


class MetadataViewSet(WireViewSet):
    """What is claimed about tokens."""

    paginator = Paginator(("created_at", "id"))
    failure_events: ClassVar[dict[str, str]] = {
        "upsert": "compliance.metadata.create_failed",
        "retrieve": "compliance.metadata.read_failed",
        "destroy": "compliance.metadata.delete_failed",
        "list": "compliance.metadata.list_failed",
    }
    query_parameters: ClassVar[dict[str, frozenset[str]]] = {
        "upsert": frozenset(),
        "retrieve": frozenset({"network"}),
        "destroy": frozenset({"network"}),
    }

    @extend_schema(
        parameters=[IF_MATCH_PARAMETER], request=MetadataWriteSerializer, responses=_RESPONSE
    )
    @idempotent
    def upsert(self, request: Request) -> Response:
        """Create or update the metadata of a token; absent fields stay, a null clears."""
        serializer = MetadataWriteSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        changes = dict(serializer.validated_data)
        metadata = metadata_upsert(
            actor=actor_of(request),
            asset_id=changes.pop("asset_id"),
            network=changes.pop("network", None),
            changes=changes,
            if_match=request.headers.get("If-Match"),
        )
        return self._answer(metadata)

    @extend_schema(
        parameters=[NETWORK_PARAMETER, IF_NONE_MATCH_PARAMETER], responses=tagged(_RESPONSE)
    )
    def retrieve(self, request: Request, asset_id: int) -> Response:
        """Get the metadata of a token."""
        metadata = metadata_get(asset_id=asset_id, network=named_network(request))
        record_event(
            "compliance.metadata.read",
            actor=actor_of(request),
            **metadata.token.event_fields,
            reference_type="metadata",
            reference_id=str(metadata.pk),
            notes="Retrieved compliance metadata",
        )
        if is_unchanged(request, metadata.etag):
            return not_modified(metadata.etag)
        return self._answer(metadata)

    @extend_schema(
        parameters=[NETWORK_PARAMETER, IF_MATCH_PARAMETER],
        request=TokenNameSerializer,
        responses={
            200: noun_serializer("DeletedResponse", "metadata", MetadataSerializer(allow_null=True))
        },
    )
    def destroy(self, request: Request, asset_id: int) -> Response:
        """Delete the metadata of a token; its history stays readable in the audit log."""
        body = TokenNameSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        metadata_delete(
            actor=actor_of(request),
            asset_id=asset_id,
            network=named_network(request) or body.validated_data.get("network"),
            if_match=request.headers.get("If-Match"),
        )
        return answer("metadata", None)

    @extend_schema(
        parameters=filter_parameters(MetadataFilter),
        responses=page_serializer("ComplianceMetadataListResponse", "metadata", MetadataSerializer),
    )
    def list(self, request: Request) -> Response:
        """List metadata, newest first."""
        rows = ComplianceMetadata.objects.visible_to(actor_of(request)).select_related("token")
        rows, words = MetadataFilter.apply(rows, request)
        page = self.paginator.paginate(rows, request)
        record_event(
            "compliance.metadata.listed",
            actor=actor_of(request),
            item_count=len(page.rows),
            filter_criteria=words,
            notes=f"Listed {len(page.rows)} of {page.total_count} "
            "total compliance metadata entries",
        )
        return answer_page("metadata", page, MetadataSerializer(page.rows, many=True).data)

    @staticmethod
    def _answer(metadata: ComplianceMetadata, **more: Any) -> Response:
        response = answer("metadata", MetadataSerializer(metadata).data)
        response["ETag"] = quote_etag(metadata.etag)
        return response
