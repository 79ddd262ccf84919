"""The one viewset of the views of the log: a page, and files of it."""

import functools
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, TypeVar, cast

from django.conf import settings
from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api.serializers import RetentionPolicySerializer
from audit.counting import exact_count
from audit.log_files import csv_file, json_file, ndjson_file
from audit.log_views import LogView
from audit.principal import Principal
from audit.querysets import AuditEventQuerySet
from audit.retention import retention_policy
from audit.services import record_event
from config.api.csv import mark_download
from config.api.paging import PAGING_PARAMETERS, Paginator
from config.api.schema import filter_parameters
from config.api.views import WireViewSet, answer_page
from config.observability.metrics import EXPORTED_ROWS

ViewSet = TypeVar("ViewSet", bound="LogViewSet")


class LogViewSet(WireViewSet):
    """A view of the log: own issuers' events, or all for those who read all.

    A subclass names its `view` and is decorated by `documented`; one that narrows by more than the
    caller and the filters overrides `select`.
    """

    paginator = Paginator(("occurred_at", "seq"), default=50, cap=100)
    export_actions: ClassVar[frozenset[str]] = frozenset(
        {"export_csv", "export_json", "export_ndjson"}
    )
    view: ClassVar[LogView]
    noun: ClassVar[str] = "entries"
    file_name: ClassVar[str] = ""  # that of the view

    def select(
        self, request: Request, beside: frozenset[str] = frozenset()
    ) -> tuple[AuditEventQuerySet, str]:
        """Return the events that the request asks for, and its filters in words."""
        return self.view.select(principal_of(request), request.query_params, beside)

    def list(self, request: Request, **place: Any) -> Response:
        """List entries, newest first."""
        events, _ = self.select(request, PAGING_PARAMETERS)
        return self.page(request, events)

    def export_csv(self, request: Request, **place: Any) -> StreamingHttpResponse:
        """Download at most 10,000 entries as CSV; `X-Export-Truncated` says whether more exist."""
        trailed = _trailed(request)
        events, total, limit = self._begin_export(request, "csv", _TRAILER)
        content = csv_file(self.view, events, limit, trailed=trailed)
        return self._download(content, "csv", total, limit)

    def export_json(self, request: Request, **place: Any) -> StreamingHttpResponse:
        """Download at most 10,000 entries in the structure of the list."""
        events, total, limit = self._begin_export(request, "json")
        more = self.view.more(events)
        content = json_file(self.view, events, total=total, limit=limit, more=more)
        return self._download(content, "json", total, limit)

    def export_ndjson(self, request: Request, **place: Any) -> StreamingHttpResponse:
        """Download at most 10,000 events as they were recorded, a line each, and a trailer."""
        events, total, limit = self._begin_export(request, "ndjson")
        return self._download(ndjson_file(events, limit), "ndjson", total, limit)

    def page(self, request: Request, events: AuditEventQuerySet) -> Response:
        """Answer the page of `events` that the request asks for, newest first."""
        more = self.view.more(events)
        page = self.paginator.paginate(
            events.values("seq", "occurred_at", "body"),
            request,
            count=lambda rows: self.view.count(rows, more),
        )
        entries = [self.view.entry(event["body"]) for event in page.rows]
        return answer_page(self.noun, page, entries, **more)

    def _begin_export(
        self, request: Request, form: str, beside: frozenset[str] = frozenset()
    ) -> tuple[AuditEventQuerySet, int, int]:
        events, words = self.select(request, beside)
        total, limit = exact_count(events), settings.EXPORT_ROW_LIMIT
        own = record_event(
            "audit.log.exported",
            actor=principal_of(request),
            item_count=min(total, limit),
            filter_criteria=words,
            details={"view": self.view.name, "format": form, "matching": total},
        )
        EXPORTED_ROWS.labels(self.view.name, form).inc(min(total, limit))
        return events.exclude(id=own), total, limit  # or a file of all events holds one more

    def _download(
        self, content: Iterator[bytes], form: str, total: int, limit: int
    ) -> StreamingHttpResponse:
        response = StreamingHttpResponse(content, content_type=_MEDIA_TYPES[form])
        name = f"{self.file_name or self.view.name}-{timezone.now():%Y%m%d-%H%M%S}.{form}"
        mark_download(response, name, total=total, limit=limit)
        if total > limit:
            response["Link"] = _ANY_SIZE
        return response


class RetentionPolicyMixin:
    """The action that says how long a view's events are kept."""

    query_parameters: ClassVar[dict[str, frozenset[str]]] = {"retention_policy": frozenset()}

    @extend_schema(responses=RetentionPolicySerializer)
    def retention_policy(self, request: Request) -> Response:
        """Return how long entries are kept."""
        return Response(retention_policy())


_ANY_SIZE = '</api/v1/exports>; rel="create-form"; title="export job of any size"'
_TRAILER = frozenset({"trailer"})
_MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "ndjson": "application/x-ndjson",
}


_TRAILER_PARAMETER = OpenApiParameter(
    "trailer",
    OpenApiTypes.BOOL,
    description="Whether a last line says how many records came before it and what the SHA-256 of "
    "all bytes before it is.",
)


def documented(
    filters: type[Any], page: Any, *, listing: str, rows: str = "entries"
) -> Callable[[type[ViewSet]], type[ViewSet]]:
    """Return the decorator that documents the actions of a view of the log.

    `page` documents the answer of the list and `listing` says in a sentence what it lists; `rows`
    is what the files call an event.
    """
    asked = filter_parameters(filters, paged=False)
    described = {
        "list": extend_schema(
            parameters=filter_parameters(filters), responses=page, description=listing
        ),
        "export_csv": extend_schema(
            parameters=[*asked, _TRAILER_PARAMETER],
            responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "The CSV file.")},
            description=f"Download at most 10,000 {rows} as CSV; `X-Export-Truncated` says whether "
            "more exist.",
        ),
        "export_json": extend_schema(
            parameters=asked,
            responses={
                (200, "application/json"): OpenApiResponse(OpenApiTypes.OBJECT, "The file.")
            },
            description=f"Download at most 10,000 {rows} in the structure of the list.",
        ),
        "export_ndjson": extend_schema(
            parameters=asked,
            responses={(200, "application/x-ndjson"): OpenApiResponse(OpenApiTypes.STR, "Lines.")},
            description=f"Download at most 10,000 {rows} as they were recorded: the canonical line "
            "of each, then a line with the number and the SHA-256 of those before it.",
        ),
    }

    def describe(viewset: type[ViewSet]) -> type[ViewSet]:
        for action, description in described.items():
            setattr(viewset, action, description(_own(getattr(viewset, action))))
        return viewset

    return describe


def _own(action: Callable[..., Any]) -> Callable[..., Any]:
    # The description is kept on the function, which other viewsets inherit too.
    @functools.wraps(action)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return action(self, *args, **kwargs)

    return call


def _trailed(request: Request) -> bool:
    given = request.query_params.getlist("trailer")
    if len(given) > 1:
        raise ValidationError({"trailer": ["Given more than once."]})
    asked = "".join(given).lower()
    if asked not in ("true", "false", ""):
        raise ValidationError({"trailer": ["Must be true or false."]})
    return asked == "true"


def principal_of(request: Request) -> Principal:
    """Return the authenticated caller; every endpoint requires one before its view runs."""
    return cast("Principal", request.user)
