"""The files of reports: downloads, bundles, their schema, the keys, and checking one."""

from functools import partial
from hashlib import sha256
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import quote_etag
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.actor import actor_of
from audit.cosignatures import witness_keys
from audit.log_key import log_key
from audit.signing import public_keys
from compliance.api.parsers import SealedReportParser
from compliance.api.report_serializers import VerificationSerializer
from compliance.choices import DownloadFormat
from compliance.reports.schema import SCHEMA_PATH, VERSIONS, schema_bytes
from compliance.services.report_files import (
    ReportFile,
    report_bundle,
    report_export,
    report_verify,
)
from config.api.conditional import is_unchanged, not_modified
from config.api.csv import mark_download
from config.api.errors import NotFound, ValidationFailed
from config.api.formats import choice_of
from config.api.json import dumps
from config.api.schema import IF_NONE_MATCH_PARAMETER, noun_serializer
from config.api.views import WireViewSet, answer

_KEYS_SECONDS = 3600
_SEALED_REPORT = {
    "type": "object",
    "additionalProperties": {},
    "description": f"A sealed report, byte for byte as it was downloaded; see {SCHEMA_PATH}.",
    "externalDocs": {"url": SCHEMA_PATH},
}


def published_keys(request: HttpRequest) -> HttpResponse:
    """Answer the public keys of reports and of the log, to everybody and from any origin."""
    log = log_key()
    keys = {
        "keys": [key.document() for key in public_keys().values()],
        "logs": [{"origin": log.name, "key": log.text}],
        "witnesses": [{"name": key.name, "key": key.text} for key in witness_keys()],
    }
    return HttpResponse(
        dumps(keys),
        content_type="application/json",
        headers={
            "Access-Control-Allow-Origin": "*",
            "Cache-Control": f"public, max-age={_KEYS_SECONDS}",
        },
    )


_FORMAT = OpenApiParameter(
    "format",
    OpenApiTypes.STR,
    enum=DownloadFormat.values,
    default=DownloadFormat.JSON,
    description="In any case: the sealed JSON, CSV, PDF, or OSCAL assessment results.",
)
_VERSION = OpenApiParameter(
    "version", OpenApiTypes.STR, OpenApiParameter.PATH, enum=VERSIONS, description="Of the schema."
)


class ReportFileViewSet(WireViewSet):
    """Stored reports as files, the same bytes every time."""

    export_actions: ClassVar[frozenset[str]] = frozenset({"download", "bundle"})
    failure_events: ClassVar[dict[str, str]] = dict.fromkeys(
        ("download", "bundle"), "compliance.report.export_failed"
    )
    query_parameters: ClassVar[dict[str, frozenset[str]]] = {
        "download": frozenset({"format"}),
        "bundle": frozenset(),
    }

    @extend_schema(
        parameters=[_FORMAT, IF_NONE_MATCH_PARAMETER],
        responses={
            (200, "application/json"): OpenApiTypes.OBJECT,
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "application/pdf"): OpenApiTypes.BINARY,
            304: OpenApiResponse(description="The caller holds this very file."),
        },
    )
    def download(self, request: Request, report_id: UUID) -> HttpResponseBase:
        """Download a stored report; `X-Content-SHA256` is that of the file's bytes."""
        asked = request.query_params.get("format") or DownloadFormat.JSON
        form = choice_of(DownloadFormat, asked)
        if form is None or asked.isdigit():
            known = ", ".join(DownloadFormat.values)
            raise ValidationFailed(
                f"Unsupported format. Supported formats: {known}",
                details={"format": [f"Must be one of {known}."]},
            )
        return _send(
            report_export(
                actor=actor_of(request),
                report_id=report_id,
                form=DownloadFormat(form),
                holds=partial(is_unchanged, request),
            )
        )

    @extend_schema(
        parameters=[IF_NONE_MATCH_PARAMETER],
        responses={
            (200, "application/zip"): OpenApiTypes.BINARY,
            304: OpenApiResponse(description="The caller holds this very file."),
        },
    )
    def bundle(self, request: Request, report_id: UUID) -> HttpResponseBase:
        """Download all that is needed to evaluate a report again: report, snapshot, rule packs."""
        return _send(
            report_bundle(
                actor=actor_of(request), report_id=report_id, holds=partial(is_unchanged, request)
            )
        )


def _send(file: ReportFile) -> HttpResponseBase:
    if file.held:
        return not_modified(file.sha256)
    response = HttpResponse(file.content, content_type=file.content_type)
    mark_download(response, file.name, total=file.rows, limit=file.rows)
    response["ETag"] = quote_etag(file.sha256)
    response["X-Content-SHA256"] = file.sha256
    return response


class ReportSchemaViewSet(WireViewSet):
    """The published schema of reports."""

    query_parameters: ClassVar[dict[str, frozenset[str]]] = {"retrieve": frozenset()}

    @extend_schema(
        parameters=[_VERSION, IF_NONE_MATCH_PARAMETER],
        responses={
            (200, "application/schema+json"): OpenApiTypes.OBJECT,
            304: OpenApiResponse(description="Nothing has changed since that ETag."),
        },
    )
    def retrieve(self, request: Request, version: str) -> HttpResponseBase:
        """Get the JSON Schema 2020-12 of sealed reports: every field described."""
        if version not in VERSIONS:
            raise NotFound(f"There is no such version. Known: {', '.join(VERSIONS)}.")
        document = schema_bytes(version)
        etag = sha256(document).hexdigest()
        if is_unchanged(request, etag):
            return not_modified(etag)
        return HttpResponse(
            document, content_type="application/schema+json", headers={"ETag": quote_etag(etag)}
        )


class ReportVerificationViewSet(WireViewSet):
    """Is this file a report of ours, as it was sealed?"""

    parser_classes = (SealedReportParser,)
    export_actions: ClassVar[frozenset[str]] = frozenset({"create"})
    failure_events: ClassVar[dict[str, str]] = {"create": "compliance.report.verify_failed"}
    query_parameters: ClassVar[dict[str, frozenset[str]]] = {"create": frozenset()}

    @extend_schema(
        request={"application/json": _SEALED_REPORT},
        responses={
            200: noun_serializer(
                "ReportVerificationResponse", "verification", VerificationSerializer()
            )
        },
    )
    def create(self, request: Request) -> Response:
        """Check an uploaded report: what holds of it and what does not."""
        uploaded: Any = request.data
        if not uploaded:  # an empty body never reaches a parser
            raise ParseError("The body is empty: send the file of a sealed report.")
        if not isinstance(uploaded["document"], dict):
            message = "A sealed report is one JSON object."
            raise ValidationFailed(message, details={"request": [message]})
        checked = report_verify(
            actor=actor_of(request), raw=uploaded["raw"], document=uploaded["document"]
        )
        found = checked.inspection
        return answer(
            "verification",
            {
                "valid": found.holds,
                "storedHere": checked.stored_here,
                "reportId": found.report_id,
                "keyId": found.key_id,
                "findings": [
                    {"name": one.name, "holds": one.holds, "detail": one.detail}
                    for one in found.findings
                ],
            },
        )
