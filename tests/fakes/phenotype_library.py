"""The OHDSI phenotype library by this program and by circe-be's SQL, on one set of Parquet files.

The SQL is made by ``duckcdm``'s port of circe-be and of SqlRender and run by DuckDB.
"""

import json
import tarfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import duckdb
import polars as pl
from duckcdm.circe import build_cohort_query
from duckcdm.sqlrender import render, split_sql
from duckcdm.sqlrender import translate as translate_sql

from laennec.omop.cdm import CURRENT, cdm
from laennec.omop.concepts import resolve_all
from laennec.runs.definition_bucket import DefinitionBucket
from laennec.runs.definition_plan import plan_definitions
from laennec.runs.ports import BucketSource
from laennec.study.circe import translate
from laennec.study.circe.study import merged
from laennec.study.model import ConceptSet

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
LIBRARY = DATA / "phenotype-library" / "cohorts_1100.tar.xz"
GIBLEED = DATA / "omop-gibleed"

EPOCH = date(1970, 1, 1)
VOCABULARY = ("concept", "concept_ancestor", "concept_relationship")
COHORT = (
    "CREATE TABLE cohort (cohort_definition_id INT, subject_id BIGINT, cohort_start_date DATE,"
    " cohort_end_date DATE)"
)

Stay = tuple[int, date, date]
Cohorts = dict[int, list[Stay]]

UNDEFINED: Mapping[int, str] = {
    1071: (
        "Eleven entry queries find one period of observation each under a day of their own. "
        "Circe numbers entry events by the start of the period and its identifier, in which all "
        "eleven tie, and numbers them anew for the qualifying group, so that the group may accept "
        "the number of another day."
    ),
}
"""Definitions whose rows circe-be's SQL leaves to the database, and why."""

TIES = (
    (
        "ORDER BY E.sort_date ASC, E.event_id)",
        "ORDER BY E.sort_date ASC, E.event_id, E.start_date)",
    ),
    ("order by pe.start_date ASC)", "order by pe.start_date ASC, pe.event_id)"),
    ("order by pe.start_date DESC)", "order by pe.start_date DESC, pe.event_id)"),
    ("order by start_date ASC) as ordinal", "order by start_date ASC, event_id) as ordinal"),
    ("order by start_date DESC) as ordinal", "order by start_date DESC, event_id) as ordinal"),
    ("R.start_date ASC)", "R.start_date ASC, R.event_id)"),
)
"""What orders events in circe-be's SQL, and the same with our order of ties."""


def library() -> dict[int, bytes]:
    """Return each definition's JSON by its number, ascending."""
    with tarfile.open(LIBRARY) as archive:
        found = {
            int(Path(one.name).stem): archive.extractfile(one).read()  # type: ignore[union-attr]
            for one in archive
            if one.name.endswith(".json")
        }
    return dict(sorted(found.items()))


