"""The views of the log: what each endpoint shows of an event's body. Pure."""

from collections.abc import Mapping
from typing import Any

COMPLIANCE_COLUMNS = (
    "Id",
    "AssetId",
    "Network",
    "ActionType",
    "PerformedBy",
    "PerformedAt",
    "Success",
    "ErrorMessage",
    "OldComplianceStatus",
    "NewComplianceStatus",
    "OldVerificationStatus",
    "NewVerificationStatus",
    "ItemCount",
    "FilterCriteria",
    "Notes",
)
COMPLIANCE_BARE = frozenset({1, 6, 12})  # asset id, success and item count are never quoted


def compliance_entry(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of the compliance audit log (seed 1, section 5) for an event's body."""
    asset = body.get("assetId")
    return {
        "id": body["id"],
        "assetId": int(asset) if asset is not None else None,
        "network": body.get("network"),
        "actionType": body["actionType"],
        "performedBy": body["actor"],
        "performedAt": body["occurredAt"],
        "success": body["success"],
        "errorMessage": body.get("errorMessage"),
        "oldComplianceStatus": body.get("oldStatus"),
        "newComplianceStatus": body.get("newStatus"),
        "oldVerificationStatus": body.get("oldVerificationStatus"),
        "newVerificationStatus": body.get("newVerificationStatus"),
        "notes": body.get("notes"),
        "itemCount": body.get("itemCount"),
        "filterCriteria": body.get("filterCriteria"),
        "eventType": body["name"],
        "referenceType": body.get("referenceType"),
        "referenceId": body.get("referenceId"),
        "correlationId": body["correlationId"],
    }


def compliance_row(body: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the CSV record of the compliance audit log, in the order of `COMPLIANCE_COLUMNS`."""
    entry = compliance_entry(body)
    return tuple(entry[name[0].lower() + name[1:]] for name in COMPLIANCE_COLUMNS)


EVENT_COLUMNS = (
    "Id",
    "EventType",
    "Category",
    "ActionType",
    "Actor",
    "OccurredAt",
    "Success",
    "Network",
    "AssetId",
    "IssuerId",
    "AffectedAddress",
    "ReferenceType",
    "ReferenceId",
    "ErrorMessage",
    "Notes",
    "CorrelationId",
)
EVENT_BARE = frozenset({6, 8})
_EVENT_KEYS = {"EventType": "name"}


def event_row(body: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the CSV record of any event, in the order of `EVENT_COLUMNS`."""
    return tuple(
        int(body["assetId"])
        if name == "AssetId" and "assetId" in body
        else body.get(_EVENT_KEYS.get(name, name[0].lower() + name[1:]))
        for name in EVENT_COLUMNS
    )
