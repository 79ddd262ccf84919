"""Sessions of users with a password: opened by log-in, prolonged by refresh, closed by log-out.

An access token lives for 15 minutes and a refresh token for 7 days (`SIMPLE_JWT`). A refresh token
is good for one use: whoever uses one again may have stolen it, so that ends every session of its
user. Of a refresh token only the id is stored.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.utils import timezone
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken

from accounts.lockout import account_name, answer_ourselves, seconds_locked, was_locked
from accounts.models import RevokedCredential, User
from audit.services import record_event
from config.api.errors import DomainError


class SessionRefused(DomainError):
    """No session for this caller; `reason` goes to the event log alone."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__()


class InvalidCredentials(SessionRefused):
    """No active user has this e-mail address and password (401)."""

    code: ClassVar[str] = "INVALID_CREDENTIALS"


class AccountLocked(SessionRefused):
    """The account is closed after five failures (423); `seconds` is how long it stays so."""

    code: ClassVar[str] = "ACCOUNT_LOCKED"

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__("ACCOUNT_LOCKED")


class InvalidRefreshToken(SessionRefused):
    """The refresh token was never ours, has expired, was used, or was revoked (401)."""

    code: ClassVar[str] = "INVALID_REFRESH_TOKEN"


@dataclass(frozen=True, slots=True)
class Session:
    """The tokens of one session; `expires_at` is the access token's end."""

    user: User
    access_token: str
    refresh_token: str
    expires_at: datetime
    refresh_expires_at: datetime


def session_open(*, request: HttpRequest, email: str, password: str) -> Session:
    """Return a new session of the user with this e-mail address and password.

    Raises `InvalidCredentials`, alike for an unknown address, a wrong password and an inactive
    user, and `AccountLocked` after five failures in a row, also for the right password.
    """
    name = account_name(email)
    # Not in a transaction: the failure must be counted and recorded although it is refused.
    user = authenticate(request, email=name, password=password)
    if not isinstance(user, User):
        met_lock = was_locked(request)
        answer_ourselves(request)
        if met_lock:
            raise AccountLocked(seconds_locked(name))
        raise InvalidCredentials("INVALID_CREDENTIALS")
    with transaction.atomic():
        # Its receivers record the event, forget earlier failures and note the time.
        user_logged_in.send(sender=User, request=request, user=user)
        return _issue(user)


def session_refresh(*, refresh_token: str) -> Session:
    """Return the continued session and use up `refresh_token`; raises `InvalidRefreshToken`.

    A token that was used or revoked before revokes all refresh tokens of its user.
    """
    claims = _read(refresh_token)
    with transaction.atomic():
        outcome = _rotate(claims)
    # Raised after the commit: the revocation and its event must outlive the refusal.
    if isinstance(outcome, InvalidRefreshToken):
        raise outcome
    return outcome


@transaction.atomic
def session_close(*, actor: User, credential: str, refresh_token: str | None = None) -> int:
    """End all sessions of `actor`, or the one of `refresh_token`; return how many there were.

    `credential` is the digest of the header in use, which is refused from now on. Raises
    `InvalidRefreshToken`, and changes nothing, where `refresh_token` is not one of the actor's.
    """
    User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    if refresh_token is None:
        ended = sessions_revoke(user=actor)
    else:
        claims = _read(refresh_token)
        own = OutstandingToken.objects.filter(jti=claims["jti"], user=actor).first()
        if own is None:
            raise InvalidRefreshToken("FOREIGN_TOKEN")
        _, created = BlacklistedToken.objects.get_or_create(token=own)
        ended = int(created)
    RevokedCredential.objects.get_or_create(digest=credential, defaults={"user": actor})
    record_event(
        "accounts.user.logged_out",
        actor=actor,
        reference_type="user",
        reference_id=str(actor.pk),
        details={"sessions": ended, "all": refresh_token is None},
    )
    return ended


def sessions_revoke(*, user: User) -> int:
    """Revoke every refresh token of `user` in the caller's transaction; return how many."""
    live = OutstandingToken.objects.filter(
        user=user, blacklistedtoken__isnull=True, expires_at__gt=timezone.now()
    )
    revoked = [BlacklistedToken(token=token) for token in live.order_by("pk")]
    BlacklistedToken.objects.bulk_create(revoked, ignore_conflicts=True)
    return len(revoked)


class _RefreshClaims(RefreshToken):
    """A refresh token that is read without asking whether it was used."""

    def check_blacklist(self) -> None:
        """Leave it to `_rotate`, which asks under a lock and must know used from invalid."""


def _read(refresh_token: str) -> dict[str, Any]:
    encoded: Any = refresh_token  # the library's hint is wrong: it decodes text
    try:
        return _RefreshClaims(encoded).payload
    except ExpiredTokenError:
        raise InvalidRefreshToken("EXPIRED_TOKEN") from None
    except TokenError:
        raise InvalidRefreshToken("INVALID_TOKEN") from None


def _rotate(claims: dict[str, Any]) -> Session | InvalidRefreshToken:
    # One at a time for each user: two uses of one token must not both count as the first.
    locked = User.objects.select_for_update(no_key=True)
    user = locked.filter(outstandingtoken__jti=claims["jti"]).first()
    if user is None:
        return InvalidRefreshToken("UNKNOWN_TOKEN")
    used = BlacklistedToken.objects.filter(token=OuterRef("pk"))
    token = OutstandingToken.objects.annotate(used=Exists(used)).get(jti=claims["jti"])
    if token.used:
        _end_stolen(user)
        return InvalidRefreshToken("REFRESH_TOKEN_REUSED")
    if not user.is_active:
        return InvalidRefreshToken("ACCOUNT_INACTIVE")
    BlacklistedToken.objects.create(token=token)
    record_event(
        "accounts.session.refreshed",
        actor=user,
        reference_type="user",
        reference_id=str(user.pk),
    )
    return _issue(user)


def _end_stolen(user: User) -> None:
    ended = sessions_revoke(user=user)
    if ended:  # a token that is sent again and again has nothing more to end or to tell
        record_event(
            "accounts.session.refreshed",
            actor=user,
            success=False,
            reference_type="user",
            reference_id=str(user.pk),
            notes="A used refresh token was sent again; all sessions were ended",
            details={"reason": "REFRESH_TOKEN_REUSED", "sessions": ended},
        )


def _issue(user: User) -> Session:
    refresh = RefreshToken()
    refresh["user_id"] = str(user.pk)
    access = refresh.access_token
    refresh_expires_at = _moment(refresh["exp"])
    OutstandingToken.objects.create(
        user=user,
        jti=refresh["jti"],
        token="",
        created_at=_moment(refresh["iat"]),
        expires_at=refresh_expires_at,
    )
    return Session(user, str(access), str(refresh), _moment(access["exp"]), refresh_expires_at)


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
