"""`Idempotency-Key`: an endpoint that answers a request which is sent again as it did before.

Marked are the POSTs that create or change something. Not those that read, whose answer shall be
today's, nor those that answer with a secret, which would be kept in the database.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from typing import Any, Protocol, TypeVar, cast
from uuid import UUID

import orjson
from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from config.api.errors import ValidationFailed

HEADERS = ("Idempotency-Key", "X-Idempotency-Key")
HIT = "X-Idempotency-Hit"
_KEY = re.compile(r"[ -~]{1,255}")
# Besides the body, what makes it another request.
_CONDITIONS = ("If-Match", "Prefer")


@dataclass(frozen=True, slots=True)
class Claim:
    """A key that is held by whoever works on its request."""

    record_id: int
    lease: UUID


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as it was sent: status, headers and the bytes of its body."""

    status_code: int
    headers: Mapping[str, str]
    body: bytes


class Keys(Protocol):
    """What the module named by the setting `IDEMPOTENCY_KEYS` does: it remembers keys."""

    def idempotency_claim(
        self, *, user_id: UUID, route: str, key: str, fingerprint: str
    ) -> Claim | Answer:
        """Return the claim to do the request, or the answer that it was given before."""

    def idempotency_finish(self, *, claim: Claim, answer: Answer) -> None:
        """Keep the answer, or free the key."""

    def idempotency_release(self, *, claim: Claim) -> None:
        """Free the key."""


Action = TypeVar("Action", bound=Callable[..., HttpResponseBase])


def idempotent(action: Action) -> Action:
    """Make an action of a view answer a request with a known key as it did before.

    It runs after authentication and the rate limits, and what it keeps are the bytes that are sent.
    A stream is sent but not kept: its key is free again.
    """

    @wraps(action)
    def guarded(view: ViewSet, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        key = _key(request)
        if key is None:
            return action(view, request, *args, **kwargs)
        keys = cast("Keys", import_module(settings.IDEMPOTENCY_KEYS))
        claim = keys.idempotency_claim(
            user_id=cast("UUID", request.user.pk),
            route=_digest(f"{request.method} {request.path}".encode()),
            key=key,
            fingerprint=_fingerprint(request),
        )
        if isinstance(claim, Answer):
            return _again(claim)
        try:
            response = _answered(action, view, request, *args, **kwargs)
        except BaseException:
            keys.idempotency_release(claim=claim)
            raise
        response[HIT] = "false"
        if response.streaming:
            keys.idempotency_release(claim=claim)
        else:
            kept = cast("HttpResponse", response)
            headers = {name: value for name, value in kept.headers.items() if name != HIT}
            answer = Answer(kept.status_code, headers, kept.content)
            keys.idempotency_finish(claim=claim, answer=answer)
        return response

    guarded.takes_idempotency_key = True  # type: ignore[attr-defined]
    return cast("Action", guarded)


def _answered(
    action: Callable[..., HttpResponseBase],
    view: ViewSet,
    request: Request,
    *args: Any,
    **kwargs: Any,
) -> HttpResponseBase:
    """Return the response as it is sent, an error's too."""
    response: Any
    try:
        response = action(view, request, *args, **kwargs)
    except Exception as exc:  # noqa: BLE001 - the view's own handler makes an answer of it
        response = view.handle_exception(exc)
    response = view.finalize_response(request, response, *args, **kwargs)
    if isinstance(response, Response):
        response.render()
    return cast("HttpResponseBase", response)


def _again(answer: Answer) -> HttpResponse:
    response = HttpResponse(answer.body, status=answer.status_code, headers=dict(answer.headers))
    if "Content-Type" not in answer.headers:
        del response["Content-Type"]
    response[HIT] = "true"
    return response


def _key(request: Request) -> str | None:
    given = {name: request.headers[name] for name in HEADERS if name in request.headers}
    if not given:
        return None
    wrong = {
        name: ["Give 1 to 255 printable ASCII characters."]
        for name, key in given.items()
        if not _KEY.fullmatch(key)
    }
    if wrong:
        raise ValidationFailed(details=wrong)
    if len(set(given.values())) > 1:
        raise ValidationFailed(details={name: ["The two headers differ."] for name in given})
    return next(iter(given.values()))


def _fingerprint(request: Request) -> str:
    """Return what the request asks for, as a SHA-256.

    Of JSON the meaning counts, not how it is written, and of a form its file, not its boundary.
    """
    asked = {
        "query": request.META.get("QUERY_STRING", ""),
        "type": request.content_type.partition(";")[0].strip().lower(),
        "conditions": [request.headers.get(name) for name in _CONDITIONS],
        "body": request.data,
    }
    return _digest(orjson.dumps(asked, default=_of_bytes, option=orjson.OPT_SORT_KEYS))


def _of_bytes(value: Any) -> str:
    if isinstance(value, bytes):
        return _digest(value)
    raise TypeError(f"{type(value).__name__} is no part of a body")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
