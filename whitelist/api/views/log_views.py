"""What the whitelist's views of the event log share: a page, and files of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import orjson
from django.conf import settings
from django.http import StreamingHttpResponse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.actor import actor_of
from audit.counting import exact_count
from audit.principal import Principal
from audit.querysets import AuditEventQuerySet
from audit.selectors import bodies
from audit.services import record_event
from config.api.csv import csv_response, mark_download
from config.api.filters import WireFilterSet
from config.api.json import dumps
from config.api.paging import Paginator
from config.api.views import WireViewSet, answer_page
from config.observability.metrics import EXPORTED_ROWS
from whitelist.log_entries import log_entry

Body = Mapping[str, Any]


class LogViewSet(WireViewSet):
    """A view of the log: own issuers' events, or all for those who read all.

    `view` names it in files and in the event of an export; `more` is what the envelope says
    besides the entries of a page, of all events of the filter.
    """

    paginator = Paginator(("occurred_at", "seq"), default=50, cap=100)
    export_actions: ClassVar[frozenset[str]] = frozenset({"export_csv", "export_json"})
    view: ClassVar[str]
    events: ClassVar[Callable[[Principal], AuditEventQuerySet]]
    page_filter: ClassVar[type[WireFilterSet]]
    file_filter: ClassVar[type[WireFilterSet]]
    columns: ClassVar[Sequence[str]]
    bare: ClassVar[frozenset[int]]
    row: ClassVar[Callable[[Body], Sequence[Any]]]

    def more(self, events: AuditEventQuerySet) -> dict[str, Any]:
        """Return what the envelope says besides."""
        raise NotImplementedError

    def page(self, request: Request, events: AuditEventQuerySet) -> Response:
        """Answer the page of `events` that the request asks for, newest first."""
        more = self.more(events)
        total: int | None = more.get("summary", {}).get("totalValidations")
        page = self.paginator.paginate(
            events.values("seq", "occurred_at", "body"),
            request,
            count=exact_count if total is None else lambda _: total,
        )
        entries = [log_entry(orjson.loads(event["body"])) for event in page.rows]
        return answer_page("entries", page, entries, **more)

    def filtered(self, request: Request) -> AuditEventQuerySet:
        """Return the events that the request asks for a page of."""
        events, _ = self.page_filter.apply(type(self).events(actor_of(request)), request)
        return events

    def csv_file(self, request: Request) -> StreamingHttpResponse:
        """Answer at most 10,000 events as CSV."""
        events, total, limit = self._begin_export(request, "csv")
        return csv_response(
            f"{self.view}-{_stamp()}.csv",
            self.columns,
            (type(self).row(body) for body in bodies(events, limit)),
            bare=self.bare,
            total=total,
            limit=limit,
        )

    def json_file(self, request: Request) -> StreamingHttpResponse:
        """Answer at most 10,000 events in the structure of the page."""
        events, total, limit = self._begin_export(request, "json")
        response = StreamingHttpResponse(
            _json_file(events, total, limit, self.more(events)), content_type="application/json"
        )
        mark_download(response, f"{self.view}-{_stamp()}.json", total=total, limit=limit)
        return response

    def _begin_export(self, request: Request, form: str) -> tuple[AuditEventQuerySet, int, int]:
        actor = actor_of(request)
        events, words = self.file_filter.apply(type(self).events(actor), request)
        total, limit = exact_count(events), settings.EXPORT_ROW_LIMIT
        record_event(
            "audit.log.exported",
            actor=actor,
            item_count=min(total, limit),
            filter_criteria=words,
            details={"view": self.view, "format": form, "matching": total},
        )
        EXPORTED_ROWS.labels(self.view, form).inc(min(total, limit))
        return events, total, limit


def _stamp() -> str:
    return timezone.now().strftime("%Y%m%d-%H%M%S")


def _json_file(
    events: AuditEventQuerySet, total: int, limit: int, more: Mapping[str, Any]
) -> Iterator[bytes]:
    yield b'{"success":true,"entries":['
    buffer: list[bytes] = []
    first = True
    for body in bodies(events, limit):
        buffer.append((b"" if first else b",") + dumps(log_entry(body)))
        first = False
        if len(buffer) >= 100:
            yield b"".join(buffer)
            buffer = []
    tail = {
        "totalCount": total,
        "page": 1,
        "pageSize": limit,
        "totalPages": -(-total // limit),
        "truncated": total > limit,
        **more,
    }
    yield b"".join(buffer) + b"]," + dumps(tail)[1:]
