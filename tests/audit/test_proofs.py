"""Inclusion and consistency proofs, against RFC 6962's known answers and against every forgery."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.merkle import Tree, leaf_hash, node_hash
from audit.proofs import (
    consistency_proof,
    inclusion_proof,
    is_consistent,
    root_from_inclusion,
    tree_root,
)

# The eight entries and the roots of the first n of them, as every implementation of RFC 6962 tests.
ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
INCLUSION = {
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 3): ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",),
}
CONSISTENCY = {
    (1, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
}


class Leaves:
    """Every hash from the leaves, for trees that fit into memory."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.leaves = leaves

    def node(self, level: int, index: int) -> bytes:
        layer = self.leaves[index << level : (index + 1) << level]
        assert len(layer) == 1 << level
        while len(layer) > 1:
            layer = [node_hash(layer[at], layer[at + 1]) for at in range(0, len(layer), 2)]
        return layer[0]


def leaves_of(count: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(count)]


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_are_the_known_ones(size: int) -> None:
    nodes = Leaves([leaf_hash(entry) for entry in ENTRIES])
    assert tree_root(nodes, size).hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("place", "proof"), INCLUSION.items())
def test_inclusion_is_shown_as_known(place: tuple[int, int], proof: tuple[str, ...]) -> None:
    nodes = Leaves([leaf_hash(entry) for entry in ENTRIES])
    made = inclusion_proof(nodes, *place)
    assert tuple(step.hex() for step in made) == proof
    position, size = place
    root = root_from_inclusion(leaf_hash(ENTRIES[position]), position, size, made)
    assert root.hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("sizes", "proof"), CONSISTENCY.items())
def test_consistency_is_shown_as_known(sizes: tuple[int, int], proof: tuple[str, ...]) -> None:
    nodes = Leaves([leaf_hash(entry) for entry in ENTRIES])
    made = consistency_proof(nodes, *sizes)
    assert tuple(step.hex() for step in made) == proof
    old, new = (bytes.fromhex(ROOTS[size - 1]) for size in sizes)
    assert is_consistent(*sizes, old, new, made)


def test_every_proof_of_every_small_tree_holds_and_no_other() -> None:
    leaves = leaves_of(40)
    nodes = Leaves(leaves)
    roots = [tree_root(nodes, size) for size in range(len(leaves) + 1)]
    for size in range(1, len(leaves) + 1):
        tree = Tree()
        for leaf in leaves[:size]:
            tree.append(leaf)
        assert tree.root() == roots[size]
        for position in range(size):
            proof = inclusion_proof(nodes, position, size)
            assert root_from_inclusion(leaves[position], position, size, proof) == roots[size]
            wrong = leaves[(position + 1) % size] if size > 1 else sha256(b"x").digest()
            assert root_from_inclusion(wrong, position, size, proof) != roots[size]
        for old in range(1, size + 1):
            proof = consistency_proof(nodes, old, size)
            assert is_consistent(old, size, roots[old], roots[size], proof)
            assert not is_consistent(old, size, roots[0], roots[size], proof)
            assert not is_consistent(old, size, roots[old], roots[0], proof)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_changed_proof_holds(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 300))
    nodes, leaves = Leaves(leaves_of(size)), leaves_of(size)
    root = tree_root(nodes, size)
    position = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(nodes, position, size)
    at = data.draw(st.integers(0, len(proof) - 1))
    change = data.draw(st.sampled_from(["flip", "drop", "repeat"]))
    forged = list(proof)
    if change == "flip":
        forged[at] = bytes([forged[at][0] ^ 1]) + forged[at][1:]
    elif change == "drop":
        del forged[at]
    else:
        forged.insert(at, forged[at])
    try:
        assert root_from_inclusion(leaves[position], position, size, forged) != root
    except ValueError:
        assert change != "flip"


@pytest.mark.parametrize(("position", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_what_is_not_in_the_tree_has_no_proof(position: int, size: int) -> None:
    nodes = Leaves(leaves_of(3))
    with pytest.raises(ValueError, match="no position"):
        inclusion_proof(nodes, position, size)
    with pytest.raises(ValueError, match="no position"):
        root_from_inclusion(b"", position, size, [])


@pytest.mark.parametrize(("old", "new"), [(0, 3), (4, 3), (-1, 2)])
def test_nothing_is_consistent_with_no_tree(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="no proof"):
        consistency_proof(Leaves(leaves_of(4)), old, new)
    assert not is_consistent(old, new, b"", b"", [])
