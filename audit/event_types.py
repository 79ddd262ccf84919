"""What the registry says of each kind of event.

A name is dotted and in the past tense: `<app>.<noun>.<what happened>`. `affects_status` marks the
events after which a token's compliance status must be computed again; `evidence` is the name by
which rules ask for such an event; `meters` is what it counts as in the metering.
"""

from dataclasses import dataclass

from audit.choices import ActionType, Category, Operation, Severity


@dataclass(frozen=True, slots=True)
class EventType:
    """One kind of event."""

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
    """Return one kind of event."""
    return EventType(name, label, category, action, severity, affects, evidence, meters)
