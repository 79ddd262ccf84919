"""Attestations as files (seed 1, sections 12 and 13). Hot: rows are streamed."""

from collections.abc import Iterator
from typing import Any, ClassVar

from django.conf import settings
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request

from accounts.api.actor import actor_of
from accounts.selectors import only_token_fields
from attestations.api.filters import AttestationFilter
from attestations.api.serializers import AttestationSerializer
from attestations.selectors import attestations_visible
from audit.services import record_event
from config.api.csv import csv_response, mark_download
from config.api.json import dumps
from config.api.schema import filter_parameters
from config.api.views import WireViewSet
from config.observability.metrics import EXPORTED_ROWS

COLUMNS = (
    "Id",
    "WalletAddress",
    "AssetId",
    "IssuerAddress",
    "ProofHash",
    "ProofType",
    "VerificationStatus",
    "AttestationType",
    "Network",
    "Jurisdiction",
    "RegulatoryFramework",
    "IssuedAt",
    "ExpiresAt",
    "VerifiedAt",
    "VerifierAddress",
    "Notes",
    "CreatedAt",
    "CreatedBy",
)
_BARE = frozenset({2})
_VIEW = "attestations"
_CHUNK = 500


class AttestationExportViewSet(WireViewSet):
    """Files of attestations, newest first; at most as many as the settings say."""

    export_actions: ClassVar[frozenset[str]] = frozenset({"export_csv", "export_json"})
    failure_events: ClassVar[dict[str, str]] = dict.fromkeys(
        ("export_csv", "export_json"), "attestations.attestation.export_failed"
    )

    @extend_schema(
        parameters=filter_parameters(AttestationFilter, paged=False),
        responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "The CSV file.")},
    )
    def export_csv(self, request: Request) -> StreamingHttpResponse:
        """Download at most 10,000 attestations as CSV; `X-Export-Truncated` says if more exist."""
        rows, total, limit = _begin_export(request, "csv")
        return csv_response(
            _name("csv"),
            COLUMNS,
            (_record(row) for row in rows.iterator(chunk_size=_CHUNK)),
            bare=_BARE,
            total=total,
            limit=limit,
        )

    @extend_schema(
        parameters=filter_parameters(AttestationFilter, paged=False),
        responses={(200, "application/json"): OpenApiResponse(OpenApiTypes.OBJECT, "The file.")},
    )
    def export_json(self, request: Request) -> StreamingHttpResponse:
        """Download at most 10,000 attestations in the structure of the list."""
        rows, total, limit = _begin_export(request, "json")
        response = StreamingHttpResponse(
            _json_file(rows, total, limit), content_type="application/json"
        )
        mark_download(response, _name("json"), total=total, limit=limit)
        return response


def _begin_export(request: Request, form: str) -> tuple["QuerySet[Any]", int, int]:
    actor = actor_of(request)
    visible = attestations_visible(actor=actor, now=timezone.now())
    rows, words = AttestationFilter.select(visible, request.query_params)
    total, limit = rows.count(), settings.EXPORT_ROW_LIMIT
    asset_id = request.query_params.get("assetId")
    record_event(
        "attestations.attestation.exported",
        actor=actor,
        **(only_token_fields(asset_id=int(asset_id)) if asset_id else {}),
        item_count=min(total, limit),
        filter_criteria=words,
        details={"view": _VIEW, "format": form, "matching": total},
    )
    EXPORTED_ROWS.labels(_VIEW, form).inc(min(total, limit))
    return rows.order_by("-issued_at", "-id")[:limit], total, limit


def _name(ending: str) -> str:
    return f"attestations-export-{timezone.now():%Y%m%d-%H%M%S}.{ending}"


def _record(row: Any) -> tuple[Any, ...]:
    return (
        str(row.pk),
        row.wallet_address,
        row.asset_id,
        row.issuer_address,
        row.proof_hash,
        row.proof_type,
        row.verification_status,
        row.attestation_type,
        row.network,
        row.jurisdiction,
        row.regulatory_framework,
        row.issued_at,
        row.expires_at,
        row.verified_at,
        row.verifier_label,
        row.notes,
        row.created_at,
        row.created_by_label,
    )


def _json_file(rows: "QuerySet[Any]", total: int, limit: int) -> Iterator[bytes]:
    yield b'{"success":true,"attestations":['
    one = AttestationSerializer()
    buffer: list[bytes] = []
    started = False
    for row in rows.iterator(chunk_size=_CHUNK):
        buffer.append(dumps(one.to_representation(row)))
        if len(buffer) >= _CHUNK:
            yield (b"," if started else b"") + b",".join(buffer)
            buffer, started = [], True
    if buffer:
        yield (b"," if started else b"") + b",".join(buffer)
    tail = {
        "totalCount": total,
        "page": 1,
        "pageSize": limit,
        "totalPages": -(-total // limit),
        "truncated": total > limit,
    }
    yield b"]," + dumps(tail)[1:]
