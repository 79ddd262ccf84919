"""Dry runs of drafts: what a version would change for every token, before it is in force."""

from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import quote_etag
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.actor import actor_of
from accounts.policies import require_staff
from config.api.conditional import is_unchanged, not_modified
from config.api.idempotency import idempotent
from config.api.paging import Paginator
from config.api.schema import (
    IF_MATCH_PARAMETER,
    IF_NONE_MATCH_PARAMETER,
    filter_parameters,
    noun_serializer,
    page_serializer,
    tagged,
)
from config.api.serializers import NothingSerializer
from config.api.views import WireViewSet, answer, answer_page, answer_tagged
from jurisdictions.api.dry_run_serializers import (
    DryRunChangeSerializer,
    DryRunSerializer,
    dry_run_url,
)
from jurisdictions.api.filters import DryRunChangeFilter, DryRunFilter
from jurisdictions.api.views.packs import seen_version
from jurisdictions.models import DryRun
from jurisdictions.selectors import pack_get
from jurisdictions.services import dry_runs

_ONE = noun_serializer("DryRunResponse", "dryRun", DryRunSerializer())
_NO_PARAMETERS: frozenset[str] = frozenset()
POLL_SECONDS = 2


class DryRunViewSet(WireViewSet):
    """Dry runs: officers ask for them and cancel them, everyone with a platform role reads them."""

    paginator = Paginator(("created_at", "id"))
    failure_events: ClassVar[dict[str, str]] = dict.fromkeys(
        ("create", "cancel"), "jurisdictions.dry_run.request_failed"
    )
    query_parameters: ClassVar[dict[str, frozenset[str]]] = dict.fromkeys(
        ("create", "retrieve", "cancel", "report"), _NO_PARAMETERS
    )

    @extend_schema(
        parameters=[IF_MATCH_PARAMETER], request=NothingSerializer, responses={202: _ONE}
    )
    @idempotent
    def create(self, request: Request, pack_id: str, version: str) -> Response:
        """Evaluate every token with this version in force, in the background.

        `Location` is where its progress is read. A run of the same content that has not ended yet
        is answered instead of starting a second one.
        """
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        pack = pack_get(pack_id=pack_id, version=version)
        run = dry_runs.dry_run_request(
            actor=actor_of(request), pack=pack, lock_version=seen_version(request, pack)
        )
        response = answer("dryRun", DryRunSerializer(run).data, status=202)
        response["Location"] = dry_run_url(run.pk)
        return response

    @extend_schema(
        parameters=filter_parameters(DryRunFilter),
        responses=page_serializer("DryRunListResponse", "dryRuns", DryRunSerializer),
    )
    def list(self, request: Request, pack_id: str, version: str) -> Response:
        """List the dry runs of a version, newest first."""
        require_staff(actor_of(request))
        pack = pack_get(pack_id=pack_id, version=version)
        rows = DryRun.objects.filter(pack=pack).select_related("pack", "report")
        rows, _ = DryRunFilter.apply(rows.defer("report__document"), request)
        page = self.paginator.paginate(rows, request)
        return answer_page("dryRuns", page, DryRunSerializer(page.rows, many=True).data)

    @extend_schema(parameters=[IF_NONE_MATCH_PARAMETER], responses=tagged(_ONE))
    def retrieve(self, request: Request, run_id: UUID) -> HttpResponseBase:
        """Get a dry run: how far it is, and when it has finished, what it found."""
        run = dry_runs.dry_run_get(actor=actor_of(request), run_id=run_id)
        etag = f"{run.pk}-{run.state}-{run.done}"
        response = answer_tagged(request, etag, "dryRun", DryRunSerializer(run).data)
        if run.is_unfinished:
            response["Retry-After"] = str(POLL_SECONDS)
        return response

    @extend_schema(request=NothingSerializer, responses={200: _ONE})
    def cancel(self, request: Request, run_id: UUID) -> Response:
        """Cancel a dry run that has not finished."""
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        actor = actor_of(request)
        run = dry_runs.dry_run_get(actor=actor, run_id=run_id)
        cancelled = dry_runs.dry_run_cancel(actor=actor, run=run)
        return answer("dryRun", DryRunSerializer(cancelled).data)

    @extend_schema(
        parameters=filter_parameters(DryRunChangeFilter),
        responses=page_serializer("DryRunChangeListResponse", "changes", DryRunChangeSerializer),
    )
    def changes(self, request: Request, run_id: UUID) -> Response:
        """List the tokens whose status would change: from what, to what, by which checks."""
        run = dry_runs.dry_run_get(actor=actor_of(request), run_id=run_id)
        rows, _ = DryRunChangeFilter.apply(run.changes.select_related("token"), request)
        page = self.paginator.paginate(rows, request)
        return answer_page("changes", page, DryRunChangeSerializer(page.rows, many=True).data)

    @extend_schema(
        parameters=[IF_NONE_MATCH_PARAMETER],
        responses={
            (200, "application/json"): OpenApiTypes.OBJECT,
            304: OpenApiResponse(description="The caller holds this very file."),
        },
    )
    def report(self, request: Request, run_id: UUID) -> HttpResponseBase:
        """Download the sealed report of a finished run: what a second person approves."""
        actor = actor_of(request)
        run = dry_runs.dry_run_get(actor=actor, run_id=run_id)
        report = dry_runs.dry_run_report_read(actor=actor, run=run)
        if is_unchanged(request, report.digest):
            return not_modified(report.digest)
        response = HttpResponse(report.document.encode(), content_type="application/json")
        response["Content-Disposition"] = f'attachment; filename="dry-run-{run.pk}.json"'
        response["ETag"] = quote_etag(report.digest)
        return response
