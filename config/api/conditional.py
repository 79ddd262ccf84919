"""Conditional requests: `ETag`, `If-None-Match` (304) and `If-Match` (412)."""

from django.utils.http import parse_etags, quote_etag
from rest_framework.request import Request
from rest_framework.response import Response

from config.api.errors import PreconditionFailed


def is_unchanged(request: Request, etag: str) -> bool:
    """Return whether the caller already holds the representation named `etag`."""
    given = request.headers.get("If-None-Match")
    if not given:
        return False
    wanted = {tag.removeprefix("W/") for tag in parse_etags(given)}
    return "*" in wanted or quote_etag(etag) in wanted


def not_modified(etag: str) -> Response:
    """Return the 304 for `etag`."""
    return Response(status=304, headers={"ETag": quote_etag(etag)})


def require_match(expected: str | None, current: str | None) -> None:
    """Raise `PreconditionFailed` unless `expected` (an `If-Match` value) names `current`.

    `expected` None means that the caller set no condition; `current` None that nothing exists.
    """
    if expected is None:
        return
    tags = parse_etags(expected)
    if current is None or ("*" not in tags and quote_etag(current) not in tags):
        raise PreconditionFailed
