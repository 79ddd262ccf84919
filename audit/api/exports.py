"""The endpoints of export jobs: files of the log of any size."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import quote_etag
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
    inline_serializer,
)
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api.log_viewset import principal_of
from audit.choices import ExportFormat
from audit.exports.downloads import Download, export_download, export_manifest, export_ready
from audit.exports.formats import MEDIA_TYPES
from audit.exports.models import ExportJob
from audit.exports.services import export_cancel, export_get, export_request
from config.api.conditional import is_unchanged, not_modified
from config.api.filters import ChoiceFilter, WireFilterSet
from config.api.idempotency import idempotent
from config.api.paging import Paginator
from config.api.schema import (
    IF_NONE_MATCH_PARAMETER,
    filter_parameters,
    noun_serializer,
    page_serializer,
)
from config.api.serializers import (
    BooleanField,
    ChoiceField,
    ErrorEnvelopeSerializer,
    MomentField,
    NothingSerializer,
    TextField,
    WireSerializer,
)
from config.api.views import WireViewSet, answer, answer_page
from config.jobs.models import JobStatus

RETRY_SECONDS = 2
EXPORTS = "/api/v1/exports"
_MOST_FILTERS = 50


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {"type": ["string", "integer", "boolean"]},
        "maxProperties": _MOST_FILTERS,
    }
)
class FiltersField(serializers.Field[dict[str, str], Any, dict[str, str], Any]):
    """Filters by name, as the list of the view knows them as query parameters."""

    default_error_messages = {
        "invalid": "Must be an object.",
        "invalid_value": "Must be a text, a whole number or a boolean.",
        "too_many": "Must not have more than {limit} members.",
    }

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if not isinstance(data, Mapping):
            self.fail("invalid")
        if len(data) > _MOST_FILTERS:
            self.fail("too_many", limit=_MOST_FILTERS)
        filters = {}
        for name, value in data.items():
            if isinstance(value, bool):
                filters[name] = str(value).lower()
            elif isinstance(value, str | int):
                filters[name] = str(value)
            else:
                raise ValidationError({name[:100]: [self.error_messages["invalid_value"]]})
        return filters

    def to_representation(self, value: dict[str, str]) -> dict[str, str]:
        return value


class ExportAskSerializer(WireSerializer):
    """What is to be in the file, and in which form."""

    view = TextField(max_length=64, help_text="A view of the log, such as compliance-audit-log.")
    filters = FiltersField(default=dict, help_text="As the list of the view has them in its query.")
    format = ChoiceField(ExportFormat)
    gzip = BooleanField(default=False)


class ExportSerializer(WireSerializer):
    """An export, and how far it is."""

    export_id = serializers.UUIDField(source="pk")
    view = serializers.CharField()
    filters = serializers.DictField(child=serializers.CharField(), source="parameters")
    criteria = serializers.CharField(help_text="The filters in words.")
    format = ChoiceField(ExportFormat)
    gzip = serializers.BooleanField()
    status = ChoiceField(JobStatus)
    progress_percent = serializers.IntegerField(
        min_value=0, max_value=100, help_text="100 once the file is there."
    )
    rows_total = serializers.IntegerField(allow_null=True, help_text="Exact, once it is counted.")
    rows_done = serializers.IntegerField()
    file_name = serializers.CharField()
    bytes = serializers.IntegerField(allow_null=True, source="size")
    sha256 = serializers.SerializerMethodField()
    requested_by = serializers.CharField()
    created_at = MomentField()
    started_at = MomentField(allow_null=True)
    finished_at = MomentField(allow_null=True)
    expires_at = MomentField(allow_null=True, help_text="The file is deleted then.")
    error_message = serializers.SerializerMethodField()
    download = serializers.SerializerMethodField(help_text="Null while there is no file.")

    def get_sha256(self, job: ExportJob) -> str | None:
        return job.sha256 or None

    def get_error_message(self, job: ExportJob) -> str | None:
        return job.error_message or None

    def get_download(self, job: ExportJob) -> str | None:
        return f"{EXPORTS}/{job.pk}/download" if job.is_ready else None


class ExportPartSerializer(WireSerializer):
    """A part of the file; the parts one after the other are the file."""

    number = serializers.IntegerField()
    rows = serializers.IntegerField()
    bytes = serializers.IntegerField()
    sha256 = serializers.CharField()


class ExportManifestSerializer(WireSerializer):
    """What a file is, and what proves the log that it was made of."""

    export_id = serializers.UUIDField()
    view = serializers.CharField()
    filters = serializers.DictField(child=serializers.CharField())
    criteria = serializers.CharField()
    format = ChoiceField(ExportFormat)
    gzip = serializers.BooleanField()
    file_name = serializers.CharField()
    rows = serializers.IntegerField()
    bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    parts = ExportPartSerializer(many=True)
    horizon = inline_serializer(
        "ExportHorizon",
        {
            "below": serializers.IntegerField(),
            "running": serializers.ListField(child=serializers.IntegerField()),
        },
        help_text="The events of the transactions below the one, but the others, are in the file.",
    )
    requested_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField()
    requested_by = serializers.CharField()
    checkpoint = serializers.CharField(
        allow_null=True, help_text="The newest signed note when it was finished."
    )
    key = serializers.CharField(allow_null=True, help_text="The verifier key of that note.")


class ExportFilter(WireFilterSet):
    """By where an export stands."""

    status = ChoiceFilter(field_name="status", enum=JobStatus)

    class Meta:
        model = ExportJob
        fields: list[str] = []


_EXPORT = noun_serializer("ExportResponse", "export", ExportSerializer())
_GZIP = "application/gzip"
_FILE = OpenApiResponse(OpenApiTypes.BINARY, "The file.")
_MEDIA = (*(kind.partition(";")[0] for kind in MEDIA_TYPES.values()), _GZIP)
_EXPIRED = OpenApiResponse(ErrorEnvelopeSerializer, "The file is not kept any more.")
_OUTSIDE = OpenApiResponse(ErrorEnvelopeSerializer, "The range is outside of the file.")


class ExportViewSet(WireViewSet):
    """The exports that one asked for oneself, or all for those who read everything."""

    paginator = Paginator(("created_at", "id"))
    export_actions: ClassVar[frozenset[str]] = frozenset({"create", "download"})
    query_parameters: ClassVar[dict[str, frozenset[str]]] = {
        name: frozenset() for name in ("create", "retrieve", "cancel", "manifest", "download")
    }

    @extend_schema(request=ExportAskSerializer, responses={202: _EXPORT})
    @idempotent
    def create(self, request: Request) -> Response:
        """Ask for a file of a view of the log, of any size, that is made in the background.

        `Location` is where to follow it. The file holds the events that the caller sees and that
        were committed when it was asked for.
        """
        asked = ExportAskSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        try:
            job = export_request(
                actor=principal_of(request),
                view=wanted["view"],
                parameters=wanted["filters"],
                form=ExportFormat(wanted["format"]),
                gzip=wanted["gzip"],
            )
        except ValidationError as refusal:
            detail: Any = refusal.detail
            raise ValidationError(
                {f"filters.{name}": texts for name, texts in detail.items()}
            ) from None
        response = _with_retry(_answer(job, status=202), job)
        response["Location"] = f"{EXPORTS}/{job.pk}"
        return response

    @extend_schema(
        parameters=filter_parameters(ExportFilter),
        responses=page_serializer("ExportListResponse", "exports", ExportSerializer),
    )
    def list(self, request: Request) -> Response:
        """List exports, newest first."""
        jobs, _ = ExportFilter.apply(ExportJob.objects.visible_to(principal_of(request)), request)
        page = self.paginator.paginate(jobs, request)
        return answer_page("exports", page, ExportSerializer(page.rows, many=True).data)

    @extend_schema(responses=_EXPORT)
    def retrieve(self, request: Request, export_id: UUID) -> Response:
        """Get how far an export is; `Retry-After` says when to ask again."""
        job = export_get(actor=principal_of(request), export_id=export_id)
        return _with_retry(_answer(job), job)

    @extend_schema(request=None, responses={200: _EXPORT})
    @idempotent
    def cancel(self, request: Request, export_id: UUID) -> Response:
        """Cancel an export that one asked for; cancelling twice changes nothing."""
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        return _answer(export_cancel(actor=principal_of(request), export_id=export_id))

    @extend_schema(
        responses={
            200: noun_serializer("ExportManifestResponse", "manifest", ExportManifestSerializer()),
            410: _EXPIRED,
        }
    )
    def manifest(self, request: Request, export_id: UUID) -> Response:
        """Get what a finished file is: its rows, its parts and their SHA-256."""
        job = export_ready(actor=principal_of(request), export_id=export_id)
        return answer("manifest", export_manifest(job))

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "Range",
                OpenApiTypes.STR,
                OpenApiParameter.HEADER,
                description="One range.",
            ),
            OpenApiParameter(
                "If-Range",
                OpenApiTypes.STR,
                OpenApiParameter.HEADER,
                description="The ETag that the range is of; the whole file where it is another.",
            ),
            IF_NONE_MATCH_PARAMETER,
        ],
        responses={
            **{(status, kind): _FILE for status in (200, 206) for kind in _MEDIA},
            304: OpenApiResponse(description="The caller holds the file."),
            410: _EXPIRED,
            416: _OUTSIDE,
        },
    )
    def download(self, request: Request, export_id: UUID) -> HttpResponseBase:
        """Download the file of an export, or a range of it."""
        actor = principal_of(request)
        job = export_ready(actor=actor, export_id=export_id)
        if is_unchanged(request, job.sha256):
            return not_modified(job.sha256)
        if request.method == "HEAD":
            return file_answer(Download(job, 0, job.size or 0, False, iter(())))
        return file_answer(
            export_download(
                actor=actor,
                export_id=export_id,
                wanted=request.headers.get("Range"),
                if_range=request.headers.get("If-Range"),
            )
        )


def file_answer(download: Download) -> HttpResponseBase:
    """Return the answer that is the file, or the range of it that was asked for."""
    job = download.job
    kind = _GZIP if job.gzip else MEDIA_TYPES[ExportFormat(job.format)]
    response = StreamingHttpResponse(download.chunks, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{job.file_name}"'
    response["Content-Length"] = str(download.end - download.start)
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = quote_etag(job.sha256)
    response["X-Content-SHA256"] = job.sha256
    response["X-Export-Total"] = str(job.rows_total)
    response["X-Content-Type-Options"] = "nosniff"
    if download.is_range:
        response.status_code = 206
        response["Content-Range"] = f"bytes {download.start}-{download.end - 1}/{job.size}"
    return response


def _answer(job: ExportJob, *, status: int = 200) -> Response:
    return answer("export", ExportSerializer(job).data, status=status)


def _with_retry(response: Response, job: ExportJob) -> Response:
    if not job.is_over:
        response["Retry-After"] = str(RETRY_SECONDS)
    return response
