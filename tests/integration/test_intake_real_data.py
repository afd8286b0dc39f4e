"""Real data sets and vocabularies through the product; counts against DuckDB on the very files."""

import zipfile
from collections import Counter
from pathlib import Path

import duckdb
import polars as pl
import pytest

from fakes.intake_hub import SmallHub
from laennec.intake.report import LoadReport
from laennec.intake.rules import Rule
from laennec.omop.cdm import cdm

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

GIBLEED_KEPT = {
    "person": 2694,
    "observation_period": 2694,
    "visit_occurrence": 1037,
    "condition_occurrence": 65332,
    "drug_exposure": 63323,
    "procedure_occurrence": 37409,
    "measurement": 41870,
    "observation": 1471,
    "drug_era": 52508,
    "condition_era": 65719,
    "cdm_source": 1,
    "concept": 444,
    "vocabulary": 125,
    "domain": 45,
    "concept_relationship": 8,
    "relationship": 480,
    "concept_synonym": 1064,
    "concept_ancestor": 65690,
}
GIBLEED_REFUSED = {
    ("observation_period", Rule.UNKNOWN_PERSON): 2649,
    ("drug_exposure", Rule.REPEATED_KEY): 4384,
    ("measurement", Rule.REPEATED_KEY): 2183,
    ("observation", Rule.REPEATED_KEY): 6,
}
CONCEPTS = [
    ("condition_occurrence", 40481087),
    ("condition_occurrence", 4112343),
    ("condition_occurrence", 192671),
    ("drug_exposure", 1118084),
    ("drug_exposure", 1124300),
    ("drug_exposure", 1127433),
    ("measurement", 3006322),
    ("procedure_occurrence", 4107731),
    ("observation", 4323208),
    ("drug_era", 1125315),
]


def source(*parts: str) -> Path:
    path = DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"shared data {'/'.join(parts)} is absent")
    return path


@pytest.fixture(scope="module")
def gibleed(tmp_path_factory: pytest.TempPathFactory) -> tuple[SmallHub, LoadReport]:
    hub = SmallHub(tmp_path_factory.mktemp("gibleed"))
    return hub, hub.load(source("omop-gibleed"))


@pytest.fixture(scope="module")
def gibleed_whole(tmp_path_factory: pytest.TempPathFactory) -> SmallHub:
    """GiBleed with rows that repeat a key."""
    hub = SmallHub(tmp_path_factory.mktemp("gibleed-whole"))
    report = hub.load(source("omop-gibleed"), keep_repeated=True)
    assert report.by_rule() == {Rule.UNKNOWN_PERSON: 2649}
    return hub


def test_gibleed_is_accounted_for(gibleed: tuple[SmallHub, LoadReport]) -> None:
    hub, report = gibleed
    assert report.cdm_version == "5.3"
    assert {one.table: one.kept for one in report.counts if one.kept} == GIBLEED_KEPT
    refused = {
        (one.table, rule): rows for one in report.counts for rule, rows in one.refused.items()
    }
    assert refused == GIBLEED_REFUSED
    assert (report.read, report.kept, report.quarantined, report.dropped) == (
        sum(GIBLEED_KEPT.values()) + sum(GIBLEED_REFUSED.values()),
        sum(GIBLEED_KEPT.values()),
        sum(GIBLEED_REFUSED.values()),
        0,
    )
    assert report.unknown_columns == {}
    assert hub.view().rows() == GIBLEED_KEPT
    places = hub.quarantine().group_by("table", "rule").len().rows()
    assert {(table, Rule(rule)): rows for table, rule, rows in places} == GIBLEED_REFUSED
    assert hub.view().vocabulary_version == "v5.0 18-JAN-19"
    assert hub.vault.verify().findings == ()


@pytest.mark.parametrize("table", GIBLEED_KEPT)
def test_gibleed_reads_as_many_rows_as_the_files_have(
    gibleed: tuple[SmallHub, LoadReport], table: str
) -> None:
    path = source("omop-gibleed") / f"{table}.parquet"
    rows = duckdb.sql(f"SELECT count(*) FROM '{path}'").fetchone()  # noqa: S608
    assert rows == (next(one.read for one in gibleed[1].counts if one.table == table),)


