"""Where the tree lives on disk: hash tiles and entry bundles, and how nodes are read from them.

A tile at level L holds up to 256 hashes, each over ``256**L`` entries; an entry bundle holds the up
to 256 entries under one tile of level 0. Only the rightmost tile of a level may be *partial*. Full
tiles never change; a partial tile is superseded by a wider one.

Pure: files are read through a function that the caller gives. What this module does not do: it
trusts what it reads. Whoever uses a hash from a tile proves it against a signed root (``tree``).
Source: C2SP tlog-tiles.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from laennec.core.errors import LedgerError
from laennec.ledger import tree

HEIGHT = 8
WIDTH = 256
ENTRIES = -1
"""The level of entry bundles, below the leaf hashes of level 0."""
MAX_LEVEL = 63
MAX_ENTRY_BYTES = 0xFFFF
LENGTH_BYTES = 2

_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<high>(?:x[0-9]{3}/)*)(?P<low>[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)
_MAX_GROUPS = 7


@dataclass(frozen=True)
class Tile:
    """The place of one tile or bundle.

    Attributes:
        level: ``ENTRIES`` for a bundle, else 0 to 63.
        index: Number within the level, from 0.
        width: Hashes or entries it holds, 1 to 256; below 256 it is partial.
    """

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Path inside the log's folder, such as ``tile/0/x001/x234/067.p/8``."""
        digits = f"{self.index:03d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        level = "entries" if self.level == ENTRIES else str(self.level)
        suffix = f".p/{self.width}" if self.width < WIDTH else ""
        return "/".join(["tile", level, *(f"x{one}" for one in groups[:-1]), groups[-1]]) + suffix

    @property
    def full(self) -> "Tile":
        """The full tile at the same place."""
        return Tile(self.level, self.index)


TileReader = Callable[[Tile], bytes]
"""Returns the bytes of a tile, or raises ``LedgerError``."""


def parse_path(path: str) -> Tile:
    """Read a path back into the tile it names; exactly one spelling is accepted per tile.

    Raises:
        LedgerError: ``path`` names no tile.
    """
    match = _PATH.fullmatch(path)
    if match and len(match["high"]) <= 5 * _MAX_GROUPS:
        level = ENTRIES if match["level"] == "entries" else int(match["level"])
        index = int(match["high"].replace("x", "").replace("/", "") + match["low"])
        tile = Tile(level, index, int(match["width"] or WIDTH))
        if tile.path == path and level <= MAX_LEVEL:
            return tile
    raise LedgerError(
        "A path names no tile of the log.", remedy="See the ledger format for the names of tiles."
    )


def tile_at(level: int, index: int, *, size: int) -> Tile:
    """Return tile ``index`` of ``level`` as wide as it is in a log of ``size`` entries.

    Raises:
        ValueError: the log is too short to have this tile.
    """
    held = size >> (HEIGHT * max(level, 0))
    width = min(WIDTH, held - index * WIDTH)
    if index < 0 or width < 1:
        raise ValueError("the log has no such tile")
    return Tile(level, index, width)


def right_edge(size: int) -> Iterator[Tile]:
    """Yield the partial tiles of a log of ``size`` entries, from level 0 up."""
    for level in range(MAX_LEVEL + 1):
        held = size >> (HEIGHT * level)
        if held == 0:
            return
        if held % WIDTH:
            yield Tile(level, held // WIDTH, held % WIDTH)


def split_hashes(data: bytes, *, tile: Tile) -> tuple[bytes, ...]:
    """Cut the bytes of a hash tile into its hashes.

    Raises:
        LedgerError: the length does not fit the tile's width.
    """
    if len(data) != tile.width * tree.HASH_BYTES:
        raise damaged(tile, "has a wrong length")
    return tuple(data[at : at + tree.HASH_BYTES] for at in range(0, len(data), tree.HASH_BYTES))


def split_entries(data: bytes, *, tile: Tile) -> tuple[bytes, ...]:
    """Cut the bytes of a bundle into its entries.

    Raises:
        LedgerError: the lengths do not add up, or the number of entries is not the tile's width.
    """
    entries, at = [], 0
    while at + LENGTH_BYTES <= len(data):
        length = int.from_bytes(data[at : at + LENGTH_BYTES], "big")
        at += LENGTH_BYTES
        entries.append(data[at : at + length])
        at += length
    if at != len(data) or len(entries) != tile.width:
        raise damaged(tile, "has a wrong length")
    return tuple(entries)


def join_entries(entries: Sequence[bytes]) -> bytes:
    """Return the bundle of ``entries``: each after its length in two bytes, big-endian.

    Raises:
        ValueError: an entry is longer than 65,535 bytes.
    """
    if any(len(entry) > MAX_ENTRY_BYTES for entry in entries):
        raise ValueError("an entry is too long for a bundle")
    return b"".join(len(entry).to_bytes(LENGTH_BYTES, "big") + entry for entry in entries)


@dataclass
class TileHashes:
    """Nodes of a log of ``size`` entries, read from its tiles, each tile once.

    Attributes:
        size: Entries of the log.
        read: Reads the bytes of a tile.
        known: Hashes by (level, index), kept for this object's life; seeded by a caller that has
            computed tiles which are not on disk yet.
    """

    size: int
    read: TileReader
    known: dict[tuple[int, int], tuple[bytes, ...]] = field(default_factory=dict)

    def hashes(self, level: int, index: int) -> tuple[bytes, ...]:
        """Return the hashes of one tile.

        Raises:
            LedgerError: the tile is missing or has a wrong length.
        """
        if (level, index) not in self.known:
            tile = tile_at(level, index, size=self.size)
            self.known[level, index] = split_hashes(self.read(tile), tile=tile)
        return self.known[level, index]

    def node(self, height: int, index: int) -> bytes:
        """Return the hash of a complete subtree; this is a ``tree.NodeReader``.

        Raises:
            LedgerError: a tile is missing or has a wrong length.
        """
        level, rest = divmod(height, HEIGHT)
        count = 1 << rest
        number, first = divmod(index * count, WIDTH)
        return tree.root_of(self.hashes(level, number)[first : first + count])

    def root(self) -> bytes:
        """Return the root, from the right edge only: O(log size) tiles.

        Raises:
            LedgerError: a tile is missing or has a wrong length.
        """
        return tree.subtree_hash(0, self.size, node=self.node)


def damaged(tile: Tile, what: str) -> LedgerError:
    """Return the error for a tile that cannot be used; ``what`` follows the file's name."""
    return LedgerError(
        f"The ledger's file {tile.path} {what}.",
        remedy="Run `laennec log verify` and restore the files it names from a copy.",
    )
