"""Signed checkpoints of the log: what the tree was at a size, in a form that strangers can check.

A checkpoint is never signed that contradicts the last one: before signing, the tree as it is now
must contain the tree that was signed then. Where `AUDIT_CHECKPOINT_FILE` names a file, the last
note is kept there too, outside the database: a restored older backup cannot pass for the log.
"""

import logging
import os
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from nacl.signing import SigningKey

from audit.models import AuditCheckpoint
from audit.note import Checkpoint, NoteKey, note_sign, note_text
from audit.principal import SYSTEM
from audit.proofs import tree_root
from audit.seal import last_seal
from audit.services import record_event
from audit.tiles import TileNodes, tiles_size

logger = logging.getLogger("assayer.audit")

_PURPOSE = b"assayer-log-v1\n"


class Contradiction(Exception):
    """The log is not what was signed before."""


def checkpoint_sign() -> AuditCheckpoint | None:
    """Sign the newest seal, and return the checkpoint; None where it is signed or nothing is.

    Where the tree contradicts the last checkpoint nothing is signed, and that is an event.
    """
    seal = last_seal()
    if seal is None or AuditCheckpoint.objects.filter(size__gte=seal.size).exists():
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
    note = note_sign(checkpoint.text, settings.AUDIT_ORIGIN, _signing_key())
    row = AuditCheckpoint(
        size=seal.size, root=seal.root, note=note, key=log_key().text, signed_at=timezone.now()
    )
    with transaction.atomic():
        made = AuditCheckpoint.objects.bulk_create([row], ignore_conflicts=True)
        _keep_outside(note)
    return made[0]


def log_key() -> NoteKey:
    """Return the public key of the log."""
    return NoteKey(settings.AUDIT_ORIGIN, bytes(_signing_key().verify_key))


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
    if (outside := _kept_outside()) is not None:
        signed.append(("the checkpoint kept outside", outside.size, outside.root))
    for name, past, root in signed:
        if past > min(size, known):
            raise Contradiction(f"{name} is of {past} events; the log has {min(size, known)}")
        if tree_root(nodes, past) != root:
            raise Contradiction(f"the first {past} events are not those of {name}")


def _kept_outside() -> Checkpoint | None:
    path = _outside()
    if path is None or not path.exists():
        return None
    try:
        return Checkpoint.parse(note_text(path.read_text(encoding="utf-8"), log_key()))
    except ValueError as problem:
        raise Contradiction(f"the checkpoint kept outside is not ours: {problem}") from None


def _keep_outside(note: str) -> None:
    path = _outside()
    if path is None:
        return
    new = path.with_suffix(".new")
    new.write_text(note, encoding="utf-8")
    os.replace(new, path)


def _outside() -> Path | None:
    return Path(settings.AUDIT_CHECKPOINT_FILE) if settings.AUDIT_CHECKPOINT_FILE else None


def _signing_key() -> SigningKey:
    return _derived(settings.REPORT_SIGNING_KEY)


@lru_cache(maxsize=4)
def _derived(secret: str) -> SigningKey:
    # A key of its own from the one secret: a signature over a report never passes for a note.
    return SigningKey(sha256(_PURPOSE + secret.strip().encode()).digest())
