"""The history of a pack in the admin: its versions, what differs between two, what was done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from audit.choices import Category
from audit.events import EVENT_TYPES
from audit.models import AuditEvent
from jurisdictions.difference import PackDifference, pack_difference
from jurisdictions.models import RulePack
from jurisdictions.selectors import pack_value, version_order

_EVENTS = 200


@dataclass(frozen=True)
class HistoryLine:
    """One event of a version: when, who, what, of which version, and what was said of it."""

    when: Any
    actor: str
    what: str
    version: str
    remark: str


def pack_versions(pack: RulePack) -> list[RulePack]:
    """Return every version of the pack, newest first."""
    return sorted(RulePack.objects.filter(pack_id=pack.pack_id), key=version_order, reverse=True)


def compared(
    versions: Sequence[RulePack], pack: RulePack, asked: Mapping[str, str]
) -> tuple[RulePack | None, RulePack, PackDifference | None]:
    """Return the two versions that are compared, by number, and what differs.

    Without such numbers they are `pack` and the one before it.
    """
    by_number = {one.version: one for one in versions}
    after = by_number.get(asked.get("after", ""), pack)
    older = [one for one in versions if version_order(one) < version_order(after)]
    before = by_number.get(asked.get("before", ""), older[0] if older else None)
    if before is None:
        return None, after, None
    return before, after, pack_difference(pack_value(before), pack_value(after))


def pack_events(versions: Sequence[RulePack]) -> list[HistoryLine]:
    """Return what was done to these versions and their requirements, newest first."""
    numbers = {str(one.pk): one.version for one in versions}
    # The category is what the index is on; few events are about rules.
    rows = AuditEvent.objects.filter(
        category=Category.JURISDICTION, reference_type="rule_pack", reference_id__in=numbers
    )
    return [_line(row, numbers) for row in rows.order_by("-seq")[:_EVENTS]]


def _line(row: AuditEvent, numbers: Mapping[str, str]) -> HistoryLine:
    body = orjson.loads(row.body)
    details = body.get("details", {})
    remarks = (
        details.get("key"),
        ", ".join(details.get("fields", ())),
        body.get("notes"),
        body.get("errorMessage"),
    )
    return HistoryLine(
        when=row.occurred_at,
        actor=row.actor,
        what=EVENT_TYPES[row.name].label if row.name in EVENT_TYPES else row.name,
        version=numbers[row.reference_id or ""],
        remark=": ".join(text for text in remarks if text),
    )
