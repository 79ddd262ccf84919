"""The body of an event: its RFC 8785 line, which is the evidence. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from audit.events import EVENT_TYPES, EventType

VERSION = 1
MAX_BYTES = 65_535
_SAFE_INTEGER = 2**53 - 1
TEXT_LIMIT = 2_000
_NUL = b"\\u0000"


@dataclass(frozen=True, slots=True)
class EventDraft:
    """What a caller says of an event; everything but the name is optional.

    `amount` is base units as text. `details` holds JSON values without floats and without personal
    data: references and field names, never the content of a free-text field.
    """

    name: str
    success: bool = True
    network: str | None = None
    asset_id: int | None = None
    issuer_id: UUID | None = None
    affected_address: str | None = None
    to_address: str | None = None
    transfer_allowed: bool | None = None
    reference_type: str | None = None
    reference_id: str | None = None
    error_message: str | None = None
    amount: str | None = None
    denial_reason: str | None = None
    old_status: str | None = None
    new_status: str | None = None
    old_verification_status: str | None = None
    new_verification_status: str | None = None
    item_count: int | None = None
    filter_criteria: str | None = None
    notes: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def type(self) -> EventType:
        return EVENT_TYPES[self.name]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What `record_event` adds to a draft: identity, time, actor and context."""

    id: UUID
    occurred_at: datetime
    actor: str
    actor_id: str | None
    source: str
    correlation_id: str


_CAMEL = {
    entry.name: "".join(
        part.capitalize() if index else part for index, part in enumerate(entry.name.split("_"))
    )
    for entry in fields(EventDraft)
}
_WIDE = frozenset({"asset_id"})  # 64-bit numbers are text: JSON readers round above 2^53


def moment_text(moment: datetime) -> str:
    """Return `moment` in UTC with six digits of microseconds and `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def body_line(draft: EventDraft, stamp: Stamp) -> str:
    """Return the canonical line of the event: sorted keys, nulls left out, no floats.

    Raises ValueError where the content cannot be canonical or exceeds 65,535 bytes.
    """
    content: dict[str, Any] = {
        "v": VERSION,
        "id": str(stamp.id),
        "occurredAt": moment_text(stamp.occurred_at),
        "actor": stamp.actor,
        "actorId": stamp.actor_id,
        "source": stamp.source,
        "correlationId": stamp.correlation_id,
        "category": str(draft.type.category),
        "actionType": str(draft.type.action_type),
    }
    for entry in fields(EventDraft):
        value = getattr(draft, entry.name)
        if (entry.name in _WIDE and value is not None) or isinstance(value, UUID):
            value = str(value)
        elif isinstance(value, str):
            value = value[:TEXT_LIMIT]
        content[_CAMEL[entry.name]] = value
    if not draft.details:
        del content["details"]
    kept = {key: value for key, value in content.items() if value is not None}
    line = canonical(kept)
    if _NUL in line:
        line = canonical(_without_nul(kept))
    if len(line) > MAX_BYTES:
        raise ValueError(f"an event body of {len(line)} bytes exceeds {MAX_BYTES}")
    return line.decode()


def _without_nul(value: Any) -> Any:
    # No text of PostgreSQL can hold one, so that a line with one could not be read there as JSON.
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, Mapping):
        return {key: _without_nul(inner) for key, inner in value.items()}
    return [_without_nul(one) for one in value] if isinstance(value, (list, tuple)) else value


def canonical(value: Any) -> bytes:
    """Return the RFC 8785 form of `value`: ASCII keys, integers below 2^53, no floats.

    Within these bounds orjson's sorted output and RFC 8785 are the same bytes.
    """
    _require_canonical(value)
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def number(value: int | None) -> int | str | None:
    """Return a whole number as RFC 8785 can hold it: as text from 2^53."""
    return value if value is None or abs(value) <= _SAFE_INTEGER else str(value)


def _require_canonical(value: Any) -> None:
    if value is None or isinstance(value, (str, bool)):
        return  # most are; asking whether one is a Mapping costs more than all the rest
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise ValueError(f"not an ASCII key: {key!r}")
            _require_canonical(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _require_canonical(inner)
    elif isinstance(value, float):
        raise ValueError("floats are not canonical; write numbers with fractions as text")
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) > _SAFE_INTEGER:
        raise ValueError("integers above 2^53 are not canonical; write them as text")
