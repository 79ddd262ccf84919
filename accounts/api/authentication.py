"""Authentication of the API: `SigTx` (ARC-0014) and `Bearer` (JWT), chosen by the scheme word.

Either costs one query for the user. What authenticated a request is its `auth`; its `digest` is
what log-out puts on the list of revoked credentials.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
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
        user = _user("address", proven.address, proven.digest)
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
        user = _user("id", User._meta.pk.to_python(claims["user_id"]), proven.digest)
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


# Every request pays for this look-up: plain SQL, and only the columns that requests ask for.
_ASKED_FOR = {"id", "email", "address", "full_name", "is_active", "is_superuser"}
_FIELDS = [field for field in User._meta.concrete_fields if field.name in _ASKED_FOR]
_LOADED = [field.attname for field in _FIELDS]
_LOOK_UP = f"""
SELECT EXISTS (SELECT 1 FROM {RevokedCredential._meta.db_table} WHERE digest = %s),
    {", ".join(_LOADED)}
FROM {User._meta.db_table} WHERE {{}} = %s
"""  # noqa: S608 - constants


def _user(column: Literal["id", "address"], value: UUID | str, digest: str) -> User | None:
    """Return the user, or None where there is none; what is not loaded here loads when it is read.

    Raises `CredentialsRefused` where the credential was revoked.
    """
    database = connections[DEFAULT_DB_ALIAS]
    field = next(field for field in _FIELDS if field.name == column)
    with database.cursor() as cursor:
        cursor.execute(_LOOK_UP.format(column), [digest, field.get_db_prep_value(value, database)])
        row = cursor.fetchone()
    if row is None:
        return None
    revoked, *values = row
    if revoked:
        raise CredentialsRefused("REVOKED")
    loaded = [field.to_python(value) for field, value in zip(_FIELDS, values, strict=True)]
    return User.from_db(DEFAULT_DB_ALIAS, _LOADED, loaded)


def _admitted(user: User) -> User:
    if not user.is_active:
        raise CredentialsRefused("ACCOUNT_INACTIVE")
    return user
