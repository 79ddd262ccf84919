"""Writing the entries of whitelists. Every function is one transaction with its event."""

from typing import Unpack

from django.db import transaction

from accounts.models import Token, User
from accounts.selectors import token_get
from accounts.services import token_for_write
from audit.services import record_event
from config.api.errors import NotFound
from whitelist.choices import BulkMode
from whitelist.models import WhitelistEntry
from whitelist.network_rules import removal_violations
from whitelist.services.bulk import WantedEntry, locked, put_entries, valid_address
from whitelist.services.content import (
    CLEARED,
    EntryContent,
    content_of,
    require_own_role,
    rule_violated,
    told,
    writer_role,
)

__all__ = [
    "CLEARED",
    "EntryContent",
    "whitelist_entry_remove",
    "whitelist_entry_upsert",
    "whitelist_entry_write",
]

NOT_FOUND = "Whitelist entry not found"


@transaction.atomic
def whitelist_entry_upsert(
    *, actor: User, token: Token, address: str, **content: Unpack[EntryContent]
) -> WhitelistEntry:
    """Put an address on the whitelist of a token, or change what its entry says.

    Fields that are not given stay as they are. A call that changes nothing writes nothing, no
    event either. Raises `PermissionRefused`, `ValidationFailed` and `EntryRuleViolated`.
    """
    return _put(actor, locked(actor, token), address, content)[0]


@transaction.atomic
def whitelist_entry_write(
    *,
    actor: User,
    asset_id: int,
    network: str | None,
    address: str,
    content: EntryContent,
    role: str | None = None,
) -> tuple[WhitelistEntry, tuple[str, ...]]:
    """Do as `whitelist_entry_upsert` does for a token that may not be recorded yet.

    Returns the entry, and what its network recommends and it lacks. `role` may be stated where it
    is the caller's own. Raises `AmbiguousAsset` besides.
    """
    token = token_for_write(actor=actor, asset_id=asset_id, network=network)
    require_own_role(role, writer_role(actor, token))
    return _put(actor, token, address, content)


def _put(
    actor: User, token: Token, address: str, content: EntryContent
) -> tuple[WhitelistEntry, tuple[str, ...]]:
    outcome = put_entries(
        actor=actor,
        token=token,
        wanted=[WantedEntry(0, address, content)],
        mode=BulkMode.PARTIAL,
    )
    if outcome.refused:
        raise outcome.refused[0].problem
    return outcome.entries[0], outcome.advice


@transaction.atomic
def whitelist_entry_remove(
    *, actor: User, asset_id: int, network: str | None, address: str
) -> None:
    """Take an address from the whitelist of a token. The event log keeps what its entry said.

    It can be added again, as a new entry. Raises `NotFound`, `AmbiguousAsset`,
    `PermissionRefused`, `ValidationFailed`, and `EntryRuleViolated` where an Operator removes on a
    network on which they may not revoke.
    """
    try:
        found = token_get(asset_id=asset_id, network=network)
    except NotFound:
        raise NotFound(NOT_FOUND) from None
    token = locked(actor, found)
    spelled = valid_address(address, token)
    rows = WhitelistEntry.objects.select_for_update().filter(token=token, address=spelled)
    entry = rows.first()
    if entry is None:
        raise NotFound(NOT_FOUND)
    role = writer_role(actor, token)
    if broken := removal_violations(token.network, role):
        raise rule_violated(broken)
    said = content_of(entry)
    entry.delete()
    record_event(
        "whitelist.entry.removed",
        actor=actor,
        **token.event_fields,
        affected_address=spelled,
        old_status=entry.status,
        details={
            "fields": sorted(name for name, value in said.items() if value != CLEARED[name]),
            "role": str(role),
            "was": told(said),
        },
    )
