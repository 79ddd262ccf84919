"""The tree hash against RFC 9162's definition, computed the slow way."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from audit.merkle import EMPTY_ROOT, Tree, leaf_hash


def reference_root(entries: list[bytes]) -> bytes:
    """MTH of RFC 9162, section 2.1.1, by its recursive definition."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    split = 1
    while split * 2 < len(entries):
        split *= 2
    left, right = reference_root(entries[:split]), reference_root(entries[split:])
    return sha256(b"\x01" + left + right).digest()


def test_known_answers() -> None:
    assert Tree().root() == EMPTY_ROOT
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    tree = Tree()
    tree.extend([b""])
    assert tree.root().hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    tree.extend([b"\x00"])
    assert tree.root().hex() == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"


@given(st.lists(st.binary(max_size=4), max_size=70), st.integers(0, 70))
def test_any_tree_grown_in_two_steps_has_the_reference_root(entries: list[bytes], cut: int) -> None:
    first = Tree()
    first.extend(entries[:cut])
    resumed = Tree(first.size, list(first.frontier))
    resumed.extend(entries[cut:])
    assert resumed.root() == reference_root(entries)
    assert resumed.size == len(entries)


@given(st.lists(st.binary(max_size=4), max_size=70), st.integers(0, 5))
def test_whole_subtrees_give_the_tree_of_their_leaves(entries: list[bytes], height: int) -> None:
    tree, width = Tree(), 1 << height
    for at in range(0, len(entries) - width + 1, width):
        tree.append_subtree(reference_root(entries[at : at + width]), height)
    tree.extend(entries[tree.size :])
    assert tree.root() == reference_root(entries)
    assert tree.size == len(entries)


def test_a_leaf_is_never_an_inner_node() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    forged = Tree()
    forged.extend([left + right])
    honest = Tree()
    honest.extend([b"a", b"b"])
    assert forged.root() != honest.root()
