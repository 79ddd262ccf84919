"""Imports of whitelists from CSV files, and the files that whitelists are exported to."""

from hashlib import sha256
from typing import Any, ClassVar
from uuid import UUID

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import quote_etag
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.actor import actor_of
from accounts.api.networks import named_network
from accounts.selectors import token_get
from config.api.conditional import is_unchanged, not_modified
from config.api.csv import csv_response
from config.api.formats import choice_of
from config.api.idempotency import idempotent
from config.api.json import dumps
from config.api.schema import (
    IF_NONE_MATCH_PARAMETER,
    NETWORK_PARAMETER,
    noun_serializer,
    tagged,
)
from config.api.serializers import NothingSerializer
from config.api.views import WireViewSet, answer
from whitelist.api.import_serializers import IMPORTS, WhitelistImportSerializer
from whitelist.api.parsers import CsvFormParser, CsvParser
from whitelist.choices import BulkMode
from whitelist.csv_rows import MAX_ROWS
from whitelist.models import WhitelistImport
from whitelist.services.imports import (
    whitelist_import_cancel,
    whitelist_import_get,
    whitelist_import_rejections_export,
    whitelist_import_request,
)

RETRY_SECONDS = 2
_ONE = noun_serializer("WhitelistImportResponse", "import", WhitelistImportSerializer())
_REJECTED_COLUMNS = ("Line", "Address", "Reason")
_UPLOAD = {
    "type": "object",
    "properties": {"file": {"type": "string", "format": "binary"}},
    "required": ["file"],
    "additionalProperties": False,
}
_MODE = OpenApiParameter(
    "mode",
    {"type": "string", "enum": BulkMode.values},
    description="What happens where a row cannot be used: it is left out, or nothing is written.",
)
_DRY_RUN = OpenApiParameter(
    "dryRun", OpenApiTypes.BOOL, description="Change nothing; count what would change."
)


class WhitelistUploadViewSet(WireViewSet):
    """Where a file for a whitelist is sent."""

    parser_classes = (CsvFormParser, CsvParser)
    failure_events: ClassVar[dict[str, str]] = {"create": "whitelist.import.request_failed"}
    export_actions: ClassVar[frozenset[str]] = frozenset({"create"})
    query_parameters: ClassVar[dict[str, frozenset[str]]] = {
        "create": frozenset({"network", "mode", "dryRun"})
    }

    @extend_schema(
        parameters=[NETWORK_PARAMETER, _MODE, _DRY_RUN],
        request={"multipart/form-data": _UPLOAD, "text/csv": OpenApiTypes.STR},
        responses={202: _ONE},
    )
    @idempotent
    def create(self, request: Request, asset_id: int) -> Response:
        """Put the rows of a CSV file on a whitelist, in the background; at most 100,000 rows.

        `Location` is where its progress is read. Columns, in any order and case: Address, and any
        of Status, Reason, ExpirationDate, KycVerified, KycVerificationDate, KycProvider,
        InvestorCategory, JurisdictionCode, Network, AssetId. An empty cell changes nothing.
        """
        mode, dry_run = _mode(request), _flag(request, "dryRun")
        upload: Any = request.data
        if not upload:  # an empty body never reaches a parser
            raise ValidationError({"file": ["The file is empty."]})
        actor = actor_of(request)
        network = named_network(request)
        row = whitelist_import_request(
            actor=actor,
            token=token_get(asset_id=asset_id, network=network),
            raw=upload["raw"],
            file_name=upload["name"],
            mode=mode,
            dry_run=dry_run,
        )
        response = _import_answer(row, status=202)
        response["Location"] = f"{IMPORTS}/{row.pk}"
        return response


class WhitelistImportViewSet(WireViewSet):
    """Imports for the tokens of one's own issuers, or all for those who read all."""

    export_actions: ClassVar[frozenset[str]] = frozenset({"rejected"})
    query_parameters: ClassVar[dict[str, frozenset[str]]] = dict.fromkeys(
        ("retrieve", "destroy", "rejected"), frozenset[str]()
    )

    @extend_schema(parameters=[IF_NONE_MATCH_PARAMETER], responses=tagged(_ONE))
    def retrieve(self, request: Request, import_id: UUID) -> HttpResponseBase:
        """Get how far an import is; `Retry-After` says when to ask again."""
        row = whitelist_import_get(actor=actor_of(request), import_id=import_id)
        etag = _etag(WhitelistImportSerializer(row).data)
        response = not_modified(etag) if is_unchanged(request, etag) else _import_answer(row)
        if not row.is_over:
            response["Retry-After"] = str(RETRY_SECONDS)
        return response

    @extend_schema(request=NothingSerializer, responses={200: _ONE})
    def destroy(self, request: Request, import_id: UUID) -> Response:
        """Cancel an import; rows that are written stay. Cancelling twice changes nothing."""
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        row = whitelist_import_cancel(actor=actor_of(request), import_id=import_id)
        return _import_answer(row)

    @extend_schema(responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "The file.")})
    def rejected(self, request: Request, import_id: UUID) -> StreamingHttpResponse:
        """Download the rows that were not used, each with its line and the reason, as CSV."""
        actor = actor_of(request)
        row, rows = whitelist_import_rejections_export(actor=actor, import_id=import_id)
        return csv_response(
            f"whitelist-import-{row.pk}-rejected.csv",
            _REJECTED_COLUMNS,
            rows,
            total=row.rejected,
            limit=MAX_ROWS,
        )


def _mode(request: Request) -> BulkMode:
    asked = request.query_params.get("mode") or BulkMode.PARTIAL
    mode = choice_of(BulkMode, asked)
    if mode is None or asked.isdigit():
        raise ValidationError({"mode": [f"Must be one of {', '.join(BulkMode.values)}."]})
    return BulkMode(mode)


def _flag(request: Request, name: str) -> bool:
    asked = (request.query_params.get(name) or "false").lower()
    if asked not in ("true", "false"):
        raise ValidationError({name: ["Must be true or false."]})
    return asked == "true"


def _etag(document: Any) -> str:
    return sha256(dumps(document)).hexdigest()


def _import_answer(row: WhitelistImport, *, status: int = 200) -> Response:
    document = WhitelistImportSerializer(row).data
    response = answer("import", document, status=status)
    response["ETag"] = quote_etag(_etag(document))
    return response
