"""The three questions of the benchmarks as one query of Polars, which streams plain files."""

from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl

from questions import DRUGS, FIRST, JOINED, OUTCOMES, PER_CONCEPT, TABLES, WITHIN, Answer

_PARTS = {
    "day": "condition_start_date",
    "id": "condition_occurrence_id",
    "concept": "condition_concept_id",
    "ended": "condition_end_date",
}


def plain_tables(plain: Path) -> dict[str, pl.LazyFrame]:
    """Return each table over the files of a folder."""
    return {one: pl.scan_parquet(plain / f"{one}-*.parquet") for one in TABLES}


def in_polars(question: str, tables: Mapping[str, pl.LazyFrame]) -> Answer:
    """Ask Polars, with its streaming engine."""
    return _POLARS[question](tables)


def pairs_answer(pairs: pl.DataFrame) -> Answer:
    """Return sex, decade of birth, pairs and persons by name."""
    answer: Answer = {}
    for sex, decade, total, persons in pairs.iter_rows():
        answer[f"pairs {sex} {decade}"] = total
        answer[f"persons {sex} {decade}"] = persons
    return answer


def _per_concept(tables: Mapping[str, pl.LazyFrame]) -> Answer:
    concept = pl.col("condition_concept_id")
    counted = tables["condition_occurrence"].group_by(concept).agg(pl.col("person_id").n_unique())
    return {str(one): persons for one, persons in counted.collect(engine="streaming").iter_rows()}


def _first(tables: Mapping[str, pl.LazyFrame]) -> Answer:
    row = pl.struct(pl.col(column).alias(name) for name, column in _PARTS.items())
    rows = tables["condition_occurrence"].group_by("person_id")
    first = rows.agg(row.sort_by(*_PARTS.values()).first().alias("row")).unnest("row")
    days = pl.col("day", "ended").to_physical().cast(pl.Int64).sum()
    found = first.select(
        pl.len(), days, pl.col("concept").sum(), (pl.col("id") & 0xFFFFF).sum()
    ).collect(engine="streaming")
    return dict(
        zip(("persons", "days", "ends", "concepts", "identifiers"), found.row(0), strict=True)
    )


def _joined(tables: Mapping[str, pl.LazyFrame]) -> Answer:
    drugs = tables["drug_exposure"].filter(pl.col("drug_concept_id").is_in(DRUGS))
    of_outcome = pl.col("condition_concept_id").is_in(OUTCOMES)
    conditions = tables["condition_occurrence"].filter(of_outcome)
    after = pl.col("condition_start_date") - pl.col("drug_exposure_start_date")
    pairs = (
        drugs.select("person_id", "drug_exposure_start_date")
        .join(conditions.select("person_id", "condition_start_date"), on="person_id")
        .filter(after.dt.total_days().is_between(0, WITHIN))
        .join(tables["person"], on="person_id")
        .group_by("gender_concept_id", pl.col("year_of_birth") // 10 * 10)
        .agg(pl.len().cast(pl.Int64), pl.col("person_id").n_unique().cast(pl.Int64))
    )
    return pairs_answer(pairs.collect(engine="streaming"))


_POLARS: Mapping[str, Callable[[Mapping[str, pl.LazyFrame]], Answer]] = {
    PER_CONCEPT: _per_concept,
    FIRST: _first,
    JOINED: _joined,
}
