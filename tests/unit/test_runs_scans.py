"""One read of a table for all that ask, files that are skipped, and what is told of both."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.frame_source import FrameSource
from laennec.omop.cdm import CURRENT, cdm
from laennec.runs.definition_plan import plan_definitions
from laennec.runs.explain import explain
from laennec.runs.kernel import evaluate_bucket
from laennec.runs.plan import Plan, plan_study
from laennec.runs.scans import TableScan
from laennec.runs.skips import SkippingSource, skipped
from laennec.study.definition import (
    ConceptFilter,
    Definition,
    Demographics,
    EventQuery,
    Group,
    NumberFilter,
)
from laennec.study.model import (
    ByEvents,
    Cohort,
    ConceptItem,
    ConceptSet,
    Counts,
    CumulativeIncidence,
    Events,
    Incidence,
    Level,
    PeriodPrevalence,
    Study,
    UnionOf,
    Window,
)
from laennec.study.reference import evaluate
from laennec.vault.manifest import Manifest, SealedFile, Snapshot, Statistics
from laennec.warehouse.layout import LISTED, ORDERED, may_have, sort_keys, statistics
from laennec.warehouse.service import View

RowLists = Mapping[str, Sequence[Mapping[str, Any]]]

CONCEPTS = {"drug": frozenset({7}), "other": frozenset({7, 8}), "bleed": frozenset({2, 3})}
DRUG = cdm(CURRENT).tables["drug_exposure"]


def study() -> Study:
    """A drug that both forms of cohort ask for, by different sets, and an outcome."""
    bleed = Events(table="condition_occurrence", concepts="bleed")
    defined = EventQuery(table="drug_exposure", concepts="other")
    return Study(
        name="s",
        title="S",
        concept_sets={name: ConceptSet(items=(ConceptItem(concept_id=1),)) for name in CONCEPTS},
        cohorts=(
            Definition(name="defined", entry=(defined,)),
            Cohort(name="users", entry=Events(table="drug_exposure", concepts="drug")),
            Definition(name="again", entry=(defined,), era_pad=30),
            UnionOf(name="either", cohorts=("users", "defined")),
        ),
        results=(
            Counts(name="flow", cohorts=("users", "either")),
            CumulativeIncidence(name="curve", cohorts=("users",), outcome=bleed, horizon=9, step=3),
            CumulativeIncidence(name="late", cohorts=("users",), outcome=bleed, horizon=90, step=9),
        ),
    )


ROWS: RowLists = {
    "person": [{"person_id": one, "year_of_birth": 1980} for one in (1, 2, 3)],
    "observation_period": [
        {
            "person_id": one,
            "observation_period_start_date": date(2020, 1, 1),
            "observation_period_end_date": date(2021, 1, 1),
        }
        for one in (1, 2, 3)
    ],
    "drug_exposure": [
        {
            "drug_exposure_id": key,
            "person_id": person,
            "drug_concept_id": concept,
            "drug_exposure_start_date": date(2020, 3, key),
        }
        for key, (person, concept) in enumerate([(1, 7), (2, 8), (3, 9), (3, 7)], 1)
    ],
    "condition_occurrence": [
        {
            "condition_occurrence_id": 1,
            "person_id": 1,
            "condition_concept_id": 3,
            "condition_start_date": date(2020, 3, 5),
        }
    ],
}


def plan() -> Plan:
    return plan_study(study(), CONCEPTS)


def test_each_table_is_read_once_whatever_asks_for_it() -> None:
    source = FrameSource(ROWS)
    assert evaluate_bucket(plan(), source, 0) == evaluate(study(), ROWS, CONCEPTS)
    assert Counter(source.reads) == {(table, 0): 1 for table in plan().tables}


def test_the_one_scan_has_the_columns_and_concepts_of_all() -> None:
    scans = {one.table: one for one in plan().table_scans}
    assert list(scans) == list(plan().tables)
    assert scans["drug_exposure"].concepts == {"drug_concept_id": frozenset({7, 8})}
    assert "month_of_birth" in scans["person"].columns
    assert scans["person"].concepts is None


def test_of_persons_only_what_a_filter_asks_for_is_read() -> None:
    race = ConceptFilter(column="person.race_concept_id", concepts=(5,))
    older = NumberFilter(column="age", compare="gt", value=40)
    drug = EventQuery(table="drug_exposure", concepts="other")
    asked = EventQuery(table="drug_exposure", concepts="other", filters=(race,))
    inner = Group(demographics=(Demographics(filters=(race,)),))
    plain = Definition(name="a", entry=(drug,))
    aged = Definition(name="a", entry=(drug.model_copy(update={"filters": (older,)}),))
    for definition, columns in (
        (plain, ("person_id", "year_of_birth")),
        (aged, ("person_id", "year_of_birth")),
        (Definition(name="a", entry=(asked,)), ("person_id", "year_of_birth", "race_concept_id")),
        (
            Definition(name="a", entry=(drug,), qualify=inner),
            ("person_id", "year_of_birth", "race_concept_id"),
        ),
    ):
        persons, *_ = plan_definitions([definition], CONCEPTS).table_scans()
        assert (persons.table, persons.columns) == ("person", columns)


def sealed(table: str, bucket: int, told: Statistics) -> SealedFile:
    return SealedFile("secret-name", table, bucket, 1, 5, 1000, "", "wrapped", told)


def drug_rows(concepts: Sequence[int | None]) -> pl.DataFrame:
    size = len(concepts)
    columns = {
        "drug_exposure_id": list(range(size)),
        "person_id": list(range(size)),
        "drug_exposure_start_date": [date(2020, 1, 1)] * size,
        "drug_concept_id": concepts,
        "drug_source_concept_id": [0] * size,
    }
    kinds = DRUG.polars_schema()
    return pl.DataFrame(columns, schema={name: kinds[name] for name in columns})


@given(
    st.lists(st.none() | st.integers(0, 80) | st.just(2**40), max_size=60),
    st.sets(st.integers(0, 80), max_size=4),
)
def test_what_is_said_of_a_file_never_hides_a_row(
    concepts: list[int | None], asked: set[int]
) -> None:
    told = statistics(drug_rows(concepts), DRUG)["drug_concept_id"]
    there = not asked.isdisjoint(one for one in concepts if one is not None)
    assert may_have(told, asked) or not there
    if len({*concepts} - {None}) <= LISTED:
        assert may_have(told, asked) == there


@given(
    st.lists(
        st.tuples(
            st.integers(-2, 2),
            st.none() | st.dates(date(2020, 1, 1), date(2020, 1, 3)),
            st.integers(),
        ).filter(lambda row: abs(row[2]) < 2**62),
        max_size=6,
    )
)
def test_a_file_is_said_to_lie_in_order_when_it_does(
    keys: list[tuple[int, date | None, int]],
) -> None:
    names = ("person_id", "drug_exposure_start_date", "drug_exposure_id")
    kinds = DRUG.polars_schema()
    given_keys = pl.DataFrame(keys, schema={name: kinds[name] for name in names}, orient="row")
    rows = drug_rows([1] * len(keys)).with_columns(given_keys)
    in_order = keys == sorted(keys, key=lambda row: (row[0], row[1] or date.max, row[2]))
    assert (statistics(rows, DRUG).get(ORDERED) == 1) == in_order
    ordered = rows.sort(sort_keys(DRUG), nulls_last=True)
    assert statistics(ordered, DRUG)[ORDERED] == 1


@pytest.mark.parametrize(
    ("said", "ordered"),
    [([], True), ([{ORDERED: 1}], True), ([{}], False), ([{ORDERED: 1}, {ORDERED: 1}], False)],
)
def test_one_file_alone_lies_in_order_where_that_is_said(
    said: list[Statistics], ordered: bool
) -> None:
    files = tuple(sealed("drug_exposure", 0, one) for one in said)
    unread: Any = None
    view = View(unread, Snapshot(1, "", "", "", Manifest(files)))
    assert view.ordered("drug_exposure", 0) == ordered


class Telling(FrameSource):
    """Knows what no column has."""

    def __init__(self, absent: frozenset[str]) -> None:
        super().__init__({})
        self._absent = absent

    def may_have(self, table: str, bucket: int, column: str, concepts: frozenset[int]) -> bool:
        assert (table, bucket, concepts) == ("drug_exposure", 0, frozenset({7}))
        return column not in self._absent


STANDARD, SOURCE = "drug_concept_id", "drug_source_concept_id"


@pytest.mark.parametrize(
    ("absent", "asked"),
    [
        (frozenset[str](), {STANDARD, SOURCE}),
        (frozenset({SOURCE}), {STANDARD}),
        (frozenset({STANDARD}), {SOURCE}),
        (frozenset({STANDARD, SOURCE}), {STANDARD, SOURCE}),
    ],
)
def test_a_column_that_has_none_of_its_concepts_is_not_asked(
    absent: frozenset[str], asked: set[str]
) -> None:
    seven = frozenset({7})
    scan = TableScan("drug_exposure", ("person_id",), {STANDARD: seven, SOURCE: seven})
    where = scan.where(Telling(absent), 0)
    assert where is not None
    assert set(where.meta.root_names()) == asked
    assert TableScan("drug_exposure", ("person_id",), None).where(Telling(absent), 0) is None


def test_what_the_manifest_says_of_a_column_is_told() -> None:
    files = tuple(sealed("drug_exposure", 0, {STANDARD: one}) for one in ("1", "7"))
    unread: Any = None
    view = View(unread, Snapshot(1, "", "", "", Manifest(files)))
    for column, asked, told in ((STANDARD, 7, True), (STANDARD, 8, False), (SOURCE, 8, True)):
        assert view.may_have("drug_exposure", 0, column, frozenset({asked})) == told
    assert not view.may_have("drug_exposure", 1, STANDARD, frozenset({7}))


def test_of_many_concepts_the_lowest_and_the_highest_are_said() -> None:
    told = statistics(drug_rows(range(5, 105)), DRUG)["drug_concept_id"]
    assert told == "5..104"
    assert [may_have(told, {one}) for one in (4, 5, 104, 105)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("said", "left_out"),
    [
        ({"drug_concept_id": "7 9"}, False),
        ({"drug_concept_id": "1 9"}, True),
        ({"drug_concept_id": "9..400"}, True),
        ({"drug_concept_id": ""}, True),
        ({}, False),
    ],
)
def test_a_file_is_skipped_only_when_it_is_said_to_have_no_such_row(
    said: Statistics, left_out: bool
) -> None:
    files = [sealed("drug_exposure", 0, said), sealed("person", 0, said)]
    found = skipped(plan().table_scans, files)
    assert found == (frozenset({("drug_exposure", 0)}) if left_out else frozenset())


def test_a_bucket_of_several_files_is_read_when_one_of_them_is_needed() -> None:
    files = [sealed("drug_exposure", 0, {"drug_concept_id": one}) for one in ("1", "7")]
    assert not skipped(plan().table_scans, files)


def test_what_is_skipped_is_not_opened_and_changes_nothing() -> None:
    rows: RowLists = {**ROWS, "condition_occurrence": []}
    inner = FrameSource(rows)
    source = SkippingSource(inner, frozenset({("condition_occurrence", 0)}))
    assert evaluate_bucket(plan(), source, 0) == evaluate(study(), rows, CONCEPTS)
    assert ("condition_occurrence", 0) not in inner.reads


def test_an_explanation_takes_no_option_for_a_cohort_of_its_name() -> None:
    entry = Events(table="drug_exposure", concepts="drug")
    bleed = Events(table="condition_occurrence", concepts="bleed")
    share = PeriodPrevalence(name="share", population="users", outcome=bleed, level=Level.RECORD)
    asked = study().model_copy(
        update={
            "cohorts": tuple(Cohort(name=name, entry=entry) for name in ("users", "record")),
            "results": (share,),
        }
    )
    found = explain(plan_study(asked, CONCEPTS), snapshot=1, buckets=1, files=[])
    assert found.steps[-1].cohorts == ("users",)


def test_an_explanation_counts_the_features_that_divide_a_result() -> None:
    bleed = Events(table="condition_occurrence", concepts="bleed")
    feature = ByEvents(
        name="feature",
        events=Events(table="drug_exposure", concepts="drug"),
        window=Window(end=0),
    )
    asked = study().model_copy(update={"cohorts": (), "strata": (feature,)})
    for strata, finds in (((), 1), ((("feature",),), 2)):
        rate = Incidence(name="rate", outcome=bleed, strata=strata)
        plan = plan_study(asked.model_copy(update={"results": (rate,)}), CONCEPTS)
        (step,) = explain(plan, snapshot=1, buckets=1, files=[]).steps
        assert step.finds == finds


def test_an_explanation_tells_steps_and_files_and_no_name_of_the_store() -> None:
    files = [
        sealed("drug_exposure", 0, {"drug_concept_id": "7"}),
        sealed("drug_exposure", 1, {"drug_concept_id": "900"}),
        sealed("person", 0, {"persons": 3}),
        sealed("measurement", 0, {}),
    ]
    found = explain(plan(), snapshot=4, buckets=2, files=files)
    drug = next(one for one in found.tables if one.table == "drug_exposure")
    assert (drug.concepts, drug.readers) == (2, 2)
    assert (drug.files, drug.bytes, drug.skipped_files, drug.skipped_bytes) == (1, 1000, 1, 1000)
    steps = [(one.kind, one.name, one.finds, one.reuses, one.cohorts) for one in found.steps]
    assert steps == [
        ("cohort", "users", 1, 0, ()),
        ("cohort", "defined", 1, 0, ()),
        ("cohort", "again", 0, 1, ()),
        ("cohort", "either", 0, 0, ("users", "defined")),
        ("counts", "flow", 0, 0, ("users", "either")),
        ("cumulative_incidence", "curve", 1, 0, ("users",)),
        ("cumulative_incidence", "late", 0, 1, ("users",)),
    ]
    assert "measurement" not in str(found.to_json())
    assert "secret-name" not in str(found.to_json())
    assert "wrapped" not in str(found.to_json())
