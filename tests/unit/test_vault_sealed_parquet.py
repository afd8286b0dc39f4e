"""Sealed Parquet: both writers, both readers, and the form the file must have."""

import io
from collections.abc import Callable
from datetime import date

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal

from laennec.core.errors import IntegrityError
from laennec.vault.sealed_parquet import (
    file_place,
    read_arrow,
    read_footer,
    read_frame,
    seal_arrow,
    seal_frame,
)
from laennec.vault.summaries import Footer, Summary, together

KEY = bytes(range(32))
PLACE = file_place(warehouse_id="w", table="person", bucket=3, version=1)

FRAME = pl.DataFrame(
    {
        "person_id": [-(2**63), -1, 0, 1, 2**63 - 1],
        "day": [date(1, 1, 1), None, date(2020, 2, 29), date(9999, 12, 31), date(1970, 1, 1)],
        "at": [1_577_881_801_000_005, None, None, None, -(10**15)],
        "text": ["é", "", None, "x" * 300, "日本"],
        "number": [1.5, None, float("inf"), -0.0, 1e-300],
        "flag": [True, False, None, True, True],
    },
    schema_overrides={"person_id": pl.Int64, "at": pl.Datetime("us")},
)
LONG = pl.DataFrame({"a": pl.int_range(300_000, eager=True), "s": ["common"] * 300_000})
EMPTY = FRAME.clear()

Writer = Callable[[pl.DataFrame], bytes]
Reader = Callable[[bytes], pl.DataFrame]


def by_polars(frame: pl.DataFrame) -> bytes:
    return seal_frame(frame, key=KEY, place=PLACE)


def by_pyarrow(frame: pl.DataFrame) -> bytes:
    return seal_arrow(frame.to_arrow(), key=KEY, place=PLACE)


def with_polars(sealed: bytes) -> pl.DataFrame:
    return read_frame(sealed, key=KEY, place=PLACE, name="x")


def with_pyarrow(sealed: bytes) -> pl.DataFrame:
    frame = pl.from_arrow(read_arrow(sealed, key=KEY, place=PLACE, name="x"))
    assert isinstance(frame, pl.DataFrame)
    return frame


@pytest.mark.parametrize("frame", [FRAME, LONG, EMPTY], ids=["mixed", "long", "empty"])
@pytest.mark.parametrize("reader", [with_polars, with_pyarrow])
@pytest.mark.parametrize("writer", [by_polars, by_pyarrow])
def test_each_reader_reads_each_writer(writer: Writer, reader: Reader, frame: pl.DataFrame) -> None:
    assert_frame_equal(reader(writer(frame)), frame)


@pytest.mark.parametrize("writer", [by_polars, by_pyarrow])
def test_projection_keeps_the_order_asked_for(writer: Writer) -> None:
    sealed = writer(FRAME)
    frame = read_frame(sealed, key=KEY, place=PLACE, name="x", columns=["text", "person_id"])
    assert_frame_equal(frame, FRAME.select("text", "person_id"))
    table = read_arrow(sealed, key=KEY, place=PLACE, name="x", columns=["text", "person_id"])
    assert table.column_names == ["text", "person_id"]


@pytest.mark.parametrize("writer", [by_polars, by_pyarrow])
def test_filter_may_use_a_column_that_is_not_returned(writer: Writer) -> None:
    wanted = pl.col("a").is_between(250_000, 250_002)
    frame = read_frame(writer(LONG), key=KEY, place=PLACE, name="x", columns=["s"], where=wanted)
    assert frame.height == 3
    assert frame.columns == ["s"]


@pytest.mark.parametrize("writer", [by_polars, by_pyarrow])
def test_footer_tells_types_missing_values_and_ends_but_none_of_texts(writer: Writer) -> None:
    rows = FRAME.with_columns(none=pl.lit(None, dtype=pl.Int64), nan=pl.lit(float("nan")))
    footer = read_footer(writer(rows), key=KEY, place=PLACE, name="person")
    assert footer.rows == 5
    assert {name: one.kind for name, one in footer.columns.items()} == rows.schema
    assert {name: one.missing for name, one in footer.columns.items()} == {
        name: rows[name].null_count() for name in rows.columns
    }
    ends = {name: (one.least, one.most) for name, one in footer.columns.items()}
    assert ends["person_id"] == (-(2**63), 2**63 - 1)
    assert ends["day"] == (date(1, 1, 1), date(9999, 12, 31))
    assert ends["at"] == (rows["at"].min(), rows["at"].max())
    assert ends["number"] == (-0.0, float("inf"))
    assert ends["text"] == ends["flag"] == ends["none"] == ends["nan"] == (None, None)


