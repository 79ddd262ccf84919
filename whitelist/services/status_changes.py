"""Changing the status of chosen entries: by a person, for a reason."""

from collections.abc import Sequence
from typing import NamedTuple

from django.db import transaction

from accounts.models import Token, User
from config.api.errors import ValidationFailed
from whitelist.choices import EntryStatus
from whitelist.models import WhitelistEntry
from whitelist.services.bulk import WantedEntry, whitelist_entries_upsert

MOST_AT_ONCE = 1_000
REASON_LENGTH = 500


class Changed(NamedTuple):
    """How many entries have the status now that had another, and what refused the others."""

    changed: int
    unchanged: int
    refused: list[tuple[str, str]]


@transaction.atomic
def whitelist_entries_set_status(
    *, actor: User, entries: Sequence[WhitelistEntry], status: EntryStatus, reason: str
) -> Changed:
    """Give entries a status for a reason, which the entries and their events keep.

    An entry that may not have it is left out and named. An entry with that status already stays as
    it is. Raises `PermissionRefused` and `ValidationFailed`.
    """
    reason = reason.strip()
    if not 1 <= len(reason) <= REASON_LENGTH:
        message = f"Give a reason of at most {REASON_LENGTH} characters."
        raise ValidationFailed(f"reason: {message}", details={"reason": [message]})
    if len(entries) > MOST_AT_ONCE:
        raise ValidationFailed(f"Choose at most {MOST_AT_ONCE:,} entries at once.")
    by_token: dict[Token, list[WhitelistEntry]] = {}
    for entry in entries:
        by_token.setdefault(entry.token, []).append(entry)
    content = {"status": status, "reason": reason}
    changed, unchanged, refused = 0, 0, []
    for token in sorted(by_token, key=lambda one: one.pk):
        others = [one for one in by_token[token] if one.status != status]
        outcome = whitelist_entries_upsert(
            actor=actor,
            token=token,
            wanted=[WantedEntry(index, one.address, content) for index, one in enumerate(others)],
            notes=reason,
        )
        changed += outcome.updated
        unchanged += outcome.unchanged + len(by_token[token]) - len(others)
        refused += [(one.address, one.problem.message) for one in outcome.refused]
    return Changed(changed, unchanged, refused)
