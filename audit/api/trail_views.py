"""The endpoints of the provable trail: checkpoints, proofs, tiles, and bundles of events.

Whoever is signed in reads what proves the log as a whole: it holds hashes alone. A proof of one
event and a bundle show events, and so only those that the caller sees.
"""

from hashlib import sha256
from typing import ClassVar, cast
from uuid import UUID

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import quote_etag
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit import trail
from audit.api.filters import ComplianceAuditFilter
from audit.cosignatures import cosignature_add, cosigned_note
from audit.models import AuditCheckpoint, AuditEvent
from audit.principal import Principal
from audit.tiles import WIDTH
from config.api.conditional import is_unchanged, not_modified
from config.api.csv import mark_download
from config.api.errors import ValidationFailed
from config.api.filters import WireFilterSet
from config.api.paging import Paginator
from config.api.schema import (
    IF_NONE_MATCH_PARAMETER,
    filter_parameters,
    noun_serializer,
    page_serializer,
)
from config.api.serializers import BIGINT_MAX, MomentField, WireSerializer
from config.api.views import WireViewSet, answer, answer_page
from config.observability.metrics import EXPORTED_ROWS

_NO_PARAMETERS: frozenset[str] = frozenset()
_IMMUTABLE = "private, max-age=31536000, immutable"


class CheckpointSerializer(WireSerializer):
    """What the log was at a size, signed."""

    size = serializers.IntegerField(help_text="How many events the tree is of.")
    root = serializers.CharField(  # type: ignore[assignment]
        help_text="RFC 9162 tree hash, base64."
    )
    note = serializers.CharField(help_text="The signed note, C2SP tlog-checkpoint.")
    key = serializers.CharField(help_text="The verifier key of its signature.")
    signed_at = MomentField()


class InclusionSerializer(WireSerializer):
    """That an event is in the log: `hashes` lead from its leaf to the root in `checkpoint`."""

    event_id = serializers.UUIDField()
    event = serializers.CharField(help_text="The line that is hashed: SHA-256(0x00 || line).")
    position = serializers.IntegerField()
    size = serializers.IntegerField()
    hashes = serializers.ListField(child=serializers.CharField(), help_text="base64, leaf first.")
    checkpoint = serializers.CharField()
    key = serializers.CharField()


class ConsistencySerializer(WireSerializer):
    """That a smaller log is a prefix of a larger one (RFC 9162, section 2.1.4)."""

    from_size = serializers.IntegerField()
    to_size = serializers.IntegerField()
    hashes = serializers.ListField(child=serializers.CharField())


class CosignSerializer(WireSerializer):
    """A witness's line under the checkpoint of so many events."""

    size = serializers.IntegerField(min_value=1, max_value=BIGINT_MAX)
    cosignature = serializers.CharField(
        max_length=400, trim_whitespace=False, help_text="The line, from its dash, without a break."
    )


class CosignatureSerializer(WireSerializer):
    """A cosignature as it is kept."""

    size = serializers.IntegerField(source="checkpoint_id")
    witness = serializers.CharField()
    key_id = serializers.CharField()
    time = serializers.IntegerField(source="seconds", help_text="Seconds since 1970.")
    received_at = MomentField()


class CheckpointFilter(WireFilterSet):
    """Checkpoints have no filters, only pages."""

    class Meta:
        model = AuditCheckpoint
        fields: list[str] = []


def _size(name: str) -> OpenApiParameter:
    return OpenApiParameter(
        name, OpenApiTypes.INT64, required=True, description="How many events that log has."
    )


