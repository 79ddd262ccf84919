"""Authentication of the API: `SigTx` (ARC-0014) and `Bearer` (JWT), chosen by the scheme word.

Either costs one query for the user. What authenticated a request is its `auth`; its `digest` is
what log-out puts on the list of revoked credentials.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Exists, QuerySet
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError
from rest_framework_simplejwt.tokens import AccessToken

from accounts.arc14.verifier import Arc14Error
from accounts.models import RevokedCredential, User
from accounts.services import user_by_address
from accounts.signatures import ProvenAddress, prove


class CredentialsRefused(AuthenticationFailed):
    """A 401 that says nothing to the caller; `reason_code` goes to the event log alone."""

    def __init__(self, reason_code: str) -> None:
        self.reason_code = reason_code
        super().__init__()


@dataclass(frozen=True, slots=True)
class ProvenToken:
    """An access token that was verified; `digest` stands for its id."""

    digest: str


def challenge() -> str:
    """Return the `WWW-Authenticate` header of every 401."""
    realm = settings.ARC14_REALMS[0] if settings.ARC14_REALMS else "Assayer"
    return f'SigTx realm="{realm}", Bearer'


def is_sigtx(header: str) -> bool:
    """Return whether the scheme word is `SigTx`, bare or behind one `Bearer`."""
    words = header.split(None, 2)
    return bool(words) and (
        words[0] == "SigTx" or (words[0].lower() == "bearer" and words[1:2] == ["SigTx"])
    )


class SigTxAuthentication(BaseAuthentication):
    """The wallet that signed the header; its first valid signature creates the user."""

    def authenticate(self, request: Request) -> tuple[User, ProvenAddress] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not is_sigtx(header):
            return None
        try:
            proven = prove(header)
        except Arc14Error as error:
            raise CredentialsRefused(error.code) from None
        user = _users(proven.digest).filter(address=proven.address).first()
        if user is None:
            # The address may have been taken from the user who revoked it.
            if RevokedCredential.objects.filter(digest=proven.digest).exists():
                raise CredentialsRefused("REVOKED")
            user = user_by_address(address=proven.address)
        return _admitted(user), proven

    def authenticate_header(self, request: Request) -> str:
        return challenge()


class BearerAuthentication(BaseAuthentication):
    """The user whom the access token names."""

    def authenticate(self, request: Request) -> tuple[User, ProvenToken] | None:
        header = request.META.get("HTTP_AUTHORIZATION")
        if header is None:
            return None
        words = header.split()
        if not words:
            raise CredentialsRefused("NO_HEADER")
        if words[0].lower() != "bearer":
            raise CredentialsRefused("BAD_SCHEME")
        if len(words) != 2:
            raise CredentialsRefused("INVALID_TOKEN")
        claims = _claims(words[1])
        proven = ProvenToken(hashlib.sha256(f"Bearer {claims['jti']}".encode()).hexdigest())
        user = _users(proven.digest).filter(pk=claims["user_id"]).first()
        if user is None:
            raise CredentialsRefused("UNKNOWN_USER")
        return _admitted(user), proven

    def authenticate_header(self, request: Request) -> str:
        return challenge()


def _claims(encoded: Any) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = AccessToken(encoded).payload
    except ExpiredTokenError:
        raise CredentialsRefused("EXPIRED_TOKEN") from None
    except TokenError:
        raise CredentialsRefused("INVALID_TOKEN") from None
    if "user_id" not in claims:
        raise CredentialsRefused("INVALID_TOKEN")
    return claims


def _users(digest: str) -> QuerySet[User]:
    revoked = RevokedCredential.objects.filter(digest=digest)
    return User.objects.annotate(credential_revoked=Exists(revoked))


def _admitted(user: User) -> User:
    if getattr(user, "credential_revoked", False):
        raise CredentialsRefused("REVOKED")
    if not user.is_active:
        raise CredentialsRefused("ACCOUNT_INACTIVE")
    return user
