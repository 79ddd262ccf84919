"""One lean middleware: correlation id, access line, metrics."""

import logging
import time
from collections.abc import Callable
from functools import cache

from django.http import HttpRequest, HttpResponseBase

from config.observability.context import work
from config.observability.metrics import LATENCY, REQUESTS

HEADER = "X-Correlation-ID"
logger = logging.getLogger("assayer.access")


class ObservabilityMiddleware:
    """Accepts or makes the correlation id, answers with it, and writes one line a request.

    The line holds method, route, status and duration: never a header, a body or a query string.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        origin = "Admin" if request.path_info.startswith("/admin/") else "Api"
        with work(request.headers.get(HEADER), origin) as correlation:
            response = self.get_response(request)
            response[HEADER] = correlation
            # Django would log an error answer once more, after the correlation id is unbound.
            setattr(response, "_has_been_logged", True)  # noqa: B010 - it is not declared
            elapsed = time.perf_counter() - started
            match = request.resolver_match
            route = match.route if match else "unmatched"
            method = request.method if request.method in _METHODS else "OTHER"
            _answered(method, route, response.status_code).inc()
            _latency(method, route).observe(elapsed)
            logger.info(
                "request",
                extra={
                    "method": method,
                    "route": route,
                    "status": response.status_code,
                    "ms": round(elapsed * 1000, 1),
                },
            )
        return response


# Finding a series by its labels costs more than counting in it; the routes bound their number.
_answered = cache(REQUESTS.labels)
_latency = cache(LATENCY.labels)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
