"""The views of the log that the log itself owns."""

from typing import Any, Final

from audit.api.filters import ComplianceAuditFilter, EventFilter
from audit.log_fields import boolean, number, pick, text
from audit.log_views import LogView, register
from audit.querysets import AuditEventQuerySet
from audit.retention import retention_policy
from audit.selectors import compliance_events, visible_events


def kept_for_years(events: AuditEventQuerySet) -> dict[str, Any]:
    """Return what the envelope says besides: how long events are kept."""
    return {"retentionPolicy": retention_policy()}


_COMPLIANCE: Final = (
    text("id"),
    number("assetId"),
    text("network"),
    text("actionType"),
    text("performedBy", "actor"),
    text("performedAt", "occurredAt"),
    boolean("success"),
    text("errorMessage"),
    text("oldComplianceStatus", "oldStatus"),
    text("newComplianceStatus", "newStatus"),
    text("oldVerificationStatus"),
    text("newVerificationStatus"),
    text("notes"),
    number("itemCount"),
    text("filterCriteria"),
    text("eventType", "name"),
    text("referenceType"),
    text("referenceId"),
    text("correlationId"),
)

COMPLIANCE_AUDIT_LOG: Final = LogView(
    name="compliance-audit-log",
    events=compliance_events,
    filters=ComplianceAuditFilter,
    fields=_COMPLIANCE,
    columns=pick(
        _COMPLIANCE,
        "id",
        "assetId",
        "network",
        "actionType",
        "performedBy",
        "performedAt",
        "success",
        "errorMessage",
        "oldComplianceStatus",
        "newComplianceStatus",
        "oldVerificationStatus",
        "newVerificationStatus",
        "itemCount",
        "filterCriteria",
        "notes",
    ),
    more=kept_for_years,
)


_EVENT: Final = (
    text("id"),
    text("eventType", "name"),
    text("category"),
    text("actionType"),
    text("actor"),
    text("occurredAt"),
    boolean("success"),
    text("network"),
    number("assetId"),
    text("issuerId"),
    text("affectedAddress"),
    text("referenceType"),
    text("referenceId"),
    text("errorMessage"),
    text("notes"),
    text("correlationId"),
)

EVENTS: Final = LogView(
    name="events",
    events=visible_events,
    filters=EventFilter,
    fields=_EVENT,
    columns=_EVENT,
)

register(COMPLIANCE_AUDIT_LOG, EVENTS)
