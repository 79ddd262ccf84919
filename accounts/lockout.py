"""The lock-out: five wrong passwords close an account for 30 minutes, wherever they came from.

django-axes counts; the limits are its settings. Every log-in, by API and in the admin, passes here.
"""

import math
from typing import Any

from axes.conf import settings as axes_settings
from axes.models import AccessAttempt
from django.http import HttpRequest
from django.utils import timezone


def account_name(text: str | None) -> str:
    """Return the spelling by which an account is found and its failures are counted."""
    return (text or "").strip().lower()


def was_locked(request: HttpRequest) -> bool:
    """Return whether the log-in of this request met a lock, whatever the password."""
    return bool(getattr(request, "axes_locked_out", False))


def answer_ourselves(request: HttpRequest) -> None:
    """Keep axes' middleware from replacing the answer to this request by one of its own."""
    setattr(request, "axes_locked_out", False)  # noqa: B010 - HttpRequest does not declare it


def seconds_locked(email: str) -> int:
    """Return for how many seconds, rounded up, a locked account stays locked."""
    now = timezone.now()
    cool_off = axes_settings.AXES_COOLOFF_TIME
    last = (
        AccessAttempt.objects.filter(username=email, attempt_time__gte=now - cool_off)
        .order_by("-attempt_time", "-pk")
        .values_list("attempt_time", flat=True)
        .first()
    )
    return 0 if last is None else math.ceil((last + cool_off - now).total_seconds())


def begins_now(request: HttpRequest) -> bool:
    """Return whether this failure is the one that locks, and not one that met the lock."""
    return getattr(request, "axes_failures_since_start", None) is not None


def lock_whole(request: HttpRequest, username: str) -> None:
    """Let a lock that begins now last its full time.

    axes counts by address and browser too, and would forget each part of the five on its own.
    """
    moment: Any = getattr(request, "axes_attempt_time", None) or timezone.now()
    AccessAttempt.objects.filter(username=username).update(attempt_time=moment)
