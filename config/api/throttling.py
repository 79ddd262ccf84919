"""Rate limits per principal, else per address; the limits are settings (`RATE_LIMIT_*`).

Ordinary requests are counted in the process: counting them in a shared cache costs more than the
request that it guards. Log-in, exports and reports are counted exactly, in the
shared cache, by django-ratelimit, and are refused while that cache is broken.
"""

import logging
import time
from typing import Any, ClassVar

from django.conf import settings
from django.core.cache import caches
from django_ratelimit.core import get_usage
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle, SimpleRateThrottle

from config.observability.context import client_address

logger = logging.getLogger("assayer.api")


def principal_key(request: Request) -> str:
    """Return what a caller is counted under."""
    user = request.user
    if user.is_authenticated:
        return f"u:{user.pk}"
    return f"a:{client_address(request)}"


class OrdinaryRateLimit(SimpleRateThrottle):
    """Counts ordinary requests in this process, in windows that begin with a first request.

    DRF's own throttle keeps the time of each request, so that each costs more than the last.
    """

    scope = "ordinary"
    num_requests: int | None
    duration: int | None
    _wait: float | None = None

    def get_rate(self) -> str | None:
        return settings.RATE_LIMIT_ORDINARY or None

    def allow_request(self, request: Request, view: Any) -> bool:
        if self.num_requests is None or self.duration is None:
            return True
        cache, key = caches["local"], f"throttle:{principal_key(request)}"
        try:
            count = cache.incr(key)
        except ValueError:
            count = 1
            cache.set(key, count, self.duration)
            cache.set(f"{key}:end", time.time() + self.duration, self.duration)
        if count <= self.num_requests:
            return True
        self._wait = max(1.0, cache.get(f"{key}:end", 0.0) - time.time())
        return False

    def wait(self) -> float | None:
        return self._wait


class SharedRateLimit(BaseThrottle):
    """Counts in the shared cache under the group and the setting that the subclass names."""

    group: ClassVar[str]
    setting: ClassVar[str]

    def __init__(self) -> None:
        self._wait: float | None = None

    def key(self, request: Request) -> str:
        return principal_key(request)

    def allow_request(self, request: Request, view: Any) -> bool:
        rate = getattr(settings, self.setting)
        if not rate:
            return True
        try:
            usage = get_usage(
                request._request,
                group=self.group,
                key=lambda *_: self.key(request),
                rate=rate,
                increment=True,
            )
        except Exception:
            logger.exception("the rate limit could not be counted")
            usage = {"should_limit": True, "time_left": 5}
        if usage is None or not usage["should_limit"]:
            return True
        self._wait = max(1, usage["time_left"])
        return False

    def wait(self) -> float | None:
        return self._wait


class ExportRateLimit(SharedRateLimit):
    """Exports and reports."""

    group = "export"
    setting = "RATE_LIMIT_EXPORT"


class LoginRateLimit(SharedRateLimit):
    """Log-in, refresh and log-out: counted by address, before anyone is known."""

    group = "login"
    setting = "RATE_LIMIT_LOGIN"

    def key(self, request: Request) -> str:
        return f"a:{client_address(request)}"
