"""Every way to change a sealed file: an error, or, where nothing of it is used, the same rows."""

import io
from collections.abc import Callable

import polars as pl
import pytest

from fakes.vault_store import seeded
from laennec.core.errors import IntegrityError
from laennec.vault.sealed_parquet import (
    file_place,
    read_arrow,
    read_frame,
    seal_arrow,
    seal_frame,
)

KEY = bytes(range(32))
PLACE_PARTS = {"warehouse_id": "w", "table": "person", "bucket": 3, "version": 1}
PLACE = file_place(warehouse_id="w", table="person", bucket=3, version=1)
FRAME = pl.DataFrame(
    {
        "person_id": pl.int_range(2000, eager=True),
        "source": [f"CANARY{n % 7}" for n in range(2000)],
        "nothing": pl.Series([None] * 2000, dtype=pl.Int32),
    }
)
Writer = Callable[[], bytes]
Reader = Callable[[bytes], pl.DataFrame]


def polars_file() -> bytes:
    return seal_frame(FRAME, key=KEY, place=PLACE)


def pyarrow_file() -> bytes:
    return seal_arrow(FRAME.to_arrow(), key=KEY, place=PLACE)


def with_polars(sealed: bytes, key: bytes = KEY, place: bytes = PLACE) -> pl.DataFrame:
    return read_frame(sealed, key=key, place=place, name="objects/aa/b")


def with_pyarrow(sealed: bytes, key: bytes = KEY, place: bytes = PLACE) -> pl.DataFrame:
    frame = pl.from_arrow(read_arrow(sealed, key=key, place=place, name="objects/aa/b"))
    assert isinstance(frame, pl.DataFrame)
    return frame


both_writers = pytest.mark.parametrize("writer", [polars_file, pyarrow_file])
both_readers = pytest.mark.parametrize("reader", [with_polars, with_pyarrow])


@both_writers
@both_readers
def test_wrong_key_is_refused(writer: Writer, reader: Callable[..., pl.DataFrame]) -> None:
    with pytest.raises(IntegrityError, match="objects/aa/b"):
        reader(writer(), key=bytes(32))


@both_writers
@both_readers
@pytest.mark.parametrize(
    "change",
    [{"warehouse_id": "v"}, {"table": "death"}, {"bucket": 4}, {"bucket": None}, {"version": 2}],
)
def test_wrong_place_is_refused(
    writer: Writer, reader: Callable[..., pl.DataFrame], change: dict[str, str | int | None]
) -> None:
    elsewhere = file_place(**{**PLACE_PARTS, **change})  # type: ignore[arg-type]
    with pytest.raises(IntegrityError):
        reader(writer(), place=elsewhere)


@both_writers
@both_readers
def test_no_flipped_bit_gives_a_wrong_row(writer: Writer, reader: Reader) -> None:
    """Bits in every module: pages, page headers, indexes, footer, lengths and magic."""
    sealed, chance = writer(), seeded(7)
    edges = [*range(40), *range(len(sealed) - 40, len(sealed))]
    refused = 0
    for offset in edges + chance.sample(range(len(sealed)), min(500, len(sealed))):
        altered = bytearray(sealed)
        altered[offset] ^= 1 << chance.randrange(8)
        try:
            rows = reader(bytes(altered))
        except IntegrityError:
            refused += 1
        else:
            assert rows.equals(FRAME), f"a wrong row after a flip at {offset}"
    assert refused > 500


@both_writers
@both_readers
def test_every_truncation_is_refused(writer: Writer, reader: Reader) -> None:
    sealed = writer()
    for size in [*range(1, len(sealed), 97), len(sealed) - 1]:
        with pytest.raises(IntegrityError):
            reader(sealed[:size])
        with pytest.raises(IntegrityError):
            reader(sealed[: size // 2] + sealed[-(size - size // 2) :])


@both_readers
def test_modules_moved_within_the_file_are_refused(reader: Reader) -> None:
    """Two columns of equal content: their pages have equal sizes, and only the AAD tells them."""
    twins = pl.DataFrame({"a": list(range(1000)), "b": list(range(1000, 2000))})
    sealed = seal_frame(twins, key=KEY, place=PLACE)
    assert reader(sealed).equals(twins)
    _, first, _, second = _pages(sealed)
    assert len(first) == len(second)
    moved = sealed.replace(first, b"?" * len(first)).replace(second, first)
    moved = moved.replace(b"?" * len(first), second)
    assert sorted(moved) == sorted(sealed)
    with pytest.raises(IntegrityError):
        reader(moved)


@both_readers
def test_page_of_another_file_under_the_same_key_is_refused(reader: Reader) -> None:
    """Even if a key were used twice, a file's own random id keeps its pages in it."""
    one = pl.DataFrame({"a": list(range(1000))})
    two = pl.DataFrame({"a": list(range(1000, 2000))})
    sealed_one = seal_frame(one, key=KEY, place=PLACE)
    sealed_two = seal_frame(two, key=KEY, place=PLACE)
    (_, page_one), (_, page_two) = _pages(sealed_one), _pages(sealed_two)
    assert len(page_one) == len(page_two)
    with pytest.raises(IntegrityError):
        reader(sealed_one.replace(page_one, page_two))


@both_readers
def test_plaintext_file_in_its_place_is_refused(reader: Reader) -> None:
    """Polars alone would return these forged rows, keys or no keys."""
    out = io.BytesIO()
    FRAME.write_parquet(out)
    forged = out.getvalue()
    for body in (forged, b"PARE" + forged[4:], forged[:-4] + b"PARE", b"", b"PARE", b"PAREPARE"):
        with pytest.raises(IntegrityError):
            reader(body)


@both_readers
def test_file_sealed_by_the_host_is_refused(reader: Reader) -> None:
    with pytest.raises(IntegrityError):
        reader(seal_frame(FRAME, key=bytes(32), place=PLACE))


@both_writers
def test_nothing_of_the_rows_or_the_schema_is_readable(writer: Writer) -> None:
    sealed = writer()
    for word in (b"CANARY", b"person_id", b"source", b"nothing", b"Polars", b"parquet", b"person"):
        assert word not in sealed


def _pages(sealed: bytes) -> list[bytes]:
    """Return the pages of a small sealed file, a dictionary and a data page for each column.

    A module is its length (4 bytes), nonce, ciphertext and tag; page headers are the short ones.
    """
    found, at = [], 4
    while at < len(sealed) - 8:
        length = int.from_bytes(sealed[at : at + 4], "little")
        if at + 4 + length > len(sealed) - 8:
            break
        if length > 1000:
            found.append(sealed[at : at + 4 + length])
        at += 4 + length
    return found
