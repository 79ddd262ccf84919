"""Signed checkpoints of the log: what the tree was at a size, in a form that strangers can check.

A checkpoint is never signed that contradicts the last one: before signing, the tree as it is now
must contain the tree that was signed then. Where `AUDIT_CHECKPOINT_FILE` names a file, the last
note is kept there too, outside the database: a restored older backup cannot pass for the log.
"""

import logging
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audit.body import moment_text
from audit.log_key import log_key, log_keys, sign_note, sign_row
from audit.models import AuditCheckpoint
from audit.note import Checkpoint, note_text
from audit.principal import SYSTEM
from audit.proofs import tree_root
from audit.seal import become_sealer, last_seal
from audit.services import record_event
from audit.tiles import TileNodes, tiles_size

logger = logging.getLogger("assayer.audit")


class Contradiction(Exception):
    """The log is not what was signed before."""


@transaction.atomic
def checkpoint_sign() -> AuditCheckpoint | None:
    """Sign the newest seal, and return the checkpoint; None where it is signed or nothing is.

    Where the tree contradicts the last checkpoint nothing is signed, and that is an event. None
    too where another signer is at work.
    """
    seal = last_seal()
    if seal is None or not become_sealer():
        return None
    last = last_checkpoint()
    if last is not None and last.size >= seal.size:
        return None
    try:
        _require_continuation(seal.size)
    except Contradiction as problem:
        logger.error("no checkpoint is signed", extra={"finding": str(problem)})
        record_event(
            "audit.checkpoint.refused", actor=SYSTEM, success=False, error_message=str(problem)
        )
        return None
    checkpoint = Checkpoint(settings.AUDIT_ORIGIN, seal.size, bytes.fromhex(seal.root))
    row = AuditCheckpoint(
        size=seal.size,
        root=seal.root,
        note=sign_note(checkpoint.text),
        key=log_key().text,
        previous=last.size if last else 0,
        signed_at=timezone.now(),
    )
    row.signature = sign_row("checkpoint", checkpoint_content(row))
    row.save(force_insert=True)
    _keep_outside(row.note)
    return row


def checkpoint_content(row: AuditCheckpoint) -> dict[str, Any]:
    """Return what the signature of a checkpoint's row speaks of."""
    return {
        "size": row.size,
        "root": row.root,
        "note": row.note,
        "key": row.key,
        "previous": row.previous,
        "signedAt": moment_text(row.signed_at),
    }


def last_checkpoint() -> AuditCheckpoint | None:
    """Return the newest checkpoint."""
    return AuditCheckpoint.objects.order_by("-size").first()


def _require_continuation(size: int) -> None:
    """Raise `Contradiction` unless the tree now contains what was signed before."""
    nodes = TileNodes()
    known = tiles_size()
    signed = []
    if (last := last_checkpoint()) is not None:
        signed.append(("the last checkpoint", last.size, bytes.fromhex(last.root)))
    if (outside := _opened_outside()) is not None:
        signed.append(("the checkpoint kept outside", outside.size, outside.root))
    for name, past, root in signed:
        if past > min(size, known):
            raise Contradiction(f"{name} is of {past} events; the log has {min(size, known)}")
        if tree_root(nodes, past) != root:
            raise Contradiction(f"the first {past} events are not those of {name}")


def kept_outside() -> str | None:
    """Return the note that is kept outside the database; None where none is."""
    path = _outside()
    return path.read_text(encoding="utf-8") if path is not None and path.exists() else None


def _opened_outside() -> Checkpoint | None:
    note = kept_outside()
    if note is None:
        return None
    problem = "no key of the log signed it"
    for key in log_keys():
        try:
            return Checkpoint.parse(note_text(note, key))
        except ValueError as wrong:
            problem = str(wrong)
    raise Contradiction(f"the checkpoint kept outside is not ours: {problem}")


def _keep_outside(note: str) -> None:
    path = _outside()
    if path is None:
        return
    new = path.with_suffix(".new")
    new.write_text(note, encoding="utf-8")
    os.replace(new, path)


def _outside() -> Path | None:
    return Path(settings.AUDIT_CHECKPOINT_FILE) if settings.AUDIT_CHECKPOINT_FILE else None
