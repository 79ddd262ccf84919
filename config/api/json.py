"""JSON in and out, by orjson."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
from django.conf import settings
from django.utils.functional import Promise
from rest_framework.exceptions import APIException, ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

MAX_DEPTH = 64


class PayloadTooLarge(APIException):
    """The body exceeds `API_MAX_BODY_BYTES`."""

    status_code = 413
    default_detail = "The body is too large."


def _default(value: Any) -> Any:
    if isinstance(value, (Decimal, Promise)):
        return str(value)
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON serializable")


def dumps(value: Any) -> bytes:
    """Return `value` as compact UTF-8 JSON; naive times are UTC, written with `Z`."""
    return orjson.dumps(
        value,
        default=_default,
        option=orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS,
    )


class JsonRenderer(BaseRenderer):
    """Renders every answer as JSON."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else dumps(data)


def require_shallow(value: Any) -> None:
    """Raise ParseError where `value` is nested deeper than `MAX_DEPTH` levels.

    Nothing that a client may send is deep, and what walks a deep value recursively would fail.
    """
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return
    raise ParseError(f"The body is nested deeper than {MAX_DEPTH} levels.")


class JsonParser(BaseParser):
    """Parses one JSON document of at most `API_MAX_BODY_BYTES` bytes; anything else is a 4xx."""

    media_type = "application/json"

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        limit: int = settings.API_MAX_BODY_BYTES
        body = stream.read(limit)
        if len(body) >= limit:
            raise PayloadTooLarge
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise ParseError(f"The body is not valid JSON: {error.msg}.") from None
        require_shallow(value)
        return value


class AnyAccept(BaseContentNegotiation):
    """Chooses the endpoint's own form whatever `Accept` says: no client ever gets a 406."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        content_type = request.content_type.partition(";")[0].strip().lower()
        if content_type.endswith("+json"):
            content_type = "application/json"
        return next((parser for parser in parsers if parser.media_type == content_type), None)

    def select_renderer(
        self, request: Any, renderers: Any, format_suffix: str | None = None
    ) -> tuple[Any, str]:
        return renderers[0], renderers[0].media_type
