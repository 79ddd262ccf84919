"""The Merkle tree as it is kept: tiles of 256 hashes, each filled once (C2SP tlog-tiles).

Tile (0, n) holds the leaf hashes of positions 256 n and on, with the sequence number of each
event; tile (l, n) holds the roots of the full tiles below it. 40 bytes an event, and a proof reads
a handful of tiles. The database lets a tile grow and nothing else (`tile_trigger`).
"""

from collections.abc import Mapping, Sequence
from struct import pack, unpack

from audit.merkle import node_hash
from audit.models import AuditTile

HASH = 32
PLACE = 8
WIDTH = 256
LEVELS = 8  # of the tree in one tile


class TileNodes:
    """The hashes of complete subtrees, read from tiles; each tile is read once."""

    def __init__(self) -> None:
        self._tiles: dict[tuple[int, int], bytes] = {}

    def node(self, level: int, index: int) -> bytes:
        """Return the hash of a complete subtree. Raises LookupError where it is not kept."""
        height = level % LEVELS
        first = index << height
        tile = self._tile(level // LEVELS, first // WIDTH)
        start = first % WIDTH * HASH
        kept = tile[start : start + (HASH << height)]
        if len(kept) != HASH << height:
            raise LookupError(f"the tiles do not hold node {index} of level {level}")
        return subtree_root(kept)

    def _tile(self, level: int, index: int) -> bytes:
        if (level, index) not in self._tiles:
            row = AuditTile.objects.filter(level=level, number=index).first()
            self._tiles[level, index] = b"" if row is None else bytes(row.hashes)
        return self._tiles[level, index]


def tiles_extend(size: int, leaves: Sequence[bytes], places: Sequence[int]) -> Mapping[int, bytes]:
    """Add leaf hashes, each with the sequence number of its event, behind the first `size`.

    In the sealer's transaction. Returns the root of each tile of level 0 that is full now, by its
    number.
    """
    return _grow(0, size, leaves, pack(f">{len(places)}q", *places))


def tiles_size() -> int:
    """Return how many leaves the tiles hold."""
    last = AuditTile.objects.filter(level=0).order_by("-number").first()
    return 0 if last is None else last.number * WIDTH + len(last.hashes) // HASH


def sealed_places(first: int, last: int) -> list[int]:
    """Return the sequence numbers of the events at the positions from `first` up to `last`."""
    rows = AuditTile.objects.filter(
        level=0, number__gte=first // WIDTH, number__lte=max(first, last - 1) // WIDTH
    )
    kept = b"".join(bytes(row.places) for row in rows.order_by("number"))
    start = first // WIDTH * WIDTH
    chosen = kept[(first - start) * PLACE : (last - start) * PLACE]
    return list(unpack(f">{len(chosen) // PLACE}q", chosen))


def sealed_leaves(first: int, last: int) -> list[bytes]:
    """Return the leaf hashes at the positions from `first` up to `last`."""
    rows = AuditTile.objects.filter(
        level=0, number__gte=first // WIDTH, number__lte=max(first, last - 1) // WIDTH
    )
    kept = b"".join(bytes(row.hashes) for row in rows.order_by("number"))
    start = first // WIDTH * WIDTH
    return [kept[at * HASH : (at + 1) * HASH] for at in range(first - start, last - start)]


def _grow(level: int, count: int, hashes: Sequence[bytes], places: bytes) -> dict[int, bytes]:
    if not hashes:
        return {}
    roots, made = {}, []
    taken = 0
    while taken < len(hashes):
        index, filled = divmod(count + taken, WIDTH)
        part = hashes[taken : taken + WIDTH - filled]
        tile = AuditTile(level=level, number=index, hashes=b"", places=b"")
        if filled:
            tile = AuditTile.objects.get(level=level, number=index)
        tile.hashes = bytes(tile.hashes) + b"".join(part)
        tile.places = bytes(tile.places) + places[taken * PLACE : (taken + len(part)) * PLACE]
        if filled:
            tile.save(update_fields=["hashes", "places"])
        else:
            made.append(tile)
        if filled + len(part) == WIDTH:
            roots[index] = subtree_root(tile.hashes)
        taken += len(part)
    AuditTile.objects.bulk_create(made)
    _grow(level + 1, count // WIDTH, list(roots.values()), b"")
    return roots


def subtree_root(hashes: bytes) -> bytes:
    """Return the root over hashes that follow each other; their number is a power of two."""
    layer = [hashes[at : at + HASH] for at in range(0, len(hashes), HASH)]
    while len(layer) > 1:
        layer = [node_hash(layer[at], layer[at + 1]) for at in range(0, len(layer), 2)]
    return layer[0]
