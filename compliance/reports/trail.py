"""The audit trail of a token as a report holds it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from audit.merkle import leaf_hash

EVENT_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class TrailCounts:
    """How often which events happened, and between which moments."""

    by_type: Mapping[str, int] = field(default_factory=dict)
    first_at: datetime | None = None
    last_at: datetime | None = None

    @property
    def total(self) -> int:
        return sum(self.by_type.values())


@dataclass(frozen=True, slots=True)
class Trail:
    """The events of a period: all of them counted, the newest ones listed, newest first.

    `withheld` are those of the token in the period that were recorded for another issuer, or for
    none without changing the record; they are neither counted nor listed.
    """

    events: Sequence[Mapping[str, Any]] = ()
    counts: TrailCounts = field(default_factory=TrailCounts)
    withheld: int = 0

    @property
    def truncated(self) -> bool:
        return len(self.events) < self.counts.total


def trail_event(line: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event as a report lists it; `line` is the stored evidence, `body` it parsed.

    `leafHash` is the event's leaf in the sealed log (RFC 9162), by which the evidence behind the
    entry can be found and checked.
    """
    return {
        "id": body["id"],
        "eventType": body["name"],
        "category": body["category"],
        "actionType": body["actionType"],
        "actor": body["actor"],
        "occurredAt": body["occurredAt"],
        "success": body["success"],
        "assetId": body.get("assetId"),
        "network": body.get("network"),
        "referenceType": body.get("referenceType"),
        "referenceId": body.get("referenceId"),
        "affectedAddress": body.get("affectedAddress"),
        "errorMessage": body.get("errorMessage"),
        "notes": body.get("notes"),
        "correlationId": body["correlationId"],
        "leafHash": leaf_hash(line.encode()).hex(),
    }
