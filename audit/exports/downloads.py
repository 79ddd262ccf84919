"""Downloads of exports: the parts one after the other, as a whole or a range of them."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from django.utils.http import quote_etag

from audit.exports.files import file_chunks
from audit.exports.models import ExportJob, ExportPart
from audit.exports.services import export_get
from audit.principal import Principal
from audit.services import record_event
from config.api.errors import Conflict, DomainError, PermissionRefused, ServiceUnavailable
from config.api.formats import utc_text
from config.jobs.models import JobStatus

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)
_NOT_YOURS = "This export holds events that you do not see any more."


class ExportExpired(DomainError):
    """The file is not kept any more (410)."""

    code: ClassVar[str] = "EXPORT_EXPIRED"


class RangeNotSatisfiable(DomainError):
    """The range begins behind the end of the file (416)."""

    code: ClassVar[str] = "RANGE_NOT_SATISFIABLE"


class Download(NamedTuple):
    """The bytes of an export's file from `start` to before `end`, where a range was asked for."""

    job: ExportJob
    start: int
    end: int
    is_range: bool
    chunks: Iterator[bytes]


def export_download(
    *, actor: Principal, export_id: UUID, wanted: str | None = None, if_range: str | None = None
) -> Download:
    """Return the file, or what of it the header `wanted` names while its ETag is `if_range`.

    Records the download. Raises as `export_ready` does, `RangeNotSatisfiable`, and
    `ServiceUnavailable` where the storage does not give the file.
    """
    job = export_ready(actor=actor, export_id=export_id)
    size = job.size or 0
    if if_range is not None and if_range != quote_etag(job.sha256):
        wanted = None
    named = range_of(wanted, size)
    start, end = named or (0, size)
    parts = list(job.parts.order_by("number"))
    chunks = _begun(_chunks(parts, start, end))
    record_event(
        "audit.export.downloaded",
        actor=actor,
        reference_type="export",
        reference_id=str(job.pk),
        item_count=job.rows_total,
        filter_criteria=job.criteria,
        details={
            "view": job.view,
            "format": str(job.format),
            "gzip": job.gzip,
            "sha256": job.sha256,
            "fromByte": start,
            "toByte": end,
        },
    )
    return Download(job, start, end, named is not None, chunks)


def export_ready(*, actor: Principal, export_id: UUID) -> ExportJob:
    """Return an export whose file can be downloaded.

    Raises as `export_get` does, `PermissionRefused` where the caller does not see any more what the
    file holds, `Conflict` where there is no file, and `ExportExpired`.
    """
    job = export_get(actor=actor, export_id=export_id)
    if not (
        actor.reads_everything
        or (not job.reads_everything and job.scope.issuer_ids <= actor.issuer_ids)
    ):
        raise PermissionRefused(_NOT_YOURS)
    if job.status != JobStatus.FINISHED:
        raise Conflict(f"There is no file: this export is {job.status.lower()}.")
    if not job.is_ready:
        raise ExportExpired
    return job


def range_of(wanted: str | None, size: int) -> tuple[int, int] | None:
    """Return the first byte and the one after the last that a `Range` header names (RFC 9110).

    None where it names none that is understood, or more than one range: the whole file is answered
    then. Raises `RangeNotSatisfiable`.
    """
    named = _RANGE.fullmatch((wanted or "").strip())
    if named is None or named.groups() == ("", ""):
        return None
    first, last = named.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    if start >= size:
        raise RangeNotSatisfiable(headers={"Content-Range": f"bytes */{size}"})
    return start, end


def export_manifest(job: ExportJob) -> dict[str, Any]:
    """Return what a file is: of which events, its parts and hashes, and what proves the log then.

    The parts, one after the other, are the file; `checkpoint` is the newest signed one when it was
    finished, and `key` its verifier key.
    """
    return {
        "exportId": str(job.pk),
        "view": job.view,
        "filters": job.parameters,
        "criteria": job.criteria,
        "format": job.format,
        "gzip": job.gzip,
        "fileName": job.file_name,
        "rows": job.rows_total,
        "bytes": job.size,
        "sha256": job.sha256,
        "parts": [
            {"number": part.number, "rows": part.rows, "bytes": part.size, "sha256": part.sha256}
            for part in job.parts.order_by("number")
        ],
        "horizon": job.bounds,
        "requestedAt": utc_text(job.created_at),
        "finishedAt": utc_text(job.finished_at) if job.finished_at else None,
        "requestedBy": job.requested_by,
        "checkpoint": job.checkpoint or None,
        "key": job.checkpoint_key or None,
    }


def _chunks(parts: Sequence[ExportPart], start: int, end: int) -> Iterator[bytes]:
    at = 0
    for part in parts:
        first, last = max(start - at, 0), min(end - at, part.size)
        at += part.size
        if first < last:
            yield from file_chunks(part.name, first, last - first)


def _begun(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Return the chunks, the first of them read: what fails later breaks the answer off."""
    try:
        first = next(chunks, b"")
    except Exception as problem:
        raise ServiceUnavailable("The file cannot be read now; try again later.") from problem

    def rest() -> Iterator[bytes]:
        yield first
        yield from chunks

    return rest()