class TrailViewSet(WireViewSet):
    """The log as a tree that strangers can check."""

    paginator = Paginator(("signed_at", "size"), default=50, cap=100)
    export_actions: ClassVar[frozenset[str]] = frozenset({"bundle"})
    query_parameters: ClassVar[dict[str, frozenset[str]]] = {
        "checkpoint": _NO_PARAMETERS,
        "cosign": _NO_PARAMETERS,
        "proof": _NO_PARAMETERS,
        "tile": _NO_PARAMETERS,
        "partial_tile": _NO_PARAMETERS,
        "consistency": frozenset({"from", "to"}),
    }

    @extend_schema(
        parameters=[IF_NONE_MATCH_PARAMETER],
        responses={
            (200, "text/plain"): OpenApiTypes.STR,
            304: OpenApiResponse(description="No newer one was signed."),
        },
    )
    def checkpoint(self, request: Request) -> HttpResponseBase:
        """Get the newest checkpoint: a signed note with the log's size and root."""
        note = cosigned_note(trail.checkpoint_get())
        tag = sha256(note.encode()).hexdigest()
        if is_unchanged(request, tag):
            return not_modified(tag)
        response = HttpResponse(note, content_type="text/plain; charset=utf-8")
        response["ETag"] = quote_etag(tag)
        return response

    @extend_schema(
        request=CosignSerializer(),
        responses=noun_serializer("CosignResponse", "cosignature", CosignatureSerializer()),
    )
    def cosign(self, request: Request) -> Response:
        """Hand in a witness's cosignature of a checkpoint (C2SP tlog-cosignature, v1).

        From then on the checkpoint is served with it. The signature is the authority, so whoever
        is signed in may hand it in; the same again changes nothing.
        """
        given = CosignSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        row, _ = cosignature_add(
            actor=_principal(request),
            size=given.validated_data["size"],
            line=given.validated_data["cosignature"],
        )
        return answer("cosignature", CosignatureSerializer(row).data)

    @extend_schema(
        parameters=filter_parameters(CheckpointFilter),
        responses=page_serializer("CheckpointListResponse", "checkpoints", CheckpointSerializer),
    )
    def checkpoints(self, request: Request) -> Response:
        """List the checkpoints, newest first."""
        rows, _ = CheckpointFilter.apply(
            AuditCheckpoint.objects.prefetch_related("cosignatures"), request
        )
        page = self.paginator.paginate(rows, request)
        found = [trail.checkpoint_document(row) for row in page.rows]
        return answer_page("checkpoints", page, found)

    @extend_schema(responses=noun_serializer("InclusionResponse", "proof", InclusionSerializer()))
    def proof(self, request: Request, event_id: UUID) -> Response:
        """Get the proof that an event is in the signed log."""
        found = trail.inclusion_get(actor=_principal(request), event_id=event_id)
        return answer("proof", found.document())

    @extend_schema(
        parameters=[_size("from"), _size("to")],
        responses=noun_serializer("ConsistencyResponse", "proof", ConsistencySerializer()),
    )
    def consistency(self, request: Request) -> Response:
        """Get the proof that nothing of a smaller log was changed in a larger one."""
        old, new = _sizes(request)
        hashes = trail.consistency_get(old=old, new=new)
        return answer("proof", {"fromSize": old, "toSize": new, "hashes": trail.texts_of(hashes)})

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def tile(self, request: Request, level: int, number: int) -> HttpResponse:
        """Get a full tile: 256 hashes of 32 bytes (C2SP tlog-tiles)."""
        return _tile(level, number, WIDTH)

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def partial_tile(self, request: Request, level: int, number: int, width: int) -> HttpResponse:
        """Get the first hashes of a tile that is not full yet."""
        return _tile(level, number, width)

    @extend_schema(
        parameters=filter_parameters(ComplianceAuditFilter, paged=False),
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    def bundle(self, request: Request) -> HttpResponse:
        """Download events with the proof that none that matches was left out.

        A ZIP: the events, the leaf hashes of all others, the checkpoint, the key, and a verifier
        that needs nothing of ours.
        """
        actor = _principal(request)
        events, words = ComplianceAuditFilter.select(
            AuditEvent.objects.visible_to(actor), request.query_params
        )
        made = trail.bundle_make(actor=actor, events=events, criteria=words)
        EXPORTED_ROWS.labels("audit-trail", "bundle").inc(made.rows)
        response = HttpResponse(made.content, content_type="application/zip")
        name = f"audit-bundle-{made.size}.zip"
        mark_download(response, name, total=made.rows, limit=made.rows)
        response["X-Content-SHA256"] = sha256(made.content).hexdigest()
        return response


def _tile(level: int, number: int, width: int) -> HttpResponse:
    hashes = trail.tile_get(level=level, number=number, width=width)
    return HttpResponse(
        hashes,
        content_type="application/octet-stream",
        headers={"Cache-Control": _IMMUTABLE, "ETag": quote_etag(sha256(hashes).hexdigest())},
    )


def _sizes(request: Request) -> tuple[int, int]:
    given = {name: request.query_params.get(name, "") for name in ("from", "to")}
    wrong = [
        name
        for name, text in given.items()
        if not text.isascii() or not text.isdigit() or len(text) > 18
    ]
    if wrong:
        message = "Give a whole number of events."
        raise ValidationFailed(
            f"{wrong[0]}: {message}", details={name: [message] for name in wrong}
        )
    return int(given["from"]), int(given["to"])


def _principal(request: Request) -> Principal:
    return cast("Principal", request.user)
