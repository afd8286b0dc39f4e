"""The Merkle tree of RFC 6962: hashes, proofs and their verification.

A log of ``size`` entries has one root. A *subtree* ``[start, end)`` is a run of leaves that the
tree holds as one node, or as the ragged right edge of one: ``start`` is a multiple of the smallest
power of two that is at least ``end - start``. An inclusion proof is the proof of a subtree of one
leaf, and a consistency proof is the proof of a subtree that starts at 0, so that one walk serves
all of them.

Proofs are made from a *node reader*: ``node(height, index)`` returns the hash of the complete
subtree ``[index * 2**height, (index + 1) * 2**height)``. Making a proof asks for O(log size) such
nodes, each once; no proof reads all leaves.

Pure functions: no I/O, no clock, no randomness. What this module does not do: it does not know who
signed a root. A proof against an unsigned root proves nothing.
Source: RFC 6962 section 2.1; draft-ietf-plants-merkle-tree-certs section 4 for subtrees.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from laennec.core.errors import ProofError

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
"""Root of the tree without leaves."""

NodeReader = Callable[[int, int], bytes]
"""``(height, index)`` to the hash of that complete subtree."""


class Side(Enum):
    """Where the sibling of one step lies, seen from the node that climbs to the root."""

    RIGHT = "right"
    LEFT = "left"
    LEFT_INSIDE = "left, and part of the proven subtree"


@dataclass(frozen=True)
class Step:
    """One step of a climb: the sibling ``[start, end)`` and the side on which it is joined."""

    side: Side
    start: int
    end: int


@dataclass(frozen=True)
class Climb:
    """How the hash of a subtree becomes the root.

    Attributes:
        seed: Leaves of the node the climb starts at.
        known: Whether that node is the whole subtree, so that the verifier holds it already.
        steps: From the seed up to the root.
    """

    seed: tuple[int, int]
    known: bool
    steps: tuple[Step, ...]


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf; its prefix 0x00 keeps a node from passing as an entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node over its two children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes, or over complete subtrees of one size, in log order."""
    level = list(hashes) or [EMPTY_ROOT]
    while len(level) > 1:
        joined = [node_hash(a, b) for a, b in zip(level[::2], level[1::2], strict=False)]
        level = joined + level[len(joined) * 2 :]
    return level[0]


def is_subtree(start: int, end: int) -> bool:
    """Say whether ``[start, end)`` is a subtree of every tree large enough; it may be empty."""
    return 0 <= start <= end and (
        start == end or start % (1 << (end - start - 1).bit_length()) == 0
    )


def subtree_hash(start: int, end: int, *, node: NodeReader) -> bytes:
    """Return the root over the leaves ``[start, end)``.

    Args:
        start: First leaf.
        end: One past the last leaf; ``[start, end)`` must be a subtree.
        node: Reader of complete subtrees; asked for at most one node per bit of ``end - start``.

    Raises:
        ValueError: ``[start, end)`` is not a subtree.
    """
    if not is_subtree(start, end):
        raise ValueError("not a subtree")
    if start == end:
        return EMPTY_ROOT
    parts = []
    while start < end:
        height = (end - start).bit_length() - 1
        parts.append(node(height, start >> height))
        start += 1 << height
    joined = parts.pop()
    while parts:
        joined = node_hash(parts.pop(), joined)
    return joined


def climb(start: int, end: int, *, size: int) -> Climb:
    """Return the way from the subtree ``[start, end)`` to the root of a tree of ``size`` leaves.

    Raises:
        ValueError: the subtree is empty, not a subtree, or reaches beyond ``size``.
    """
    if not (is_subtree(start, end) and start < end <= size):
        raise ValueError("not a subtree of this tree")
    low, high, known, steps = 0, size, True, []
    while (low, high) != (start, end):
        middle = low + (1 << (high - low - 1).bit_length() - 1)
        if end <= middle:
            steps.append(Step(Side.RIGHT, middle, high))
            high = middle
        elif start >= middle:
            steps.append(Step(Side.LEFT, low, middle))
            low = middle
        else:
            steps.append(Step(Side.LEFT_INSIDE, low, middle))
            low = start = middle
            known = False
    return Climb((low, high), known, tuple(reversed(steps)))


