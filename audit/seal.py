"""Sealing: one sealer appends finished events to a Merkle tree.

Inserting stays a plain INSERT (a hash chain costs 86 % of write throughput); this module reads
with one statement and the transaction horizon, so that an event that commits late is never
skipped (reference/audit.md, B.2). With `audit.verification` the only vendor SQL outside
migrations.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from audit.body import moment_text, number
from audit.log_key import sign_row
from audit.merkle import Tree, leaf_hash
from audit.models import AuditEvent, AuditSeal
from audit.tiles import LEVELS, WIDTH, sealed_places, tiles_extend, tiles_size

logger = logging.getLogger("assayer.audit")

TABLE = AuditEvent._meta.db_table
_LOCK = 0x41535359  # "ASSY": the advisory lock of the one sealer
_BATCH = 40 * WIDTH  # whole tiles, so that one batch rarely rewrites the last one's

_POSTGRES_BATCH = f"""
SELECT e.xid::text AS xid_text, e.seq, e.body FROM "{TABLE}" e
WHERE (e.xid, e.seq) > (%s::text::xid8, %s) AND e.seq > %s
    AND e.xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY e.xid, e.seq LIMIT %s
"""  # noqa: S608 - constants
_SQLITE_BATCH = f"""
SELECT 0, e.seq, e.body FROM "{TABLE}" e WHERE e.seq > %s ORDER BY e.seq LIMIT %s
"""  # noqa: S608 - constants

Row = tuple[str | int, int, str]


@dataclass(frozen=True, slots=True)
class Watermark:
    """Up to where the log is sealed: everything behind it, and behind the floor, follows."""

    xid: int = 0
    seq: int = 0
    floor: int = 0


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
    if not become_sealer():
        return 0
    last = last_seal()
    tree = Tree(last.size, [bytes.fromhex(item) for item in last.frontier]) if last else Tree()
    _fill_tiles(tree.size)
    mark = Watermark(last.last_xid, last.last_seq, last.floor_seq or 0) if last else Watermark()
    if _ids_began_anew(mark):
        rows, mark = _after_restore(tree.size)
    else:
        rows = _batch(mark)
        if rows:
            mark = Watermark(int(rows[-1][0]), rows[-1][1], mark.floor)
    if not rows:
        return 0
    leaves = [leaf_hash(body.encode()) for _, _, body in rows]
    _append(tree, leaves, tiles_extend(tree.size, leaves, [seq for _, seq, _ in rows]))
    seal = AuditSeal(
        size=tree.size,
        root=tree.root().hex(),
        frontier=[item.hex() for item in tree.frontier],
        last_xid=mark.xid,
        last_seq=mark.seq,
        floor_seq=mark.floor or None,
        order_digest=order_digest((xid, seq) for xid, seq, _ in rows),
        sealed_at=timezone.now(),
    )
    seal.signature = sign_row("seal", seal_content(seal, last))
    seal.save(force_insert=True)
    return len(rows)


def _append(tree: Tree, leaves: Sequence[bytes], roots: Mapping[int, bytes]) -> None:
    """Add the leaves to the tree; those of a whole tile by its root, which is known already."""
    at = 0
    while at < len(leaves):
        tile, filled = divmod(tree.size, WIDTH)
        if not filled and tile in roots:
            tree.append_subtree(roots[tile], LEVELS)
            at += WIDTH
        else:
            tree.append(leaves[at])
            at += 1


def order_digest(places: Iterable[tuple[str | int | None, int]]) -> str:
    """Return the SHA-256 of the transaction ids and sequence numbers of a batch, in its order."""
    return sha256("".join(f"{xid or 0} {seq}\n" for xid, seq in places).encode()).hexdigest()


def seal_content(seal: AuditSeal, before: AuditSeal | None) -> dict[str, Any]:
    """Return what the signature of a seal speaks of; so none before it can be taken away."""
    return {
        "size": seal.size,
        "root": seal.root,
        "frontier": seal.frontier,
        "lastXid": number(seal.last_xid),
        "lastSeq": number(seal.last_seq),
        "floorSeq": number(seal.floor_seq),
        "orderDigest": seal.order_digest,
        "sealedAt": moment_text(seal.sealed_at),
        "before": before.signature if before else None,
    }


def last_seal() -> AuditSeal | None:
    """Return the newest seal."""
    return AuditSeal.objects.order_by("-size").first()


def become_sealer() -> bool:
    """Return whether this transaction is the one that may grow the tree, until it ends."""
    if connection.vendor != "postgresql":
        return True  # SQLite has one writer at a time
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def _batch(mark: Watermark) -> list[Row]:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRES_BATCH, [str(mark.xid), mark.seq, mark.floor, _BATCH])
        else:
            cursor.execute(_SQLITE_BATCH, [mark.seq, _BATCH])
        return list(cursor.fetchall())


def _ids_began_anew(mark: Watermark) -> bool:
    # Only PostgreSQL has them: on SQLite the log is read in the order of its numbers.
    return connection.vendor == "postgresql" and 0 < transaction_horizon() <= mark.xid


def _after_restore(size: int) -> tuple[list[Row], Watermark]:
    """Return every event that is not sealed, and a watermark in the new transaction ids.

    A dump and restore begins them anew, below the last one sealed: new events would never be
    behind the watermark again (reference/audit.md, B.2). No writer runs while this reads.
    """
    logger.warning("transaction ids began anew: a dump was restored", extra={"size": size})
    with connection.cursor() as cursor:
        cursor.execute(f'LOCK TABLE "{TABLE}" IN SHARE MODE')
    places = AuditEvent.objects.order_by("seq").values_list("seq", flat=True)
    missing = sorted(set(places) - set(sealed_places(0, size) if size else ()))
    rows = AuditEvent.objects.filter(seq__in=missing).order_by("seq")
    floor = places.last() or 0
    mark = Watermark(transaction_horizon() - 1, floor, floor)
    return [
        (xid or 0, seq, body) for xid, seq, body in rows.values_list("xid", "seq", "body")
    ], mark


def _fill_tiles(size: int) -> None:
    """Make the tiles of what was sealed before there were tiles, in the order of the seals."""
    if tiles_size() == size:
        return
    before: AuditSeal | None = None
    for seal in AuditSeal.objects.order_by("size"):
        rows = _sealed_rows(before, seal)
        tiles_extend(
            before.size if before else 0,
            [leaf_hash(body.encode()) for _, body in rows],
            [seq for seq, _ in rows],
        )
        before = seal


def _sealed_rows(before: AuditSeal | None, seal: AuditSeal) -> Sequence[tuple[int, str]]:
    xid, seq = (before.last_xid, before.last_seq) if before else (0, 0)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                f'SELECT seq, body FROM "{TABLE}" e WHERE (xid, seq) > (%s::text::xid8, %s) '  # noqa: S608
                "AND (xid, seq) <= (%s::text::xid8, %s) ORDER BY e.xid, e.seq",
                [str(xid), seq, str(seal.last_xid), seal.last_seq],
            )
        else:
            cursor.execute(
                f'SELECT seq, body FROM "{TABLE}" WHERE seq > %s AND seq <= %s ORDER BY seq',  # noqa: S608
                [seq, seal.last_seq],
            )
        return list(cursor.fetchall())


def transaction_horizon() -> int:
    """Return the position before which nothing can be added any more.

    PostgreSQL: the oldest transaction still running; SQLite: the next sequence number.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
        else:
            cursor.execute(f'SELECT COALESCE(MAX(seq), 0) + 1 FROM "{TABLE}"')  # noqa: S608
        return int(cursor.fetchone()[0])


def next_transaction() -> int:
    """Return the first transaction id that PostgreSQL has not given to anybody yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")
        return int(cursor.fetchone()[0])
