"""What holds of one stored row: each function names the problem of one, or returns nothing.

`audit.verification` reads the tables and asks these; nothing here reads a table.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import orjson

from audit.body import TEXT_LIMIT, moment_text
from audit.checkpoints import checkpoint_content
from audit.log_key import is_signed
from audit.merkle import Tree, leaf_hash
from audit.models import AuditCheckpoint, AuditEvent, AuditSeal, AuditTile
from audit.note import Checkpoint, NoteKey, note_text
from audit.seal import order_digest, seal_content
from audit.tiles import HASH, PLACE, WIDTH, subtree_root

_SAME = {
    "name": "name",
    "category": "category",
    "action_type": "actionType",
    "actor": "actor",
    "success": "success",
    "network": "network",
    "affected_address": "affectedAddress",
    "to_address": "toAddress",
    "transfer_allowed": "transferAllowed",
    "reference_type": "referenceType",
    "reference_id": "referenceId",
    "correlation_id": "correlationId",
}
_TEXT = {"id": "id", "asset_id": "assetId", "issuer_id": "issuerId"}  # text in the body
_AT = "occurred_at"
COMPARED = frozenset({*_SAME, *_TEXT, _AT})  # and `seq` and `xid`, which a seal binds


def event_problem(event: AuditEvent | None, place: int, sealed: bytes) -> str:
    """Return what is wrong with the event at a place that was sealed as this leaf."""
    if event is None:
        return f"event {place} is missing"
    if leaf_hash(event.body.encode()) != sealed:
        return f"event {place} is not what was sealed"
    problem = column_problem(event)
    return f"event {place}: {problem}" if problem else ""


def column_problem(event: AuditEvent) -> str:
    """Return which column does not say what the body says."""
    content = orjson.loads(event.body)
    for column, key in _SAME.items():
        if not _is_same(getattr(event, column), content.get(key)):
            return f"{column} differs from the body"
    for column, key in _TEXT.items():
        value = getattr(event, column)
        if (None if value is None else str(value)) != content.get(key):
            return f"{column} differs from the body"
    if moment_text(event.occurred_at) != content.get("occurredAt"):
        return f"{_AT} differs from the body"
    return ""


def _is_same(column: Any, told: Any) -> bool:
    if isinstance(column, str):
        return column == told or (len(column) > TEXT_LIMIT and column[:TEXT_LIMIT] == told)
    return column is told


def tile_places(size: int) -> Iterator[tuple[int, int, int]]:
    """Yield level, number and width of every tile that a tree of `size` leaves has, in order."""
    level = 0
    while size:
        for number in range(-(-size // WIDTH)):
            yield level, number, min(WIDTH, size - number * WIDTH)
        level, size = level + 1, size // WIDTH


def tile_problem(
    tile: AuditTile | None, place: tuple[int, int, int] | None, below: Sequence[bytes]
) -> str:
    """Return what is wrong with a tile at a place; `below` are the roots of the full tiles there.

    The hashes of level 0 are held against the events themselves.
    """
    if place is None or tile is None or (tile.level, tile.number) != place[:2]:
        if tile is None or (place is not None and place[:2] < (tile.level, tile.number)):
            level, number, _ = place or (0, 0, 0)
            return f"tile {level}/{number} is missing"
        return f"tile {tile.level}/{tile.number} is not of this tree"
    level, number, width = place
    hashes, places = bytes(tile.hashes), bytes(tile.places)
    if (len(hashes), len(places)) != (width * HASH, 0 if level else width * PLACE):
        return f"tile {level}/{number} does not hold {width} hashes"
    if level and hashes != b"".join(below[number * WIDTH :][:width]):
        return f"tile {level}/{number} does not hold the roots of the tiles below it"
    return ""


def tile_root(tile: AuditTile) -> bytes | None:
    """Return the hash over a full tile; None while it is not full."""
    hashes = bytes(tile.hashes)
    if len(hashes) != WIDTH * HASH:
        return None
    return subtree_root(hashes)


def seal_problem(
    seal: AuditSeal,
    before: AuditSeal | None,
    tree: Tree,
    places: Iterable[tuple[int | None, int]],
) -> str:
    """Return what is wrong with a seal; `tree` and `places` are of the events as they are now."""
    if tree.size != seal.size:
        return f"the seal of {seal.size} events is not of this log"
    if tree.root().hex() != seal.root:
        return f"the events up to position {seal.size} do not give the sealed root"
    first = before.size if before else 0
    if seal.order_digest is not None and order_digest(places) != seal.order_digest:
        return (
            f"the places of the events at positions {first} to {seal.size - 1} "
            "are not those that were sealed"
        )
    if [one.hex() for one in tree.frontier] != seal.frontier:
        return f"the seal of {seal.size} events does not hold the frontier of its tree"
    if seal.signature is None and (before is None or before.signature is None):
        return ""  # of the time before seals were signed; the next one that is binds it
    if not _is_signed("seal", lambda: seal_content(seal, before), seal.signature):
        return f"the seal of {seal.size} events is not as it was signed"
    return ""


def checkpoint_problem(
    row: AuditCheckpoint,
    before: AuditCheckpoint | None,
    keys: Iterable[NoteKey],
    root_of: Callable[[int], bytes],
    *,
    may_be_unsigned: bool = False,
) -> str:
    """Return what is wrong with a checkpoint; `root_of` gives the root of so many events now.

    `root_of` raises LookupError where the log has fewer.
    """
    name = f"the checkpoint of {row.size} events"
    known = {key.text: key for key in keys}
    if row.key not in known:
        return f"{name} is signed by a key that is not the log's"
    if problem := note_problem(name, row.note, [known[row.key]], root_of):
        return problem
    signed = Checkpoint.parse(row.note)
    if (signed.size, signed.root.hex()) != (row.size, row.root):
        return f"{name} is not what its note says"
    if row.signature is None and may_be_unsigned:
        return ""
    if row.previous != (before.size if before else 0):
        return f"{name} does not follow the one before it"
    if not _is_signed("checkpoint", lambda: checkpoint_content(row), row.signature):
        return f"{name} is not as it was signed"
    return ""


def note_problem(
    name: str, note: str, keys: Iterable[NoteKey], root_of: Callable[[int], bytes]
) -> str:
    """Return why the log as it is now is not the one that the note speaks of."""
    wrong = "it has no key"
    for key in keys:
        try:
            checkpoint = Checkpoint.parse(note_text(note, key))
        except ValueError as problem:
            wrong = str(problem)
            continue
        if checkpoint.origin != key.name:
            return f"{name} is of another log"
        try:
            root = root_of(checkpoint.size)
        except LookupError as problem:
            return f"{name} is of {checkpoint.size} events; {problem}"
        if root != checkpoint.root:
            return f"{name}: the first {checkpoint.size} events are not those that were signed"
        return ""
    return f"{name}: {wrong}"


def _is_signed(kind: str, content: Callable[[], dict[str, Any]], signature: str | None) -> bool:
    try:
        return signature is not None and is_signed(kind, content(), signature)
    except (ValueError, OverflowError):  # what has no canonical form was never signed
        return False
