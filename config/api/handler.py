"""One handler maps every exception of the API to the error envelope (design, section 5)."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.core.exceptions import (
    ValidationError as DjangoValidationError,
)
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import as_serializer_error

from config.api.catalogue import CATALOGUE
from config.api.errors import DomainError, NotVisible
from config.api.formats import utc_text
from config.api.json import dumps
from config.api.signals import request_failed
from config.observability.context import correlation_id

logger = logging.getLogger("assayer.api")


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, as the client will read it.

    `recordable_message` is safe for the event log: it never echoes what the caller sent.
    `denied` is true where the caller was refused for who they are. `extra` is answered beside the
    envelope. `event` names the event that records it, "" where it is recorded already; None leaves
    that to the view.
    """

    code: str
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)
    recordable_message: str = ""
    denied: bool = False
    reason_code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    event: str | None = None

    @property
    def status(self) -> int:
        return CATALOGUE[self.code].status


_BY_STATUS = {
    400: "VALIDATION_ERROR",
    401: "AUTHENTICATION_REQUIRED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    423: "ACCOUNT_LOCKED",
    429: "RATE_LIMITED",
}


def envelope(failure: Failure, path: str) -> dict[str, Any]:
    """Return the error body of `failure` for the request path `path`."""
    entry = CATALOGUE[failure.code]
    return {
        "success": False,
        "errorCode": failure.code,
        "errorMessage": failure.message,
        "details": failure.details,
        "remediationHint": entry.hint,
        "retryable": entry.retryable,
        "correlationId": correlation_id(),
        "timestamp": utc_text(timezone.now()),
        "path": path,
        **failure.extra,
    }


def failure_of(exc: Exception) -> Failure:
    """Classify `exc`; what is not known is an INTERNAL_ERROR that says nothing of its text."""
    if isinstance(exc, DomainError):
        retry = {"Retry-After": "5"} if exc.code == "SERVICE_UNAVAILABLE" else {}
        return Failure(
            exc.code,
            exc.message,
            {key: list(value) for key, value in exc.details.items()},
            recordable_message=exc.recordable,
            denied=isinstance(exc, NotVisible) or exc.code == "FORBIDDEN",
            headers={**retry, **exc.headers},
            extra=exc.extra,
        )
    if isinstance(exc, (exceptions.ValidationError, DjangoValidationError)):
        return _validation_failure(exc)
    if isinstance(exc, exceptions.ParseError):
        return Failure(
            "MALFORMED_JSON", str(exc.detail), recordable_message="The body is not valid JSON."
        )
    if isinstance(exc, exceptions.APIException):
        return _api_failure(exc)
    if isinstance(exc, Http404):
        return Failure("NOT_FOUND", CATALOGUE["NOT_FOUND"].message, recordable_message="Not found")
    if isinstance(exc, PermissionDenied):
        message = CATALOGUE["FORBIDDEN"].message
        return Failure("FORBIDDEN", message, recordable_message=message, denied=True)
    if isinstance(exc, RequestDataTooBig):
        message = CATALOGUE["PAYLOAD_TOO_LARGE"].message
        return Failure("PAYLOAD_TOO_LARGE", message, recordable_message=message)
    if isinstance(exc, SuspiciousOperation):
        message = CATALOGUE["VALIDATION_ERROR"].message
        return Failure("VALIDATION_ERROR", message, recordable_message=message)
    if isinstance(exc, (OperationalError, InterfaceError)):
        logger.error("database unavailable", exc_info=exc)
        message = CATALOGUE["SERVICE_UNAVAILABLE"].message
        return Failure(
            "SERVICE_UNAVAILABLE",
            message,
            recordable_message=message,
            headers={"Retry-After": "5"},
        )
    logger.error("unhandled error", exc_info=exc)
    message = CATALOGUE["INTERNAL_ERROR"].message
    return Failure("INTERNAL_ERROR", message, recordable_message=message)


def _api_failure(exc: exceptions.APIException) -> Failure:
    code = getattr(exc, "catalogue_code", None) or _BY_STATUS.get(exc.status_code, "INTERNAL_ERROR")
    headers: dict[str, str] = {}
    if header := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = header
    wait = getattr(exc, "wait", None)
    if wait is not None:
        headers["Retry-After"] = str(max(1, int(wait)))
    message = CATALOGUE[code].message
    return Failure(
        code,
        message,
        recordable_message=message,
        denied=exc.status_code in (401, 403, 423),
        reason_code=getattr(exc, "reason_code", None),
        headers=headers,
    )


_UNKNOWN = (["Unknown field."], ["Unknown parameter."])


def _validation_failure(exc: exceptions.ValidationError | DjangoValidationError) -> Failure:
    details: dict[str, list[str]] = {}
    _flatten("", as_serializer_error(exc), details)
    name, messages = next(iter(details.items()))
    shown = messages[0] if name == "request" else f"{name}: {messages[0]}"
    return Failure(
        "VALIDATION_ERROR",
        shown,
        details,
        recordable_message=f"The request is not valid: {_own_names(details)[:500]}",
    )


def _own_names(details: Mapping[str, list[str]]) -> str:
    """Return the fields of ours that are wrong: a name that the caller made up is not repeated.

    Within a field the names may be the caller's too, such as those of attributes.
    """
    own = {
        "unknown field" if messages[:1] in _UNKNOWN else name.partition(".")[0].partition("[")[0]
        for name, messages in details.items()
    }
    return ", ".join(sorted(own))


def _flatten(prefix: str, value: Any, into: dict[str, list[str]]) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            name = "request" if key == "non_field_errors" else str(key)[:100]
            _flatten(f"{prefix}.{name}" if prefix else name, inner, into)
    elif isinstance(value, (list, tuple)) and any(
        isinstance(item, (Mapping, list)) for item in value
    ):
        for index, inner in enumerate(value):
            if inner:
                _flatten(f"{prefix}[{index}]", inner, into)
    else:
        items = value if isinstance(value, (list, tuple)) else [value]
        into.setdefault(prefix or "request", []).extend(str(item) for item in items)


def _amended(failure: Failure, view: Any, request: Request) -> Failure:
    """Let the action say more of its failure, where it has `amend_failure(request, failure)`."""
    name = getattr(view, "action", None) or (request.method or "").lower()
    amend = getattr(getattr(view, name, None), "amend_failure", None)
    return failure if amend is None else amend(request, failure)


def exception_handler(exc: Exception, context: Mapping[str, Any]) -> Response:
    """Answer `exc` with its envelope, after telling `request_failed` about it."""
    request: Request = context["request"]
    failure = _amended(failure_of(exc), context["view"], request)
    try:
        request_failed.send(
            sender=type(context["view"]), request=request, view=context["view"], failure=failure
        )
    except DatabaseError:
        # The refusal stands, but what cannot be recorded must be seen: an operator is told.
        logger.exception("a failed request could not be recorded")
    return Response(
        envelope(failure, request.path), status=failure.status, headers=dict(failure.headers)
    )


def _plain(request: HttpRequest, code: str) -> HttpResponse:
    body = dumps(envelope(Failure(code, CATALOGUE[code].message), request.path))
    return HttpResponse(body, status=CATALOGUE[code].status, content_type="application/json")


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer what fails before a view is reached (400)."""
    return _plain(request, "VALIDATION_ERROR")


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a refusal outside DRF (403)."""
    return _plain(request, "FORBIDDEN")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a path that no route matches (404)."""
    return _plain(request, "NOT_FOUND")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an error outside DRF (500)."""
    return _plain(request, "INTERNAL_ERROR")