def direct(table: str, concept: int, *, once: bool) -> tuple[int, int]:
    """Return records and persons of a concept in the source file; only first rows of a key."""
    path = source("omop-gibleed") / f"{table}.parquet"
    known = cdm("5.3").tables[table]
    column = next(name for name in known.field_names if name.endswith("_concept_id"))
    number = f"row_number() OVER (PARTITION BY {known.primary_key} ORDER BY file_row_number)"
    found = duckdb.execute(
        f"SELECT count(*), count(DISTINCT person_id) FROM (SELECT *, {number} AS n "  # noqa: S608
        f"FROM read_parquet('{path}', file_row_number=true)) "
        f"WHERE {column} = ? AND (n = 1 OR NOT ?)",
        [concept, once],
    ).fetchone()
    assert found is not None
    return found[0], found[1]


def through(hub: SmallHub, table: str, concept: int) -> tuple[int, int]:
    """Return records and persons of a concept, bucket by bucket, through the product."""
    view, name = hub.view(), cdm("5.4").tables[table]
    column = next(name for name in name.field_names if name.endswith("_concept_id"))
    records = persons = 0
    for bucket in view.buckets():
        rows = view.read(table, bucket, columns=["person_id"], where=pl.col(column) == concept)
        records, persons = records + rows.height, persons + rows["person_id"].n_unique()
    return records, persons


@pytest.mark.parametrize(("table", "concept"), CONCEPTS)
def test_gibleed_concepts_count_as_in_the_files(
    gibleed: tuple[SmallHub, LoadReport], gibleed_whole: SmallHub, table: str, concept: int
) -> None:
    whole = through(gibleed_whole, table, concept)
    assert whole == direct(table, concept, once=False)
    assert whole > (0, 0)
    assert through(gibleed[0], table, concept) == direct(table, concept, once=True)


@pytest.mark.parametrize(
    "table", ["person", "condition_occurrence", "drug_exposure", "measurement", "observation"]
)
def test_gibleed_values_are_those_of_the_files(gibleed_whole: SmallHub, table: str) -> None:
    rows = gibleed_whole.tables()[table]
    raw = pl.read_parquet(source("omop-gibleed") / f"{table}.parquet")
    raw = raw.rename(str.lower)
    shared = [name for name in raw.columns if name in rows.columns]
    assert len(shared) == len(raw.columns)
    same = raw.select(pl.col(name).cast(rows.schema[name]) for name in shared)
    assert Counter(rows.select(shared).rows()) == Counter(same.rows())


def test_synthea_in_a_zip_of_csv(tmp_path: Path) -> None:
    path = source("omop-synthea27nj", "Synthea27Nj_5.4.zip")
    hub = SmallHub(tmp_path)
    report = hub.load(path)
    assert report.cdm_version == "5.4"
    assert (report.quarantined, report.dropped, report.unknown_columns) == (0, 0, {})
    counted = hub.view().rows()
    assert counted["person"] == 28
    assert counted["measurement"] == 10040
    assert counted["concept_relationship"] == 266588
    assert hub.load(path).already_loaded.keys() == {
        f"{path.name}:{name}" for name in _members(path)
    }


def _members(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return [name for name in archive.namelist() if not name.startswith("__MACOSX/")]


@pytest.mark.parametrize(
    ("folder", "kept", "version"),
    [
        (
            ("vocab-omock-default",),
            {
                "concept": 3361,
                "vocabulary": 65,
                "concept_relationship": 117257,
                "concept_synonym": 3895,
                "concept_ancestor": 1327,
                "drug_strength": 45,
            },
            "mock",
        ),
        (
            ("synthea-raw-27", "vocabulary"),
            {
                "vocabulary": 59,
                "domain": 50,
                "concept_class": 423,
                "concept_relationship": 24860,
                "relationship": 696,
                "concept_ancestor": 115241,
            },
            "v5.0 29-FEB-24",
        ),
    ],
)
def test_closed_vocabularies(
    tmp_path: Path, folder: tuple[str, ...], kept: dict[str, int], version: str
) -> None:
    hub = SmallHub(tmp_path)
    report = hub.intake().load_vocabulary(source(*folder))
    assert report.by_rule() == {}
    assert hub.view().rows() == kept
    assert hub.view().vocabulary_version == version
