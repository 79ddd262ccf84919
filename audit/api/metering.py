"""The endpoints of metering."""

from typing import Any, ClassVar, cast

import orjson
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api.filters import ComplianceAuditFilter
from audit.choices import MeteredCategory, Operation
from audit.metering import metered_events, metered_totals, metered_usage, metering_entry
from audit.models import AuditEvent
from audit.principal import Principal
from config.api.filters import ChoiceFilter
from config.api.formats import utc_text
from config.api.paging import Page, Paginator, WantedPage
from config.api.schema import filter_parameters, page_serializer
from config.api.serializers import ChoiceField, MomentField, WireSerializer
from config.api.views import WireViewSet, answer_page


class MeteringEventFilter(ComplianceAuditFilter):
    """Filters of metering events; dates are inclusive bounds of their moment."""

    # The library's way to leave out a filter of the base.
    actionType = None  # type: ignore[assignment]
    success = None  # type: ignore[assignment]
    category = ChoiceFilter(field_name="metered_category", enum=MeteredCategory)
    operation = ChoiceFilter(field_name="metered_as", enum=Operation)

    class Meta:
        model = AuditEvent
        fields: list[str] = []


class MeteringFilter(MeteringEventFilter):
    """The same of sums, whose pages are numbered."""

    extra_parameters = frozenset({"page", "pageSize"})


class MeteringTotalSerializer(WireSerializer):
    """How often an operation was done in all, and how many items that was about."""

    category = ChoiceField(MeteredCategory)
    operation = ChoiceField(Operation)
    events = serializers.IntegerField()
    items = serializers.IntegerField()


class MeteringUsageSerializer(MeteringTotalSerializer):
    """The same for one actor and one token; `assetId` is null for what names none."""

    network = serializers.CharField(allow_null=True)
    asset_id = serializers.IntegerField(allow_null=True)
    performed_by = serializers.CharField()
    first_at = MomentField()
    last_at = MomentField()


class MeteringEventSerializer(WireSerializer):
    """One metered operation."""

    event_id = serializers.UUIDField()
    timestamp = serializers.DateTimeField()
    category = ChoiceField(MeteredCategory)
    operation_type = ChoiceField(Operation)
    network = serializers.CharField(allow_null=True)
    asset_id = serializers.IntegerField(allow_null=True)
    performed_by = serializers.CharField()
    item_count = serializers.IntegerField()
    event_type = serializers.CharField(help_text="The event of the log that it is.")
    correlation_id = serializers.CharField()


class MeteringViewSet(WireViewSet):
    """What was done, by whom, for which token: own issuers' tokens, or all for those who read all.

    Hot: rows go out as they come from the database.
    """

    paginator = Paginator(("occurred_at", "seq"), default=50, cap=100)
    export_actions: ClassVar[frozenset[str]] = frozenset({"usage"})  # it may read a lot

    @extend_schema(
        parameters=filter_parameters(MeteringFilter),
        responses=page_serializer(
            "MeteringResponse",
            "usage",
            MeteringUsageSerializer,
            totals=MeteringTotalSerializer(many=True),
        ),
    )
    def usage(self, request: Request) -> Response:
        """Sum up metered operations over a period, by operation, token and actor."""
        wanted = WantedPage.of(request, default=50)
        events, _ = MeteringFilter.apply(metered_events(_principal(request)), request)
        rows = metered_usage(events)
        start = (wanted.number - 1) * wanted.size
        page = Page(
            list(rows[start : start + wanted.size]), rows.count(), wanted.number, wanted.size, None
        )
        totals = [_total(row) for row in metered_totals(events)]
        return answer_page("usage", page, [_usage(row) for row in page.rows], totals=totals)

    @extend_schema(
        parameters=filter_parameters(MeteringEventFilter),
        responses=page_serializer("MeteringEventsResponse", "events", MeteringEventSerializer),
    )
    def events(self, request: Request) -> Response:
        """List metered operations, newest first."""
        events, _ = MeteringEventFilter.apply(metered_events(_principal(request)), request)
        page = self.paginator.paginate(events.values("seq", "occurred_at", "body"), request)
        entries = [metering_entry(orjson.loads(event["body"])) for event in page.rows]
        return answer_page("events", page, entries)


def _principal(request: Request) -> Principal:
    return cast("Principal", request.user)


def _total(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "category": row["metered_category"],
        "operation": row["metered_as"],
        "events": row["events"],
        "items": row["items"],
    }


def _usage(row: dict[str, Any]) -> dict[str, Any]:
    return {
        **_total(row),
        "network": row["network"],
        "assetId": row["asset_id"],
        "performedBy": row["actor"],
        "firstAt": utc_text(row["first_at"]),
        "lastAt": utc_text(row["last_at"]),
    }
