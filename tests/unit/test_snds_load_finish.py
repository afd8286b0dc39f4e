"""Lines to rows: sums, what is taken back, what waits; the order of loads changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from laennec.omop.cdm import CURRENT, cdm
from laennec.snds.claims_rows import visit_key
from laennec.snds.finish import UNITS, BucketInput, LineCount, Surroundings, finish
from laennec.snds.finish_sums import EVENTS
from laennec.snds.lines import as_lines
from laennec.warehouse.layout import sort_keys

DAY = date(2019, 3, 1)
PROVIDERS = pl.DataFrame({"provider_key": ["a", "b"], "provider_id": [1, 2]})
SITES = pl.DataFrame({"care_site_key": ["s"], "care_site_id": [7]})
AROUND = Surroundings(PROVIDERS, SITES)
TABLES = ("visit_occurrence", "visit_detail", "cost", *EVENTS)

Line = tuple[int, int, str | None, str, float]
"""Person, days after ``DAY``, provider, code, units."""


def lines(claims: Sequence[Line]) -> dict[str, pl.DataFrame]:
    """Return the lines of claims: a visit, a drug of 28 days a box, a test a cost of 10."""
    rows = pl.DataFrame(
        [(*one[:1], DAY + timedelta(days=one[1]), *one[2:]) for one in claims],
        schema={
            "person_id": pl.Int64,
            "day": pl.Date,
            "provider_key": pl.String,
            "code": pl.String,
            "units": pl.Float64,
        },
        orient="row",
    ).with_columns(concept=pl.lit(9202, pl.Int64), kind=pl.lit(32810))
    rows = rows.with_columns(
        visit_key=visit_key("person_id", "day", "provider_key", "concept"),
    )
    event = ("person_id", "visit_key", "provider_key", "units")
    return {
        "visit_occurrence": as_lines(
            "visit_occurrence",
            rows.select(
                *event,
                visit_concept_id="concept",
                visit_start_date="day",
                visit_end_date="day",
                visit_type_concept_id="kind",
            ),
        ),
        "drug_exposure": as_lines(
            "drug_exposure",
            rows.select(
                *event,
                drug_concept_id=pl.lit(0),
                drug_source_concept_id=pl.lit(0),
                drug_source_value="code",
                drug_exposure_start_date="day",
                drug_type_concept_id="kind",
                days_supply=pl.lit(28),
            ),
        ),
        "measurement": as_lines(
            "measurement",
            rows.select(
                *event,
                measurement_concept_id=pl.lit(0),
                measurement_source_concept_id=pl.lit(0),
                measurement_source_value="code",
                measurement_date="day",
                measurement_type_concept_id="kind",
            ),
        ),
        "cost": as_lines(
            "cost",
            rows.select(
                "person_id",
                "visit_key",
                cost_domain_id=pl.lit("Visit"),
                cost_type_concept_id="kind",
                currency_concept_id=pl.lit(44818568),
                total_charge=pl.col("units") * 10,
            ),
        ),
    }


@dataclass
class Loads:
    """A bucket through several loads."""

    rows: dict[str, pl.DataFrame] = field(default_factory=dict)
    waiting: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    units: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=UNITS))
    costs: list[pl.DataFrame] = field(default_factory=list)
    counts: list[Mapping[str, LineCount]] = field(default_factory=list)
    next_id: int = 1

    def load(self, claims: Sequence[Line]) -> "Loads":
        return self.load_lines(lines(claims))

    def load_lines(self, new: Mapping[str, pl.DataFrame]) -> "Loads":
        done = finish(
            BucketInput(
                new, self.waiting, self.rows, self.units, dict.fromkeys(TABLES, self.next_id)
            ),
            AROUND,
        )
        self.next_id += 1000
        self.counts.append(done.counts)
        assert all(one.reconciles for one in done.counts.values())
        self.costs += [done.tables["cost"]] if "cost" in done.tables else []
        tables = {table: rows for table, rows in done.tables.items() if table != "cost"}
        for table, rows in tables.items():
            target = cdm(CURRENT).tables[table]
            assert rows.columns == list(target.field_names)
            assert rows.equals(rows.sort(sort_keys(target), nulls_last=True))
            assert rows[str(target.primary_key)].is_unique().all()
        self.units = done.units
        self.rows = {**self.rows, **{name: rows for name, rows in tables.items() if len(rows)}}
        self.rows = {
            name: rows for name, rows in self.rows.items() if tables.get(name, rows).height
        }
        self.waiting = done.waiting
        return self

    def drugs(self) -> list[tuple[int, str, float, int]]:
        rows = self.rows.get("drug_exposure", pl.DataFrame())
        if rows.is_empty():
            return []
        wanted = ("person_id", "drug_source_value", "quantity", "days_supply")
        return sorted(rows.select(wanted).rows())


def test_lines_of_one_thing_are_one_row_with_their_sum() -> None:
    found = Loads().load([(1, 0, "a", "x", 2.0), (1, 0, "a", "x", 1.0), (1, 0, "b", "x", 1.0)])
    assert found.drugs() == [(1, "x", 1.0, 28), (1, "x", 3.0, 84)]
    ends = found.rows["drug_exposure"].sort("quantity")["drug_exposure_end_date"].to_list()
    assert ends == [DAY + timedelta(days=27), DAY + timedelta(days=83)]
    assert found.counts[0]["drug_exposure"] == LineCount(3, 2, 1, 0, 0)


def test_what_is_taken_back_whole_is_no_row() -> None:
    found = Loads().load([(1, 0, "a", "x", 2.0), (1, 0, "a", "x", -2.0), (1, 0, "a", "y", 1.0)])
    assert found.drugs() == [(1, "y", 1.0, 28)]
    assert found.counts[0]["drug_exposure"] == LineCount(3, 1, 0, 2, 0)
    assert found.rows["visit_occurrence"].height == 1


def test_a_later_load_takes_back_what_an_earlier_one_brought() -> None:
    found = Loads().load([(1, 0, "a", "x", 3.0)]).load([(1, 0, "a", "x", -1.0)])
    assert found.drugs() == [(1, "x", 2.0, 56)]
    assert found.rows["drug_exposure"]["drug_exposure_id"].to_list() == [1]
    found.load([(1, 0, "a", "x", -2.0)])
    assert found.drugs() == []
    assert "visit_occurrence" not in found.rows


def test_what_comes_too_early_waits_for_what_it_takes_back() -> None:
    found = Loads().load([(1, 0, "a", "x", -1.0)])
    assert found.rows == {}
    assert found.waiting["drug_exposure"]["units"].to_list() == [-1.0]
    found.load([(2, 0, "a", "x", 1.0)])
    assert found.waiting["drug_exposure"]["units"].to_list() == [-1.0]
    found.load([(1, 0, "a", "x", 2.0)])
    assert found.drugs() == [(1, "x", 1.0, 28), (2, "x", 1.0, 28)]
    assert not found.waiting


def test_units_that_the_cdm_does_not_keep_are_kept_beside_it() -> None:
    found = Loads().load([(1, 0, "a", "x", 2.0)]).load([(1, 0, "a", "x", -1.0)])
    assert found.rows["measurement"].height == 1
    assert found.rows["visit_occurrence"].height == 1
    found.load([(1, 0, "a", "x", -1.0)])
    assert "measurement" not in found.rows


def test_units_stay_when_a_load_brings_none_of_a_table() -> None:
    found = Loads().load([(1, 0, "a", "x", 2.0)])
    found.load_lines({"drug_exposure": lines([(1, 0, "a", "z", 1.0)])["drug_exposure"]})
    found.load([(1, 0, "a", "x", -1.0)])
    assert found.rows["measurement"].height == 1


def test_events_are_tied_to_visit_and_provider() -> None:
    found = Loads().load([(1, 0, "a", "x", 1.0), (1, 0, "b", "x", 1.0), (1, 0, None, "x", 1.0)])
    visits = found.rows["visit_occurrence"].select("visit_occurrence_id", "provider_id")
    drugs = found.rows["drug_exposure"].select("visit_occurrence_id", "provider_id")
    assert sorted(drugs.rows(), key=str) == sorted(visits.rows(), key=str)
    assert len({visit for visit, _ in drugs.rows()}) == 3


def test_an_event_outlives_its_visit_without_it() -> None:
    """A surcharge takes the visit back, as a wrong claim may; the drug was handed out."""
    first = lines([(1, 0, "a", "x", 1.0)])
    found = Loads().load_lines(first)
    back = lines([(1, 0, "a", "x", -1.0)])
    found.load_lines({"visit_occurrence": back["visit_occurrence"]})
    assert "visit_occurrence" not in found.rows
    assert found.rows["drug_exposure"]["visit_occurrence_id"].to_list() == [None]


def test_costs_of_a_visit_are_one_row_a_load_and_sum() -> None:
    found = Loads().load([(1, 0, "a", "x", 2.0), (1, 0, "a", "y", 1.0)])
    found.load([(1, 0, "a", "y", -1.0)])
    (visit,) = found.rows["visit_occurrence"]["visit_occurrence_id"].to_list()
    costs = pl.concat(found.costs)
    assert costs["cost_event_id"].to_list() == [visit, visit]
    assert costs["total_charge"].to_list() == [30.0, -10.0]


def test_a_stay_is_never_summed() -> None:
    stays = as_lines(
        "visit_occurrence",
        pl.DataFrame(
            {
                "person_id": [1, 1],
                "visit_key": [5, 6],
                "visit_concept_id": [9201, 9201],
                "visit_start_date": [DAY, DAY],
                "visit_end_date": [DAY, DAY],
                "visit_type_concept_id": [32810, 32810],
                "care_site_key": ["s", "s"],
            }
        ),
    )
    found = Loads().load_lines({"visit_occurrence": stays})
    found.load([(2, 0, "a", "x", 1.0)])
    visits = found.rows["visit_occurrence"].filter(pl.col("person_id") == 1)
    assert visits["care_site_id"].to_list() == [7, 7]


def test_a_statement_is_said_once() -> None:
    said = as_lines(
        "condition_occurrence",
        pl.DataFrame(
            {
                "person_id": [1, 1],
                "condition_concept_id": [4, 4],
                "condition_start_date": [DAY, DAY],
                "condition_type_concept_id": [32813, 32813],
                "condition_source_value": ["E11", "E11"],
                "condition_status_source_value": ["ALD", "ALD"],
            }
        ),
    )
    found = Loads().load_lines({"condition_occurrence": said})
    found.load_lines({"condition_occurrence": said})
    assert found.rows["condition_occurrence"].height == 1
    assert found.counts[1]["condition_occurrence"] == LineCount(2, 0, 0, 2, 0)


claims = st.tuples(
    st.integers(1, 2),
    st.integers(0, 1),
    st.sampled_from(["a", "b", None]),
    st.sampled_from(["x", "y"]),
    st.sampled_from([-2.0, -1.0, 1.0, 2.0]),
)


def stripped(found: Loads, table: str) -> list[tuple[object, ...]]:
    rows = found.rows.get(table)
    if rows is None:
        return []
    keys = [name for name in rows.columns if not name.endswith("_id") or "concept" in name]
    return sorted(rows.select("person_id", "provider_id", *keys).rows(), key=str)


def test_more_is_taken_back_than_an_earlier_load_brought() -> None:
    found = Loads().load([(1, 0, "a", "x", 1.0)]).load([(1, 0, "a", "x", -2.0)])
    assert found.rows == {}
    for table in ("visit_occurrence", "drug_exposure", "measurement"):
        assert found.waiting[table]["units"].to_list() == [-1.0]
    found.load([(1, 0, "a", "x", 2.0)])
    assert found.drugs() == [(1, "x", 1.0, 28)]
    assert found.rows["visit_occurrence"].height == 1
    assert not found.waiting


@settings(max_examples=60, deadline=None)
@given(st.lists(claims, max_size=12), st.integers(0, 12), st.randoms())
def test_loads_in_turn_and_in_any_order_come_to_the_same(
    every: list[Line], cut: int, chance: object
) -> None:
    at_once = Loads().load(every)
    other = list(every)
    chance.shuffle(other)  # type: ignore[attr-defined]
    in_turn = Loads().load(other[:cut]).load(other[cut:])
    for table in ("visit_occurrence", "drug_exposure", "measurement"):
        assert stripped(at_once, table) == stripped(in_turn, table)
        sums = [
            one.waiting[table]["units"].sum() if table in one.waiting else 0.0
            for one in (at_once, in_turn)
        ]
        assert sums[0] == sums[1]


@settings(max_examples=60, deadline=None)
@given(st.lists(claims, max_size=12), st.randoms())
def test_the_order_of_lines_changes_no_number(every: list[Line], chance: object) -> None:
    other = list(every)
    chance.shuffle(other)  # type: ignore[attr-defined]
    one, two = Loads().load(every), Loads().load(other)
    assert one.rows.keys() == two.rows.keys()
    assert all(rows.equals(two.rows[table]) for table, rows in one.rows.items())


@settings(max_examples=60, deadline=None)
@given(st.lists(claims, max_size=12))
def test_sums_are_those_of_a_plain_reader(every: list[Line]) -> None:
    total: dict[tuple[object, ...], float] = {}
    for person, day, provider, code, units in every:
        place = provider or "nobody"
        total[person, day, place, code] = total.get((person, day, place, code), 0.0) + units
    found = Loads().load(every)
    expected = sorted((key[0], key[3], units) for key, units in total.items() if units > 0)
    assert [(person, code, units) for person, code, units, _ in found.drugs()] == expected
