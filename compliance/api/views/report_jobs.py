"""Reports that are made in the background: how far they are, and stopping them."""

from hashlib import sha256
from typing import Any, ClassVar
from uuid import UUID

from django.http.response import HttpResponseBase
from django.utils.http import quote_etag
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.actor import actor_of
from audit.body import canonical
from compliance.api.report_serializers import ReportJobSerializer
from compliance.models import ReportJob
from compliance.services.report_jobs import report_job_cancel, report_job_get
from config.api.conditional import is_unchanged, not_modified
from config.api.schema import IF_NONE_MATCH_PARAMETER, noun_serializer, tagged
from config.api.serializers import NothingSerializer
from config.api.views import WireViewSet, answer

RETRY_SECONDS = 2
REPORTS = "/api/v1/compliance/reports"
JOB_RESPONSE = noun_serializer("ReportJobResponse", "job", ReportJobSerializer())


class ReportJobViewSet(WireViewSet):
    """The jobs that one asked for oneself, or all for those who read everything."""

    query_parameters: ClassVar[dict[str, frozenset[str]]] = {
        "retrieve": frozenset(),
        "destroy": frozenset(),
    }

    @extend_schema(parameters=[IF_NONE_MATCH_PARAMETER], responses=tagged(JOB_RESPONSE))
    def retrieve(self, request: Request, job_id: UUID) -> HttpResponseBase:
        """Get how far a report is that is made in the background.

        `Retry-After` says when to ask again; of a finished one, `Location` is the report.
        """
        job = report_job_get(actor=actor_of(request), job_id=job_id)
        etag = job_etag(job)
        response = not_modified(etag) if is_unchanged(request, etag) else job_answer(job)
        return with_job_headers(response, job)

    @extend_schema(request=None, responses={200: JOB_RESPONSE})
    def destroy(self, request: Request, job_id: UUID) -> Response:
        """Cancel a report that is made in the background; cancelling twice changes nothing."""
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        job = report_job_cancel(actor=actor_of(request), job_id=job_id)
        return job_answer(job)


def job_etag(job: ReportJob) -> str:
    """Return a name of this state of the job."""
    document: Any = ReportJobSerializer(job).data
    return sha256(canonical(document)).hexdigest()


def job_answer(job: ReportJob, *, status: int = 200) -> Response:
    """Return the job in the envelope, with its `ETag`."""
    response = answer("job", ReportJobSerializer(job).data, status=status)
    response["ETag"] = quote_etag(job_etag(job))
    return response


def with_job_headers(response: Response, job: ReportJob) -> Response:
    """Return the answer with when to ask again, or where the report is."""
    if not job.is_over:
        response["Retry-After"] = str(RETRY_SECONDS)
    if job.report_id is not None:
        response["Location"] = f"{REPORTS}/{job.report_id}"
    return response