class ParquetSource:
    """Parquet files of a CDM as one bucket; columns that a file lacks are null."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def buckets(self) -> Sequence[int]:
        return (0,)

    def read(
        self, table: str, bucket: int, *, columns: Sequence[str], where: pl.Expr | None
    ) -> pl.DataFrame:
        schema = cdm(CURRENT).tables[table].polars_schema()
        file = self._folder / f"{table}.parquet"
        if bucket or not file.exists():
            return pl.DataFrame(schema={name: schema[name] for name in columns})
        key = cdm(CURRENT).tables[table].primary_key
        found = self.lazy(table) if key is None else self.lazy(table).sort(key)
        found = found if where is None else found.filter(where)
        return found.select(columns).collect()

    def ordered(self, table: str, bucket: int) -> bool:
        return False

    def may_have(self, table: str, bucket: int, column: str, concepts: frozenset[int]) -> bool:
        return True

    def read_whole(self, table: str, *, columns: Sequence[str]) -> pl.DataFrame:
        return self.read(table, 0, columns=columns, where=None)

    def lazy(self, table: str) -> pl.LazyFrame:
        """Return a table with the columns and types of CDM 5.4."""
        schema = cdm(CURRENT).tables[table].polars_schema()
        found = pl.scan_parquet(self._folder / f"{table}.parquet")
        known = found.collect_schema().names()
        return found.select(
            (pl.col(name) if name in known else pl.lit(None)).cast(kind).alias(name)
            for name, kind in schema.items()
        )


@dataclass
class Laennec:
    """Stays of definitions found by this program, with the seconds of each step.

    Attributes:
        cohorts: Stays by number of the definition, in order.
        seconds: Reading JSON, translating, resolving concept sets, planning, finding.
    """

    cohorts: Cohorts = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def find(
        self,
        texts: Mapping[int, bytes],
        source: BucketSource,
        vocabulary: Mapping[str, pl.LazyFrame],
    ) -> None:
        """Find the stays of every definition, all of them in one pass over the buckets.

        Args:
            texts: JSON by number.
            source: The rows.
            vocabulary: Frames by table of ``VOCABULARY``.
        """
        began = time.perf_counter()
        trees = {number: json.loads(text) for number, text in texts.items()}
        began = self._took("reading JSON", began)
        made = [translate(tree, name=f"cohort_{number}") for number, tree in trees.items()]
        began = self._took("translating", began)
        sets: dict[str, ConceptSet] = {}
        definitions = merged(made, sets)
        concepts = resolve_all(
            {name: one.items for name, one in sets.items()},
            ancestors=vocabulary["concept_ancestor"],
            relationships=vocabulary["concept_relationship"],
            concepts=vocabulary["concept"],
        )
        began = self._took("resolving concept sets", began)
        plan = plan_definitions(definitions, concepts)
        began = self._took("planning", began)
        self.cohorts = {number: [] for number in texts}
        for bucket in source.buckets():
            rows = DefinitionBucket(plan, source, bucket)
            for name, stays in rows.stays().items():
                columns = (rows.people.ids[stays.person], stays.start, stays.end)
                self.cohorts[int(name.removeprefix("cohort_"))] += [
                    (person, EPOCH + timedelta(start), EPOCH + timedelta(end))
                    for person, start, end in zip(*(one.tolist() for one in columns), strict=True)
                ]
        for stays_found in self.cohorts.values():
            stays_found.sort()
        self._took("finding rows", began)

    def _took(self, what: str, began: float) -> float:
        now = time.perf_counter()
        self.seconds[what] = now - began
        return now


@dataclass
class Duckcdm:
    """Stays of definitions found by circe-be's SQL, with the seconds of each step.

    Attributes:
        ordered: Whether ties are put in our order for every definition, not for ``UNDEFINED`` only.
        cohorts: Stays by number of the definition, in order.
        seconds: Writing SQL (circe-be and SqlRender), and running it (DuckDB).
    """

    ordered: bool = False
    cohorts: Cohorts = field(default_factory=dict)
    seconds: dict[str, float] = field(
        default_factory=lambda: {"writing SQL": 0.0, "running SQL": 0.0}
    )

    def find(self, texts: Mapping[int, bytes], connection: duckdb.DuckDBPyConnection) -> None:
        """Find the stays of every definition, one after another.

        Args:
            texts: JSON by number.
            connection: A database with the tables of a CDM; the table ``cohort`` is added.
        """
        connection.execute(COHORT)
        for number, text in texts.items():
            began = time.perf_counter()
            statements = sql_of(text, number, ordered=self.ordered or number in UNDEFINED)
            written = time.perf_counter()
            for statement in statements:
                connection.execute(statement)
            self.seconds["writing SQL"] += written - began
            self.seconds["running SQL"] += time.perf_counter() - written
        self.cohorts = {number: [] for number in texts}
        rows = connection.execute("FROM cohort ORDER BY ALL").fetchall()
        for number, *stay in rows:
            self.cohorts[number].append(tuple(stay))


def sql_of(text: bytes, number: int, *, ordered: bool) -> Sequence[str]:
    """Return circe-be's statements in DuckDB's dialect, with our order of ties where asked for."""
    sql = build_cohort_query(
        text.decode(),
        cohort_id=number,
        cdm_schema="main",
        result_schema="main",
        target_table="main.cohort",
        generate_stats=False,
    )
    for tie, in_order in TIES if ordered else ():
        sql = sql.replace(tie, in_order)
    return tuple(split_sql(translate_sql(render(sql), "duckdb")))


def database(folder: Path, *, threads: int | None = None) -> duckdb.DuckDBPyConnection:
    """Return a database in memory with every Parquet file of a folder as a table."""
    connection = duckdb.connect(config={} if threads is None else {"threads": threads})
    for file in sorted(folder.glob("*.parquet")):
        connection.execute(f'CREATE TABLE "{file.stem}" AS FROM read_parquet(?)', [str(file)])
    return connection


def by_duckcdm(
    texts: Mapping[int, bytes], folder: Path, *, processes: int, ordered: bool = False
) -> Cohorts:
    """Return the stays that circe-be's SQL finds, definitions shared among processes."""
    parts = [dict(list(texts.items())[start::processes]) for start in range(processes)]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        found = pool.map(partial(_one_process, folder=folder, ordered=ordered), parts)
        return dict(sorted((number, stays) for one in found for number, stays in one.items()))


def _one_process(texts: Mapping[int, bytes], *, folder: Path, ordered: bool) -> Cohorts:
    duckcdm = Duckcdm(ordered)
    with database(folder, threads=1) as connection:
        duckcdm.find(texts, connection)
    return duckcdm.cohorts
