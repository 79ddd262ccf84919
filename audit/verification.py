"""Verification: the sealed events are read again, leaf by leaf, and the tree is computed anew.

Every body must give the leaf that was sealed at its position, and be the line that its columns
were made from; all leaves together must give the root of every seal. The first thing that does not
hold is named with its position.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import orjson
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from audit.body import moment_text
from audit.merkle import Tree, leaf_hash
from audit.models import AuditEvent, AuditSeal, AuditVerification
from audit.principal import SYSTEM
from audit.seal import TABLE, last_seal
from audit.services import record_event
from audit.tiles import sealed_leaves, sealed_places, tiles_size

logger = logging.getLogger("assayer.audit")

_STEP = 2_560
_COMPARED = (
    "name",
    "category",
    "actionType",
    "actor",
    "correlationId",
    "affectedAddress",
    "toAddress",
    "transferAllowed",
    "referenceType",
    "referenceId",
)
_HIDDEN = f"""
SELECT count(*) FROM "{TABLE}" e
WHERE e.seq <= %s OR (e.xid, e.seq) <= (%s::text::xid8, %s)
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
    *, first: int = 0, last: int | None = None, progress: Progress | None = None
) -> Finding:
    """Read the sealed events at the positions from `first` up to `last` again; writes nothing.

    The whole log is held against every seal; a part of it against its leaves.
    """
    seal = last_seal()
    size = seal.size if seal else 0
    end = size if last is None else min(last, size)
    tree = Tree()
    seals = _Seals()
    kept = tiles_size()
    if kept != size:
        return Finding(size, b"", f"the tiles hold {kept} leaves, the last seal names {size}")
    for at in range(first, end, _STEP):
        upto = min(at + _STEP, end)
        for position, leaf, problem in _read(at, upto):
            if problem:
                return Finding(size, tree.root(), f"position {position}: {problem}")
            tree.append(leaf)
            if first == 0 and (problem := seals.problem_at(tree)):
                return Finding(size, tree.root(), problem)
        if progress is not None:
            progress(upto - first, end - first)
    problem = _hidden(seal) if seal is not None and first == 0 and end == size else ""
    return Finding(size, tree.root(), problem)


def _read(first: int, last: int) -> Iterator[tuple[int, bytes, str]]:
    places, leaves = sealed_places(first, last), sealed_leaves(first, last)
    events = AuditEvent.objects.in_bulk(places)
    for number, (place, sealed) in enumerate(zip(places, leaves, strict=True)):
        event = events.get(place)
        if event is None:
            yield first + number, b"", f"event {place} is missing"
            continue
        leaf = leaf_hash(event.body.encode())
        if leaf != sealed:
            yield first + number, b"", f"event {place} is not what was sealed"
            continue
        problem = _column_problem(event)
        yield first + number, leaf, f"event {place}: {problem}" if problem else ""


class _Seals:
    """The seals in the order of their sizes, each held against the tree at its size."""

    def __init__(self) -> None:
        self._rows = AuditSeal.objects.order_by("size").iterator()
        self._next = next(self._rows, None)

    def problem_at(self, tree: Tree) -> str:
        """Return what a seal of this size says against the tree, or nothing."""
        seal = self._next
        if seal is None or seal.size != tree.size:
            return ""
        self._next = next(self._rows, None)
        if tree.root().hex() != seal.root:
            return f"the events up to position {seal.size} do not give the sealed root"
        return ""


def _hidden(seal: AuditSeal) -> str:
    """Whether there are events in front of the watermark that no seal counts."""
    rows = AuditEvent.objects.all()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_HIDDEN, [seal.floor_seq or 0, str(seal.last_xid), seal.last_seq])
            there = int(cursor.fetchone()[0])
    else:
        there = rows.filter(seq__lte=seal.last_seq).count()
    if there == seal.size:
        return ""
    return f"{there} events stand where {seal.size} were sealed"


def _column_problem(event: AuditEvent) -> str:
    content = orjson.loads(event.body)
    columns = (
        event.name,
        event.category,
        event.action_type,
        event.actor,
        event.correlation_id,
        event.affected_address,
        event.to_address,
        event.transfer_allowed,
        event.reference_type,
        event.reference_id,
    )
    if content.get("id") != str(event.id):
        return "the id differs from the body"
    if tuple(content.get(key) for key in _COMPARED) != columns:
        return "a column differs from the body"
    asset = None if event.asset_id is None else str(event.asset_id)
    if content.get("assetId") != asset or content.get("network") != event.network:
        return "the token differs from the body"
    if content.get("success") != event.success:
        return "the outcome differs from the body"
    issuer = None if event.issuer_id is None else str(event.issuer_id)
    if content.get("issuerId") != issuer:
        return "the issuer differs from the body"
    if content.get("occurredAt") != moment_text(event.occurred_at):
        return "the time differs from the body"
    return ""


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
