"""Writing many entries of one whitelist at once, in a constant number of statements.

Every write of entries comes through `put_entries`. The token is locked before its entries, and
these by address, so that writes which overlap wait for one another and never deadlock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Token, User
from accounts.policies import require_token_writer
from accounts.services import token_for_write
from audit.body import EventDraft
from audit.services import record_events
from config.api.errors import DomainError, ValidationFailed
from whitelist.addresses import holder_address
from whitelist.choices import BulkMode
from whitelist.models import WhitelistEntry
from whitelist.network_rules import advice, violations
from whitelist.services.content import (
    CLEARED,
    EntryContent,
    EntryRuleViolated,
    content_of,
    require_own_role,
    rule_violated,
    told,
    valid_content,
    writer_role,
)

MAX_ADDRESSES = 10_000
_WRITTEN = (*CLEARED, "role", "updated_by", "updated_at")


@dataclass(frozen=True, slots=True)
class WantedEntry:
    """An address to be listed, as what, and where in the request it is: from 0."""

    index: int
    address: str
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """An address that cannot be listed, as it was sent, and why."""

    index: int
    address: str
    problem: DomainError


@dataclass(slots=True)
class Outcome:
    """What became of the addresses of a request; `entries` are those listed now, as asked for.

    `duplicates` holds, for every address that was sent more than once, where it was.
    """

    entries: list[WhitelistEntry] = field(default_factory=list)
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: list[RefusedEntry] = field(default_factory=list)
    duplicates: dict[str, list[int]] = field(default_factory=dict)
    advice: tuple[str, ...] = ()


class _NothingUsable(Exception):
    """No address can be listed: what was begun for them is undone."""


def whitelist_bulk_write(
    *,
    actor: User,
    asset_id: int,
    network: str | None,
    addresses: Sequence[str],
    content: EntryContent,
    mode: str = BulkMode.ALL,
    role: str | None = None,
) -> Outcome:
    """List up to 10,000 addresses for a token, all with the same content.

    Fields that are not given stay as they are. An address that cannot be listed refuses the whole,
    or in mode Partial is left out; where none can be, nothing is written, in either mode. Raises
    `ValidationFailed`, `EntryRuleViolated`, `PermissionRefused` and `AmbiguousAsset`.
    """
    if not 1 <= len(addresses) <= MAX_ADDRESSES:
        message = f"Give 1 to {MAX_ADDRESSES:,} addresses."
        raise ValidationFailed(f"addresses: {message}", details={"addresses": [message]})
    valid_content(content)
    outcome = Outcome()
    wanted = [WantedEntry(index, text, content) for index, text in enumerate(addresses)]
    try:
        with transaction.atomic():
            token = token_for_write(actor=actor, asset_id=asset_id, network=network)
            require_own_role(role, writer_role(actor, token))
            outcome = put_entries(
                actor=actor, token=token, wanted=wanted, mode=mode, notes="Bulk operation"
            )
            if not outcome.entries:
                raise _NothingUsable
    except _NothingUsable:
        pass
    return outcome


@transaction.atomic
def whitelist_entries_upsert(
    *,
    actor: User,
    token: Token,
    wanted: Sequence[WantedEntry],
    mode: str = BulkMode.PARTIAL,
    dry_run: bool = False,
    notes: str | None = None,
) -> Outcome:
    """List addresses for a token, each with its own content; a dry run only says what would be.

    Raises `PermissionRefused`, and in mode All `ValidationFailed` and `EntryRuleViolated`.
    """
    token = locked(actor, token)
    return put_entries(
        actor=actor, token=token, wanted=wanted, mode=mode, dry_run=dry_run, notes=notes
    )


def locked(actor: User, token: Token) -> Token:
    """Return the token, locked, of which `actor` may write; raises `PermissionRefused`."""
    token = Token.objects.select_for_update().get(pk=token.pk)
    require_token_writer(actor, token)
    return token


def put_entries(
    *,
    actor: User,
    token: Token,
    wanted: Sequence[WantedEntry],
    mode: str,
    dry_run: bool = False,
    notes: str | None = None,
) -> Outcome:
    """List addresses for a token that the caller has locked; what changes nothing writes nothing.

    Raises as `whitelist_entries_upsert` does.
    """
    outcome = Outcome()
    plan = _Plan(actor, token, notes)
    usable = _distinct(token, wanted, outcome)
    rows = WhitelistEntry.objects.select_for_update().filter(token=token, address__in=list(usable))
    listed = {entry.address: entry for entry in rows.order_by("address")} if usable else {}
    for address, one in usable.items():
        try:
            entry = plan.put(address, one, listed.get(address), outcome)
        except DomainError as problem:
            outcome.refused.append(RefusedEntry(one.index, one.address, problem))
        else:
            outcome.entries.append(entry)
    outcome.refused.sort(key=lambda one: one.index)
    if outcome.refused and mode == BulkMode.ALL:
        raise _refusal(outcome.refused, len(wanted))
    outcome.advice = tuple(sorted(plan.advice))
    if not dry_run:
        plan.write()
    return outcome


def _distinct(
    token: Token, wanted: Sequence[WantedEntry], outcome: Outcome
) -> dict[str, WantedEntry]:
    """Return what is wanted by canonical address; what cannot be, or is twice, goes to `outcome`.

    The same address with the same content is one; with other content it is refused.
    """
    usable: dict[str, WantedEntry] = {}
    seen: dict[str, WantedEntry] = {}
    for one in wanted:
        problem: DomainError | None = None
        try:
            address = valid_address(one.address, token)
        except ValidationFailed as refusal:
            address, problem = one.address.strip(), refusal
        first = seen.setdefault(address, one)
        if first is not one:
            outcome.duplicates.setdefault(address, [first.index]).append(one.index)
            if problem is not None or first.content == one.content:
                continue
            problem = _invalid("This address is there twice, with different content.")
        if problem is None:
            usable[address] = one
        else:
            outcome.refused.append(RefusedEntry(one.index, one.address, problem))
    return usable


class _Plan:
    """What is to be written for one token: the rows, new and changed, and an event of each."""

    def __init__(self, actor: User, token: Token, notes: str | None) -> None:
        self.advice: set[str] = set()
        self._actor, self._token, self._notes = actor, token, notes
        self._role = writer_role(actor, token)
        self._now = timezone.now()
        self._rows: list[WhitelistEntry] = []
        self._drafts: list[EventDraft] = []
        self._checked: dict[int, dict[str, Any]] = {}

    def put(
        self, address: str, one: WantedEntry, entry: WhitelistEntry | None, outcome: Outcome
    ) -> WhitelistEntry:
        """Plan one entry and return it as it will be; raises where it cannot be."""
        values = self._values(one.content)
        before = dict(CLEARED) if entry is None else content_of(entry)
        after = {**before, **values}
        network = self._token.network
        if broken := violations(network, address, after, self._role):
            raise rule_violated(broken)
        self.advice.update(advice(network, after, self._role))
        if entry is None:
            outcome.created += 1
            entry = WhitelistEntry(
                address=address, created_by=self._actor.label, created_at=self._now
            )
            self._plan(entry, values, sorted(values), None)
        else:
            changed = sorted(name for name, value in values.items() if before[name] != value)
            if changed:
                outcome.updated += 1
                entry.updated_by, entry.updated_at = self._actor.label, self._now
                self._plan(entry, values, changed, before)
            else:
                outcome.unchanged += 1
        entry.token = self._token
        return entry

    def write(self) -> None:
        """Write the rows and their events, each in one statement where the database takes it."""
        if not self._rows:
            return
        WhitelistEntry.objects.bulk_create(
            self._rows, update_conflicts=True, update_fields=_WRITTEN, unique_fields=["id"]
        )
        record_events(self._drafts, actor=self._actor)

    def _values(self, content: Mapping[str, Any]) -> dict[str, Any]:
        # The addresses of a request share one content: it is checked once.
        values = self._checked.get(id(content))
        if values is None:
            values = self._checked[id(content)] = valid_content(content)
        return values

    def _plan(
        self,
        entry: WhitelistEntry,
        values: Mapping[str, Any],
        changed: Sequence[str],
        before: Mapping[str, Any] | None,
    ) -> None:
        for name in changed:
            setattr(entry, name, values[name])
        entry.token, entry.role = self._token, self._role
        self._rows.append(entry)
        was = told({name: before[name] for name in changed}) if before else {}
        self._drafts.append(
            EventDraft(
                "whitelist.entry.updated" if before else "whitelist.entry.created",
                **self._token.event_fields,
                affected_address=entry.address,
                old_status=str(before["status"]) if before else None,
                new_status=str(entry.status),
                notes=self._notes,
                details={
                    "fields": list(changed),
                    "role": str(self._role),
                    **({"was": was} if was else {}),
                },
            )
        )


def valid_address(address: str, token: Token) -> str:
    """Return the one spelling of a holder's address; raises `ValidationFailed`."""
    try:
        return holder_address(address, token.network)
    except ValueError as problem:
        raise _invalid(str(problem)) from None


def _invalid(message: str) -> ValidationFailed:
    return ValidationFailed(message, details={"address": [message]})


def _refusal(refused: Sequence[RefusedEntry], total: int) -> DomainError:
    first = refused[0]
    details = {
        f"addresses.{one.index}": [text for texts in one.problem.details.values() for text in texts]
        for one in refused
    }
    message = (
        f"{len(refused)} of {total} addresses cannot be listed, so none was; the first, at index "
        f"{first.index}: {first.problem.message}"
    )
    by_rule = all(isinstance(one.problem, EntryRuleViolated) for one in refused)
    return (EntryRuleViolated if by_rule else ValidationFailed)(message, details=details)
