"""One step on the way to compliance, and what the snapshot is after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from jurisdictions.engine.snapshot import (
    AttestationFact,
    AuditEventFact,
    DeploymentFacts,
    Snapshot,
    Tag,
    WhitelistEntryFact,
)
from jurisdictions.engine.values import FactValue

ISSUER, OFFICER, OPERATOR = "issuer", "compliance_officer", "operator"

TAG_FIELDS = {
    "tag.role": "roles",
    "tag.classification": "classification",
    "tag.offeringKind": "offering_kind",
    "tag.exemption": "exemption",
}


class StepKind(StrEnum):
    """What somebody has to do."""

    RECORD_FACT = "record_fact"
    CHANGE_FACT = "change_fact"
    PROVIDE_ATTESTATION = "provide_attestation"
    VERIFY_ATTESTATION = "verify_attestation"
    SET_WHITELIST_POLICY = "set_whitelist_policy"
    ADD_WHITELIST_ENTRY = "add_whitelist_entry"
    CORRECT_WHITELIST_ENTRIES = "correct_whitelist_entries"
    REMOVE_WHITELIST_ENTRIES = "remove_whitelist_entries"
    COMPLETE_DEPLOYMENT = "complete_deployment"
    RECORD_EVENT = "record_event"
    VERIFY_AUDIT_TRAIL = "verify_audit_trail"
    SET_RETENTION_PERIOD = "set_retention_period"


@dataclass(frozen=True)
class Change:
    """What a step does to the snapshot; what it does not name stays.

    An attestation or entry replaces the one of the same id or address, or is added. Tag fields
    are set on the tags of `tag_codes` that lack them.
    """

    facts: Mapping[str, FactValue] = field(default_factory=dict)
    tag_codes: tuple[str, ...] = ()
    tag_fields: Mapping[str, Any] = field(default_factory=dict)
    attestations: tuple[AttestationFact, ...] = ()
    entries: tuple[WhitelistEntryFact, ...] = ()
    removed: frozenset[str] = frozenset()
    enforcement: str | None = None
    deployment: str | None = None
    events: Mapping[str, AuditEventFact] = field(default_factory=dict)
    chain_verified: bool | None = None
    retention: Mapping[str, float] = field(default_factory=dict)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot as it is once the change is made."""
        changes: dict[str, Any] = {}
        facts = dict(self.facts)
        if self.deployment is not None:
            facts["token.deploymentStatus"] = self.deployment
            identifier = snapshot.deployment.id if snapshot.deployment else ""
            changes["deployment"] = DeploymentFacts(self.deployment, identifier)
        if facts:
            changes["facts"] = {**snapshot.facts, **facts}
        if self.tag_fields:
            changes["tags"] = tuple(self._tag(one) for one in snapshot.tags)
        if self.attestations:
            by_id = {one.id: one for one in (*snapshot.attestations, *self.attestations)}
            changes["attestations"] = tuple(by_id.values())
        if self.entries or self.removed or self.enforcement is not None:
            whitelist = snapshot.whitelist
            entries = {one.address: one for one in (*whitelist.entries, *self.entries)}
            changes["whitelist"] = replace(
                whitelist,
                enforcement=self.enforcement or whitelist.enforcement,
                entries=tuple(
                    one for address, one in entries.items() if address not in self.removed
                ),
            )
        if self.events or self.chain_verified is not None:
            chain = snapshot.audit.chain_verified
            changes["audit"] = replace(
                snapshot.audit,
                events={**snapshot.audit.events, **self.events},
                chain_verified=chain if self.chain_verified is None else self.chain_verified,
            )
        if self.retention:
            changes["retention"] = {**snapshot.retention, **self.retention}
        return replace(snapshot, **changes)

    def _tag(self, tag: Tag) -> Tag:
        # What the token legally is is recorded where it is missing; a path never alters it.
        if not tag.recognized or tag.jurisdiction not in self.tag_codes:
            return tag
        fields = {name: one for name, one in self.tag_fields.items() if not getattr(tag, name)}
        return replace(tag, **fields)


@dataclass(frozen=True)
class Step:
    """One thing to do: what exactly (`target`), who can do it, and the checks that it unlocks.

    `target` holds plain values. A fact whose value is free, such as a name, has the `value` None
    there, and `rule` says what it must be; `change` holds the example that was tried.
    """

    kind: StepKind
    target: Mapping[str, Any]
    by: tuple[str, ...]
    unlocks: tuple[str, ...]
    change: Change

    @property
    def identity(self) -> tuple[str, ...]:
        """What makes two steps the same one: a fact is recorded once, whatever its value."""
        named = ("fact", "tags", "event", "recordClass", "attestationId")
        if any(name in self.target for name in named):
            return (*(str(self.target.get(name)) for name in named),)
        return (str(self.kind), str(sorted(self.target.items())))


@dataclass(frozen=True)
class Blocker:
    """A check that stands in the way of every path, and why no step is known for it."""

    key: str
    jurisdiction: str
    reason: str


@dataclass(frozen=True)
class Path:
    """The steps, in their order, after which the engine answers Compliant, or why none are known.

    `found` means that the engine evaluated the token with all steps made and answered Compliant.
    Without it there are no steps and at least one blocker. `evaluations` is how often the engine
    ran, `judgements` how often a single check did.
    """

    found: bool
    steps: tuple[Step, ...] = ()
    blockers: tuple[Blocker, ...] = ()
    evaluations: int = 0
    judgements: int = 0


def after(snapshot: Snapshot, steps: Iterable[Step]) -> Snapshot:
    """The snapshot as it is once all steps are made."""
    for step in steps:
        snapshot = step.change.applied(snapshot)
    return snapshot
