"""The history of deployments as a view of the event log, for export jobs of any size."""

from typing import Final

from audit.api.filters import LogFilter
from audit.choices import ActionType, Category
from audit.log_fields import boolean, number, text
from audit.log_views import LogView, register
from audit.models import AuditEvent
from audit.principal import Principal
from audit.querysets import AuditEventQuerySet


def deployment_events(actor: Principal) -> AuditEventQuerySet:
    """Return the events of issuance that `actor` sees, but for reading and exporting."""
    changes = (ActionType.CREATE, ActionType.UPDATE)
    events = AuditEvent.objects.filter(category=Category.TOKEN_ISSUANCE, action_type__in=changes)
    return events.visible_to(actor)


_FIELDS: Final = (
    text("id"),
    text("deploymentId", "referenceId"),
    text("tokenType", "details.standard"),
    text("network"),
    number("assetId"),
    text("assetIdentifier", "details.assetIdentifier"),
    text("transactionHash", "details.transactionId"),
    text("previousStatus", "oldStatus"),
    text("status", "newStatus"),
    text("timestamp", "occurredAt"),
    text("reasonCode", "details.reasonCode"),
    text("actorAddress", "actor"),
    number("confirmedRound", "details.confirmedRound"),
    boolean("success"),
    text("errorMessage"),
    text("errorCategory", "details.errorCategory"),
    number("durationFromPreviousMs", "details.durationMs"),
    text("eventType", "name"),
    text("correlationId"),
)

DEPLOYMENT_AUDIT_TRAIL: Final = LogView(
    name="deployment-audit-trail",
    events=deployment_events,
    filters=LogFilter,
    fields=_FIELDS,
    columns=_FIELDS,
)

register(DEPLOYMENT_AUDIT_TRAIL)
