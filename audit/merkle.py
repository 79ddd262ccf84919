"""The RFC 9162 Merkle tree hash, computed from a frontier of complete subtrees. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256(0x00 || entry) (RFC 9162, section 2.1.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(slots=True)
class Tree:
    """A tree of `size` leaves, held as the hashes of its complete subtrees, largest first."""

    size: int = 0
    frontier: list[bytes] = field(default_factory=list)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash: subtrees of equal size merge."""
        self.append_subtree(leaf, 0)

    def append_subtree(self, root: bytes, height: int) -> None:
        """Add 2^height leaves by the root of their tree; `size` must be a multiple of as many."""
        merged, trees = root, self.size >> height
        while trees & 1:
            merged = node_hash(self.frontier.pop(), merged)
            trees >>= 1
        self.frontier.append(merged)
        self.size += 1 << height

    def extend(self, entries: Iterable[bytes]) -> None:
        """Add the leaf of each entry in order."""
        for entry in entries:
            self.append(leaf_hash(entry))

    def root(self) -> bytes:
        """Return the tree hash of all leaves."""
        if not self.frontier:
            return EMPTY_ROOT
        folded = self.frontier[-1]
        for left in reversed(self.frontier[:-1]):
            folded = node_hash(left, folded)
        return folded
