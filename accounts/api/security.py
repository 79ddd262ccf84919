"""Security activity, and who was refused; sources of requests are in no event, so not here."""

from typing import Any, ClassVar, Final
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.actor import actor_of
from accounts.models import User
from accounts.security import account_of, of_account, refusals, security_events
from audit.api.filters import PeriodFilter, SecurityFilter
from audit.api.log_viewset import LogViewSet, documented
from audit.choices import ActionType, Category, Severity
from audit.events import EVENT_TYPES, SEVERITIES
from audit.log_fields import boolean, number, text, word
from audit.log_views import LogView, register
from audit.models import AuditEvent
from audit.querysets import AuditEventQuerySet
from config.api.errors import PermissionRefused
from config.api.paging import WantedPage
from config.api.schema import filter_parameters, page_serializer
from config.api.serializers import ChoiceField, MomentField, WireSerializer
from config.api.views import WireViewSet, answer_page


class SecurityEventSerializer(WireSerializer):
    """One event about the security of accounts."""

    event_id = serializers.UUIDField()
    account_id = serializers.CharField(allow_null=True, help_text="Who did it, where signed in.")
    event_type = serializers.CharField()
    category = ChoiceField(Category)
    action_type = ChoiceField(ActionType)
    severity = ChoiceField(Severity)
    timestamp = serializers.DateTimeField()
    summary = serializers.CharField()
    actor = serializers.CharField()
    success = serializers.BooleanField()
    error_message = serializers.CharField(allow_null=True)
    asset_id = serializers.IntegerField(allow_null=True)
    network = serializers.CharField(allow_null=True)
    reference_type = serializers.CharField(allow_null=True)
    reference_id = serializers.CharField(allow_null=True)
    metadata = serializers.DictField(allow_null=True, help_text="Codes and names of fields.")
    correlation_id = serializers.CharField()


_FIELDS: Final = (
    text("eventId", "id"),
    text("accountId", "actorId"),
    text("eventType", "name"),
    text("category"),
    text("actionType"),
    word("severity", "name", SEVERITIES),
    text("timestamp", "occurredAt"),
    word("summary", "name", {name: kind.label for name, kind in EVENT_TYPES.items()}),
    text("actor"),
    boolean("success"),
    text("errorMessage"),
    number("assetId"),
    text("network"),
    text("referenceType"),
    text("referenceId"),
)
_CORRELATION: Final = text("correlationId")
SECURITY_ACTIVITY: Final = LogView(
    name="security-activity",
    events=security_events,
    filters=SecurityFilter,
    fields=(*_FIELDS, text("metadata", "details"), _CORRELATION),
    columns=(*_FIELDS, _CORRELATION),
)
register(SECURITY_ACTIVITY)


@extend_schema(parameters=[OpenApiParameter("accountId", OpenApiTypes.UUID)])
@documented(
    SecurityFilter,
    page_serializer("SecurityActivityResponse", "events", SecurityEventSerializer),
    listing="List log-ins, refusals, exports, uses of our keys and changes of roles, newest first: "
    "one's own, or all for those who read all. Addresses and programs of callers are not recorded.",
)
class SecurityActivityViewSet(LogViewSet):
    """Security activity: one's own account's, or all for those who read all."""

    view = SECURITY_ACTIVITY
    noun: ClassVar[str] = "events"

    def select(
        self, request: Request, beside: frozenset[str] = frozenset()
    ) -> tuple[AuditEventQuerySet, str]:
        actor = actor_of(request)
        parameters = request.query_params
        events, words = self.view.select(actor, parameters, beside | {"accountId"})
        account = _asked_account(actor, request)
        if "accountId" not in parameters:
            return events, words
        found = events.none() if account is None else of_account(events, account)
        return found, words


def _asked_account(actor: User, request: Request) -> User | None:
    """Return the account that the request names; another's is for those who read everything."""
    asked = request.query_params.get("accountId", str(actor.pk))
    try:
        account_id = UUID(asked)
    except ValueError:
        raise ValidationError({"accountId": ["Must be the id of an account."]}) from None
    if account_id == actor.pk:
        return actor
    if not actor.reads_everything:
        raise PermissionRefused("The activity of another account is for compliance staff.")
    return account_of(account_id)


class RefusalSerializer(WireSerializer):
    """How often somebody was refused."""

    principal = serializers.CharField()
    count = serializers.IntegerField()
    last_at = MomentField()
    by_error_code = serializers.DictField(child=serializers.IntegerField())


class RefusalsViewSet(WireViewSet):
    """Who was refused, for those who read everything."""

    @extend_schema(
        parameters=filter_parameters(PeriodFilter),
        responses=page_serializer("RefusalsResponse", "refusals", RefusalSerializer),
    )
    def list(self, request: Request) -> Response:
        """List who was refused how often, most first, by error code."""
        if not actor_of(request).reads_everything:
            raise PermissionRefused("Who was refused is for compliance staff.")
        wanted = WantedPage.of(request, default=50)
        events, _ = PeriodFilter.apply(AuditEvent.objects.all(), request)
        rows: list[dict[str, Any]] = refusals(events)
        page = wanted.cut(rows)
        return answer_page("refusals", page, page.rows)
