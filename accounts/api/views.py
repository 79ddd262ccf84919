"""Log-in, refresh, log-out and the own profile."""

from dataclasses import fields
from typing import Any, ClassVar, cast

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import APIException
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import ProvenToken, challenge
from accounts.api.serializers import (
    LoggedInSerializer,
    LoggedOutSerializer,
    LoginSerializer,
    LogoutSerializer,
    ProfileSerializer,
    RefreshedSerializer,
    RefreshSerializer,
)
from accounts.models import User
from accounts.selectors import memberships_of
from accounts.sessions import (
    AccountLocked,
    Session,
    SessionRefused,
    session_close,
    session_open,
    session_refresh,
)
from accounts.signatures import ProvenAddress
from config.api.catalogue import CATALOGUE
from config.api.serializers import ErrorEnvelopeSerializer, WireSerializer
from config.api.throttling import LoginRateLimit
from config.api.views import WireViewSet
from config.observability.context import correlation_id


class SessionRefusedAnswer(APIException):
    """The answer to a `SessionRefused`, with the headers that belong to its status."""

    def __init__(self, refused: SessionRefused) -> None:
        super().__init__()
        self.catalogue_code = refused.code
        self.status_code = CATALOGUE[refused.code].status
        self.reason_code = refused.reason
        self.auth_header = challenge() if self.status_code == 401 else None
        self.wait = refused.seconds if isinstance(refused, AccountLocked) else None


class SessionEndpoint(WireViewSet):
    """Base of what refuses sessions."""

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, SessionRefused):
            exc = SessionRefusedAnswer(exc)
        return super().handle_exception(exc)


class AuthViewSet(SessionEndpoint):
    """How a user with a password gets tokens; open to everybody, and counted by address."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (LoginRateLimit,)
    query_parameters: ClassVar[dict[str, frozenset[str]]] = {
        "login": frozenset(),
        "refresh": frozenset(),
    }

    @extend_schema(
        request=LoginSerializer,
        responses={
            200: LoggedInSerializer,
            401: OpenApiResponse(ErrorEnvelopeSerializer, "The address or the password is wrong."),
            423: OpenApiResponse(
                ErrorEnvelopeSerializer, "Locked after five failures; see Retry-After."
            ),
        },
    )
    def login(self, request: Request) -> Response:
        """Log in with an e-mail address and a password."""
        body = LoginSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        session = session_open(request=request._request, **body.validated_data)
        return _answer(LoggedInSerializer, **_fields(session))

    @extend_schema(
        request=RefreshSerializer,
        responses={
            200: RefreshedSerializer,
            401: OpenApiResponse(ErrorEnvelopeSerializer, "The refresh token is not valid."),
        },
    )
    def refresh(self, request: Request) -> Response:
        """Exchange a refresh token for fresh tokens; using one twice ends all sessions."""
        body = RefreshSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        session = session_refresh(**body.validated_data)
        return _answer(RefreshedSerializer, **_fields(session))


class SessionViewSet(SessionEndpoint):
    """The caller's own session, however they signed in."""

    query_parameters: ClassVar[dict[str, frozenset[str]]] = {
        "logout": frozenset(),
        "profile": frozenset(),
    }

    @extend_schema(request=LogoutSerializer, responses=LoggedOutSerializer)
    def logout(self, request: Request) -> Response:
        """End all sessions, or one; the credential of this request is refused from now on."""
        body = LogoutSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        proven = cast("ProvenAddress | ProvenToken", request.auth)
        ended = session_close(
            actor=_caller(request), credential=proven.digest, **body.validated_data
        )
        return _answer(LoggedOutSerializer, message=f"Logged out; sessions ended: {ended}.")

    @extend_schema(responses=ProfileSerializer)
    def profile(self, request: Request) -> Response:
        """Return who the caller is, their platform roles and their issuers."""
        user = _caller(request)
        return _answer(
            ProfileSerializer,
            pk=user.pk,
            email=user.email,
            full_name=user.full_name,
            address=user.address,
            roles=sorted(user.roles),
            issuers=memberships_of(user=user),
        )


def _caller(request: Request) -> User:
    return cast("User", request.user)


def _fields(session: Session) -> dict[str, Any]:
    return {field.name: getattr(session, field.name) for field in fields(session)}


def _answer(serializer: type[WireSerializer], **content: Any) -> Response:
    stamp = {"success": True, "correlation_id": correlation_id(), "timestamp": timezone.now()}
    return Response(serializer({**content, **stamp}).data)
