"""Inclusion and consistency proofs of RFC 9162, made and checked. Pure.

Making a proof asks only for the hashes of complete subtrees, whatever keeps them.
"""

from collections.abc import Sequence
from typing import Protocol

from audit.merkle import EMPTY_ROOT, node_hash


class Nodes(Protocol):
    """What knows the hash of every complete subtree."""

    def node(self, level: int, index: int) -> bytes:
        """Return the hash over the leaves from `index << level` to `(index + 1) << level`."""


def tree_root(nodes: Nodes, size: int) -> bytes:
    """Return the hash of the tree of the first `size` leaves."""
    return _root(nodes, 0, size) if size else EMPTY_ROOT


def inclusion_proof(nodes: Nodes, position: int, size: int) -> list[bytes]:
    """Return the hashes that lead from the leaf at `position` to the root of `size` leaves.

    RFC 9162, section 2.1.3.1. Raises ValueError where the tree has no such leaf.
    """
    if not 0 <= position < size:
        raise ValueError(f"a tree of {size} leaves has no position {position}")
    return _path(nodes, position, 0, size)


def consistency_proof(nodes: Nodes, old: int, new: int) -> list[bytes]:
    """Return the hashes that show the tree of `old` leaves to be a prefix of that of `new`.

    RFC 9162, section 2.1.4.1. Raises ValueError unless 0 < old <= new.
    """
    if not 0 < old <= new:
        raise ValueError(f"there is no proof from {old} to {new}")
    return [] if old == new else _subproof(nodes, old, 0, new, complete=True)


def root_from_inclusion(leaf: bytes, position: int, size: int, proof: Sequence[bytes]) -> bytes:
    """Return the root that the proof leads to (RFC 9162, section 2.1.3.2).

    Raises ValueError where a proof of this leaf cannot have this length.
    """
    if not 0 <= position < size:
        raise ValueError(f"a tree of {size} leaves has no position {position}")
    index, last, root = position, size - 1, leaf
    for step in proof:
        if last == 0:
            raise ValueError("the proof is too long")
        if index & 1 or index == last:
            root = node_hash(step, root)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            root = node_hash(root, step)
        index, last = index >> 1, last >> 1
    if last:
        raise ValueError("the proof is too short")
    return root


def is_consistent(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Return whether the proof shows one tree to be a prefix of the other (section 2.1.4.2)."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    steps = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not steps:
        return False
    index, last = old - 1, new - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if index & 1 or index == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            after = node_hash(after, step)
        index, last = index >> 1, last >> 1
    return last == 0 and (before, after) == (old_root, new_root)


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << (count - 1).bit_length() - 1


def _root(nodes: Nodes, low: int, high: int) -> bytes:
    count = high - low
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return nodes.node(level, low >> level)
    middle = low + _split(count)
    return node_hash(_root(nodes, low, middle), _root(nodes, middle, high))


def _path(nodes: Nodes, position: int, low: int, high: int) -> list[bytes]:
    if high - low == 1:
        return []
    middle = low + _split(high - low)
    if position < middle:
        return [*_path(nodes, position, low, middle), _root(nodes, middle, high)]
    return [*_path(nodes, position, middle, high), _root(nodes, low, middle)]


def _subproof(nodes: Nodes, old: int, low: int, high: int, *, complete: bool) -> list[bytes]:
    if old == high:
        return [] if complete else [_root(nodes, low, high)]
    middle = low + _split(high - low)
    if old <= middle:
        left = _subproof(nodes, old, low, middle, complete=complete)
        return [*left, _root(nodes, middle, high)]
    right = _subproof(nodes, old, middle, high, complete=False)
    return [*right, _root(nodes, low, middle)]
