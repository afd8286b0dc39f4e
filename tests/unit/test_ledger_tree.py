"""The Merkle tree against the recursive definition of RFC 6962, on random sizes."""

import hashlib
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laennec.core.errors import ProofError
from laennec.ledger import tree

LEAVES = tuple(tree.leaf_hash(str(number).encode()) for number in range(700))
SIZES = st.one_of(st.integers(1, 40), st.integers(250, 262), st.integers(500, 700))
QUICK = settings(max_examples=60, deadline=None)


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, word for word."""
    if len(leaves) == 0:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = naive_root(leaves[:split]), naive_root(leaves[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def naive_path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 6962, section 2.1.1, word for word."""
    if len(leaves) == 1:
        return []
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    if index < split:
        return [*naive_path(index, leaves[:split]), naive_root(leaves[split:])]
    return [*naive_path(index - split, leaves[split:]), naive_root(leaves[:split])]


def node(height: int, index: int) -> bytes:
    return naive_root(LEAVES[index << height : (index + 1) << height])


def altered(proof: Sequence[bytes], place: int) -> tuple[bytes, ...]:
    changed = list(proof)
    changed[place] = bytes([changed[place][0] ^ 1]) + changed[place][1:]
    return tuple(changed)


@QUICK
@given(size=st.integers(0, 700))
def test_the_root_is_the_recursive_one(size: int) -> None:
    expected = naive_root(LEAVES[:size])
    assert tree.root_of(LEAVES[:size]) == expected
    assert tree.subtree_hash(0, size, node=node) == expected


@QUICK
@given(data=st.data(), size=SIZES)
def test_every_inclusion_proof_is_the_published_path_and_holds(
    data: st.DataObject, size: int
) -> None:
    index = data.draw(st.integers(0, size - 1))
    root = naive_root(LEAVES[:size])
    proof = tree.inclusion_proof(index, size=size, node=node)
    assert list(proof) == naive_path(index, LEAVES[:size])
    tree.verify_inclusion(index, size=size, leaf=LEAVES[index], root=root, proof=proof)


@QUICK
@given(data=st.data(), size=st.integers(2, 700))
def test_no_altered_inclusion_proof_holds(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1).filter(lambda one: one != index))
    root = naive_root(LEAVES[:size])
    proof = tree.inclusion_proof(index, size=size, node=node)
    bent = altered(proof, data.draw(st.integers(0, len(proof) - 1)))
    for at, leaf, hashes in (
        (other, LEAVES[index], proof),
        (index, LEAVES[other], proof),
        (index, LEAVES[index], bent),
        (index, LEAVES[index], proof[:-1]),
        (index, LEAVES[index], (*proof, root)),
        (index, LEAVES[index], (proof[0] + b"\0", *proof[1:])),
    ):
        with pytest.raises(ProofError):
            tree.verify_inclusion(at, size=size, leaf=leaf, root=root, proof=hashes)


@QUICK
@given(data=st.data(), size=SIZES)
def test_every_consistency_proof_holds_and_no_altered_one(data: st.DataObject, size: int) -> None:
    old_size = data.draw(st.integers(1, size))
    old_root, root = naive_root(LEAVES[:old_size]), naive_root(LEAVES[:size])
    proof = tree.consistency_proof(old_size, size=size, node=node)
    tree.verify_consistency(old_size, size=size, old_root=old_root, root=root, proof=proof)
    forged = [((*proof, root), old_root)]
    forged.append((proof, tree.node_hash(old_root, old_root)))
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        forged += [(altered(proof, place), old_root), (proof[:-1], old_root)]
    for hashes, claimed in forged:
        with pytest.raises(ProofError):
            tree.verify_consistency(old_size, size=size, old_root=claimed, root=root, proof=hashes)


@QUICK
@given(data=st.data(), size=SIZES)
def test_every_subtree_is_shown_in_its_place_and_in_no_other(
    data: st.DataObject, size: int
) -> None:
    height = data.draw(st.integers(0, size.bit_length() - 1))
    start = data.draw(st.integers(0, (size - 1) >> height)) << height
    end = data.draw(st.integers(start + 1, min(size, start + (1 << height))))
    root, own = naive_root(LEAVES[:size]), naive_root(LEAVES[start:end])
    proof = tree.subtree_proof(start, end, size=size, node=node)
    tree.verify_subtree(start, end, size=size, subtree_root=own, root=root, proof=proof)
    with pytest.raises(ProofError):
        tree.verify_subtree(
            start, end, size=size, subtree_root=tree.leaf_hash(own), root=root, proof=proof
        )


@pytest.mark.parametrize("make", [tree.inclusion_proof, tree.consistency_proof])
def test_a_proof_reads_few_nodes(make: Callable[..., tuple[bytes, ...]]) -> None:
    asked: list[tuple[int, int]] = []

    def counted(height: int, index: int) -> bytes:
        asked.append((height, index))
        return LEAVES[0]

    size = 2**40 + 12_345_679
    make(2**39 + 1, size=size, node=counted)
    assert len(asked) == len(set(asked)) <= 2 * size.bit_length()


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, 0, True),
        (3, 3, True),
        (0, 5, True),
        (4, 7, True),
        (8, 13, True),
        (1, 3, False),
        (2, 5, False),
        (5, 4, False),
        (-1, 0, False),
    ],
)
def test_which_ranges_are_subtrees(start: int, end: int, expected: bool) -> None:
    assert tree.is_subtree(start, end) is expected


def test_ranges_that_are_no_subtree_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="subtree"):
        tree.subtree_hash(1, 3, node=node)
    with pytest.raises(ValueError, match="subtree"):
        tree.inclusion_proof(5, size=5, node=node)
    with pytest.raises(ValueError, match="subtree"):
        tree.consistency_proof(6, size=5, node=node)


def test_the_empty_tree_has_no_leaf_and_extends_nothing() -> None:
    with pytest.raises(ProofError):
        tree.verify_inclusion(0, size=0, leaf=LEAVES[0], root=tree.EMPTY_ROOT, proof=())
    tree.verify_consistency(0, size=0, old_root=tree.EMPTY_ROOT, root=tree.EMPTY_ROOT, proof=())
    with pytest.raises(ProofError):
        tree.verify_consistency(0, size=1, old_root=tree.EMPTY_ROOT, root=LEAVES[0], proof=())


def test_a_leaf_and_a_node_never_hash_alike() -> None:
    left, right = LEAVES[:2]
    assert tree.leaf_hash(left + right) != tree.node_hash(left, right)
