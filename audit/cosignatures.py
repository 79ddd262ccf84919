"""Witnesses: others who saw one of our checkpoints and say so (c2sp.org/tlog-cosignature, v1).

A witness signs only what continues what it saw before, so a log that shows two faces finds no
witness for one of them. The signature is the authority: whoever is signed in may hand it in.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from audit.models import AuditCheckpoint, AuditCosignature
from audit.note import NoteKey, WitnessKey, base64_decode
from audit.principal import Principal
from audit.services import record_event
from config.api.errors import Conflict, NotFound, ValidationFailed

_AHEAD = timedelta(minutes=5)  # how far the clock of a witness may be ahead of ours
_LENGTH = 4 + 8 + 64


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A line of a note: who signed, with which key, and at which second since 1970."""

    name: str
    key_id: bytes
    seconds: int
    signature: bytes

    @classmethod
    def parse(cls, line: str) -> "Cosignature":
        """Return what the line says. Raises ValueError where it is no cosignature."""
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != "\u2014" or not parts[1]:
            raise ValueError("a cosignature is a dash, a name and base64")
        raw = base64_decode(parts[2])
        if len(raw) != _LENGTH:
            raise ValueError(f"a cosignature has {_LENGTH} bytes")
        return cls(parts[1], raw[:4], int.from_bytes(raw[4:12], "big"), raw[12:])

    def verifies(self, text: str, key: NoteKey) -> bool:
        """Return whether it is the key's over a checkpoint's text."""
        if (key.name, key.key_id) != (self.name, self.key_id):
            return False
        try:
            VerifyKey(key.raw).verify(message(text, self.seconds), self.signature)
        except (BadSignatureError, ValueError):
            return False
        return True


def message(text: str, seconds: int) -> bytes:
    """Return what a witness signs: the time, and the text of the checkpoint."""
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def witness_keys() -> list[WitnessKey]:
    """Return the witnesses that count (`AUDIT_WITNESS_KEYS`). Raises ValueError."""
    return [WitnessKey.parse(text) for text in settings.AUDIT_WITNESS_KEYS]


def cosignature_add(*, actor: Principal, size: int, line: str) -> tuple[AuditCosignature, bool]:
    """Keep a witness's cosignature of the checkpoint of `size` events; whether it is a new one.

    The same again changes nothing. Raises `ValidationFailed` where it is malformed or wrong,
    `NotFound` where the witness or the checkpoint is not known, and `Conflict` where the witness
    has signed this checkpoint at another time.
    """
    try:
        given = Cosignature.parse(line)
    except ValueError as problem:
        raise _wrong(f"This is no cosignature: {problem}.") from None
    known = [key for key in witness_keys() if (key.name, key.key_id) == (given.name, given.key_id)]
    if not known:
        raise NotFound("No witness with this name and key is known here.")
    checkpoint = AuditCheckpoint.objects.filter(size=size).first()
    if checkpoint is None:
        raise NotFound("No checkpoint of this size was signed.")
    if not given.verifies(checkpoint_text(checkpoint), known[0]):
        raise _wrong("The signature is not the witness's over this checkpoint.")
    latest = (timezone.now() + _AHEAD).timestamp()
    if not 0 < given.seconds <= latest:
        raise _wrong("The time of the signature is in the future, or is none.")
    try:
        with transaction.atomic():
            row = AuditCosignature.objects.create(
                checkpoint=checkpoint,
                witness=given.name,
                key_id=given.key_id.hex(),
                seconds=given.seconds,
                line=line,
                received_at=timezone.now(),
            )
            record_event(
                "audit.checkpoint.cosigned",
                actor=actor,
                item_count=size,
                details={"witness": given.name, "keyId": row.key_id, "time": given.seconds},
            )
    except IntegrityError:
        kept = AuditCosignature.objects.filter(checkpoint=checkpoint, witness=given.name).first()
        if kept is None:
            raise
        if kept.line != line:
            raise Conflict("The witness has cosigned this checkpoint already.") from None
        return kept, False
    return row, True


def checkpoint_text(checkpoint: AuditCheckpoint) -> str:
    """Return what is signed of a checkpoint, its last line break included."""
    return checkpoint.note.partition("\n\n")[0] + "\n"


def cosigned_note(checkpoint: AuditCheckpoint) -> str:
    """Return the note of a checkpoint with the lines of its witnesses."""
    lines = sorted((row.pk, row.line) for row in checkpoint.cosignatures.all())
    return checkpoint.note + "".join(f"{line}\n" for _, line in lines)


def cosignature_problem(
    row: AuditCosignature, checkpoint: AuditCheckpoint, keys: Iterable[NoteKey]
) -> str:
    """Return what is wrong with a cosignature; one of a witness no longer known is compared."""
    name = f"the cosignature of {row.witness} of {checkpoint.size} events"
    try:
        told = Cosignature.parse(row.line)
    except ValueError as problem:
        return f"{name}: {problem}"
    if (told.name, told.key_id.hex(), told.seconds) != (row.witness, row.key_id, row.seconds):
        return f"{name} is not what its line says"
    mine = [key for key in keys if (key.name, key.key_id) == (told.name, told.key_id)]
    if mine and not told.verifies(checkpoint_text(checkpoint), mine[0]):
        return f"{name} is not of this checkpoint"
    return ""


def _wrong(problem: str) -> ValidationFailed:
    return ValidationFailed(problem, details={"cosignature": [problem]})
