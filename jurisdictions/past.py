"""The rule packs as they stood at an earlier moment, from the events of their life."""

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import orjson

from audit.choices import ActionType, Category
from audit.models import AuditEvent
from jurisdictions.choices import PackStatus
from jurisdictions.engine import Pack
from jurisdictions.models import RulePack
from jurisdictions.selectors import pack_value

_LIFE = (
    "jurisdictions.pack.activated",
    "jurisdictions.pack.superseded",
    "jurisdictions.pack.retired",
)


class UnknownPast(LookupError):
    """The log does not tell how a version stood."""

    def __init__(self, version_id: str) -> None:
        self.version_id = version_id
        super().__init__(version_id)


def packs_at(
    present: Collection[Pack], changed: Mapping[str, Mapping[str, Any]], moment: datetime
) -> tuple[Pack, ...]:
    """Return every version that was or was to be in force at `moment`, as `active_packs` does.

    `present` are those of now, and `changed` the first event since `moment` of every version that
    changed since, by the id of the version. Raises `UnknownPast`.
    """
    rows = list(RulePack.objects.filter(pk__in=list(changed)))
    if len(rows) != len(changed):
        raise UnknownPast(next(iter(changed.keys() - {str(row.pk) for row in rows})))
    gone = {(row.pack_id, row.version) for row in rows}
    packs = [pack for pack in present if (pack.pack_id, pack.version) not in gone]
    last = _last_events([str(row.pk) for row in rows], moment)
    for row in rows:
        key = str(row.pk)
        _set_back(row, last.get(key), changed[key])
        if _can_be_in_force(row, moment.astimezone(UTC).date()):
            packs.append(pack_value(row))
    # In the order of the database, whose collation may not be Python's.
    names = RulePack.objects.order_by("pack_id", "version").values_list("pack_id", "version")
    order = {name: position for position, name in enumerate(names)}
    return tuple(sorted(packs, key=lambda pack: order[pack.pack_id, pack.version]))


def _last_events(ids: Collection[str], moment: datetime) -> dict[str, Mapping[str, Any]]:
    """Return the last event by `moment` in the life of each of these versions, by id."""
    if not ids:
        return {}
    rows = AuditEvent.objects.filter(
        category=Category.JURISDICTION,  # lets the index on both serve
        action_type=ActionType.UPDATE,
        name__in=_LIFE,
        reference_id__in=ids,
        occurred_at__lte=moment,
    ).order_by("occurred_at", "seq")
    return {
        key: orjson.loads(body)
        for key, body in rows.values_list("reference_id", "body")
        if key is not None
    }


def _set_back(row: RulePack, last: Mapping[str, Any] | None, first: Mapping[str, Any]) -> None:
    """Make the row what the last event by the moment, else the first one since, says it was."""
    status = (last or {}).get("newStatus") or first.get("oldStatus")
    if status not in PackStatus.values:
        raise UnknownPast(str(row.pk))
    if last is None and first["name"] == "jurisdictions.pack.superseded":
        raise UnknownPast(str(row.pk))  # its last day was another, perhaps
    row.status = status
    if last is not None:
        row.effective_from, row.effective_to = _days(last)


def _days(event: Mapping[str, Any]) -> Iterator[date | None]:
    details = event.get("details", {})
    for name in ("effectiveFrom", "effectiveTo"):
        yield date.fromisoformat(details[name]) if name in details else None


def _can_be_in_force(row: RulePack, day: date) -> bool:
    if row.effective_to is not None and row.effective_to < day:
        return False
    if row.status == PackStatus.SUPERSEDED:
        return row.effective_to is not None
    return row.status == PackStatus.ACTIVE
