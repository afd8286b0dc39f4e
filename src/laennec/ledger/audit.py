"""Checks every file of a log against its signed root, and says which ones are wrong.

The work goes from the root down. First the right edge, the partial tiles whose hashes make up the
root, is established: from the files themselves or, where a file is missing or wrong, recomputed
from the level below. Every hash in an established tile then says what the full tile below must be,
down to the entries. So a wrong file is named even when its neighbours are wrong as well. Where so
much is altered that nothing can be established, every file that cannot be proven is named as such.

What this module does not do: it does not verify signatures, nor compare with older states
(``service``).
"""

from collections.abc import Iterator, Sequence
from itertools import product

from laennec.core.errors import LedgerError
from laennec.ledger import tiles, tree
from laennec.ledger.checkpoint import Checkpoint
from laennec.ledger.folder import LOCK, TEMPORARY, Folder
from laennec.ledger.model import Fault, Finding
from laennec.ledger.state import CHECKPOINT, VERIFIER_KEY
from laennec.ledger.tiles import ENTRIES, WIDTH, Tile, TileHashes
from laennec.ledger.view import read_tile

Hashes = tuple[bytes, ...]

_MAX_NAMED = 8
"""Most entries that one finding numbers."""


class Audit:
    """One pass over the files of a log of known root.

    Attributes:
        findings: Faults found, by file.
        leftovers: Files of an append that never finished.
    """

    def __init__(self, folder: Folder, checkpoint: Checkpoint) -> None:
        self._folder = folder
        self._size = checkpoint.size
        self._root = checkpoint.root
        self.findings: dict[str, Finding] = {}
        self.leftovers: set[str] = set()

    def run(self) -> None:
        """Check every file; fills ``findings`` and ``leftovers``."""
        edge = tuple(tiles.right_edge(self._size))
        established = self._establish(edge)
        if not edge and self._root != tree.EMPTY_ROOT:
            self.findings[CHECKPOINT] = Finding(CHECKPOINT, Fault.ALTERED)
        for tile in edge:
            self._check(tile, established.get(tile) or self._guess(tile), proven=bool(established))
        for path in self._folder.paths():
            self._check_name(path)

    def _establish(self, edge: Sequence[Tile]) -> dict[Tile, Hashes]:
        """Return the edge that gives the signed root, or nothing when none can be found."""
        for choice in self._edges(edge):
            known = {(tile.level, tile.index): one for tile, one in zip(edge, choice, strict=True)}
            if TileHashes(self._size, self._read, known).root() == self._root:
                return dict(zip(edge, choice, strict=True))
        return {}

    def _edges(self, edge: Sequence[Tile]) -> Iterator[tuple[Hashes, ...]]:
        """Yield the edge as stored, then with any of its tiles recomputed from below."""
        stored = [hashes for tile in edge if (hashes := self._hashes(tile))]
        if len(stored) == len(edge):
            yield tuple(stored)
        yield from product(*(tuple(self._candidates(tile)) for tile in edge))

    def _check(self, tile: Tile, hashes: Hashes | None, *, proven: bool) -> None:
        """Compare the files of one tile, and all below it, with its hashes."""
        self._compare(tile, hashes, proven=proven)
        if tile.level == 0:
            self._compare(Tile(ENTRIES, tile.index, tile.width), hashes, proven=proven)
            return
        for place in range(tile.width):
            child = Tile(tile.level - 1, tile.index * WIDTH + place)
            expected = hashes[place] if hashes else None
            fits = (one for one in self._candidates(child) if tree.root_of(one) == expected)
            found = next(fits, None)
            if found is None and expected is not None and proven:
                self._blame_mismatch(child)
            self._check(child, found or self._guess(child), proven=proven and found is not None)

    def _blame_mismatch(self, child: Tile) -> None:
        """Name the files that certainly differ from what an established hash asks for."""
        self._blame(child, Fault.ALTERED)
        if child.level == 0:
            self._blame(Tile(ENTRIES, child.index), Fault.ALTERED)

    def _compare(self, tile: Tile, hashes: Hashes | None, *, proven: bool) -> None:
        """Compare a stored tile or bundle, and its narrower versions, with the right hashes."""
        stored = self._hashes(tile)
        if stored is None or hashes is None or stored != hashes:
            self._blame(tile, Fault.ALTERED, _differing(tile, stored, hashes))
        elif not proven:
            self._blame(tile, Fault.UNPROVEN)
        for older in self._narrower(tile):
            if hashes is None or self._hashes(older) != hashes[: older.width]:
                self._blame(older, Fault.ALTERED)

    def _check_name(self, path: str) -> None:
        """Say of a file that the tree does not ask for whether it may be there."""
        if path in {CHECKPOINT, VERIFIER_KEY, LOCK}:
            return
        if path.endswith(TEMPORARY):
            self.leftovers.add(path)
            return
        try:
            tile = tiles.parse_path(path)
        except LedgerError:
            self.findings[path] = Finding(path, Fault.UNEXPECTED)
            return
        held = self._size >> (tiles.HEIGHT * max(tile.level, 0))
        if tile.index * WIDTH + tile.width > held:
            self.leftovers.add(path)

    def _candidates(self, tile: Tile) -> Iterator[Hashes]:
        """Yield what ``tile`` may hold: as stored, from one level below, from the entries."""
        if stored := self._hashes(tile):
            yield stored
        if below := self._from_below(tile, deep=False):
            yield below
        if tile.level > 0 and (recomputed := self._from_below(tile, deep=True)):
            yield recomputed

    def _guess(self, tile: Tile) -> Hashes | None:
        """Return hashes to go on with where none can be proven."""
        return next(self._candidates(tile), None)

    def _from_below(self, tile: Tile, *, deep: bool) -> Hashes | None:
        """Recompute a tile from its children as stored, or from the entries where ``deep``."""
        if tile.level == 0:
            return self._hashes(Tile(ENTRIES, tile.index, tile.width))
        found = []
        for place in range(tile.width):
            child = Tile(tile.level - 1, tile.index * WIDTH + place)
            hashes = self._from_below(child, deep=True) if deep else self._guess(child)
            if hashes is None:
                return None
            found.append(tree.root_of(hashes))
        return tuple(found)

    def _hashes(self, tile: Tile) -> Hashes | None:
        """Return the hashes in a stored tile, or over a stored bundle; None when unreadable."""
        if not self._folder.holds(tile.path):
            return None
        try:
            data = self._read(tile)
            if tile.level == ENTRIES:
                return tuple(map(tree.leaf_hash, tiles.split_entries(data, tile=tile)))
            return tiles.split_hashes(data, tile=tile)
        except LedgerError:
            return None

    def _read(self, tile: Tile) -> bytes:
        return read_tile(self._folder, tile)

    def _narrower(self, tile: Tile) -> Iterator[Tile]:
        """Yield the stored partial versions of ``tile`` that are narrower than it."""
        for path in self._folder.paths(f"{tile.full.path}.p"):
            try:
                older = tiles.parse_path(path)
            except LedgerError:
                continue  # `_check_name` reports it.
            if older.width < tile.width:
                yield older

    def _blame(self, tile: Tile, fault: Fault, detail: str = "") -> None:
        """Record a fault of a tile's file, unless one is recorded already."""
        fault = fault if self._folder.holds(tile.path) else Fault.MISSING
        self.findings.setdefault(tile.path, Finding(tile.path, fault, detail))


def _differing(tile: Tile, stored: Hashes | None, right: Hashes | None) -> str:
    """Number the entries of a bundle that are not the right ones."""
    if tile.level != ENTRIES or stored is None or right is None:
        return ""
    pairs = enumerate(zip(stored, right, strict=True))
    wrong = [str(tile.index * WIDTH + place) for place, (one, other) in pairs if one != other]
    return "entries " + ", ".join(wrong[:_MAX_NAMED]) + (" and more" * (len(wrong) > _MAX_NAMED))
