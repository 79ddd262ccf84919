"""What a receiver gets: the event as its owner reads it in the log, and the signature."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from standardwebhooks import Webhook

from audit.log_fields import Event, boolean, number, text

_FIELDS: Final = (
    text("id"),
    text("category"),
    text("actionType"),
    text("actor"),
    text("occurredAt"),
    boolean("success"),
    text("network"),
    number("assetId"),
    text("issuerId"),
    text("affectedAddress"),
    text("toAddress"),
    boolean("transferAllowed"),
    text("denialReason"),
    text("amount"),
    text("oldStatus"),
    text("newStatus"),
    text("oldVerificationStatus"),
    text("newVerificationStatus"),
    number("itemCount"),
    text("referenceType"),
    text("referenceId"),
    text("errorMessage"),
    text("notes"),
    text("correlationId"),
)


def payload_of(line: str) -> str:
    """Return the body of the request that delivers the event with the canonical `line`."""
    event = Event.of(line)
    body: dict[str, Any] = {
        "type": event.body["name"],
        "timestamp": event.body["occurredAt"],
        "data": {field.key: field.value(event) for field in _FIELDS},
    }
    return orjson.dumps(body).decode()


def headers_of(body: str, *, event_id: str, at: datetime, secrets: Sequence[str]) -> dict[str, str]:
    """Return the headers of Standard Webhooks, with one signature for each of `secrets`.

    `webhook-id` is the id of the event, the same for every attempt: receivers drop what they have.
    """
    signatures = [Webhook(secret).sign(event_id, at, body) for secret in secrets]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
