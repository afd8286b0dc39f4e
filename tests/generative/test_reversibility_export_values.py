"""Whatever a warehouse can hold survives an export: read by another engine, and loaded again."""

import tempfile
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.export_hub import by_duckdb, export, multiset, rows_of
from fakes.intake_hub import PERSONS, SmallHub, write_csv
from laennec.omop.cdm import cdm
from laennec.reversibility.export_model import Form

TABLE = cdm("5.4").tables["measurement"]
_INT64 = st.integers(-(2**63), 2**63 - 1)
_HARD = st.sampled_from(
    ['"', ",", "\n", "\r", "\r\n", "\t", ";", "\\", "'", " ", "NA", "é", "\U0001f600"]
)
# No NUL: neither CSV nor PostgreSQL has it.
_TEXT = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12),
    st.lists(_HARD, max_size=5).map("".join),
)
_ROW = st.fixed_dictionaries(
    {
        "person_id": st.sampled_from([1, 2, -3, 2**63 - 1]),
        "measurement_concept_id": _INT64,
        "measurement_date": st.dates(date(1, 1, 1), date(9999, 12, 31)),
        "measurement_datetime": st.none()
        | st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)),  # noqa: DTZ001
        "measurement_type_concept_id": _INT64,
        "value_as_number": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "value_as_concept_id": st.none() | _INT64,
        "value_source_value": st.none() | _TEXT,
        "unit_source_value": st.none() | _TEXT,
    }
)
_ROWS = st.lists(_ROW, min_size=1, max_size=8).flatmap(
    lambda rows: st.lists(_INT64, min_size=len(rows), max_size=len(rows), unique=True).map(
        lambda keys: [{"measurement_id": key, **row} for key, row in zip(keys, rows, strict=True)]
    )
)


def hub_of(folder: Path, rows: list[dict[str, object]]) -> SmallHub:
    """Return a hub with four persons and these measurements."""
    hub = SmallHub(folder)
    data = write_csv(folder / "data", {"person": PERSONS})
    types = {name: kind for name, kind in TABLE.polars_schema().items() if name in rows[0]}
    pl.DataFrame(rows, schema=types).write_parquet(data / "measurement.parquet")
    assert hub.load(data).quarantined == 0
    return hub


@pytest.mark.parametrize("form", list(Form))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=_ROWS)
def test_another_engine_reads_the_same_values(form: Form, rows: list[dict[str, object]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        hub = hub_of(Path(name), rows)
        export(hub, Path(name) / "out", form)
        with by_duckdb(Path(name) / "out") as engine:
            read = rows_of(engine, "measurement")
        held = hub.tables()["measurement"]
        assert len(held) == len(rows)
        assert multiset(read).equals(multiset(held))


@pytest.mark.parametrize("form", [Form.PARQUET, Form.CSV])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=_ROWS)
def test_a_new_hub_holds_the_same_values(form: Form, rows: list[dict[str, object]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        hub = hub_of(Path(name), rows)
        export(hub, Path(name) / "out", form)
        again = SmallHub(Path(name) / "again")
        assert again.load(Path(name) / "out").quarantined == 0
        for table, held in hub.tables().items():
            # The loader takes an empty field of CSV for a missing value, quoted or not.
            empty = pl.col(pl.String).replace("", None) if form is Form.CSV else pl.all()
            expected = held.with_columns(empty)
            assert multiset(again.tables()[table]).equals(multiset(expected))
