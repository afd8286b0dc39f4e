"""Tile paths, widths and bundles, with the examples of the C2SP specification."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laennec.core.errors import LedgerError
from laennec.ledger import tiles, tree
from laennec.ledger.tiles import ENTRIES, Tile

QUICK = settings(max_examples=80, deadline=None)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1_234_067), "tile/0/x001/x234/067"),
        (Tile(1, 999, 1), "tile/1/999.p/1"),
        (Tile(63, 1000, 255), "tile/63/x001/000.p/255"),
        (Tile(ENTRIES, 273, 112), "tile/entries/273.p/112"),
    ],
)
def test_paths_are_those_of_the_specification(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert tiles.parse_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/0",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x01/002",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/05",
        "tile/0/000.p/",
        "tile/0/000/",
        "tile/0/٠٠٠",
        "tile/0/000\n",
        "../tile/0/000",
        "tile/entries/x000/x000/000",
    ],
)
def test_each_tile_has_one_path(path: str) -> None:
    with pytest.raises(LedgerError):
        tiles.parse_path(path)


def test_the_example_of_seventy_thousand_entries() -> None:
    assert list(tiles.right_edge(70_000)) == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert tiles.tile_at(0, 272, size=70_000) == Tile(0, 272)
    assert tiles.tile_at(ENTRIES, 273, size=70_000) == Tile(ENTRIES, 273, 112)
    assert tiles.tile_at(1, 0, size=70_000) == Tile(1, 0)


def test_a_full_tile_starts_the_level_above() -> None:
    assert list(tiles.right_edge(255)) == [Tile(0, 0, 255)]
    assert list(tiles.right_edge(256)) == [Tile(1, 0, 1)]
    assert list(tiles.right_edge(0)) == []


@QUICK
@given(entries=st.lists(st.binary(max_size=40), min_size=1, max_size=256))
def test_a_bundle_gives_back_its_entries(entries: list[bytes]) -> None:
    tile = Tile(ENTRIES, 0, len(entries))
    assert tiles.split_entries(tiles.join_entries(entries), tile=tile) == tuple(entries)


@QUICK
@given(entries=st.lists(st.binary(max_size=40), min_size=1, max_size=20), cut=st.integers(1, 9))
def test_a_truncated_bundle_is_refused(entries: list[bytes], cut: int) -> None:
    tile = Tile(ENTRIES, 0, len(entries))
    with pytest.raises(LedgerError, match=r"tile/entries/000"):
        tiles.split_entries(tiles.join_entries(entries)[:-cut], tile=tile)


def test_lengths_are_checked() -> None:
    longest = b"x" * tiles.MAX_ENTRY_BYTES
    assert len(tiles.join_entries([longest])) == tiles.MAX_ENTRY_BYTES + 2
    with pytest.raises(ValueError, match="too long"):
        tiles.join_entries([longest + b"x"])
    with pytest.raises(LedgerError, match=r"tile/0/000.p/2"):
        tiles.split_hashes(b"\0" * 63, tile=Tile(0, 0, 2))
    with pytest.raises(ValueError, match="no such tile"):
        tiles.tile_at(0, 1, size=256)
    with pytest.raises(ValueError, match="no such tile"):
        tiles.tile_at(0, -1, size=256)


@QUICK
@given(data=st.data(), size=st.integers(1, 1500))
def test_nodes_and_roots_come_out_of_tiles(data: st.DataObject, size: int) -> None:
    leaves = [tree.leaf_hash(str(number).encode()) for number in range(size)]

    def read(tile: Tile) -> bytes:
        span = 256**tile.level
        first = tile.index * 256
        return b"".join(
            tree.root_of(leaves[place * span : (place + 1) * span])
            for place in range(first, first + tile.width)
        )

    hashes = tiles.TileHashes(size, read)
    height = data.draw(st.integers(0, size.bit_length() - 1))
    index = data.draw(st.integers(0, (size >> height) - 1))
    assert hashes.node(height, index) == tree.root_of(leaves[index << height : index + 1 << height])
    assert hashes.root() == tree.root_of(leaves)
