"""The work on export jobs; whoever is stopped, the next one goes on.

A part's file is stored first, under a name of this worker's own; that it is part of the export, how
far the export is and the lease are one transaction. What was read is checked again at the end: the
file that is offered is the one whose SHA-256 is recorded.
"""

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from tempfile import TemporaryFile
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audit.checkpoints import last_checkpoint
from audit.choices import ExportFormat
from audit.export_rows import Place, behind
from audit.exports.bounds import Bounds
from audit.exports.files import (
    Stored,
    file_chunks,
    file_delete,
    file_store,
    spool_store,
    unzipped,
)
from audit.exports.formats import PartRows, file_tail
from audit.exports.models import ExportJob, ExportPart
from audit.exports.services import export_events, record_export_event
from audit.exports.sheets import sheets_write
from audit.log_fields import Event
from audit.log_views import LogView, log_view
from audit.querysets import AuditEventQuerySet
from config.api.errors import DomainError
from config.jobs.models import JobStatus
from config.jobs.work import Held, JobKind, LeaseLost
from config.observability.metrics import EXPORTED_ROWS

PART_ROWS = 50_000
_CHANGED = "The log does not hold just the {} events any more that were counted."


class _Damaged(Exception):
    """A stored part is not what was stored; it is made anew."""


def _run(held: Held[ExportJob]) -> None:
    job, view = held.job, log_view(held.job.view)
    events = Bounds.of(job.bounds).within(export_events(job))
    if job.rows_total is None:
        job.rows_total = events.count()
        with transaction.atomic():
            held.locked().advance(rows_total=job.rows_total)
    total = job.rows_total
    parts = list(job.parts.order_by("number"))
    while not parts or sum(part.rows for part in parts) < total:
        parts.append(_next_part(held, view, events, parts, total))
    finish = _finish_sheets if job.format == ExportFormat.XLSX else _finish_parts
    finish(held, view, events, parts)


def _next_part(
    held: Held[ExportJob],
    view: LogView,
    events: AuditEventQuerySet,
    parts: Sequence[ExportPart],
    total: int,
) -> ExportPart:
    job = held.job
    source = PartRows(
        view,
        ExportFormat(job.format),
        behind(events, _place(parts)),
        limit=PART_ROWS,
        is_first=not parts,
    )
    number = len(parts) + 1
    zipped = job.gzip and job.format != ExportFormat.XLSX
    stored = file_store(_name(held, number), source.chunks(), zipped=zipped)
    with _deleted_unless_recorded(stored), transaction.atomic():
        row = held.locked()
        done = row.rows_done + source.rows
        if (source.last is None) != (done == total):  # none follows, or some follow the last
            raise DomainError(_CHANGED.format(total))
        moment, seq = source.last or (None, None)
        part = ExportPart.objects.create(
            job=row,
            number=number,
            rows=source.rows,
            last_moment=moment,
            last_seq=seq,
            **stored._asdict(),
        )
        # Attempts count from the last progress on: a long export outlives many restarts.
        row.advance(rows_done=done, attempts=1)
    return part


def _place(parts: Sequence[ExportPart]) -> Place | None:
    if not parts:
        return None
    moment, seq = parts[-1].last_moment, parts[-1].last_seq
    return None if moment is None or seq is None else (moment, seq)


def _finish_parts(
    held: Held[ExportJob], view: LogView, events: AuditEventQuerySet, parts: Sequence[ExportPart]
) -> None:
    """Check what is stored, add what stands after the last row, and offer the file."""
    job, whole, content = held.job, hashlib.sha256(), hashlib.sha256()
    for part in parts:
        for chunk in _checked(held, part, unzip=job.gzip, digests=[whole]):
            content.update(chunk)
    rows = sum(part.rows for part in parts)
    tail = file_tail(view, ExportFormat(job.format), events, rows=rows, sha256=content.hexdigest())
    size, number = sum(part.size for part in parts), len(parts) + 1
    if not tail:
        _finish(held, size=size, sha256=whole.hexdigest())
        return
    stored = file_store(_name(held, number), [tail], zipped=job.gzip)
    for chunk in file_chunks(stored.name):
        whole.update(chunk)
    with _deleted_unless_recorded(stored):
        last = ExportPart(job=job, number=number, rows=0, **stored._asdict())
        _finish(held, last, size=size + stored.size, sha256=whole.hexdigest())


