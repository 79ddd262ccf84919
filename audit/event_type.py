"""One kind of event: what its registry entry says of it."""

from dataclasses import dataclass
from enum import StrEnum

from audit.choices import ActionType, Category, Severity


class Operation(StrEnum):
    """What is metered, in the words and the order of the incumbent."""

    UPSERT = "Upsert"
    DELETE = "Delete"
    ADD = "Add"
    UPDATE = "Update"
    REMOVE = "Remove"
    BULK_ADD = "BulkAdd"
    TRANSFER_VALIDATION = "TransferValidation"
    EXPORT = "Export"


@dataclass(frozen=True, slots=True)
class EventType:
    """One kind of event. `meters`: what each of them counts as in the metering, if anything."""

    name: str
    label: str
    category: Category
    action_type: ActionType
    severity: Severity = Severity.INFO
    affects_status: bool = False
    evidence: str | None = None
    meters: Operation | None = None


def event_type(
    name: str,
    label: str,
    category: Category,
    action: ActionType,
    severity: Severity = Severity.INFO,
    *,
    affects: bool = False,
    evidence: str | None = None,
    meters: Operation | None = None,
) -> EventType:
    """Return the registry entry of an event."""
    return EventType(name, label, category, action, severity, affects, evidence, meters)
