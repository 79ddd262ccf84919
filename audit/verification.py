"""Verification: the sealed events are read again, leaf by leaf, and the tree is computed anew.

Every body must give the leaf that was sealed at its position, and every column what the body
says; all leaves together must give the tiles, the root of every seal and of every signed
checkpoint. The first thing that does not hold is named with its place (`audit.comparison`).
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from pathlib import Path

from django.conf import settings
from django.db import DataError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from audit.anchors import AnchorFailed, anchors
from audit.checkpoints import kept_outside, last_checkpoint
from audit.comparison import (
    checkpoint_problem,
    event_problem,
    note_problem,
    seal_problem,
    tile_places,
    tile_problem,
    tile_root,
)
from audit.cosignatures import cosignature_problem, witness_keys
from audit.log_key import log_keys
from audit.merkle import Tree
from audit.models import AuditCheckpoint, AuditEvent, AuditSeal, AuditTile, AuditVerification
from audit.note import Checkpoint
from audit.principal import SYSTEM
from audit.proofs import tree_root
from audit.seal import TABLE, last_seal
from audit.services import record_event
from audit.tiles import WIDTH, TileNodes, sealed_leaves, sealed_places, tiles_size

logger = logging.getLogger("assayer.audit")

_STEP = 2_560
_HIDDEN = f"""
SELECT count(*) FROM "{TABLE}" e
WHERE e.seq <= %s OR (e.xid, e.seq) <= (%s::text::xid8, %s)
"""  # noqa: S608 - constants
# A transaction that has not begun has written nothing; the sealer would wait for it for ever.
_UNBORN = f"""
SELECT min(e.seq) FROM "{TABLE}" e
WHERE e.seq > %s AND e.xid >= pg_snapshot_xmax(pg_current_snapshot())
    AND %s::text::xid8 < pg_snapshot_xmin(pg_current_snapshot())
"""  # noqa: S608 - constants

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class TrailVerdict:
    """What the last verification found; `intact` is None where none has run yet."""

    intact: bool | None
    size: int
    finding: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What reading the log again found: nothing, or the first thing that does not hold."""

    size: int
    root: bytes
    problem: str = ""


def verify_trail(progress: Progress | None = None) -> AuditVerification:
    """Read every sealed event again, and keep and record what was found."""
    return finding_keep(found=read_again(progress=progress))


def read_again(
    *,
    first: int = 0,
    last: int | None = None,
    against: Path | None = None,
    progress: Progress | None = None,
) -> Finding:
    """Read the sealed events at the positions from `first` up to `last` again; writes nothing.

    The whole log is held against every seal and checkpoint, and against the checkpoint in the file
    `against` and the one that is kept outside; a part of it against its leaves and checkpoints.
    """
    try:
        # Before the log: what is kept outside is never ahead of it.
        notes = {"the checkpoint kept outside": kept_outside()}
        if against is not None:
            notes[str(against)] = against.read_text(encoding="utf-8")
        anchored = [told for anchor in anchors() for told in anchor.published()]
    except (OSError, ValueError, AnchorFailed) as wrong:
        return Finding(0, Tree().root(), str(wrong))
    tree = Tree()
    with _one_snapshot():
        seal = last_seal()
        size = seal.size if seal else 0
        end = size if last is None else min(last, size)
        problem = _size_problem(size) or _tiles_problem(size, first, end)
    problem = (
        problem
        or _events_problem(tree, first, end, whole=end == size, progress=progress)
        or _checkpoints_problem(size, notes, anchored)
    )
    if not problem and seal is not None and first == 0 and end == size:
        problem = _seal_is_last(seal) or _hidden(seal)
    return Finding(size, tree.root(), problem)


@contextmanager
def _one_snapshot() -> Iterator[None]:
    """Read as of one moment, whatever is sealed meanwhile; on SQLite, do not block writers."""
    if connection.vendor != "postgresql" or connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _size_problem(size: int) -> str:
    if (kept := tiles_size()) != size:
        return f"the tiles hold {kept} leaves, the last seal names {size}"
    checkpoint = last_checkpoint()
    if checkpoint is not None and checkpoint.size > size:
        return f"the checkpoint of {checkpoint.size} events: the log has {size}"
    return ""


