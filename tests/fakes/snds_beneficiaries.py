"""Rows of IR_BEN_R for tests: typed as the catalogue has them, plain unless said otherwise."""

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from laennec.snds.catalogue import POLARS, catalogue
from laennec.snds.persons import NEEDS, Resolution

Row = Mapping[str, Any]
SHORT = {
    "psa": "BEN_NIR_PSA",
    "rng": "BEN_RNG_GEM",
    "nir": "BEN_NIR_ANO",
    "idt": "BEN_IDT_ANO",
    "top": "BEN_IDT_TOP",
    "cdi": "BEN_CDI_NIR",
    "year": "BEN_NAI_ANN",
    "month": "BEN_NAI_MOI",
    "sex": "BEN_SEX_COD",
    "dead": "BEN_DCD_DTE",
    "dead_month": "BEN_DCD_AME",
    "dpt": "BEN_RES_DPT",
    "com": "BEN_RES_COM",
    "care": "MAX_TRT_DTD",
    "updated": "BEN_DTE_MAJ",
}
PLAIN = {"rng": 1, "cdi": "00", "year": "1970", "month": "05", "sex": 1, "dead_month": "160001"}


def schema() -> dict[str, Any]:
    """Columns that resolution reads, as the catalogue types them, and the line."""
    columns = catalogue().tables["IR_BEN_R"].in_year(None)
    return {name: POLARS[columns[name].kind] for name in NEEDS} | {"LINE": pl.Int64()}


def beneficiaries(rows: Iterable[Row]) -> pl.DataFrame:
    """Make rows; keys are those of ``SHORT``, what is not given is plain or missing."""
    full = [
        {SHORT[name]: value for name, value in (PLAIN | dict(row)).items()} | {"LINE": line}
        for line, row in enumerate(rows, start=2)
    ]
    return pl.DataFrame(full, schema=schema())


def persons_of(resolution: Resolution) -> set[frozenset[str]]:
    """Return the identifiers of each person, as ``psa/rng``."""
    grouped = (
        resolution.identifiers.with_columns(name=pl.format("{}/{}", "psa", "rng"))
        .group_by("person")
        .agg("name")
    )
    return {frozenset(names) for names in grouped["name"]}


def told(resolution: Resolution, column: str) -> dict[str, Any]:
    """Return a column of the identifiers by ``psa/rng``."""
    named = resolution.identifiers.select(pl.format("{}/{}", "psa", "rng"), column)
    return dict(named.iter_rows())
