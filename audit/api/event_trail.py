"""The audit trail (seed 0): what happened, who did it, when, and to which token."""

from typing import Any, Final

from audit.api.filters import TrailFilter
from audit.api.log_viewset import LogViewSet, documented
from audit.api.serializers import TrailEntrySerializer
from audit.events import SEVERITIES
from audit.log_fields import body_hash, boolean, group, number, text, word
from audit.log_views import LogView, register
from audit.selectors import visible_events
from config.api.schema import page_serializer

_HEAD: Final = (
    text("id"),
    text("eventType", "name"),
    text("category"),
    text("actionType"),
    word("severity", "name", SEVERITIES),
    text("actor"),
    text("timestamp", "occurredAt"),
    boolean("success"),
)
_TOKEN: Final = (number("assetId"), text("network"))
_TAIL: Final = (
    text("issuerId"),
    text("affectedAddress"),
    text("referenceType"),
    text("referenceId"),
    text("errorMessage"),
    text("notes"),
    text("correlationId"),
    body_hash("payloadHash"),
)
AUDIT_TRAIL: Final = LogView(
    name="audit-trail",
    events=visible_events,
    filters=TrailFilter,
    fields=(*_HEAD, group("tokenId", *_TOKEN), *_TAIL),
    columns=(*_HEAD, *_TOKEN, *_TAIL),
)
register(AUDIT_TRAIL)


def trail_page(name: str) -> Any:
    """Return the documentation of a page of the trail."""
    return page_serializer(name, "entries", TrailEntrySerializer)


@documented(TrailFilter, trail_page("AuditTrailResponse"), listing="List events, newest first.")
class AuditTrailViewSet(LogViewSet):
    """The trail: own issuers' events, or all for those who read all."""

    view = AUDIT_TRAIL
