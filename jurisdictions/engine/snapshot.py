"""Everything an evaluation may know about a token, gathered beforehand and frozen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from operator import attrgetter
from typing import Any

from jurisdictions.engine.values import FactValue


@dataclass(frozen=True)
class Tag:
    """A jurisdiction the token is tagged with, and what the token legally is there.

    `kind` is the jurisdiction's kind (country, subdivision, supranational, standard_setter,
    global, private); `source` is Explicit or Derived. A text that could not be read is a tag with
    `recognized` False that keeps its `raw_text`.
    """

    jurisdiction: str
    kind: str = "country"
    roles: tuple[str, ...] = ()
    classification: str | None = None
    offering_kind: str | None = None
    exemption: str | None = None
    source: str = "Explicit"
    recognized: bool = True
    raw_text: str = ""


@dataclass(frozen=True)
class AttestationFact:
    """One piece of evidence: status Pending, Verified, Failed or Revoked.

    Expiry is no status here: the engine computes it from `expires_at` and now.
    """

    id: str
    subject_type: str
    subject: str
    attestation_type: str
    status: str
    created_by_id: str | None
    verified_by_id: str | None
    issued_at: datetime
    verified_at: datetime | None = None
    expires_at: datetime | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    proof_hash: str | None = None


@dataclass(frozen=True)
class WhitelistEntryFact:
    """One active member of the whitelist population."""

    address: str
    kyc_verified: bool = False
    kyc_verified_at: datetime | date | None = None
    expires_at: datetime | None = None
    jurisdiction: str | None = None
    status: str = "Active"


@dataclass(frozen=True)
class WhitelistFacts:
    """The whitelist policy (None when it was never set) and its active population."""

    enforcement: str | None = None
    entries: tuple[WhitelistEntryFact, ...] = ()

    @cached_property
    def active(self) -> tuple[WhitelistEntryFact, ...]:
        """The active entries in the order of their addresses."""
        active = (one for one in self.entries if one.status == "Active")
        return tuple(sorted(active, key=attrgetter("address")))


@dataclass(frozen=True)
class DeploymentFacts:
    """Where the token's deployment stands in its state machine."""

    state: str
    id: str = ""


@dataclass(frozen=True)
class AuditEventFact:
    """How often an event type is on record, and when it last was."""

    count: int
    last_at: datetime


@dataclass(frozen=True)
class AuditFacts:
    """What the audit log holds about the token, and whether its chain was verified (None: not)."""

    events: Mapping[str, AuditEventFact] = field(default_factory=dict)
    chain_verified: bool | None = None
    detail: str = ""


@dataclass(frozen=True)
class ScreeningList:
    """A maintained list of jurisdiction codes with the day it was true."""

    id: str
    title: str
    as_of: date
    codes: frozenset[str]
    max_age_days: int | None = None


@dataclass(frozen=True)
class Waiver:
    """A decision to live with a requirement that is not met, until it expires.

    It covers the key in every pack, or in one pack, there in the versions from `version_from` to
    `version_to`, both included; an empty bound is open. `type` and `approved_by` are for readers.
    """

    requirement_key: str
    expires_at: datetime
    approved: bool
    id: str = ""
    reason: str = ""
    type: str = ""
    approved_by: str = ""
    pack_id: str = ""
    version_from: str = ""
    version_to: str = ""


@dataclass(frozen=True)
class Snapshot:
    """The frozen input of an evaluation; the same snapshot always gives the same results.

    `facts` is keyed by catalogue path, without the `tag.` facts, which come from `tags`.
    `assumed` are the catalogue's assumptions for facts that nobody recorded. `holders` is None
    where the chain's holders cannot be enumerated. All moments carry a time zone.
    """

    facts: Mapping[str, FactValue] = field(default_factory=dict)
    tags: tuple[Tag, ...] = ()
    attestations: tuple[AttestationFact, ...] = ()
    whitelist: WhitelistFacts = field(default_factory=WhitelistFacts)
    deployment: DeploymentFacts | None = None
    audit: AuditFacts = field(default_factory=AuditFacts)
    retention: Mapping[str, float] = field(default_factory=dict)
    lists: Mapping[str, ScreeningList] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()
    assumed: Mapping[str, FactValue] = field(default_factory=dict)
    holders: tuple[str, ...] | None = None

    @cached_property
    def _attestations_by_type(self) -> dict[str, list[AttestationFact]]:
        by_type: dict[str, list[AttestationFact]] = {}
        for attestation in self.attestations:
            by_type.setdefault(attestation.attestation_type, []).append(attestation)
        return by_type

    def attestations_of(self, types: Iterable[str]) -> list[AttestationFact]:
        """All attestations of the given types; indexed once, as every check asks for some."""
        by_type = self._attestations_by_type
        return [one for name in dict.fromkeys(types) for one in by_type.get(name, ())]


def screening_lists_from_document(document: Mapping[str, Any]) -> dict[str, ScreeningList]:
    """The lists of a `lists-*.json` document by id."""
    return {
        entry["id"]: ScreeningList(
            id=entry["id"],
            title=entry["title"],
            as_of=date.fromisoformat(entry["asOf"]),
            codes=frozenset(item["code"] for item in entry["entries"]),
            max_age_days=entry.get("maxListAgeDays"),
        )
        for entry in document["lists"]
    }
