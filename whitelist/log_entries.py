"""The whitelist's views of the event log: what each shows of an event's body. Pure.

The shapes are the incumbent's (names instead of its integers), with what our log knows besides.
"""

from collections.abc import Mapping
from typing import Any, Final

from audit.choices import ActionType, Category
from audit.events import EVENT_TYPES
from whitelist.choices import LogAction

CATEGORIES: Final = (Category.WHITELIST, Category.WHITELIST_RULES, Category.TRANSFER_VALIDATION)
_BY_TYPE: Final = {
    ActionType.CREATE: LogAction.ADD,
    ActionType.UPDATE: LogAction.UPDATE,
    ActionType.DELETE: LogAction.REMOVE,
    ActionType.EXPORT: LogAction.EXPORT,
}


def _action(name: str, category: Category, kind: ActionType) -> LogAction:
    if category == Category.TRANSFER_VALIDATION:
        return LogAction.TRANSFER_VALIDATION
    if category == Category.WHITELIST_RULES:
        return LogAction.POLICY_CHANGE
    if name.startswith("whitelist.import."):
        return LogAction.IMPORT
    return _BY_TYPE.get(kind, LogAction.UPDATE)


ACTIONS: Final[Mapping[str, LogAction]] = {
    name: _action(name, kind.category, kind.action_type)
    for name, kind in EVENT_TYPES.items()
    if kind.category in CATEGORIES
}

LOG_COLUMNS: Final = (
    "Id",
    "AssetId",
    "Address",
    "ActionType",
    "PerformedBy",
    "PerformedAt",
    "OldStatus",
    "NewStatus",
    "Notes",
    "ToAddress",
    "TransferAllowed",
    "DenialReason",
    "Amount",
    "Network",
    "Role",
)
LOG_BARE: Final = frozenset({1, 10, 12})
ENFORCEMENT_COLUMNS: Final = (
    "Id",
    "AssetId",
    "FromAddress",
    "ToAddress",
    "PerformedBy",
    "PerformedAt",
    "TransferAllowed",
    "DenialReason",
    "Amount",
    "Network",
    "Role",
    "Notes",
)
ENFORCEMENT_BARE: Final = frozenset({1, 6, 8})
_LARGEST: Final = 2**64 - 1


def log_entry(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of the whitelist audit log for an event's body."""
    details = body.get("details", {})
    asset = body.get("assetId")
    return {
        "id": body["id"],
        "assetId": int(asset) if asset is not None else None,
        "address": body.get("affectedAddress"),
        "actionType": str(ACTIONS.get(body["name"], LogAction.UPDATE)),
        "performedBy": body["actor"],
        "performedAt": body["occurredAt"],
        "oldStatus": body.get("oldStatus"),
        "newStatus": body.get("newStatus"),
        "notes": body.get("notes"),
        "toAddress": body.get("toAddress"),
        "transferAllowed": body.get("transferAllowed"),
        "denialReason": body.get("denialReason", details.get("denialReason")),
        "amount": _amount(body.get("amount", details.get("amount"))),
        "network": body.get("network"),
        "role": details.get("role"),  # who they were, never what they said they were
        "success": body["success"],
        "errorMessage": body.get("errorMessage"),
        "eventType": body["name"],
        "correlationId": body["correlationId"],
    }


def _amount(stated: Any) -> int | str | None:
    # Base units. JSON has no wider number that readers agree on; a wider one stays text.
    text = str(stated) if stated is not None else ""
    if text.isascii() and text.isdigit() and int(text) <= _LARGEST:
        return int(text)
    return text or None


def log_row(body: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the CSV record of the whitelist audit log, in the order of `LOG_COLUMNS`."""
    entry = log_entry(body)
    return tuple(entry[name[0].lower() + name[1:]] for name in LOG_COLUMNS)


def enforcement_row(body: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the CSV record of the enforcement report, in the order of `ENFORCEMENT_COLUMNS`."""
    entry = {**log_entry(body), "fromAddress": body.get("affectedAddress")}
    return tuple(entry[name[0].lower() + name[1:]] for name in ENFORCEMENT_COLUMNS)
