"""Anchors: places outside the database where checkpoints are written down.

What is written, `anchored_text`, is one line of JSON below 1,024 bytes: the note of a transaction
holds it as well as a line of a file does. An anchor that fails never stops sealing: that is an
event and an error of the log, and it is tried again.
"""

import base64
import json
import logging
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audit.checkpoints import last_checkpoint
from audit.models import AuditAnchoring, AuditCheckpoint
from audit.note import Checkpoint, base64_decode
from audit.principal import SYSTEM
from audit.services import record_event

logger = logging.getLogger("assayer.audit")

MOST_BYTES = 1_023
_AGAIN = timedelta(minutes=1)  # how soon after a failure it is tried again


class AnchorFailed(Exception):
    """The place could not be written to, or read, now."""


class Anchor(Protocol):
    """A place outside the database where checkpoints are written down for good."""

    kind: str

    def publish(self, checkpoint: AuditCheckpoint) -> str:
        """Write the checkpoint down and return where. Raises `AnchorFailed`.

        It may be told the same checkpoint twice.
        """

    def published(self) -> Iterator[tuple[str, Checkpoint]]:
        """Yield what was written down, each with where it stands. Raises `AnchorFailed`."""


def anchored_text(checkpoint: AuditCheckpoint) -> str:
    """Return the line that is written down. Raises ValueError where it exceeds 1,023 bytes."""
    root = base64.b64encode(bytes.fromhex(checkpoint.root)).decode()
    content = {"origin": settings.AUDIT_ORIGIN, "size": checkpoint.size, "root": root}
    text = json.dumps(content, separators=(",", ":"))
    if len(text.encode()) > MOST_BYTES:
        raise ValueError(f"an anchored checkpoint has at most {MOST_BYTES} bytes")
    return text


class FileAnchor:
    """A file that lines are only added to, on storage that keeps what was written."""

    kind = "file"

    def __init__(self, path: Path) -> None:
        self.path = path

    def publish(self, checkpoint: AuditCheckpoint) -> str:
        content = json.loads(anchored_text(checkpoint))
        content["time"] = timezone.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        line = json.dumps(content, separators=(",", ":")) + "\n"
        try:
            with self.path.open("ab") as file:
                place = file.seek(0, os.SEEK_END)
                file.write((b"\n" if self._is_torn(place) else b"") + line.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as problem:
            raise AnchorFailed(problem.strerror or "the file cannot be written") from None
        return f"byte {place}"

    def _is_torn(self, size: int) -> bool:
        """Whether a crash cut the last line."""
        with self.path.open("rb") as file:
            file.seek(max(0, size - 1))
            return file.read(1) not in (b"", b"\n")

    def published(self) -> Iterator[tuple[str, Checkpoint]]:
        try:
            content = self.path.read_bytes() if self.path.exists() else b""
        except OSError as problem:
            raise AnchorFailed(problem.strerror or "the file cannot be read") from None
        for number, line in enumerate(content.split(b"\n")[:-1], start=1):
            where = f"line {number} of {self.path}"
            if not line.endswith(b"}"):
                continue  # a crash cut it
            try:
                told: dict[str, Any] = json.loads(line)
                size, root = told["size"], base64_decode(told["root"])
                if type(size) is not int or size < 1:
                    raise ValueError("no size")
                found = Checkpoint(told["origin"], size, root)
            except (ValueError, KeyError, TypeError):
                raise AnchorFailed(f"{where} is not an anchored checkpoint") from None
            yield where, found


def anchors() -> list[Anchor]:
    """Return the anchors of `AUDIT_ANCHORS`, each `<kind>:<place>`. Raises ValueError."""
    found: list[Anchor] = []
    for text in settings.AUDIT_ANCHORS:
        kind, _, place = text.partition(":")
        if kind != FileAnchor.kind or not place:
            raise ValueError(f"AUDIT_ANCHORS: {text} is not file:<path>")
        found.append(FileAnchor(Path(place)))
    return found


def checkpoint_anchor() -> list[AuditAnchoring]:
    """Write the newest checkpoint down wherever it is due, and return what was attempted.

    Due is an anchor that has not this checkpoint, `AUDIT_ANCHOR_MINUTES` after the last one that it
    has, and a minute after a failure. Call it outside of a transaction.
    """
    checkpoint = last_checkpoint()
    if checkpoint is None:
        return []
    return [_attempt(anchor, checkpoint) for anchor in anchors() if _is_due(anchor, checkpoint)]


def _is_due(anchor: Anchor, checkpoint: AuditCheckpoint) -> bool:
    last = _last(anchor)
    if last is None:
        return True
    if last.reference is None:
        return timezone.now() >= last.at + _AGAIN
    if last.checkpoint_id >= checkpoint.size:
        return False
    return timezone.now() >= last.at + timedelta(minutes=settings.AUDIT_ANCHOR_MINUTES)


def _last(anchor: Anchor) -> AuditAnchoring | None:
    return AuditAnchoring.objects.filter(kind=anchor.kind).order_by("-id").first()


def _attempt(anchor: Anchor, checkpoint: AuditCheckpoint) -> AuditAnchoring:
    reference: str | None = None
    before = _last(anchor)
    try:
        reference = anchor.publish(checkpoint)
    except AnchorFailed as problem:
        finding = str(problem)
        logger.error("no anchor", extra={"kind": anchor.kind, "finding": finding})
    with transaction.atomic():
        row = AuditAnchoring.objects.create(
            checkpoint=checkpoint, kind=anchor.kind, reference=reference, at=timezone.now()
        )
        # A place that stays away is one event, and the one when it is back.
        if reference is not None or before is None or before.reference is not None:
            record_event(
                "audit.checkpoint.anchored",
                actor=SYSTEM,
                success=reference is not None,
                item_count=checkpoint.size,
                details={"kind": anchor.kind},
            )
    return row
