"""The work on imports of whitelists; whoever is stopped, the next one goes on.

Who works holds the import's lease and renews it with every batch. A batch of rows, what became of
them and how far the import is are one transaction: no row is written twice, and none is missed.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import Token
from config.api.errors import DomainError
from whitelist.addresses import MAX_LENGTH, holder_address
from whitelist.choices import BulkMode, ImportStatus
from whitelist.csv_rows import CsvRow, read_rows
from whitelist.models import (
    UNFINISHED,
    WhitelistImport,
    WhitelistImportFile,
    WhitelistImportRejection,
)
from whitelist.services.bulk import WantedEntry, whitelist_entries_upsert
from whitelist.services.imports import record_import_event

logger = logging.getLogger("assayer.whitelist")

BATCH = 1_000
LEASE_SECONDS = 120
MAX_ATTEMPTS = 5
_RELATED = ("token__issuer", "requested_by")
_GIVEN_UP = "The import could not be finished; the operator's log says why. Send the file again."
_NOTHING_WRITTEN = "{} of {} rows cannot be used, so nothing was written (mode All)."


class _LeaseLost(Exception):
    """The import was cancelled, or somebody else works on it."""


class _Work(NamedTuple):
    """An import that this worker holds."""

    row: WhitelistImport
    lease: UUID

    def locked(self) -> WhitelistImport:
        """Return the row, locked, while it is held; else raise `_LeaseLost`."""
        rows = WhitelistImport.objects.select_for_update(of=("self",)).select_related(*_RELATED)
        row = rows.filter(pk=self.row.pk).first()
        if row is None or row.lease != self.lease or row.status != ImportStatus.RUNNING:
            raise _LeaseLost
        return row


class _Done(NamedTuple):
    """What became of a batch."""

    created: int
    changed: int
    unchanged: int
    rejected: list[tuple[CsvRow, str]]


def whitelist_import_run(*, import_id: UUID) -> bool:
    """Work on the import until it is over; return False where it should be tried again.

    Does nothing where it is over already or somebody works on it.
    """
    work = _claim(import_id)
    if work is None:
        return True
    try:
        _run(work)
    except _LeaseLost:
        logger.info("import left to others", extra={"import": str(import_id)})
    except DomainError as refusal:
        _fail(work, refusal.message)
    except Exception:
        logger.exception("an import stopped", extra={"import": str(import_id)})
        return _give_back(work)
    return True


def unattended_imports(*, limit: int = 100) -> Sequence[UUID]:
    """Return the imports that nobody works on: queued for a while, or their worker is gone."""
    now = timezone.now()
    waiting = Q(status=ImportStatus.QUEUED, created_at__lte=now - timedelta(seconds=30))
    left = Q(status=ImportStatus.RUNNING, lease_until__lte=now)
    rows = WhitelistImport.objects.filter(waiting | left).order_by("created_at")
    return list(rows.values_list("pk", flat=True)[:limit])


@transaction.atomic
def _claim(import_id: UUID) -> _Work | None:
    rows = WhitelistImport.objects.select_for_update(skip_locked=True, of=("self",))
    rows = rows.select_related(*_RELATED)
    row = rows.filter(pk=import_id, status__in=UNFINISHED).first()
    now = timezone.now()
    if row is None or (row.lease_until is not None and row.lease_until > now):
        return None
    if row.attempts >= MAX_ATTEMPTS:
        _end_failed(row, _GIVEN_UP)
        return None
    row.status, row.attempts = ImportStatus.RUNNING, row.attempts + 1
    row.started_at = row.started_at or now
    row.lease, row.lease_until = uuid4(), now + timedelta(seconds=LEASE_SECONDS)
    row.save(update_fields=["status", "attempts", "started_at", "lease", "lease_until"])
    return _Work(row, row.lease)


def _run(work: _Work) -> None:
    row = work.row
    content = WhitelistImportFile.objects.values_list("content", flat=True).filter(pk=row.pk)
    text = content.first()
    if text is None:  # cancelled since
        raise _LeaseLost
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
def _do_batch(work: _Work, batch: Sequence[CsvRow], *, checked_only: bool) -> None:
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
    row.rows_done += len(batch)
    row.created += done.created
    row.changed += done.changed
    row.unchanged += done.unchanged
    row.rejected += len(done.rejected)
    row.lease_until = timezone.now() + timedelta(seconds=LEASE_SECONDS)
    row.save(
        update_fields=[
            "rows_done",
            "created",
            "changed",
            "unchanged",
            "rejected",
            "lease_until",
        ]
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
def _finish(work: _Work, rows: Sequence[CsvRow]) -> None:
    row = work.locked()
    if row.mode == BulkMode.ALL and not row.dry_run:
        if row.rejected:
            _end_failed(row, _NOTHING_WRITTEN.format(row.rejected, row.rows_total))
            return
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
    row.status, row.finished_at = ImportStatus.FINISHED, timezone.now()
    row.lease = row.lease_until = None
    row.save()
    if not row.dry_run:  # of one, the file waits for whoever confirms it
        WhitelistImportFile.objects.filter(pk=row.pk).delete()
    record_import_event("whitelist.import.finished", row, actor=row.requested_by)


@transaction.atomic
def _fail(work: _Work, message: str) -> None:
    try:
        _end_failed(work.locked(), message)
    except _LeaseLost:
        logger.info("import left to others", extra={"import": str(work.row.pk)})


def _end_failed(row: WhitelistImport, message: str) -> None:
    row.status, row.finished_at = ImportStatus.FAILED, timezone.now()
    row.error_message = message[:1000]
    if row.mode == BulkMode.ALL and not row.dry_run:
        row.created = row.changed = row.unchanged = 0
    row.lease = row.lease_until = None
    row.save()
    WhitelistImportFile.objects.filter(pk=row.pk).delete()
    record_import_event(
        "whitelist.import.failed", row, actor=row.requested_by, error=row.error_message
    )


@transaction.atomic
def _give_back(work: _Work) -> bool:
    """Leave the import to whoever comes next; return whether it is over instead."""
    try:
        row = work.locked()
    except _LeaseLost:
        return True
    if row.attempts >= MAX_ATTEMPTS:
        _end_failed(row, _GIVEN_UP)
        return True
    row.status, row.lease, row.lease_until = ImportStatus.QUEUED, None, None
    row.save(update_fields=["status", "lease", "lease_until"])
    return False
