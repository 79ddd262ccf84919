"""The view base: JSON whatever `Accept` says, `DELETE` bodies read, answers in the envelope."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final

from django.http import HttpResponseBase
from django.utils.http import quote_etag
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.viewsets import ViewSet

from config.api.conditional import is_unchanged, not_modified
from config.api.paging import Page, refuse_unknown
from config.api.throttling import ExportRateLimit


class WireViewSet(ViewSet):
    """Base of every endpoint.

    `failure_events` names, per action, the event that records its failure; a denial is always
    recorded as `security.access.denied`. `query_parameters` are those an action knows besides its
    filters; any other is a 400.
    """

    failure_events: ClassVar[dict[str, str]] = {}
    query_parameters: ClassVar[dict[str, frozenset[str]]] = {}
    export_actions: ClassVar[frozenset[str]] = frozenset()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        try:
            super().initial(request, *args, **kwargs)
        except (AuthenticationFailed, NotAuthenticated):
            self.check_throttles(request)  # DRF counts only those who are let in
            raise
        if self.action in self.query_parameters:
            refuse_unknown(request, self.query_parameters[self.action])

    def get_throttles(self) -> list[BaseThrottle]:
        throttles = list(super().get_throttles())
        if self.action in self.export_actions:
            throttles.append(ExportRateLimit())
        return throttles


_AS_TEXT: Final[Mapping[str, Callable[[str], Any]]] = MappingProxyType({})


def body_with_query(
    request: Request, readers: Mapping[str, Callable[[str], Any]] = _AS_TEXT
) -> Any:
    """Return the body joined by what the query says; a field in both is a 400.

    `readers` make values of the query's texts; a field that has none stays text.
    """
    query = {name: readers.get(name, str)(str(text)) for name, text in request.query_params.items()}
    body = request.data
    if not query or not isinstance(body, Mapping):
        return body
    if both := sorted(query.keys() & body.keys()):
        raise ValidationError({name: ["Given in the query and in the body."] for name in both})
    return {**body, **query}


def answer(
    noun: str | None = None, data: Any = None, *, status: int = 200, **more: Any
) -> Response:
    """Return `{"success": true, "<noun>": data, ...}`."""
    body: dict[str, Any] = {"success": True}
    if noun is not None:
        body[noun] = data
    return Response({**body, **more}, status=status)


def answer_page(noun: str, page: Page, rows: Any, **more: Any) -> Response:
    """Return one page of a list in the envelope."""
    return Response({"success": True, noun: rows, **page.envelope, **more})


def answer_tagged(
    request: Request, etag: str, noun: str, data: Any, **more: Any
) -> HttpResponseBase:
    """Return the 304 where the caller holds `etag`, else the answer with its `ETag`."""
    if is_unchanged(request, etag):
        return not_modified(etag)
    response = answer(noun, data, **more)
    response["ETag"] = quote_etag(etag)
    return response