def subtree_proof(start: int, end: int, *, size: int, node: NodeReader) -> tuple[bytes, ...]:
    """Return the proof that ``[start, end)`` is part of the tree of ``size`` leaves.

    Returns:
        Hashes in the order in which the verifier consumes them, leaf side first.

    Raises:
        ValueError: ``[start, end)`` is not a subtree of the tree.
    """
    if start == end and is_subtree(start, end) and end <= size:
        return ()
    way = climb(start, end, size=size)
    ranges = [] if way.known else [way.seed]
    ranges += [(step.start, step.end) for step in way.steps]
    return tuple(subtree_hash(low, high, node=node) for low, high in ranges)


def inclusion_proof(index: int, *, size: int, node: NodeReader) -> tuple[bytes, ...]:
    """Return the audit path of leaf ``index``, from its sibling up (RFC 6962, 2.1.1)."""
    return subtree_proof(index, index + 1, size=size, node=node)


def consistency_proof(old_size: int, *, size: int, node: NodeReader) -> tuple[bytes, ...]:
    """Return the proof that a tree extends its state of ``old_size`` (RFC 6962, 2.1.2)."""
    return subtree_proof(0, old_size, size=size, node=node)


def verify_subtree(
    start: int, end: int, *, size: int, subtree_root: bytes, root: bytes, proof: Sequence[bytes]
) -> None:
    """Prove that ``subtree_root`` stands for the leaves ``[start, end)`` of the tree with ``root``.

    An empty subtree is part of every tree; only its own root is checked then.

    Raises:
        ProofError: the proof does not hold, is of the wrong length, or the numbers make no subtree.
    """
    if not (is_subtree(start, end) and end <= size):
        raise _refused("the range is not a subtree of the tree")
    if start == end:
        if proof or subtree_root != EMPTY_ROOT:
            raise _refused("an empty range has one root and an empty proof")
        return
    way = climb(start, end, size=size)
    if len(proof) != len(way.steps) + (not way.known):
        raise _refused("the proof has a wrong number of hashes")
    # A hash of another length could shift bytes between its neighbours without changing the digest.
    if any(len(one) != HASH_BYTES for one in proof):
        raise _refused("a hash of the proof has a wrong length")
    inside = outside = subtree_root if way.known else proof[0]
    for step, sibling in zip(way.steps, proof[not way.known :], strict=True):
        inside = node_hash(sibling, inside) if step.side is Side.LEFT_INSIDE else inside
        right = step.side is Side.RIGHT
        outside = node_hash(outside, sibling) if right else node_hash(sibling, outside)
    if inside != subtree_root or outside != root:
        raise _refused("the hashes do not lead to the signed root")


def verify_inclusion(
    index: int, *, size: int, leaf: bytes, root: bytes, proof: Sequence[bytes]
) -> None:
    """Prove that the leaf hash ``leaf`` stands at ``index`` of the tree with ``root``.

    Raises:
        ProofError: it does not, or ``index`` is outside the tree.
    """
    verify_subtree_inclusion(index, start=0, end=size, leaf=leaf, root=root, proof=proof)


def verify_subtree_inclusion(
    index: int, *, start: int, end: int, leaf: bytes, root: bytes, proof: Sequence[bytes]
) -> None:
    """Prove that ``leaf`` stands at ``index`` of the log, inside the subtree ``[start, end)``.

    Args:
        index: Position in the whole log, not in the subtree.
        start: First leaf of the subtree.
        end: One past its last leaf.
        leaf: Leaf hash.
        root: Root of the subtree.
        proof: Audit path inside the subtree.

    Raises:
        ProofError: it does not.
    """
    if not (is_subtree(start, end) and start <= index < end and len(leaf) == HASH_BYTES):
        raise _refused("there is no such leaf in the tree")
    first = index - start
    verify_subtree(first, first + 1, size=end - start, subtree_root=leaf, root=root, proof=proof)


def verify_consistency(
    old_size: int, *, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]
) -> None:
    """Prove that the tree with ``root`` begins with all leaves of the tree with ``old_root``.

    Raises:
        ProofError: it does not, or the old tree is empty and the new one is not: everything extends
            nothing, so that such a proof would prove nothing.
    """
    if old_size == 0 and size > 0:
        raise _refused("every tree extends the empty one; there is nothing to prove")
    if old_size == size and old_root != root:
        raise _refused("two trees of one size have different roots")
    verify_subtree(0, old_size, size=size, subtree_root=old_root, root=root, proof=proof)


def _refused(reason: str) -> ProofError:
    return ProofError(
        f"The Merkle proof does not hold: {reason}.",
        remedy="Get the proof and the checkpoint again from another source, and tell the auditor.",
    )
