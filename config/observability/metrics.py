"""Prometheus metrics of the process, served at `/metrics`."""

from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Counter, Histogram, generate_latest

REQUESTS = Counter("assayer_http_requests", "Requests answered.", ("method", "route", "status"))
LATENCY = Histogram(
    "assayer_http_request_seconds",
    "Seconds from request to answer.",
    ("method", "route"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
EVENTS = Counter("assayer_audit_events", "Events recorded.", ("category", "success"))
EVALUATIONS = Counter("assayer_status_evaluations", "Token statuses evaluated.", ("status",))
REPORTS = Counter("assayer_reports", "Reports generated.", ("kind",))
EXPORTED_ROWS = Counter("assayer_exported_rows", "Rows exported.", ("view", "format"))


def metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics of this process in Prometheus' text form."""
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)
