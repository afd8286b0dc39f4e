"""Parquet of a result: the same rows as the CSV for every reader, byte for byte the same again."""

import io
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq
from hypothesis import given, settings

from fakes.report_example import raw_result
from laennec.disclosure import check, load_profile
from laennec.omop.summarised_parquet import rows_to_parquet, settings_to_parquet
from laennec.omop.summarised_result import COLUMNS, ResultSettings, SummarisedResult
from unit.test_omop_summarised_result import results

RAW = raw_result()
FIXED = ("result_type", "package_name", "package_version")
PUBLISHED = check(RAW, load_profile("france-11")).published


@settings(max_examples=40, deadline=None)
@given(results())
def test_rows_lose_nothing(result: SummarisedResult) -> None:
    table = pq.read_table(io.BytesIO(rows_to_parquet(result)))
    assert table.column_names == list(COLUMNS)
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        tuple(getattr(row, name) for name in COLUMNS) for row in result.rows
    ]


@settings(max_examples=40, deadline=None)
@given(results())
def test_settings_lose_nothing(result: SummarisedResult) -> None:
    lines = pq.read_table(io.BytesIO(settings_to_parquet(result))).to_pylist()
    found = []
    for line in lines:
        extra = {name: value for name, value in line.items() if value is not None}
        kind, package, version = (extra.pop(name) for name in FIXED)
        found.append(ResultSettings(extra.pop("result_id"), kind, package, version, extra))
    assert found == list(result.settings)


def test_types_are_those_of_omopgenerics() -> None:
    for file in (rows_to_parquet(PUBLISHED), settings_to_parquet(PUBLISHED)):
        schema = pq.read_schema(io.BytesIO(file))
        assert str(schema.field("result_id").type) == "int32"
        assert {str(one.type) for one in schema if one.name != "result_id"} == {"string"}
        assert not schema.metadata
    columns = pq.read_schema(io.BytesIO(settings_to_parquet(PUBLISHED))).names
    assert columns[:8] == [
        *("result_id", "result_type", "package_name", "package_version"),
        *("group", "strata", "additional", "min_cell_count"),
    ]
    assert columns[8:] == sorted(columns[8:])


def test_equal_results_give_equal_bytes() -> None:
    again = check(raw_result(), load_profile("france-11")).published
    assert rows_to_parquet(PUBLISHED) == rows_to_parquet(again)
    assert settings_to_parquet(PUBLISHED) == settings_to_parquet(again)


def test_no_hidden_value_is_in_the_file() -> None:
    """Neither as a value, nor in the statistics that Parquet keeps beside the values."""
    file = pq.ParquetFile(io.BytesIO(rows_to_parquet(PUBLISHED)))
    values = [row["estimate_value"] for row in file.read().to_pylist()]
    assert values == [row.estimate_value for row in PUBLISHED.rows]
    shown = set(values)
    hidden = {row.estimate_value for row in RAW.rows} - shown
    assert hidden
    position = list(COLUMNS).index("estimate_value")
    for group in range(file.metadata.num_row_groups):
        found = file.metadata.row_group(group).column(position).statistics
        assert {found.min, found.max} <= shown


def test_duckdb_and_polars_read_both_files(tmp_path: Path) -> None:
    rows, settings_ = tmp_path / "s.parquet", tmp_path / "s_settings.parquet"
    rows.write_bytes(rows_to_parquet(PUBLISHED))
    settings_.write_bytes(settings_to_parquet(PUBLISHED))
    types = {one.result_id: one.result_type for one in PUBLISHED.settings}
    expected = sorted({(types[row.result_id], row.variable_name) for row in PUBLISHED.rows})
    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT DISTINCT result_type, variable_name FROM read_parquet(?) "
            "JOIN read_parquet(?) USING (result_id) ORDER BY ALL",
            [str(rows), str(settings_)],
        ).fetchall()
    assert found == expected
    joined = pl.read_parquet(rows).join(pl.read_parquet(settings_), on="result_id")
    assert sorted(set(joined.select("result_type", "variable_name").rows())) == expected