def test_a_day_beyond_the_calendar_is_not_told() -> None:
    rows = pl.DataFrame({"day": [0, 2**30]}).with_columns(
        pl.col("day").cast(pl.Int32).cast(pl.Date)
    )
    footer = read_footer(by_polars(rows), key=KEY, place=PLACE, name="x")
    assert footer.columns == {"day": Summary(pl.Date(), 0)}


@pytest.mark.parametrize("writer", [by_polars, by_pyarrow])
def test_nothing_of_a_nested_column_is_told_for_the_one_after_it(writer: Writer) -> None:
    rows = pl.DataFrame({"pair": [{"x": 1, "y": 2}], "a": [7], "list": [[3, 4]], "b": [9]})
    columns = read_footer(writer(rows), key=KEY, place=PLACE, name="x").columns
    assert {name: one.kind for name, one in columns.items()} == rows.schema
    assert columns["a"] == Summary(pl.Int64(), 0, 7, 7)
    assert columns["b"] == Summary(pl.Int64(), 0, 9, 9)
    assert columns["pair"].missing is columns["list"].missing is None


def test_no_footer_is_read_with_another_key_or_at_another_place() -> None:
    for key, place in ((bytes(32), PLACE), (KEY, PLACE + b"x")):
        with pytest.raises(IntegrityError):
            read_footer(by_polars(FRAME), key=key, place=place, name="person")
    plain = io.BytesIO()
    FRAME.write_parquet(plain)
    with pytest.raises(IntegrityError):
        read_footer(plain.getvalue(), key=KEY, place=PLACE, name="person")


def test_footers_of_several_groups_are_told_together() -> None:
    told = Footer(3, {"a": Summary(pl.Int64(), 1, 4, 9), "b": Summary(pl.Int64(), 3)})
    more = Footer(2, {"a": Summary(pl.Int64(), 0, -1, 5), "b": Summary(pl.Int64(), 0, 7, 8)})
    both = together([told, more])
    assert both.rows == 5
    assert both.columns["a"] == Summary(pl.Int64(), 1, -1, 9)
    # All rows of the first lack a value of b, so that its ends are those of the second.
    assert both.columns["b"] == Summary(pl.Int64(), 3, 7, 8)
    silent = Footer(1, {"a": Summary(pl.Int64(), 0), "b": Summary(pl.Int64())})
    quiet = together([told, more, silent]).columns
    assert quiet == {"a": Summary(pl.Int64(), 1), "b": Summary(pl.Int64())}


@pytest.mark.parametrize("writer", [by_polars, by_pyarrow])
def test_file_has_an_encrypted_footer_and_data_pages_of_version_1(writer: Writer) -> None:
    sealed = writer(LONG)
    assert (sealed[:4], sealed[-4:]) == (b"PARE", b"PARE")
    assert PLACE not in sealed
    assert b"common" not in sealed
    import pyarrow.parquet.encryption as pe

    properties = pe.create_decryption_properties(KEY, aad_prefix=PLACE)
    metadata = pq.ParquetFile(pa.BufferReader(sealed), decryption_properties=properties).metadata
    column = metadata.row_group(0).column(0)
    assert column.compression == "ZSTD"
    assert metadata.format_version in {"1.0", "2.6"}


@pytest.mark.parametrize("column", ["absent"])
def test_unknown_column_is_the_callers_mistake(column: str) -> None:
    sealed = by_polars(FRAME)
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        read_frame(sealed, key=KEY, place=PLACE, name="x", columns=[column])
    with pytest.raises(KeyError, match=column):
        read_arrow(sealed, key=KEY, place=PLACE, name="x", columns=[column])


def test_short_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        seal_frame(FRAME, key=bytes(16), place=PLACE)
    with pytest.raises(ValueError, match="32 bytes"):
        seal_arrow(FRAME.to_arrow(), key=bytes(16), place=PLACE)


def test_different_places_differ() -> None:
    places = {
        file_place(warehouse_id=warehouse, table=table, bucket=bucket, version=version)
        for warehouse in ("w", "w1")
        for table in ("person", "1person")
        for bucket in (None, 0, 1, 11)
        for version in (1, 11)
    }
    assert len(places) == 2 * 2 * 4 * 2
