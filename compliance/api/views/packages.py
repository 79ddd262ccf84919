"""Attestation packages (seed 1, section 14)."""

from hashlib import sha256
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import quote_etag
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.actor import actor_of
from compliance.api.package_serializers import (
    PackageRequestSerializer,
    PackageSerializer,
    PackageVerificationSerializer,
)
from compliance.api.parsers import SealedReportParser
from compliance.choices import PackageFormat
from compliance.models import AttestationPackage
from compliance.packages.pdf import pdf_bytes
from compliance.services.packages import (
    package_document,
    package_generate,
    package_read,
    package_verify,
)
from config.api.conditional import is_unchanged, not_modified
from config.api.csv import mark_download
from config.api.errors import ValidationFailed
from config.api.formats import choice_of
from config.api.idempotency import idempotent
from config.api.schema import IF_NONE_MATCH_PARAMETER, noun_serializer
from config.api.views import WireViewSet, answer

SHOWN = 100  # attestations in the answer; the stored package has all of them
_STORED = "/api/v1/compliance/attestation-packages"
_RESPONSES = {
    (200, "application/json"): inline_serializer(
        "AttestationPackageResponse",
        {
            "success": serializers.BooleanField(),
            "package": PackageSerializer(),
            "format": serializers.CharField(),
            "truncated": serializers.BooleanField(
                help_text="Whether the stored package has more attestations than this answer."
            ),
        },
    ),
    (200, "application/pdf"): OpenApiTypes.BINARY,
}
_FORMAT = OpenApiParameter(
    "format",
    OpenApiTypes.STR,
    enum=PackageFormat.values,
    default=PackageFormat.JSON,
    description="In any case.",
)
_PACKAGE = {
    "type": "object",
    "additionalProperties": {},
    "description": "A package as it was answered, bare or in its envelope.",
}


class AttestationPackageViewSet(WireViewSet):
    """Packages on one's own issuers' tokens, or on all for those who read all."""

    export_actions: ClassVar[frozenset[str]] = frozenset({"create", "retrieve"})
    failure_events: ClassVar[dict[str, str]] = {
        "create": "compliance.package.generation_failed",
        "retrieve": "compliance.package.read_failed",
    }
    query_parameters: ClassVar[dict[str, frozenset[str]]] = {
        "create": frozenset(),
        "retrieve": frozenset({"format"}),
    }

    @extend_schema(request=PackageRequestSerializer, responses=_RESPONSES)
    @idempotent
    def create(self, request: Request) -> HttpResponseBase:
        """Generate, sign and store a package on a token for an audit.

        The answer shows the newest 100 attestations and says whether there are more (`truncated`);
        the stored package, whose address is the `Location`, has all of them. The same data gives
        the same `contentHash`. With `format` "pdf" the answer is the file.
        """
        serializer = PackageRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        wanted = serializer.validated_data
        form = PackageFormat(wanted.get("format") or PackageFormat.JSON)
        package = package_generate(
            actor=actor_of(request),
            asset_id=wanted["token_id"],
            network=wanted.get("network"),
            period_from=wanted.get("from_date"),
            period_to=wanted.get("to_date"),
            form=form,
        )
        response = _answer(package, form, limit=SHOWN)
        response["Location"] = f"{_STORED}/{package.pk}"
        return response

    @extend_schema(
        parameters=[_FORMAT, IF_NONE_MATCH_PARAMETER],
        responses={
            **_RESPONSES,
            304: OpenApiResponse(description="The caller holds this very package."),
        },
    )
    def retrieve(self, request: Request, package_id: UUID) -> HttpResponseBase:
        """Get a stored package with all of its attestations, or as a PDF."""
        asked = request.query_params.get("format") or PackageFormat.JSON
        form = choice_of(PackageFormat, asked)
        if form is None or asked.isdigit():
            known = ", ".join(PackageFormat.values)
            raise ValidationFailed(
                f"Unsupported format. Supported formats: {known}",
                details={"format": [f"Must be one of {known}."]},
            )
        package = package_read(
            actor=actor_of(request), package_id=package_id, form=PackageFormat(form)
        )
        etag = f"{package.pk}-{form}"
        if is_unchanged(request, etag):
            return not_modified(etag)
        response = _answer(package, PackageFormat(form))
        response["ETag"] = quote_etag(etag)
        return response


def _answer(
    package: AttestationPackage, form: PackageFormat, *, limit: int | None = None
) -> HttpResponseBase:
    if form == PackageFormat.PDF:
        content = pdf_bytes(package_document(package))
        response = HttpResponse(content, content_type="application/pdf")
        rows = package.attestation_count
        mark_download(response, f"attestation-package-{package.pk}.pdf", total=rows, limit=rows)
        response["X-Content-SHA256"] = sha256(content).hexdigest()
        return response
    shown = package.attestation_count if limit is None else limit
    return answer(
        "package",
        package_document(package, limit=limit),
        format=str(form),
        truncated=package.attestation_count > shown,
    )


class PackageVerificationViewSet(WireViewSet):
    """Is this file a package of ours, as it was signed?"""

    parser_classes = (SealedReportParser,)
    export_actions: ClassVar[frozenset[str]] = frozenset({"create"})
    failure_events: ClassVar[dict[str, str]] = {"create": "compliance.package.verify_failed"}
    query_parameters: ClassVar[dict[str, frozenset[str]]] = {"create": frozenset()}

    @extend_schema(
        request={"application/json": _PACKAGE},
        responses={
            200: noun_serializer(
                "PackageVerificationResponse", "verification", PackageVerificationSerializer()
            )
        },
    )
    def create(self, request: Request) -> Response:
        """Check an uploaded package: what holds of it and what does not."""
        uploaded: Any = request.data
        if not uploaded:  # an empty body never reaches a parser
            raise ParseError("The body is empty: send the JSON of a package.")
        if not isinstance(uploaded["document"], dict):
            message = "A package is one JSON object."
            raise ValidationFailed(message, details={"request": [message]})
        checked = package_verify(
            actor=actor_of(request), raw=uploaded["raw"], document=uploaded["document"]
        )
        found = checked.inspection
        return answer(
            "verification",
            {
                "valid": found.holds,
                "storedHere": checked.stored_here,
                "packageId": found.report_id,
                "keyId": found.key_id,
                "findings": [
                    {"name": one.name, "holds": one.holds, "detail": one.detail}
                    for one in found.findings
                ],
            },
        )
