"""One signed state of the log: reads are proven against its root, growth is computed from it.

The folder belongs to a host that may be malicious. So nothing read from it is used unproven: a
bundle of entries is hashed and its place shown in the signed root, and an append starts from a
right edge that gives that root. Otherwise the hub would sign what the host has altered.

What this module does not do: it does not know whether the state is the newest (``service``).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from laennec.core.errors import LedgerError, ProofError
from laennec.ledger import tiles, tree
from laennec.ledger.checkpoint import Checkpoint
from laennec.ledger.folder import Folder
from laennec.ledger.tiles import ENTRIES, WIDTH, Tile, TileHashes

_MAX_TILE_BYTES = WIDTH * tree.HASH_BYTES
_MAX_BUNDLE_BYTES = WIDTH * (tiles.LENGTH_BYTES + tiles.MAX_ENTRY_BYTES)


@dataclass(frozen=True)
class Growth:
    """What an append changes.

    Attributes:
        checkpoint: The next state, unsigned.
        files: Tiles and bundles to write before it is published, in any order.
    """

    checkpoint: Checkpoint
    files: dict[Tile, bytes]


@dataclass
class View:
    """The log as of ``checkpoint``, whose signature the caller has verified."""

    folder: Folder
    checkpoint: Checkpoint
    _hashes: TileHashes = field(init=False)

    def __post_init__(self) -> None:
        """Start with nothing read."""
        self._hashes = TileHashes(self.checkpoint.size, lambda tile: read_tile(self.folder, tile))

    @property
    def bundles(self) -> int:
        """How many bundles hold the entries."""
        return -(-self.checkpoint.size // WIDTH)

    def bundle(self, index: int) -> tuple[bytes, ...]:
        """Return the entries of bundle ``index``, proven to be those the root covers.

        Raises:
            LedgerError: the bundle, or a tile that proves it, is missing or altered.
            ValueError: the log has no such bundle.
        """
        tile = tiles.tile_at(ENTRIES, index, size=self.checkpoint.size)
        entries = tiles.split_entries(read_tile(self.folder, tile), tile=tile)
        leaves = tuple(tree.leaf_hash(entry) for entry in entries)
        start = index * WIDTH
        self._prove(
            start,
            start + tile.width,
            root=tree.root_of(leaves),
            blamed=f"file {tile.path} or a tile above it",
        )
        self._hashes.known[0, index] = leaves
        return entries

    def inclusion_proof(self, index: int) -> tuple[bytes, ...]:
        """Return the audit path of entry ``index``; whoever passes it on verifies it first.

        Raises:
            LedgerError: a tile is missing or has a wrong length.
            ValueError: the log has no such entry.
        """
        return tree.inclusion_proof(index, size=self.checkpoint.size, node=self._hashes.node)

    def consistency_proof(self, old_size: int) -> tuple[bytes, ...]:
        """Return the proof that this state extends the one of ``old_size`` entries.

        Raises:
            LedgerError: a tile is missing or altered.
            ValueError: ``old_size`` is beyond this state.
        """
        self.root_at(old_size)
        return tree.consistency_proof(old_size, size=self.checkpoint.size, node=self._hashes.node)

    def root_at(self, old_size: int) -> bytes:
        """Return the root that the log had at ``old_size`` entries, proven.

        Raises:
            LedgerError: a tile is missing or altered.
            ValueError: ``old_size`` is beyond this state.
        """
        root = tree.subtree_hash(0, old_size, node=self._hashes.node)
        self._prove(0, old_size, root=root, blamed="tiles")
        return root

    def check_edge(self) -> None:
        """Check that the right edge on disk gives the signed root: O(log size) tiles.

        Raises:
            LedgerError: it does not, or a tile is missing.
        """
        if self._hashes.root() != self.checkpoint.root:
            raise _altered("rightmost tiles")

    def grown_by(self, entry: bytes) -> Growth:
        """Compute the state after one more entry; nothing is written.

        Raises:
            LedgerError: the right edge on disk is missing or altered, so that nothing can be added.
            ValueError: the entry is too long for a bundle.
        """
        size = self.checkpoint.size
        index = size // WIDTH
        entries = (*(self.bundle(index) if size % WIDTH else ()), entry)
        self.check_edge()
        changed = self._changed_tiles(tuple(tree.leaf_hash(one) for one in entries), index)
        known = {**self._hashes.known, **changed}
        root = TileHashes(size + 1, self._hashes.read, known).root()
        files = {
            Tile(level, number, len(hashes)): b"".join(hashes)
            for (level, number), hashes in changed.items()
        }
        files[Tile(ENTRIES, index, len(entries))] = tiles.join_entries(entries)
        return Growth(Checkpoint(self.checkpoint.origin, size + 1, root), files)

    def _changed_tiles(
        self, leaves: tuple[bytes, ...], index: int
    ) -> dict[tuple[int, int], tuple[bytes, ...]]:
        """Carry a tile that became full into the level above, as one more hash there."""
        changed = {(0, index): leaves}
        level, hashes = 0, leaves
        while len(hashes) == WIDTH:
            level, (index, before) = level + 1, divmod(index, WIDTH)
            held = self._hashes.hashes(level, index) if before else ()
            hashes = (*held, tree.root_of(hashes))
            changed[level, index] = hashes
        return changed

    def _prove(self, start: int, end: int, *, root: bytes, blamed: str) -> None:
        """Prove a run of leaves against the signed root; ``blamed`` says where it was read."""
        size, node = self.checkpoint.size, self._hashes.node
        proof = tree.subtree_proof(start, end, size=size, node=node)
        try:
            tree.verify_subtree(
                start, end, size=size, subtree_root=root, root=self.checkpoint.root, proof=proof
            )
        except ProofError as error:
            raise _altered(blamed) from error


def read_tile(folder: Folder, tile: Tile) -> bytes:
    """Return the bytes of ``tile``; a partial one is cut from the full one where that replaced it.

    Raises:
        LedgerError: the tile is missing, too long, or cannot be cut.
    """
    longest = _MAX_BUNDLE_BYTES if tile.level == ENTRIES else _MAX_TILE_BYTES
    data = folder.read(tile.path, max_bytes=longest)
    if data is None and tile.width < WIDTH:
        full = folder.read(tile.full.path, max_bytes=longest)
        data = None if full is None else _CUT[tile.level == ENTRIES](full, tile)
    if data is None:
        raise tiles.damaged(tile, "is missing")
    return data


def _altered(what: str) -> LedgerError:
    return LedgerError(
        f"What was signed is not what the ledger's {what} hold.",
        remedy="Run `laennec log verify` and restore the files it names from a copy.",
    )


def _cut_bundle(data: bytes, tile: Tile) -> bytes:
    return tiles.join_entries(tiles.split_entries(data, tile=tile.full)[: tile.width])


def _cut_hashes(data: bytes, tile: Tile) -> bytes:
    return data[: tile.width * tree.HASH_BYTES]


_CUT: dict[bool, Callable[[bytes, Tile], bytes]] = {True: _cut_bundle, False: _cut_hashes}