def _tiles_problem(size: int, first: int, end: int) -> str:
    whole = (first, end) == (0, size)
    numbers = range(first // WIDTH, -(-end // WIDTH))
    rows = AuditTile.objects.order_by("level", "number", "id")
    expected = tile_places(size)
    if not whole:
        rows = rows.filter(level=0, number__gte=numbers.start, number__lt=numbers.stop)
        expected = (place for place in expected if place[0] == 0 and place[1] in numbers)
    roots: list[list[bytes]] = [[]]  # of the full tiles, level by level
    for tile, place in zip_longest(rows.iterator(chunk_size=64), expected):
        level = place[0] if place else 0
        if level == len(roots):
            roots.append([])
        if problem := tile_problem(tile, place, roots[level - 1]):
            return problem
        if whole and (root := tile_root(tile)) is not None:
            roots[level].append(root)
    return ""


def _events_problem(
    tree: Tree, first: int, end: int, *, whole: bool, progress: Progress | None
) -> str:
    seals = _Seals(end) if first == 0 else None
    for at in range(first, end, _STEP):
        upto = min(at + _STEP, end)
        places, leaves = sealed_places(at, upto), sealed_leaves(at, upto)
        events = _events(places)
        for position, (place, leaf) in enumerate(zip(places, leaves, strict=True), start=at):
            event = events.get(place)
            if problem := (event if isinstance(event, str) else event_problem(event, place, leaf)):
                return f"position {position}: {problem}"
            tree.append(leaf)
            if seals is None or not isinstance(event, AuditEvent):
                continue
            if problem := seals.problem_at(tree, event):
                return problem
        if progress is not None:
            progress(upto - first, end - first)
    return seals.rest() if seals is not None and whole else ""


def _events(places: Iterable[int]) -> dict[int, AuditEvent | str]:
    """Return the events, and of one that cannot be read what is wrong with it."""
    try:
        with transaction.atomic():
            return dict(AuditEvent.objects.in_bulk(places))
    except (DataError, ValueError, OverflowError):
        return dict(_one_by_one(places))


def _one_by_one(places: Iterable[int]) -> Iterable[tuple[int, AuditEvent | str]]:
    for place in places:
        try:
            with transaction.atomic():
                yield from AuditEvent.objects.in_bulk([place]).items()
        except (DataError, ValueError, OverflowError) as problem:
            yield place, f"event {place} cannot be read: {problem}"


class _Seals:
    """The seals in the order of their sizes, each held against the tree at its size."""

    def __init__(self, size: int) -> None:
        self._rows = AuditSeal.objects.filter(size__lte=size).order_by("size").iterator()
        self._before: AuditSeal | None = None
        self._next = next(self._rows, None)
        self._places: list[tuple[int | None, int]] = []

    def problem_at(self, tree: Tree, event: AuditEvent) -> str:
        """Return what is wrong with a seal of this size, now that the event is in the tree."""
        self._places.append((event.xid, event.seq))
        seal = self._next
        if seal is None or seal.size != tree.size:
            return ""
        if problem := seal_problem(seal, self._before, tree, self._places):
            return problem
        self._before, self._next, self._places = seal, next(self._rows, None), []
        return ""

    def rest(self) -> str:
        """Return what is wrong with a seal that no size of the tree came to."""
        if self._next is None:
            return ""
        return f"the seal of {self._next.size} events is not of this log"


def _checkpoints_problem(
    size: int, notes: Mapping[str, str | None], anchored: Sequence[tuple[str, Checkpoint]]
) -> str:
    keys, nodes, witnesses = log_keys(), TileNodes(), witness_keys()

    def root_of(count: int) -> bytes:
        if count > size:
            raise LookupError(f"the log has {size}")
        return tree_root(nodes, count)

    signed = AuditSeal.objects.filter(signature__isnull=False).order_by("size").first()
    before: AuditCheckpoint | None = None
    rows = AuditCheckpoint.objects.filter(size__lte=size).order_by("size")
    for row in rows.prefetch_related("cosignatures").iterator(chunk_size=2_000):
        old = signed is None or row.size < signed.size
        if problem := checkpoint_problem(row, before, keys, root_of, may_be_unsigned=old):
            return problem
        for one in row.cosignatures.all():
            if problem := cosignature_problem(one, row, witnesses):
                return problem
        before = row
    for name, note in notes.items():
        if note is not None and (problem := note_problem(name, note, keys, root_of)):
            return problem
    for where, told in anchored:
        if told.size > size:
            return f"{where} is of {told.size} events; the log has {size}"
        if (told.origin, told.root) != (settings.AUDIT_ORIGIN, tree_root(nodes, told.size)):
            return f"{where}: the first {told.size} events are not those that were anchored"
    return ""


def _seal_is_last(seal: AuditSeal) -> str:
    """Whether the newest seal is signed: it binds all others, and nothing binds it."""
    if seal.signature is not None:
        return ""
    return f"the seal of {seal.size} events is not signed; the next one will be"


def _hidden(seal: AuditSeal) -> str:
    """Whether there are events in front of the watermark that no seal counts."""
    rows = AuditEvent.objects.all()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_HIDDEN, [seal.floor_seq or 0, str(seal.last_xid), seal.last_seq])
            there = int(cursor.fetchone()[0])
            cursor.execute(_UNBORN, [seal.floor_seq or 0, str(seal.last_xid)])
            unborn = cursor.fetchone()[0]
        if unborn is not None:
            return f"event {unborn} claims a transaction that has not begun"
    else:
        there = rows.filter(seq__lte=seal.last_seq).count()
    if there == seal.size:
        return ""
    return f"{there} events stand where {seal.size} were sealed"


@transaction.atomic
def finding_keep(*, found: Finding) -> AuditVerification:
    """Keep and record what a verification of the whole log found."""
    before = trail_verdict()
    verification = AuditVerification.objects.create(
        size=found.size,
        root=found.root.hex(),
        intact=not found.problem,
        finding=found.problem[:500],
        verified_at=timezone.now(),
    )
    name = "audit.trail.verified" if verification.intact else "audit.trail.broken"
    record_event(
        name,
        actor=SYSTEM,
        success=verification.intact,
        error_message=found.problem or None,
        item_count=found.size,
        details={"root": verification.root},
    )
    if before.intact is not verification.intact:
        record_event("audit.trail.verdict_changed", actor=SYSTEM, success=verification.intact)
    if found.problem:
        logger.error("the audit trail is not intact", extra={"finding": found.problem})
    return verification


def trail_verdict(*, as_of: datetime | None = None) -> TrailVerdict:
    """Return what the last verification found; with `as_of`, the last one by that moment."""
    found: QuerySet[AuditVerification] = AuditVerification.objects.order_by("-id")
    if as_of is not None:
        found = found.filter(verified_at__lte=as_of)
    last = found.first()
    if last is None:
        return TrailVerdict(None, 0, "no verification has run yet")
    return TrailVerdict(last.intact, last.size, last.finding)
