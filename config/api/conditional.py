"""Conditional requests: `ETag` and `If-None-Match` (304)."""

from django.utils.http import parse_etags, quote_etag
from rest_framework.request import Request
from rest_framework.response import Response


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
