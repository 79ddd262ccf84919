"""Writing the log. `record_event` is the only way in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypedDict, Unpack
from uuid import UUID, uuid4

from django.db import connection
from django.utils import timezone

from audit.body import EventDraft, Stamp, body_line
from audit.models import AuditEvent
from audit.principal import Principal
from audit.signals import event_recorded
from config.observability.context import correlation_id, source
from config.observability.metrics import EVENTS


class EventContent(TypedDict, total=False):
    """The keyword arguments of `record_event`; see `audit.body.EventDraft`."""

    success: bool
    network: str | None
    asset_id: int | None
    issuer_id: UUID | None
    affected_address: str | None
    to_address: str | None
    transfer_allowed: bool | None
    reference_type: str | None
    reference_id: str | None
    error_message: str | None
    amount: str | None
    denial_reason: str | None
    old_status: str | None
    new_status: str | None
    old_verification_status: str | None
    new_verification_status: str | None
    item_count: int | None
    filter_criteria: str | None
    notes: str | None
    details: dict[str, Any]


def record_event(name: str, *, actor: Principal, **content: Unpack[EventContent]) -> UUID:
    """Record one event in the caller's transaction and return its id.

    Raises KeyError for a name that is not in the registry and ValueError for content that has no
    canonical form.
    """
    return record_events([EventDraft(name, **content)], actor=actor)[0]


def record_events(
    drafts: Sequence[EventDraft], *, actor: Principal, occurred_at: datetime | None = None
) -> list[UUID]:
    """Record `drafts` in one INSERT in the caller's transaction; return their ids in order."""
    now = occurred_at or timezone.now()
    rows: list[tuple[Any, ...]] = []
    ids: list[UUID] = []
    for draft in drafts:
        stamp = Stamp(
            id=uuid4(),
            occurred_at=now,
            actor=actor.label,
            actor_id=actor.principal_id,
            source=source(),
            correlation_id=correlation_id(),
        )
        rows.append(_row(draft, stamp))
        ids.append(stamp.id)
        EVENTS.labels(str(draft.type.category), str(draft.success)).inc()
    _insert(rows)
    event_recorded.send(sender=AuditEvent, events=tuple(drafts))
    return ids


_COLUMNS = (
    "id",
    "name",
    "category",
    "action_type",
    "occurred_at",
    "actor",
    "success",
    "network",
    "asset_id",
    "issuer_id",
    "affected_address",
    "to_address",
    "transfer_allowed",
    "reference_type",
    "reference_id",
    "correlation_id",
    "body",
)
_BY_NAME = {field.name: field for field in AuditEvent._meta.concrete_fields}
_FIELDS = tuple(_BY_NAME[name] for name in _COLUMNS)
_TABLE = AuditEvent._meta.db_table
_INSERT = f'INSERT INTO "{_TABLE}" ({", ".join(_COLUMNS)}) VALUES '  # noqa: S608 - constants
_AS_THEY_ARE = frozenset({str, bool, int, type(None)})  # no field of ours changes these
_PLACES = f"({', '.join(['%s'] * len(_COLUMNS))})"
_ROWS_PER_STATEMENT = 10_000  # those of the greatest bulk write
_ROWS_PER_LIMITED_STATEMENT = 500  # where the number of parameters has a limit


def _row(draft: EventDraft, stamp: Stamp) -> tuple[Any, ...]:
    kind = draft.type
    return (
        stamp.id,
        draft.name,
        str(kind.category),
        str(kind.action_type),
        stamp.occurred_at,
        stamp.actor,
        draft.success,
        draft.network,
        draft.asset_id,
        draft.issuer_id,
        draft.affected_address,
        draft.to_address,
        draft.transfer_allowed,
        draft.reference_type,
        draft.reference_id,
        stamp.correlation_id,
        body_line(draft, stamp),
    )


def _insert(rows: Sequence[tuple[Any, ...]]) -> None:
    # One raw INSERT: the ORM's costs half as much again (reference/audit.md, D).
    limited = connection.features.max_query_params is not None
    size = _ROWS_PER_LIMITED_STATEMENT if limited else _ROWS_PER_STATEMENT
    with connection.cursor() as cursor:
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            values = [
                value if type(value) in _AS_THEY_ARE else field.get_db_prep_save(value, connection)
                for row in part
                for field, value in zip(_FIELDS, row, strict=True)
            ]
            cursor.execute(_INSERT + ", ".join([_PLACES] * len(part)), values)