def _finish_sheets(
    held: Held[ExportJob], view: LogView, events: AuditEventQuerySet, parts: Sequence[ExportPart]
) -> None:
    """Put the workbook together of the lines that the parts hold, and offer it in their place."""
    job = held.job

    def rows() -> Iterator[list[Any]]:
        for part in parts:
            for line in _lines(_checked(held, part, unzip=False)):
                event = Event.of(line)
                yield [column.value(event) for column in view.columns]

    with TemporaryFile() as file:
        header = [column.heading for column in view.columns]
        sheets_write(file, header, rows(), created_at=job.created_at)
        stored = spool_store(_name(held, len(parts) + 1), file)
    with _deleted_unless_recorded(stored):
        whole = ExportPart(job=job, number=1, rows=job.rows_total or 0, **stored._asdict())
        _finish(held, whole, alone=True, size=stored.size, sha256=stored.sha256)
    for part in parts:
        file_delete(part.name)


@transaction.atomic
def _finish(
    held: Held[ExportJob],
    last: ExportPart | None = None,
    *,
    alone: bool = False,
    size: int,
    sha256: str,
) -> None:
    """End the job with its last part, or with that one `alone`."""
    row, checkpoint = held.locked(), last_checkpoint()
    if alone:
        row.parts.all().delete()
    if last is not None:
        last.save(force_insert=True)
    row.end(
        JobStatus.FINISHED,
        size=size,
        sha256=sha256,
        checkpoint=checkpoint.note if checkpoint else "",
        checkpoint_key=checkpoint.key if checkpoint else "",
        expires_at=timezone.now() + timedelta(hours=settings.EXPORT_KEEP_HOURS),
    )
    record_export_event("audit.export.finished", row, actor=row.requester)
    EXPORTED_ROWS.labels(row.view, row.format).inc(row.rows_done)


def _checked(
    held: Held[ExportJob], part: ExportPart, *, unzip: bool, digests: Sequence[Any] = ()
) -> Iterator[bytes]:
    """Yield the content of a stored part and renew the lease; `digests` take it as it is stored.

    Where it is not what was stored, it and the parts after it are forgotten, and `_Damaged` is
    raised: the next attempt makes them anew.
    """
    with transaction.atomic():
        held.locked().advance()
    own = hashlib.sha256()

    def stored() -> Iterator[bytes]:
        for chunk in file_chunks(part.name):
            for digest in (own, *digests):
                digest.update(chunk)
            yield chunk

    try:
        yield from unzipped(stored()) if unzip else stored()
    except (FileNotFoundError, zlib.error):
        own.update(b"damaged")
    if own.hexdigest() != part.sha256:
        _forget_from(held, part)
        raise _Damaged(part.name)


@transaction.atomic
def _forget_from(held: Held[ExportJob], part: ExportPart) -> None:
    row = held.locked()
    row.parts.filter(number__gte=part.number).delete()
    row.advance(rows_done=sum(row.parts.values_list("rows", flat=True)))


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.decode()


def _name(held: Held[ExportJob], number: int) -> str:
    # Of this worker alone: one that lost its lease must not write over what another stored.
    return f"{held.job.pk}/{number:06d}-{held.lease.hex[:12]}"


@contextmanager
def _deleted_unless_recorded(stored: Stored) -> Iterator[None]:
    try:
        yield
    except (LeaseLost, DomainError):
        file_delete(stored.name)  # of any other error nobody knows whether it came after the commit
        raise


def _failed(job: ExportJob) -> None:
    error = job.error_message
    record_export_event("audit.export.failed", job, actor=job.requester, error=error)


EXPORT_WORK = JobKind(
    model=ExportJob,
    related=(),
    work=_run,
    failed=_failed,
    given_up="The export could not be written; the operator's log says why. Ask again later.",
)
