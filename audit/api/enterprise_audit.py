"""The enterprise audit (seed 2): every event of every part, in one shape, with a summary."""

from collections.abc import Mapping
from typing import Any, Final

from audit.actions import ACTION_WORDS
from audit.api.filters import AnyEventFilter
from audit.api.log_viewset import LogViewSet, RetentionPolicyMixin, documented
from audit.api.serializers import (
    EnterpriseAuditEntrySerializer,
    EventsSummarySerializer,
    RetentionPolicySerializer,
)
from audit.log_fields import body_hash, boolean, number, text, word
from audit.log_views import LogView, register
from audit.querysets import AuditEventQuerySet
from audit.retention import retention_policy
from audit.selectors import visible_events
from audit.summary import events_summary
from config.api.schema import page_serializer

FIELDS: Final = (
    text("id"),
    number("assetId"),
    text("network"),
    text("category"),
    word("actionType", "name", ACTION_WORDS),
    text("performedBy", "actor"),
    text("performedAt", "occurredAt"),
    boolean("success"),
    text("errorMessage"),
    text("affectedAddress"),
    text("oldStatus"),
    text("newStatus"),
    text("notes"),
    text("toAddress"),
    boolean("transferAllowed"),
    text("denialReason", "denialReason", "details.denialReason"),
    number("amount", "amount", "details.amount"),
    text("role", "details.role"),
    number("itemCount"),
    text("sourceSystem", "source"),
    text("correlationId"),
    body_hash("payloadHash"),
)


def _more(events: AuditEventQuerySet) -> dict[str, Any]:
    return {"retentionPolicy": retention_policy(), "summary": events_summary(events)}


def _summed(events: AuditEventQuerySet, more: Mapping[str, Any]) -> int:
    return sum(more["summary"]["byCategory"].values())


ENTERPRISE_AUDIT: Final = LogView(
    name="enterprise-audit-log",
    events=visible_events,
    filters=AnyEventFilter,
    fields=(*FIELDS, text("eventType", "name"), text("referenceType"), text("referenceId")),
    columns=FIELDS,
    more=_more,
    count=_summed,
)
register(ENTERPRISE_AUDIT)


def enterprise_page(name: str) -> Any:
    """Return the documentation of a page of the enterprise audit."""
    return page_serializer(
        name,
        "entries",
        EnterpriseAuditEntrySerializer,
        retentionPolicy=RetentionPolicySerializer(),
        summary=EventsSummarySerializer(),
    )


@documented(
    AnyEventFilter,
    enterprise_page("EnterpriseAuditResponse"),
    listing="List every event of every kind, newest first, with a summary of all of the filter. "
    "`payloadHash` is the SHA-256 of the event's canonical line. Nothing writes the category "
    "Blacklist yet.",
)
class EnterpriseAuditViewSet(RetentionPolicyMixin, LogViewSet):
    """Events of every kind: own issuers', or all for those who read all."""

    view = ENTERPRISE_AUDIT
