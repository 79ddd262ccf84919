"""How a token's status changed: the events of its changes, as the event log holds them."""

from collections.abc import Mapping
from typing import Any

from accounts.models import Token
from audit.models import AuditEvent
from audit.principal import Principal
from audit.querysets import AuditEventQuerySet

STATUS_CHANGED = "compliance.status.changed"


def status_changes(*, actor: Principal, token: Token) -> AuditEventQuerySet:
    """Return the events of the token's status changes that `actor` sees (issue 3, section 2).

    They are events like all others: who owned the token when one was recorded sees it.
    """
    return AuditEvent.objects.filter(
        name=STATUS_CHANGED, asset_id=token.asset_id, network=token.network or None
    ).visible_to(actor)


def change_entry(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return one change as it goes over the wire: from what, to what, decided by which checks."""
    details = body.get("details", {})
    return {
        "id": body["id"],
        "occurredAt": body["occurredAt"],
        "fromStatus": details.get("from"),
        "toStatus": details.get("to"),
        "decidedBy": details.get("decidedBy", []),
        "correlationId": body["correlationId"],
    }
