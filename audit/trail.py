"""What can be proved of the log: where an event stands, proofs, and bundles that prove a filter.

A bundle holds the events of a filter as they are and, of every other sealed event, the leaf hash
alone: whoever has it computes the signed root from both, and so knows that nothing that matches
was left out of the log and how much was withheld.
"""

import base64
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from audit.checkpoints import last_checkpoint
from audit.cosignatures import cosigned_note
from audit.models import AuditCheckpoint, AuditEvent, AuditSeal, AuditTile
from audit.principal import Principal
from audit.proofs import consistency_proof, inclusion_proof
from audit.querysets import AuditEventQuerySet
from audit.services import record_event
from audit.tiles import HASH, TileNodes, sealed_leaves, sealed_places
from config.api.errors import Conflict, DomainError, NotFound, NotVisible
from config.api.formats import utc_text

VERIFIER = Path(__file__).resolve().parent.parent / "docs" / "verify" / "verify_audit.py"
_STEP = 10_240


@dataclass(frozen=True, slots=True)
class Inclusion:
    """An event, its position, and the hashes that lead from it to a checkpoint's root."""

    event: AuditEvent
    position: int
    checkpoint: AuditCheckpoint
    hashes: list[bytes]

    def document(self) -> dict[str, Any]:
        """Return the proof as it goes over the wire; `event` is the line that was hashed."""
        return {
            "eventId": str(self.event.id),
            "event": self.event.body,
            "position": self.position,
            "size": self.checkpoint.size,
            "hashes": texts_of(self.hashes),
            "checkpoint": cosigned_note(self.checkpoint),
            "key": self.checkpoint.key,
        }


def checkpoint_get() -> AuditCheckpoint:
    """Return the newest checkpoint. Raises `NotFound` where none was signed yet."""
    checkpoint = last_checkpoint()
    if checkpoint is None:
        raise NotFound("No checkpoint has been signed yet.")
    return checkpoint


def checkpoint_document(row: AuditCheckpoint) -> dict[str, Any]:
    """Return a checkpoint as it goes over the wire."""
    return {
        "size": row.size,
        "root": _base64(bytes.fromhex(row.root)),
        "note": cosigned_note(row),
        "key": row.key,
        "signedAt": utc_text(row.signed_at),
    }


def inclusion_get(*, actor: Principal, event_id: UUID) -> Inclusion:
    """Return the proof that an event is in the log that the newest checkpoint speaks of.

    Raises `NotFound`, `NotVisible`, and `Conflict` where the event is not under it yet.
    """
    event = AuditEvent.objects.visible_to(actor).filter(id=event_id).first()
    if event is None:
        exists = AuditEvent.objects.filter(id=event_id).exists()
        raise (NotVisible if exists else NotFound)("There is no such event.")
    checkpoint = last_checkpoint()
    position = position_of(event)
    if checkpoint is None or position is None or position >= checkpoint.size:
        raise Conflict("The event is not under a signed checkpoint yet; ask again in a minute.")
    hashes = inclusion_proof(TileNodes(), position, checkpoint.size)
    return Inclusion(event, position, checkpoint, hashes)


def consistency_get(*, old: int, new: int) -> list[bytes]:
    """Return the proof that the log of `old` events is a prefix of that of `new`.

    Raises `NotFound` where the signed log is smaller.
    """
    checkpoint = checkpoint_get()
    if not 0 < old <= new <= checkpoint.size:
        raise NotFound(f"The signed log has {checkpoint.size} events: 0 < from <= to <= that.")
    return consistency_proof(TileNodes(), old, new)


def tile_get(*, level: int, number: int, width: int) -> bytes:
    """Return the first `width` hashes of a tile. Raises `NotFound` where it has fewer."""
    row = AuditTile.objects.filter(level=level, number=number).first()
    hashes = b"" if row is None else bytes(row.hashes)
    if len(hashes) < width * HASH:
        raise NotFound("There is no such tile.")
    return hashes[: width * HASH]


def position_of(event: AuditEvent) -> int | None:
    """Return the position of an event in the tree; None where it is not sealed yet."""
    xid = event.xid or 0
    behind = Q(last_xid__gt=xid) | Q(last_xid=xid, last_seq__gte=event.seq)
    seals = AuditSeal.objects.filter(behind).order_by("last_xid", "last_seq")
    if (seal := seals.first()) is not None:
        before = AuditSeal.objects.filter(size__lt=seal.size).order_by("-size").first()
        first = before.size if before else 0
        if (found := _position(event.seq, first, seal.size)) is not None:
            return found
    last = AuditSeal.objects.order_by("-size").first()
    # Only behind a restored dump is an event sealed elsewhere than its transaction id says.
    if last is None or last.floor_seq is None or event.seq > last.floor_seq:
        return None
    return _position(event.seq, 0, last.size)


def _position(seq: int, first: int, last: int) -> int | None:
    for at in range(first, last, _STEP):
        places = sealed_places(at, min(at + _STEP, last))
        if seq in places:
            return at + places.index(seq)
    return None


@dataclass(frozen=True, slots=True)
class Bundle:
    """A ZIP, how many events it shows, and the size of the log it speaks of."""

    content: bytes
    rows: int
    size: int


def bundle_make(*, actor: Principal, events: AuditEventQuerySet, criteria: str) -> Bundle:
    """Return a ZIP of these events with the proof that none that matches was left out.

    Records the export. Raises `NotFound` without a checkpoint and `DomainError` where
    the log is too large for one answer.
    """
    checkpoint = checkpoint_get()
    if checkpoint.size > settings.BUNDLE_EVENT_LIMIT:
        raise DomainError(
            f"The log has {checkpoint.size} events; a bundle is made of at most "
            f"{settings.BUNDLE_EVENT_LIMIT}."
        )
    wanted = set(events.order_by().values_list("seq", flat=True))
    lines, positions, withheld = BytesIO(), [], BytesIO()
    for at in range(0, checkpoint.size, _STEP):
        upto = min(at + _STEP, checkpoint.size)
        places, leaves = sealed_places(at, upto), sealed_leaves(at, upto)
        shown = [place for place in places if place in wanted]
        bodies = dict(AuditEvent.objects.filter(seq__in=shown).values_list("seq", "body"))
        for position, (place, leaf) in enumerate(zip(places, leaves, strict=True), start=at):
            if place in bodies:
                positions.append(position)
                lines.write(bodies[place].encode() + b"\n")
            else:
                withheld.write(leaf)
    record_event(
        "audit.log.exported",
        actor=actor,
        item_count=len(positions),
        filter_criteria=criteria,
        details={"view": "audit-trail", "format": "bundle", "size": checkpoint.size},
    )
    content = _zipped(
        {
            "checkpoint.txt": cosigned_note(checkpoint).encode(),
            "key.txt": checkpoint.key.encode() + b"\n",
            "events.ndjson": lines.getvalue(),
            "positions.json": json.dumps(positions, separators=(",", ":")).encode(),
            "withheld.bin": withheld.getvalue(),
            "filter.txt": (criteria or "no filter").encode() + b"\n",
            "verify_audit.py": VERIFIER.read_bytes(),
        }
    )
    return Bundle(content, len(positions), checkpoint.size)


def _zipped(files: dict[str, bytes]) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            # The same content gives the same file.
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
    return made.getvalue()


def texts_of(hashes: Sequence[bytes]) -> list[str]:
    """Return hashes as they go over the wire."""
    return [_base64(one) for one in hashes]


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
