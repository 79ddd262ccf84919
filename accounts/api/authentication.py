"""Authentication of the API: `SigTx` (ARC-0014) and `Bearer` (JWT), chosen by the scheme word."""

from typing import Any

from django.conf import settings
from django.db.models import Exists
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken, TokenError

from accounts.arc14.verifier import Arc14Error
from accounts.models import RevokedCredential, User
from accounts.services import user_by_address
from accounts.signatures import prove


class CredentialsRefused(AuthenticationFailed):
    """A 401 that says nothing to the caller; `reason_code` goes to the event log alone."""

    def __init__(self, reason_code: str) -> None:
        self.reason_code = reason_code
        super().__init__()


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

    def authenticate(self, request: Request) -> tuple[User, Any] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not is_sigtx(header):
            return None
        try:
            proven = prove(header)
        except Arc14Error as error:
            raise CredentialsRefused(error.code) from None
        revoked = RevokedCredential.objects.filter(digest=proven.digest)
        user = (
            User.objects.filter(address=proven.address)
            .annotate(credential_revoked=Exists(revoked))
            .first()
        )
        if user is None:
            if revoked.exists():
                raise CredentialsRefused("REVOKED")
            user = user_by_address(address=proven.address)
        elif user.credential_revoked:
            raise CredentialsRefused("REVOKED")
        if not user.is_active:
            raise CredentialsRefused("ACCOUNT_INACTIVE")
        return user, proven

    def authenticate_header(self, request: Request) -> str:
        return challenge()


class BearerAuthentication(JWTAuthentication):
    """The user whom the access token names."""

    def authenticate(self, request: Request) -> tuple[User, Any] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not header:
            return None
        if header.split(None, 1)[0].lower() != "bearer":
            raise CredentialsRefused("BAD_SCHEME")
        try:
            result = super().authenticate(request)
        except (InvalidToken, TokenError, AuthenticationFailed):
            raise CredentialsRefused("INVALID_TOKEN") from None
        if result is None:
            raise CredentialsRefused("INVALID_TOKEN")
        return result

    def authenticate_header(self, request: Request) -> str:
        return challenge()
