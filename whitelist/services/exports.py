"""Files of whitelists; that one was made is recorded."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from accounts.selectors import token_get_visible
from audit.services import record_event
from config.observability.metrics import EXPORTED_ROWS
from whitelist.entry_rows import entry_rows
from whitelist.models import WhitelistEntry


class EntryFile(NamedTuple):
    """A CSV file: its rows are read when they are sent."""

    name: str
    rows: Iterator[tuple[Any, ...]]
    total: int


@transaction.atomic
def whitelist_export(
    *, actor: User, asset_id: int, network: str | None, status: str | None = None
) -> EntryFile:
    """Return the entries of a token's whitelist as a file. Raises as `token_get_visible` does."""
    token = token_get_visible(actor=actor, asset_id=asset_id, network=network)
    entries = WhitelistEntry.objects.filter(token=token)
    if status is not None:
        entries = entries.filter(status=status)
    total = entries.count()
    record_event(
        "whitelist.entries.exported",
        actor=actor,
        **token.event_fields,
        item_count=total,
        filter_criteria=f"Status={status}" if status else "No filters",
        details={"format": "csv"},
    )
    EXPORTED_ROWS.labels("whitelist", "csv").inc(total)
    return EntryFile(
        f"whitelist-{asset_id}-{timezone.now():%Y%m%d-%H%M%S}.csv", entry_rows(entries), total
    )


@transaction.atomic
def whitelist_entries_export(*, actor: User, entries: QuerySet[WhitelistEntry]) -> EntryFile:
    """Return chosen entries, of any tokens that the caller sees, as a file."""
    rows = WhitelistEntry.objects.visible_to(actor).filter(pk__in=entries.values("pk"))
    total = rows.count()
    record_event(
        "whitelist.entries.exported",
        actor=actor,
        item_count=total,
        filter_criteria="Chosen in the admin",
        details={"format": "csv"},
    )
    EXPORTED_ROWS.labels("whitelist", "csv").inc(total)
    return EntryFile(f"whitelist-{timezone.now():%Y%m%d-%H%M%S}.csv", entry_rows(rows), total)
