"""Prometheus metrics, served at `/metrics`.

With several worker processes set `PROMETHEUS_MULTIPROC_DIR` to an empty folder that they share.
"""

import os

from django.http import HttpRequest, HttpResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

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
    """Return the metrics of all worker processes in Prometheus' text form."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
