"""The work on imports of whitelists; whoever is stopped, the next one goes on.

A batch of rows, what became of
them and how far the import is are one transaction: no row is written twice, and none is missed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from django.db import transaction

from accounts.models import Token
from config.api.errors import DomainError
from config.jobs.models import JobStatus
from config.jobs.work import Held, JobKind, LeaseLost
from whitelist.addresses import MAX_LENGTH, holder_address
from whitelist.choices import BulkMode
from whitelist.csv_rows import CsvRow, read_rows
from whitelist.models import WhitelistImport, WhitelistImportFile, WhitelistImportRejection
from whitelist.services.bulk import WantedEntry, whitelist_entries_upsert
from whitelist.services.imports import record_import_event

BATCH = 1_000
_NOTHING_WRITTEN = "{} of {} rows cannot be used, so nothing was written (mode All)."


class _Done(NamedTuple):
    """What became of a batch."""

    created: int
    changed: int
    unchanged: int
    rejected: list[tuple[CsvRow, str]]


def _run(work: Held[WhitelistImport]) -> None:
    row = work.job
    content = WhitelistImportFile.objects.values_list("content", flat=True).filter(pk=row.pk)
    text = content.first()
    if text is None:  # cancelled since
        raise LeaseLost
    rows = _prepared(read_rows(text), row.token)
    checked_only = row.dry_run or row.mode == BulkMode.ALL
    for start in range(row.rows_done, len(rows), BATCH):
        _do_batch(work, rows[start : start + BATCH], checked_only=checked_only)
    _finish(work, rows)


def _prepared(rows: Iterable[CsvRow], token: Token) -> list[CsvRow]:
    """Return the rows with their addresses in the one spelling, and what is wrong with them."""
    lines: dict[str, int] = {}
    prepared = []
    for row in rows:
        if row.problem is None:
            row = _for_token(row, token)
        if row.problem is None:
            first = lines.setdefault(row.address, row.line)
            if first != row.line:
                row = replace(row, problem=f"The address is in line {first} already.")
        prepared.append(row)
    return prepared


def _for_token(row: CsvRow, token: Token) -> CsvRow:
    if row.asset_id is not None and row.asset_id != str(token.asset_id):
        return replace(row, problem=f"AssetId: this import is for asset {token.asset_id}")
    if row.network is not None and row.network.casefold() != token.network.casefold():
        return replace(row, problem=f"Network: this token is on {token.network or 'no network'}")
    try:
        return replace(row, address=holder_address(row.address, token.network))
    except ValueError as problem:
        return replace(row, problem=f"Address: {problem}")


@transaction.atomic
def _do_batch(work: Held[WhitelistImport], batch: Sequence[CsvRow], *, checked_only: bool) -> None:
    row = work.locked()
    done = _apply(row, batch, write=not checked_only)
    WhitelistImportRejection.objects.bulk_create(
        WhitelistImportRejection(
            whitelist_import=row,
            line=rejected.line,
            address=rejected.address[:MAX_LENGTH],
            reason=reason[:500],
        )
        for rejected, reason in done.rejected
    )
    row.advance(
        rows_done=row.rows_done + len(batch),
        created=row.created + done.created,
        changed=row.changed + done.changed,
        unchanged=row.unchanged + done.unchanged,
        rejected=row.rejected + len(done.rejected),
    )


def _apply(row: WhitelistImport, batch: Sequence[CsvRow], *, write: bool) -> _Done:
    """Have the usable rows of a batch written, or only looked at."""
    rejected = [(one, one.problem) for one in batch if one.problem is not None]
    outcome = whitelist_entries_upsert(
        actor=row.requested_by,
        token=row.token,
        wanted=[
            WantedEntry(index, one.address, one.content)
            for index, one in enumerate(batch)
            if one.problem is None
        ],
        mode=BulkMode.PARTIAL,
        dry_run=not write,
        notes=f"Import {row.pk}",
    )
    rejected += [(batch[one.index], one.problem.message) for one in outcome.refused]
    rejected.sort(key=lambda pair: pair[0].line)
    return _Done(outcome.created, outcome.updated, outcome.unchanged, rejected)


@transaction.atomic
def _finish(work: Held[WhitelistImport], rows: Sequence[CsvRow]) -> None:
    row = work.locked()
    if row.mode == BulkMode.ALL and not row.dry_run:
        if row.rejected:
            raise DomainError(_NOTHING_WRITTEN.format(row.rejected, row.rows_total))
        row.created = row.changed = row.unchanged = 0
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            done = _apply(row, batch, write=True)
            if done.rejected:
                # It could be used when it was checked. Nothing of this transaction stays.
                line, reason = done.rejected[0][0].line, done.rejected[0][1]
                raise DomainError(f"Line {line} cannot be used any more: {reason}")
            row.created += done.created
            row.changed += done.changed
            row.unchanged += done.unchanged
    counts = {name: getattr(row, name) for name in ("created", "changed", "unchanged")}
    row.end(JobStatus.FINISHED, **counts)
    if not row.dry_run:  # of one, the file waits for whoever confirms it
        WhitelistImportFile.objects.filter(pk=row.pk).delete()
    record_import_event("whitelist.import.finished", row, actor=row.requested_by)


def _failed(row: WhitelistImport) -> None:
    if row.mode == BulkMode.ALL and not row.dry_run:
        row.created = row.changed = row.unchanged = 0
        row.save(update_fields=["created", "changed", "unchanged"])
    WhitelistImportFile.objects.filter(pk=row.pk).delete()
    record_import_event(
        "whitelist.import.failed", row, actor=row.requested_by, error=row.error_message
    )


IMPORT_WORK = JobKind(
    model=WhitelistImport,
    related=("token__issuer", "requested_by"),
    work=_run,
    failed=_failed,
    given_up="The import could not be finished; the operator's log says why. Send the file again.",
)
