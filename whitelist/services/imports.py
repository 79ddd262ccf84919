"""Imports of whitelists from CSV files: asked for, followed and cancelled here.

The row and its file say all that a worker must know, so nothing is lost where the broker is down
or a worker is killed; `whitelist.services.import_work` works on it.
"""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import Token, User
from accounts.policies import require_token_writer
from audit.principal import Principal
from audit.services import record_event
from config.api.errors import Conflict, NotFound, NotVisible, PermissionRefused, ValidationFailed
from config.jobs.models import JobStatus
from config.jobs.work import end_cancelled, stored_once
from whitelist.choices import BulkMode
from whitelist.csv_rows import BadFile, decoded, read_rows
from whitelist.models import WhitelistImport, WhitelistImportFile

KEPT_HOURS = 24
IMPORT_REQUESTED = "whitelist.import.requested"
_NO_IMPORT = "There is no such import."
_RELATED = ("token__issuer", "requested_by")


def whitelist_import_request(
    *,
    actor: User,
    token: Token,
    raw: bytes,
    file_name: str = "",
    mode: BulkMode = BulkMode.PARTIAL,
    dry_run: bool = False,
) -> WhitelistImport:
    """Have the rows of a CSV file put on the whitelist of a token, in the background.

    A `dry_run` changes nothing and counts what would change. Who sends the same file again while
    it is worked on gets the same import. Raises `PermissionRefused`, and `ValidationFailed` where
    the file cannot be read as a whole.
    """
    require_token_writer(actor, token)
    if len(raw) > settings.WHITELIST_IMPORT_MAX_BYTES:
        raise _bad_file(f"The file has more than {settings.WHITELIST_IMPORT_MAX_BYTES:,} bytes.")
    try:
        text = decoded(raw)
        rows_total = sum(1 for _ in read_rows(text))
    except BadFile as problem:
        raise _bad_file(str(problem)) from None
    drop_old_files()  # here too, for there may be no sweep
    row = WhitelistImport(
        token=token,
        requested_by=actor,
        file_name=_bare_name(file_name),
        file_digest=hashlib.sha256(raw).hexdigest(),
        mode=mode,
        dry_run=dry_run,
        rows_total=rows_total,
    )
    asked = _store(row, text, actor)
    return whitelist_import_get(actor=actor, import_id=asked.pk)  # it may be over by now


@transaction.atomic
def whitelist_import_confirm(*, actor: User, import_id: UUID) -> WhitelistImport:
    """Have the rows of a finished dry run written, as `whitelist_import_request` does.

    The file of a dry run is kept for a day, and confirmed once. Raises `NotFound`, `NotVisible`,
    `PermissionRefused` and `Conflict`.
    """
    whitelist_import_get(actor=actor, import_id=import_id)
    rows = WhitelistImport.objects.select_for_update(of=("self",)).select_related(*_RELATED)
    tried = rows.get(pk=import_id)
    require_token_writer(actor, tried.token)
    if not tried.dry_run or tried.status != JobStatus.FINISHED:
        raise Conflict("Only a finished dry run can be confirmed.")
    file = WhitelistImportFile.objects.filter(pk=tried.pk).first()
    if file is None:
        raise Conflict("The file is not kept any more; send it again.")
    row = WhitelistImport(
        token=tried.token,
        requested_by=actor,
        file_name=tried.file_name,
        file_digest=tried.file_digest,
        mode=tried.mode,
        rows_total=tried.rows_total,
    )
    asked = _store(row, file.content, actor)
    file.delete()
    return asked


def drop_old_files() -> int:
    """Forget the files of dry runs that nobody confirmed within a day; return how many."""
    old = timezone.now() - timedelta(hours=KEPT_HOURS)
    rows = WhitelistImportFile.objects.filter(whitelist_import__finished_at__lt=old)
    return rows.delete()[0]


def _bad_file(problem: str) -> ValidationFailed:
    return ValidationFailed(f"file: {problem}", details={"file": [problem]})


def _bare_name(name: str) -> str:
    return "".join(sign for sign in name if sign.isprintable())[:200]


@transaction.atomic
def _store(row: WhitelistImport, text: str, actor: User) -> WhitelistImport:
    mine = WhitelistImport.objects.filter(
        requested_by=actor,
        token=row.token,
        file_digest=row.file_digest,
        mode=row.mode,
        dry_run=row.dry_run,
    )
    asked, is_new = stored_once(row, mine)
    if is_new:
        WhitelistImportFile(whitelist_import=asked, content=text).save(force_insert=True)
        # Starts the work, once this is committed.
        record_import_event(IMPORT_REQUESTED, asked, actor=actor)
    return asked


def record_import_event(
    name: str, row: WhitelistImport, *, actor: Principal, error: str | None = None
) -> None:
    """Record what happened to an import; the file is named by its digest."""
    counts = {name: getattr(row, name) for name in ("created", "changed", "unchanged", "rejected")}
    record_event(
        name,
        actor=actor,
        success=error is None,
        **row.token.event_fields,
        reference_type="whitelistImport",
        reference_id=str(row.pk),
        error_message=error,
        item_count=row.rows_total,
        details={
            "mode": str(row.mode),
            "dryRun": row.dry_run,
            "fileDigest": row.file_digest,
            **({} if name == IMPORT_REQUESTED else counts),
        },
    )


def whitelist_import_get(*, actor: Principal, import_id: UUID) -> WhitelistImport:
    """Return an import: to the members of the token's issuer, and to those who read everything.

    Raises `NotFound` and `NotVisible`.
    """
    rows = WhitelistImport.objects.select_related(*_RELATED)
    row: WhitelistImport | None = rows.visible_to(actor).filter(pk=import_id).first()
    if row is None:
        exists = WhitelistImport.objects.filter(pk=import_id).exists()
        raise (NotVisible if exists else NotFound)(_NO_IMPORT)
    return row


@transaction.atomic
def whitelist_import_rejections_export(
    *, actor: Principal, import_id: UUID
) -> tuple[WhitelistImport, Iterator[tuple[int, str, str]]]:
    """Return an import and the rows of it that were not used: line, address, reason; recorded.

    Raises `NotFound` and `NotVisible`.
    """
    row = whitelist_import_get(actor=actor, import_id=import_id)
    record_import_event("whitelist.rejections.exported", row, actor=actor)
    rows = row.rejections.order_by("line").values_list("line", "address", "reason")
    return row, rows.iterator(chunk_size=1_000)


@transaction.atomic
def whitelist_import_cancel(*, actor: User, import_id: UUID) -> WhitelistImport:
    """End an import that is not over; the rows that are written stay. Twice is once.

    Only who asked for it, and officers. Raises `NotFound`, `NotVisible`, `PermissionRefused`, and
    `Conflict` where it is over.
    """
    whitelist_import_get(actor=actor, import_id=import_id)
    row = WhitelistImport.objects.select_for_update().get(pk=import_id)
    if row.requested_by_id != actor.pk and not actor.is_officer:
        raise PermissionRefused("Only who asked for an import, or an officer, may cancel it.")
    if end_cancelled(row, "import"):
        WhitelistImportFile.objects.filter(pk=row.pk).delete()
        record_import_event("whitelist.import.cancelled", row, actor=actor)
    return whitelist_import_get(actor=actor, import_id=import_id)
