"""Log-ins and log-outs become events, by API and in the admin alike."""

from collections.abc import Mapping
from typing import Any, TypedDict

from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.http import HttpRequest

from accounts.lockout import (
    account_name,
    answer_ourselves,
    begins_now,
    lock_whole,
    seconds_locked,
    was_locked,
)
from accounts.models import User
from audit.principal import ANONYMOUS
from audit.services import record_event


def connect() -> None:
    """Subscribe to what django and axes tell of log-ins."""
    user_logged_in.connect(record_login, dispatch_uid="accounts.record_login")
    user_logged_out.connect(record_logout, dispatch_uid="accounts.record_logout")
    user_login_failed.connect(record_failure, dispatch_uid="accounts.record_failure")
    user_locked_out.connect(record_lock, dispatch_uid="accounts.record_lock")


def record_login(sender: object, user: User, **kwargs: Any) -> None:
    """Record that `user` proved a password."""
    with transaction.atomic():
        record_event("accounts.user.logged_in", actor=user, **_reference(user))


def record_logout(sender: object, user: User | None, **kwargs: Any) -> None:
    """Record that `user` left the admin."""
    if user is None:
        return
    with transaction.atomic():
        record_event("accounts.user.logged_out", actor=user, **_reference(user))


def record_failure(
    sender: object, credentials: Mapping[str, Any], request: HttpRequest, **kwargs: Any
) -> None:
    """Record a failed log-in: of a user where one was meant, and never what was typed."""
    name = credentials.get("email") or credentials.get("username")
    reason = "ACCOUNT_LOCKED" if was_locked(request) else "INVALID_CREDENTIALS"
    with transaction.atomic():
        record_event(
            "accounts.user.login_failed",
            actor=ANONYMOUS,
            success=False,
            **_reference(_meant(name)),
            details={"reason": reason},
        )


def record_lock(sender: object, request: HttpRequest, username: str, **kwargs: Any) -> None:
    """Record the failure that locks an account, and let the lock last its full time."""
    if not begins_now(request):
        return
    # This attempt is still answered as a wrong password; the next one meets the lock.
    answer_ourselves(request)
    with transaction.atomic():
        lock_whole(request, username)
        record_event(
            "accounts.user.locked",
            actor=ANONYMOUS,
            success=False,
            **_reference(_meant(username)),
            details={"seconds": seconds_locked(username)},
        )


def _meant(name: str | None) -> User | None:
    return User.objects.filter(email=account_name(name)).first()


class _Reference(TypedDict, total=False):
    reference_type: str
    reference_id: str


def _reference(user: User | None) -> _Reference:
    if user is None:
        return {}
    return {"reference_type": "user", "reference_id": str(user.pk)}
