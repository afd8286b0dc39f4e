"""A year of the PMSI made by hand, and a codebook that knows every code."""

from collections.abc import Mapping

import polars as pl

from laennec.snds import stays
from laennec.snds.catalogue import POLARS, catalogue
from laennec.snds.stays import NEEDS

SITE = "750000001"


class Codebook:
    """Gives every code concept 7; those that begin with Z are of the domain Observation."""

    def attach(self, rows: pl.DataFrame, column: str, vocabulary: str, prefix: str) -> pl.DataFrame:
        observed = pl.col(column).str.starts_with("Z") & pl.lit(vocabulary == "CIM10")
        return rows.with_columns(
            pl.lit(7, pl.Int64).alias(f"{prefix}_concept_id"),
            pl.lit(2_000_000_007, pl.Int64).alias(f"{prefix}_source_concept_id"),
            pl.when(observed)
            .then(pl.lit("Observation"))
            .otherwise(pl.lit("Condition"))
            .alias(f"{prefix}_domain"),
        )


def table(family: str, *rows: Mapping[str, object], year: int = 2019) -> pl.DataFrame:
    """Return rows of a table of a year, typed as the catalogue says, with ``$stay`` and ``LINE``.

    A row that names no establishment is of ``SITE``. Rows of a chaining table have ``person_id``.
    """
    kinds = {name: column.kind for name, column in catalogue().tables[family].in_year(None).items()}
    schema = {name: POLARS[kinds[name]] for name in NEEDS[family]}
    if any(family in stays.chaining(field) for field in ("MCO", "SSR", "HAD", "RIP")):
        schema |= {"person_id": pl.Int64()}
    site = next(name for name in schema if name in {"ETA_NUM", "ETA_NUM_EPMSI"})
    given = [{site: SITE, **row} for row in rows]
    unknown = {name for row in given for name in row} - schema.keys()
    if unknown:
        raise ValueError(f"{family} is not read for {sorted(unknown)}")
    frame = pl.DataFrame(
        [{name: row.get(name) for name in schema} for row in given], schema=schema, orient="row"
    )
    key = stays.key(family, year)
    return (frame if key is None else frame.with_columns(key)).with_row_index("LINE", 2)
