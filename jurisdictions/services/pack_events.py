"""What the events about a version say of it."""

from typing import TypedDict

from jurisdictions.models import RulePack


class PackReference(TypedDict):
    """The arguments of `record_event` that name a version."""

    reference_type: str
    reference_id: str


def pack_reference(row: RulePack) -> PackReference:
    """What an event about a version refers to."""
    return {"reference_type": "rule_pack", "reference_id": str(row.pk)}


def pack_details(row: RulePack) -> dict[str, str]:
    """What an event about a version says of it."""
    days = {"effectiveFrom": row.effective_from, "effectiveTo": row.effective_to}
    return {
        "packId": row.pack_id,
        "version": row.version,
        "jurisdiction": row.jurisdiction_id,
        **{name: day.isoformat() for name, day in days.items() if day is not None},
    }
