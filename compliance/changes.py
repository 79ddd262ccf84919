"""What the event log tells of a record at an earlier moment: the changes since, undone.

Some kinds of the record keep their own past, append-only: their events are not looked at. Of the
others only the present is stored. An event of them undoes its change where it says what was there
before; where it does not, what stood before it is `lost`. Nothing is guessed: an event that nobody
taught this module to undo loses the past too.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any, TypeVar

import orjson
from django.db.models import Q

from accounts.models import Token
from audit.events import EVENT_TYPES
from audit.models import AuditEvent
from compliance.entries_before import EntriesBefore
from compliance.models import ComplianceMetadata
from jurisdictions.catalogue import FactCatalogue
from jurisdictions.engine import ScreeningList
from jurisdictions.models import IssuerJurisdiction, TokenJurisdiction
from jurisdictions.tags import TagRows
from whitelist.choices import EntryStatus
from whitelist.selectors import WhitelistPopulation

Tagged = TypeVar("Tagged", TokenJurisdiction, IssuerJurisdiction)

AFFECTING = sorted(name for name, kind in EVENT_TYPES.items() if kind.affects_status)
# Facts, attestations with their decisions, waivers, deployments with their transitions,
# verifications of the trail and packages are rows that stay, each with its moment.
_KEPT = (
    "jurisdictions.facts.",
    "jurisdictions.waiver.",
    "attestations.attestation.",
    "deployments.deployment.",
    "audit.trail.",
    "compliance.package.",
)
# A definition of a fact shows in a report even where it changes no status.
_ASKED = sorted(
    name
    for name, kind in EVENT_TYPES.items()
    if (kind.affects_status or name.startswith("jurisdictions.fact."))
    and not name.startswith(_KEPT)
)

# Fields that no rule and no report looks at.
_UNSEEN_METADATA = frozenset({"notes"})
_UNSEEN_TAG = frozenset({"notes", "isPrimary"})
_UNSEEN_DEFINITION = frozenset({"origin"})
_UNSEEN_LIST = frozenset({"sources", "entries"})
# How an event names a column of a list and of a tag.
_LIST_WORDS: Mapping[str, str] = {"as_of": "asOf", "max_age_days": "maxAgeDays"}
_TAG_COLUMNS: Mapping[str, str] = {
    "roles": "roles",
    "classification": "classification",
    "offeringKind": "offering_kind",
    "exemption": "exemption",
}


@dataclass(frozen=True)
class Change:
    """One recorded change, read out of the log."""

    name: str
    moment: datetime
    body: str

    @cached_property
    def content(self) -> Mapping[str, Any]:
        """What the event says."""
        content: Mapping[str, Any] = orjson.loads(self.body)
        return content

    @property
    def details(self) -> Mapping[str, Any]:
        """The details of the event."""
        details: Mapping[str, Any] = self.content.get("details", {})
        return details

    @property
    def fields(self) -> frozenset[str] | None:
        """The fields that were changed, or None where the event does not say."""
        fields = self.details.get("fields")
        return None if fields is None else frozenset(fields)

    @property
    def reference(self) -> str | None:
        """The id of the row that was changed."""
        return self.content.get("referenceId")


@dataclass
class Before:
    """What stood before the changes, as far as they tell; `lost` is the last that does not."""

    lost: Change | None = None
    owner_verified: bool = True
    metadata_seen: bool = False
    metadata_absent: bool = False
    metadata: dict[str, Any] = field(default_factory=dict)
    policy: dict[str, str | None] = field(default_factory=dict)
    entries: EntriesBefore = field(default_factory=EntriesBefore)
    tags_absent: set[str] = field(default_factory=set)
    tags: dict[str, dict[str, Any]] = field(default_factory=dict)
    lists: dict[str, list[Change]] = field(default_factory=dict)
    packs: dict[str, Change] = field(default_factory=dict)
    definitions_absent: set[str] = field(default_factory=set)

    def lose(self, change: Change) -> None:
        """What stood before this change is not known."""
        if self.lost is None or self.lost.moment <= change.moment:
            self.lost = change

    def metadata_of(self, row: ComplianceMetadata | None) -> ComplianceMetadata | None:
        """Return the metadata as they were."""
        if row is None or self.metadata_absent:
            return None
        then = copy(row)
        for name, value in self.metadata.items():
            setattr(then, name, value)
        return then

    def tags_of(self, rows: TagRows) -> TagRows:
        """Return the explicit tags as they were."""
        return TagRows(list(self._tags(rows.own)), list(self._tags(rows.of_issuer)))

    def _tags(self, rows: Iterable[Tagged]) -> Iterator[Tagged]:
        for row in rows:
            key = _tag_key(row.event_fields["reference_type"], row.pk)
            if key not in self.tags_absent:
                then = copy(row)
                for column, value in self.tags.get(key, {}).items():
                    setattr(then, column, value)
                yield then

    def whitelist_of(self, population: WhitelistPopulation) -> WhitelistPopulation:
        """Return the policy and the Active entries as they were, of entries of every status."""
        entries = self.entries.of(population.entries)
        return WhitelistPopulation(
            self.policy.get("enforcement", population.enforcement),
            tuple(one for one in entries if one.status == EntryStatus.ACTIVE),
        )

    def catalogue_of(self, catalogue: FactCatalogue) -> FactCatalogue:
        """Return the facts catalogue as it was."""
        if self.definitions_absent.isdisjoint(catalogue.definitions):
            return catalogue
        return FactCatalogue.of(
            one
            for path, one in catalogue.definitions.items()
            if path not in self.definitions_absent
        )

    def lists_of(self, lists: Mapping[str, ScreeningList]) -> dict[str, ScreeningList]:
        """Return the screening lists as they were."""
        undone = ((name, self._list(one)) for name, one in lists.items())
        return {name: one for name, one in undone if one is not None}

    def _list(self, one: ScreeningList) -> ScreeningList | None:
        for change in reversed(self.lists.get(one.id, [])):
            details = change.details
            if "list_id" in (change.fields or ()):
                return None
            was = details.get("was", {})
            removed = frozenset(details.get("removed", ()))
            one = replace(
                one,
                codes=(one.codes - frozenset(details.get("added", ()))) | removed,
                as_of=date.fromisoformat(was["asOf"]) if "asOf" in was else one.as_of,
                max_age_days=was.get("maxAgeDays", one.max_age_days),
            )
        return one


def before_changes_since(token: Token, moment: datetime) -> Before:
    """Return what the log tells of the token's record as it stood at `moment`.

    Looks at what was recorded of the token, of its issuer and of what all tokens share.
    """
    wide = Q(asset_id__isnull=True, issuer_id__isnull=True)
    if token.issuer_id is not None:
        wide |= Q(asset_id__isnull=True, issuer_id=token.issuer_id)
    own = Q(asset_id=token.asset_id, network=token.network or None)
    events = AuditEvent.objects.filter(own | wide, name__in=_ASKED, occurred_at__gt=moment)
    rows = events.order_by("occurred_at", "seq").values_list("name", "occurred_at", "body")
    return undo(Change(*row) for row in rows.iterator(chunk_size=1_000))


def undo(changes: Iterable[Change]) -> Before:
    """Return what stood before these changes, which come in their order. Pure."""
    before = Before()
    for change in changes:
        _UNDO.get(change.name, Before.lose)(before, change)
    return before


def _owner(before: Before, change: Change) -> None:
    before.owner_verified = False


def _metadata_created(before: Before, change: Change) -> None:
    # After an earlier change it is another one, made once the first was deleted.
    before.metadata_absent = before.metadata_absent or not before.metadata_seen
    before.metadata_seen = True


def _metadata_updated(before: Before, change: Change) -> None:
    if before.metadata_absent:
        return
    before.metadata_seen = True
    content, fields = change.content, change.fields
    was = {
        "compliance_status": content.get("oldStatus"),
        "verification_status": content.get("oldVerificationStatus"),
    }
    if fields is None or fields - _UNSEEN_METADATA - {name for name in was if was[name]}:
        before.lose(change)
    for name in sorted((fields or frozenset()) & was.keys()):
        before.metadata.setdefault(name, was[name])


def _metadata_deleted(before: Before, change: Change) -> None:
    before.metadata_seen = True
    if not before.metadata_absent:
        before.lose(change)


def _policy(before: Before, change: Change) -> None:
    if "newStatus" not in change.content:
        before.lose(change)
    before.policy.setdefault("enforcement", change.content.get("oldStatus"))


def _entry_created(before: Before, change: Change) -> None:
    address = change.content.get("affectedAddress")
    if address is None:
        before.lose(change)
    else:
        before.entries.created(address)


def _entry_updated(before: Before, change: Change) -> None:
    address, was = change.content.get("affectedAddress"), _entry_was(change)
    if address is None or not before.entries.updated(address, change.fields, was):
        before.lose(change)


def _entry_removed(before: Before, change: Change) -> None:
    address = change.content.get("affectedAddress")
    if address is None or not before.entries.removed(address, _entry_was(change)):
        before.lose(change)


def _entry_was(change: Change) -> Mapping[str, Any]:
    status = {"status": change.content["oldStatus"]} if "oldStatus" in change.content else {}
    return {**change.details.get("was", {}), **status}


def _tag_key(kind: str, reference: object) -> str:
    return f"{kind} {reference}"


def _tag_assigned(before: Before, change: Change) -> None:
    if change.reference is None:
        before.lose(change)
    else:
        before.tags_absent.add(_tag_key(change.content["referenceType"], change.reference))


def _tag_updated(before: Before, change: Change) -> None:
    if change.reference is None or change.fields is None:
        before.lose(change)
        return
    key = _tag_key(change.content["referenceType"], change.reference)
    if key in before.tags_absent:
        return
    was = change.details.get("was", {})
    if change.fields - _UNSEEN_TAG - was.keys():
        before.lose(change)
    kept = before.tags.setdefault(key, {})
    for name, value in was.items():
        kept.setdefault(_TAG_COLUMNS[name], value)


def _tag_removed(before: Before, change: Change) -> None:
    # Its text is not in the log.
    reference = change.reference
    if reference is None or (
        _tag_key(change.content["referenceType"], reference) not in before.tags_absent
    ):
        before.lose(change)


def _list_updated(before: Before, change: Change) -> None:
    name, fields = change.details.get("listId"), change.fields
    if name is None or fields is None:
        before.lose(change)
        return
    changes = before.lists.setdefault(name, [])
    changes.append(change)
    if "list_id" in (changes[0].fields or ()):
        return  # it was not there at all
    was = change.details.get("was", {})
    told = {column for column, word in _LIST_WORDS.items() if word in was}
    if fields - _UNSEEN_LIST - told:
        before.lose(change)


def _definition_added(before: Before, change: Change) -> None:
    if change.reference is None:
        before.lose(change)
    else:
        before.definitions_absent.add(change.reference)


def _definition_changed(before: Before, change: Change) -> None:
    if change.reference in before.definitions_absent:
        return
    if change.fields is None or change.fields - _UNSEEN_DEFINITION:
        before.lose(change)


def _pack(before: Before, change: Change) -> None:
    if change.reference is None:
        before.lose(change)
    else:
        before.packs.setdefault(change.reference, change)


_UNDO: Mapping[str, Callable[[Before, Change], None]] = {
    "accounts.token.owner_verified": _owner,
    "compliance.metadata.created": _metadata_created,
    "compliance.metadata.updated": _metadata_updated,
    "compliance.metadata.deleted": _metadata_deleted,
    "whitelist.policy.changed": _policy,
    "whitelist.entry.created": _entry_created,
    "whitelist.entry.updated": _entry_updated,
    "whitelist.entry.removed": _entry_removed,
    "jurisdictions.token_tag.assigned": _tag_assigned,
    "jurisdictions.token_tag.updated": _tag_updated,
    "jurisdictions.token_tag.removed": _tag_removed,
    "jurisdictions.issuer_tag.assigned": _tag_assigned,
    "jurisdictions.issuer_tag.updated": _tag_updated,
    "jurisdictions.issuer_tag.removed": _tag_removed,
    "jurisdictions.fact.added": _definition_added,
    "jurisdictions.fact.described": _definition_changed,
    "jurisdictions.fact.updated": _definition_changed,
    "jurisdictions.list.updated": _list_updated,
    "jurisdictions.pack.activated": _pack,
    "jurisdictions.pack.superseded": _pack,
    "jurisdictions.pack.retired": _pack,
}
