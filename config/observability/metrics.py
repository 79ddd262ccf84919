"""Prometheus metrics, served at `/metrics`.

With several worker processes set `PROMETHEUS_MULTIPROC_DIR` to an empty folder that they share.
"""

import logging
import os
from collections.abc import Callable, Iterable, Iterator

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

logger = logging.getLogger("assayer.metrics")

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


Gauges = Callable[[], Iterable[tuple[str, str, float]]]
"""Yields name, meaning and value of what is read when metrics are asked for."""

_GAUGES: list[Gauges] = []


def add_gauges(gauges: Gauges) -> None:
    """Serve these too, each time as they are then."""
    if gauges not in _GAUGES:
        _GAUGES.append(gauges)


class _Measured:
    """The gauges; those that cannot be read now are left out."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for gauges in _GAUGES:
            try:
                for name, meaning, value in gauges():
                    yield GaugeMetricFamily(name, meaning, value=value)
            except DatabaseError:
                logger.warning("a gauge cannot be read")


_MEASURED = CollectorRegistry()
_MEASURED.register(_Measured())


def metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics of all worker processes in Prometheus' text form."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    text = generate_latest(registry) + generate_latest(_MEASURED)
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)
