"""Every operation of the URL configuration, found by walking the resolver."""

from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

API = "api/v1/"


def operations() -> set[tuple[str, str]]:
    """Return (method, route) of every operation outside the admin; a plain view counts as GET."""
    return {
        (method, route)
        for route, pattern in _patterns("", get_resolver())
        if not route.startswith("admin/")
        for method in _methods(pattern)
    }


def api_operations() -> set[tuple[str, str]]:
    """Return (method, route below `/api/v1/`) of every operation of the API."""
    return {
        (method, route.removeprefix(API)) for method, route in operations() if route.startswith(API)
    }


def _patterns(prefix: str, resolver: URLResolver) -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _patterns(route, entry)
        else:
            yield route, entry


def _methods(pattern: URLPattern) -> list[str]:
    callback: Any = pattern.callback
    actions = getattr(callback, "actions", None)
    # A view adds HEAD by itself when it first answers.
    return [verb.upper() for verb in actions if verb != "head"] if actions else ["GET"]
