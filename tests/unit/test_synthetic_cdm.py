"""The made-up CDM: rows that belong together, days within observation, rates, and no chance."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.small_vocabulary import ASTHMA, HAEMOGLOBIN, VASECTOMY, write_vocabulary
from laennec.core.errors import AlreadyExistsError, NotFoundError, SettingsError
from laennec.core.progress import Quiet
from laennec.omop.cdm import CURRENT, cdm
from laennec.synthetic.cdm import Order, make
from laennec.synthetic.cdm.catalogue import BANDS, FEMALE, MALE, catalogue, draw, groups
from laennec.synthetic.cdm.eras import GAP_DAYS, eras
from laennec.synthetic.cdm.order import BLOCK
from laennec.synthetic.cdm.values import NEGATIVE, POSITIVE, values

PERSONS = 2_500

EVENTS = {
    "condition_occurrence": ("condition_concept_id", "condition_start_date"),
    "drug_exposure": ("drug_concept_id", "drug_exposure_start_date"),
    "procedure_occurrence": ("procedure_concept_id", "procedure_date"),
    "measurement": ("measurement_concept_id", "measurement_date"),
    "observation": ("observation_concept_id", "observation_date"),
    "device_exposure": ("device_concept_id", "device_exposure_start_date"),
}
REQUIRED = (
    *EVENTS,
    "person",
    "observation_period",
    "visit_occurrence",
    "death",
    "condition_era",
    "drug_era",
    "provider",
    "care_site",
    "location",
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    root = tmp_path_factory.mktemp("cdm")
    vocabulary = write_vocabulary(root / "vocabulary")
    order = Order(PERSONS, 3, 2010, 2019)
    made = make(order, root / "cdm", vocabulary=vocabulary, reporter=Quiet())
    tables = {one.stem: pl.read_parquet(one) for one in made.folder.glob("*.parquet")}
    assert all(tables[name].height == count for name, count in made.rows.items())
    return tables


def test_every_table_has_the_columns_of_the_cdm_and_its_required_values(
    made: dict[str, pl.DataFrame],
) -> None:
    assert set(REQUIRED) <= set(made)
    for name in REQUIRED:
        table = cdm(CURRENT).tables[name]
        assert made[name].schema == table.polars_schema()
        for field in table.fields:
            if field.required:
                assert made[name][field.name].null_count() == 0, (name, field.name)
        if table.primary_key:
            assert made[name][table.primary_key].is_unique().all(), name


def test_references_lead_somewhere(made: dict[str, pl.DataFrame]) -> None:
    keys = {
        "person_id": "person",
        "provider_id": "provider",
        "care_site_id": "care_site",
        "location_id": "location",
    }
    for name in REQUIRED:
        for column, target in keys.items():
            if column in made[name].columns:
                found = made[name].select(column).drop_nulls()
                assert found.join(made[target], on=column, how="anti").is_empty(), (name, column)


@pytest.mark.parametrize("table", EVENTS)
def test_an_event_at_a_visit_is_of_the_same_person(
    made: dict[str, pl.DataFrame], table: str
) -> None:
    linked = made[table].filter(pl.col("visit_occurrence_id").is_not_null())
    visits = made["visit_occurrence"]
    found = linked.join(visits, on=["visit_occurrence_id", "person_id"])
    assert found.height == linked.height > 0


@pytest.mark.parametrize("table", EVENTS)
def test_nearly_all_events_are_observed_and_none_is_after_death(
    made: dict[str, pl.DataFrame], table: str
) -> None:
    _, day = EVENTS[table]
    start, end = "observation_period_start_date", "observation_period_end_date"
    events = made[table].with_row_index("row")
    within = events.join(
        made["observation_period"].select("person_id", start, end), on="person_id"
    ).filter(pl.col(day).is_between(pl.col(start), pl.col(end)))
    assert within["row"].n_unique() > 0.98 * events.height
    dead = events.join(made["death"], on="person_id").filter(pl.col(day) > pl.col("death_date"))
    assert dead.is_empty()


@pytest.mark.parametrize("table", EVENTS)
def test_concepts_are_standard_ones_of_the_domain(
    made: dict[str, pl.DataFrame], table: str
) -> None:
    concept, _ = EVENTS[table]
    found = made[table].select(pl.col(concept).unique().alias("concept_id"))
    rows = found.join(made["concept"].cast({"concept_id": pl.Int64}), on="concept_id")
    assert rows.height == found.height
    assert rows["standard_concept"].unique().to_list() == ["S"]
    assert rows["domain_id"].n_unique() == 1


def test_few_concepts_are_frequent_and_most_are_rare(made: dict[str, pl.DataFrame]) -> None:
    counts = made["observation"]["observation_concept_id"].value_counts()["count"].sort()
    assert int(counts[-4:].sum()) > 0.3 * int(counts.sum())
    assert int(counts[: counts.len() // 2].sum()) < 0.25 * int(counts.sum())


def test_sex_and_age_decide(made: dict[str, pl.DataFrame]) -> None:
    rows = made["procedure_occurrence"].filter(pl.col("procedure_concept_id") == VASECTOMY)
    rows = rows.join(made["person"], on="person_id")
    assert rows["gender_concept_id"].unique().to_list() == [MALE]
    age = rows["procedure_date"].dt.year() - rows["year_of_birth"]
    assert age.min() >= 19  # type: ignore[operator]
    events = made["condition_occurrence"].join(made["person"], on="person_id")
    old = pl.col("year_of_birth") < 1945
    per_person = {
        name: events.filter(one).height / made["person"].filter(one).height
        for name, one in (("old", old), ("young", ~old))
    }
    assert per_person["old"] > 1.2 * per_person["young"]


def test_a_lasting_condition_recurs(made: dict[str, pl.DataFrame]) -> None:
    rows = made["condition_occurrence"].filter(pl.col("condition_concept_id") == ASTHMA)
    assert rows.height > 2 * rows["person_id"].n_unique() > 50


def test_boxes_of_a_maintenance_drug_follow_one_another(made: dict[str, pl.DataFrame]) -> None:
    rows = made["drug_exposure"].filter(pl.col("visit_occurrence_id").is_null())
    assert rows["days_supply"].is_in([28, 30, 90]).all()
    series = rows.group_by("person_id", "drug_concept_id").len()["len"]
    assert series.mean() > 5  # type: ignore[operator]


def test_measurements_have_numbers_with_units_or_answers(made: dict[str, pl.DataFrame]) -> None:
    rows = made["measurement"]
    assert rows["measurement_concept_id"].unique().to_list() == [HAEMOGLOBIN]
    assert rows["unit_concept_id"].unique().to_list() == [8713]
    within = rows["value_as_number"].is_between(12.0, 17.5).mean()
    assert 0.75 < within < 0.95  # type: ignore[operator]
    said = values(np.array([HAEMOGLOBIN, 1]), np.random.default_rng(1))
    assert said.answer[0] == 0
    assert said.answer[1] in (POSITIVE, NEGATIVE)
    assert np.isnan(said.number).tolist() == [False, True]


def test_who_is_away_has_two_periods_that_share_no_day(made: dict[str, pl.DataFrame]) -> None:
    periods = made["observation_period"].sort("person_id", "observation_period_start_date")
    start, end = "observation_period_start_date", "observation_period_end_date"
    assert (periods[start] <= periods[end]).all()
    later = periods.with_columns(before=pl.col(end).shift().over("person_id")).drop_nulls("before")
    assert later.height > 20
    assert (later["before"] < later[start]).all()


def test_the_rows_do_not_depend_on_how_many_persons_follow(tmp_path: Path) -> None:
    vocabulary = write_vocabulary(tmp_path / "vocabulary")
    tables = {}
    for persons in (BLOCK, BLOCK + 5):
        order = Order(persons, 3, 2019, 2019)
        folder = tmp_path / str(persons)
        make(order, folder, vocabulary=vocabulary, reporter=Quiet())
        tables[persons] = pl.read_parquet(folder / "condition_occurrence.parquet")
    few, more = tables.values()
    assert more.filter(pl.col("person_id") <= BLOCK).equals(few)


def test_the_same_order_gives_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    vocabulary = write_vocabulary(tmp_path / "vocabulary")
    found = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        order = Order(300, seed, 2018, 2019)
        made = make(order, tmp_path / name, vocabulary=vocabulary, reporter=Quiet())
        found.append({one.name: one.read_bytes() for one in made.folder.iterdir()})
    assert found[0] == found[1]
    assert found[0]["drug_exposure.parquet"] != found[2]["drug_exposure.parquet"]


@given(
    spans=st.lists(
        st.tuples(st.integers(1, 3), st.integers(7, 8), st.integers(0, 200), st.integers(0, 50)),
        max_size=30,
    )
)
@settings(deadline=None)
def test_eras_cover_each_span_and_are_more_than_a_month_apart(
    spans: list[tuple[int, int, int, int]],
) -> None:
    columns = ["person_id", "concept", "start", "length"]
    frame = pl.DataFrame(spans, schema=dict.fromkeys(columns, pl.Int64), orient="row")
    frame = frame.select("person_id", "concept", "start", end=pl.col("start") + pl.col("length"))
    expected = []
    for person, concept in sorted({(one[0], one[1]) for one in spans}):
        own = sorted((a, a + n) for p, c, a, n in spans if (p, c) == (person, concept))
        merged: list[list[int]] = []
        for start, end in own:
            if merged and start <= merged[-1][1] + GAP_DAYS:
                merged[-1][1] = max(merged[-1][1], end)
                merged[-1][2] += 1
            else:
                merged.append([start, end, 1])
        expected += [(person, concept, *one) for one in merged]
    assert eras(frame).rows() == expected


def test_concepts_are_drawn_by_their_weights_and_none_where_there_is_none() -> None:
    rng = np.random.default_rng(5)
    weight = np.array([[0.0, 1.0, 3.0], [0.0, 0.0, 0.0]])
    drawn = draw(rng, weight, np.repeat([0, 1], 4_000))
    assert (drawn[4_000:] == -1).all()
    counts = np.bincount(drawn[:4_000], minlength=3)
    assert counts[0] == 0
    assert counts[2] / counts[1] == pytest.approx(3.0, rel=0.15)
    assert (draw(rng, np.zeros((2, 0)), np.array([0, 1])) == -1).all()


def test_groups_are_sex_and_age_band() -> None:
    sex, age = np.array([MALE, FEMALE, MALE]), np.array([0, 25, 140])
    assert groups(sex, age).tolist() == [0, BANDS + 2, BANDS - 1]


def test_a_large_domain_keeps_the_concepts_with_rates() -> None:
    found = catalogue([*range(10_000_000, 10_005_000), ASTHMA], "Condition")
    assert found.ids.size == 1_000
    assert ASTHMA in found.ids


def test_what_cannot_be_made_is_refused(tmp_path: Path) -> None:
    order = Order(10, 1, 2019, 2019)
    with pytest.raises(NotFoundError):
        make(order, tmp_path / "a", vocabulary=tmp_path, reporter=Quiet())
    vocabulary = write_vocabulary(tmp_path / "vocabulary")
    with pytest.raises(AlreadyExistsError):
        make(order, vocabulary, vocabulary=vocabulary, reporter=Quiet())
    for numbers in ((0, 1, 2010, 2019), (10, -1, 2010, 2019), (10, 1, 2019, 2010)):
        with pytest.raises(SettingsError):
            Order(*numbers)
    pl.read_parquet(vocabulary / "concept.parquet").filter(
        pl.col("domain_id") == "Observation"
    ).write_parquet(vocabulary / "concept.parquet")
    with pytest.raises(NotFoundError):
        make(order, tmp_path / "a", vocabulary=vocabulary, reporter=Quiet())
