"""Sealing: one sealer appends finished events to a Merkle tree; verification reads them again.

Inserting stays a plain INSERT (a hash chain costs 86 % of write throughput); this module reads
with one statement and the transaction horizon, so that an event that commits late is never
skipped (reference/audit.md, B.2). The only vendor SQL outside migrations.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import orjson
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from audit.merkle import Tree
from audit.models import AuditEvent, AuditSeal, AuditVerification
from audit.principal import SYSTEM
from audit.services import record_event

logger = logging.getLogger("assayer.audit")

_TABLE = AuditEvent._meta.db_table
_LOCK = 0x41535359  # "ASSY": the advisory lock of the one sealer
_BATCH = 5_000

_POSTGRES_BATCH = f"""
SELECT e.xid::text AS xid_text, e.seq, e.body FROM "{_TABLE}" e
WHERE (e.xid, e.seq) > (%s::text::xid8, %s) AND e.xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY e.xid, e.seq LIMIT %s
"""  # noqa: S608 - constants
_SQLITE_BATCH = f"""
SELECT 0, e.seq, e.body FROM "{_TABLE}" e WHERE e.seq > %s ORDER BY e.seq LIMIT %s
"""  # noqa: S608 - constants
_COMPARED = ("name", "category", "actionType", "actor", "correlationId")


@dataclass(frozen=True, slots=True)
class TrailVerdict:
    """What the last verification found; `intact` is None where none has run yet."""

    intact: bool | None
    size: int
    finding: str


def seal_events() -> int:
    """Seal every finished event and return how many were sealed; 0 where another sealer runs."""
    sealed = 0
    while count := _seal_batch():
        sealed += count
        if count < _BATCH:
            break
    return sealed


@transaction.atomic
def _seal_batch() -> int:
    if not _become_sealer():
        return 0
    last = AuditSeal.objects.order_by("-size").first()
    tree = Tree(last.size, [bytes.fromhex(item) for item in last.frontier]) if last else Tree()
    xid, seq = (last.last_xid, last.last_seq) if last else (0, 0)
    rows = _batch(xid, seq)
    if not rows:
        return 0
    tree.extend(body.encode() for _, _, body in rows)
    last_xid, last_seq, _ = rows[-1]
    AuditSeal.objects.create(
        size=tree.size,
        root=tree.root().hex(),
        frontier=[item.hex() for item in tree.frontier],
        last_xid=int(last_xid),
        last_seq=last_seq,
        sealed_at=timezone.now(),
    )
    return len(rows)


def _become_sealer() -> bool:
    if connection.vendor != "postgresql":
        return True  # SQLite has one writer at a time
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def _batch(xid: int, seq: int) -> list[tuple[str, int, str]]:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRES_BATCH, [str(xid), seq, _BATCH])
        else:
            cursor.execute(_SQLITE_BATCH, [seq, _BATCH])
        return list(cursor.fetchall())


def transaction_horizon() -> int:
    """Return the position before which nothing can be added any more.

    PostgreSQL: the oldest transaction still running; SQLite: the next sequence number.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
        else:
            cursor.execute(f'SELECT COALESCE(MAX(seq), 0) + 1 FROM "{_TABLE}"')  # noqa: S608
        return int(cursor.fetchone()[0])


def verify_trail() -> AuditVerification:
    """Read every sealed event again, recompute the root, and keep and record what was found.

    Each body must be the line that its columns were made from, and all bodies together must give
    the root of every seal. Anything else names the first bad position.
    """
    last = AuditSeal.objects.order_by("-size").first()
    size = last.size if last else 0
    tree, finding = Tree(), ""
    for seal in AuditSeal.objects.order_by("size").iterator():
        finding = _replay(tree, seal)
        if finding:
            break
    return _keep(size, tree, finding)


def _replay(tree: Tree, seal: AuditSeal) -> str:
    for event in _sealed_events(tree.size, seal):
        if tree.size >= seal.size:
            return f"more events than were sealed, at position {tree.size}"
        if problem := _column_problem(event):
            return f"event {event.seq} at position {tree.size}: {problem}"
        tree.extend([event.body.encode()])
    if tree.size != seal.size:
        return f"{seal.size - tree.size} of {seal.size} sealed events are missing"
    if tree.root().hex() != seal.root:
        return f"the events up to position {seal.size} do not give the sealed root"
    return ""


def _sealed_events(position: int, seal: AuditSeal) -> Iterator[AuditEvent]:
    previous = AuditSeal.objects.filter(size=position).first() if position else None
    rows: QuerySet[AuditEvent] = AuditEvent.objects.all()
    if connection.vendor == "postgresql":
        low = (previous.last_xid, previous.last_seq) if previous else (0, 0)
        rows = rows.extra(
            where=["(xid, seq) > (%s::text::xid8, %s) AND (xid, seq) <= (%s::text::xid8, %s)"],
            params=[str(low[0]), low[1], str(seal.last_xid), seal.last_seq],
        ).order_by("xid", "seq")
    else:
        rows = rows.filter(
            seq__gt=previous.last_seq if previous else 0, seq__lte=seal.last_seq
        ).order_by("seq")
    return rows.iterator(chunk_size=2_000)


def _column_problem(event: AuditEvent) -> str:
    content = orjson.loads(event.body)
    columns = (event.name, event.category, event.action_type, event.actor, event.correlation_id)
    if content.get("id") != str(event.id):
        return "the id differs from the body"
    if tuple(content.get(key) for key in _COMPARED) != columns:
        return "a column differs from the body"
    asset = None if event.asset_id is None else str(event.asset_id)
    if content.get("assetId") != asset or content.get("network") != event.network:
        return "the token differs from the body"
    if content.get("success") != event.success:
        return "the outcome differs from the body"
    return ""


@transaction.atomic
def _keep(size: int, tree: Tree, finding: str) -> AuditVerification:
    before = trail_verdict()
    verification = AuditVerification.objects.create(
        size=size,
        root=tree.root().hex(),
        intact=not finding,
        finding=finding[:500],
        verified_at=timezone.now(),
    )
    name = "audit.trail.verified" if verification.intact else "audit.trail.broken"
    record_event(
        name,
        actor=SYSTEM,
        success=verification.intact,
        error_message=finding or None,
        item_count=size,
        details={"root": verification.root},
    )
    if before.intact is not verification.intact:
        record_event("audit.trail.verdict_changed", actor=SYSTEM, success=verification.intact)
    if finding:
        logger.error("the audit trail is not intact", extra={"finding": finding})
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
