"""From rows of IR_BEN_R to what is known of each identifier (BEN_NIR_PSA, BEN_RNG_GEM).

A row is of nobody (filler, fictive number, ...) or speaks of one identifier. An identifier that is
delivered several times, in IR_BEN_R and its archive or month after month, has for each fact the
last value by date of update that is not missing; a birth or sex that changed makes it doubtful.

Pure; the order of rows changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import polars as pl

from laennec.snds.person_rules import HIGHEST_RANK, LONGEST_PSEUDONYM, PersonRules

NEEDS: tuple[str, ...] = (
    "BEN_NIR_PSA",
    "BEN_RNG_GEM",
    "BEN_NIR_ANO",
    "BEN_IDT_ANO",
    "BEN_IDT_TOP",
    "BEN_IDT_MAJ",
    "BEN_CDI_NIR",
    "BEN_NAI_ANN",
    "BEN_NAI_MOI",
    "BEN_SEX_COD",
    "BEN_DCD_DTE",
    "BEN_DCD_AME",
    "BEN_RES_DPT",
    "BEN_RES_COM",
    "MAX_TRT_DTD",
    "BEN_DTE_INS",
    "BEN_DTE_MAJ",
)
"""Columns of IR_BEN_R and IR_BEN_R_ARC that resolution reads; missing ones may be null."""

IDENTIFIER = ("psa", "rng")

FACTS: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "psa": pl.String(),
        "rng": pl.Int64(),
        "nir_ano": pl.String(),
        "quality": pl.String(),
        "sex": pl.Int8(),
        "birth_year": pl.Int32(),
        "birth_month": pl.Int8(),
        "death_date": pl.Date(),
        "death_day_known": pl.Boolean(),
        "department": pl.String(),
        "commune": pl.String(),
        "last_care": pl.Date(),
        "updated": pl.Date(),
        "doubtful": pl.Boolean(),
    }
)
"""What is known of an identifier. ``sex`` is 1, 2 or null; ``death_date`` is the last day of the
month where ``death_day_known`` is false; ``quality`` is that of the insured's number."""

_FIXED = ("sex", "birth_year", "birth_month")
_GOES_WITH = MappingProxyType({"commune": "department"})
"""A fact that says something only beside another of the same row."""


@dataclass(frozen=True)
class Evidence:
    """What the rows say.

    Attributes:
        facts: One row for each identifier, sorted by it, columns ``FACTS``.
        former: psa, rng, nir_ano: numbers that an identifier had and has no more.
        lines: Rows that speak of an identifier: psa, rng, columns not in ``NEEDS`` (``LINE``).
        apart: The rows of nobody: columns not in ``NEEDS``, and ``reason``.
        nobody: psa, rng, reason: fictive identifiers, each once.
    """

    facts: pl.DataFrame
    former: pl.DataFrame
    lines: pl.DataFrame
    apart: pl.DataFrame
    nobody: pl.DataFrame


def _nobody(rules: PersonRules) -> pl.Expr:
    """Return why a row is of nobody, or null."""
    psa, rng = pl.col("psa"), pl.col("rng")
    cases = {
        "no pseudonym": psa.is_null(),
        "malformed pseudonym": (psa.str.len_bytes() > LONGEST_PSEUDONYM)
        | (psa.str.len_bytes() != psa.str.len_chars()),
        "filler pseudonym": is_filler(psa, rules.filler_run),
        "no rank": ~rng.is_between(0, HIGHEST_RANK).fill_null(value=False),
        "fictive number": pl.col("quality") == "fictive",
    }
    return pl.coalesce(
        *(pl.when(case).then(pl.lit(reason)) for reason, case in cases.items())
    ).alias("reason")


def is_filler(psa: pl.Expr, run: str) -> pl.Expr:
    """Tell whether a pseudonym is a filler, which many people have: null where it is null."""
    return psa.str.to_uppercase().str.contains(run, literal=True)


def _number(rules: PersonRules) -> pl.Expr:
    """BEN_NIR_ANO, or BEN_IDT_ANO where that is said to be the same; no filler."""
    own = pl.col("BEN_NIR_ANO")
    same = pl.when(pl.col("BEN_IDT_TOP").cast(pl.Int64) == 1).then(pl.col("BEN_IDT_ANO"))
    number = pl.coalesce(own, same)
    return pl.when(~is_filler(number, rules.filler_run)).then(number)


def _birth(rules: PersonRules) -> tuple[pl.Expr, pl.Expr]:
    """Year and month of birth; null for 1600, 0001 and what is no year or month."""
    year = pl.col("BEN_NAI_ANN").cast(pl.Int32, strict=False)
    month = pl.col("BEN_NAI_MOI").cast(pl.Int8, strict=False)
    known = year >= rules.limits.oldest_birth
    return pl.when(known).then(year), pl.when(known & month.is_between(1, 12)).then(month)


def _death(rules: PersonRules) -> tuple[pl.Expr, pl.Expr]:
    """Date of death, and whether its day is known; a death before the birth's year is missing."""
    day = pl.col("BEN_DCD_DTE").cast(pl.Date)
    month = (pl.col("BEN_DCD_AME") + "01").str.to_date("%Y%m%d", strict=False).dt.month_end()
    earliest = pl.coalesce(_birth(rules)[0], pl.lit(rules.limits.oldest_birth))
    day = pl.when(day.dt.year() >= earliest).then(day)
    month = pl.when(month.dt.year() >= earliest).then(month)
    date = pl.coalesce(day, month)
    return date, pl.when(date.is_not_null()).then(day.is_not_null())


def cleaned(rows: pl.DataFrame, rules: PersonRules) -> pl.DataFrame:
    """Turn each row into facts, without judging it; other columns are carried."""
    year, month = _birth(rules)
    death, day_known = _death(rules)
    sex = pl.col("BEN_SEX_COD").cast(pl.Int64, strict=False)
    place = pl.col("BEN_RES_DPT")
    placed = place.is_in(rules.unknown_places).not_()
    facts = {
        "psa": pl.col("BEN_NIR_PSA"),
        "rng": pl.col("BEN_RNG_GEM").cast(pl.Int64, strict=False),
        "nir_ano": _number(rules),
        "quality": pl.col("BEN_CDI_NIR").replace_strict(
            dict(rules.quality), default="unknown", return_dtype=pl.String
        ),
        "sex": pl.when(sex.is_in([1, 2])).then(sex),
        "birth_year": year,
        "birth_month": month,
        "death_date": death,
        "death_day_known": day_known,
        "department": pl.when(placed).then(place),
        "commune": pl.when(placed).then(pl.col("BEN_RES_COM")),
        "last_care": pl.col("MAX_TRT_DTD").cast(pl.Date),
        "updated": pl.max_horizontal(
            pl.col(name).cast(pl.Date) for name in ("BEN_DTE_MAJ", "BEN_DTE_INS", "BEN_IDT_MAJ")
        ),
        "doubtful": pl.lit(value=False),
    }
    carried = [name for name in rows.columns if name not in NEEDS]
    return rows.select(
        *(value.cast(FACTS[name]).alias(name) for name, value in facts.items()), *carried
    )


def last_known(rows: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Give each group of rows the last value of each column that is not missing.

    A commune is that of the row whose department is given. Of births those with a month come first,
    of deaths those with a day.

    Args:
        rows: Facts, sorted so that rows of a group are together and the last word is the last row.
        by: Columns that name the groups, none missing.

    Returns:
        One row for each group, in order: all columns, and ``$rows``, how many there were.
    """
    begins = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in by)
    year = pl.when(pl.col("birth_month").is_not_null()).then("birth_year")
    day = pl.when("death_day_known").then("death_date")
    row = pl.int_range(pl.len(), dtype=pl.Int64)
    marked = rows.with_columns(row.alias("$row"), begins.alias("$begins"))
    marked = marked.with_columns(year.alias("$year"), day.alias("$day"))
    first = pl.when("$begins").then("$row").forward_fill()

    def last(name: str) -> pl.Expr:
        told = pl.col(_GOES_WITH.get(name, name)).is_not_null()
        place = pl.when(told).then("$row").forward_fill()
        return pl.col(name).gather(pl.when(place >= first).then(place)).alias(name)

    facts = [name for name in marked.columns if name not in (*by, "$row", "$begins")]
    death = pl.coalesce("$day", "death_date")
    return (
        marked.select(
            *by,
            *(last(name) for name in facts),
            (pl.col("$row") - first + 1).alias("$rows"),
            pl.col("$begins").shift(-1, fill_value=True).alias("$ends"),
        )
        .filter("$ends")
        .with_columns(
            birth_year=pl.coalesce("$year", "birth_year"),
            death_date=death,
            death_day_known=pl.when(death.is_not_null()).then(pl.col("$day").is_not_null()),
        )
        .drop("$ends", "$year", "$day")
    )


def gather(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Bring rows of facts to one for each identifier.

    Args:
        rows: Columns ``FACTS``, any order; psa and rng not null.

    Returns:
        The facts, sorted by psa and rng, and former numbers as ``Evidence.former``.
    """
    several = pl.struct(IDENTIFIER).is_duplicated()
    repeated = rows.filter(several).select(*FACTS)
    if not repeated.height:
        return rows.select(*FACTS).sort(IDENTIFIER), _no_former()
    ordered = repeated.sort(*IDENTIFIER, "updated", *FACTS, nulls_last=False)
    last = last_known(ordered, IDENTIFIER)
    place = np.repeat(np.arange(last.height), last["$rows"].to_numpy())
    changed, number = _changes(ordered, last, place), last["nir_ano"].gather(place)
    facts = last.with_columns(doubtful=changed)
    former = (
        ordered.select("psa", "rng", "nir_ano")
        .filter(pl.col("nir_ano") != number)
        .unique()
        .sort("psa", "rng", "nir_ano")
    )
    once = rows.filter(~several).select(*FACTS)
    return pl.concat([once, facts.select(*FACTS)]).sort(IDENTIFIER), former


def _changes(ordered: pl.DataFrame, last: pl.DataFrame, place: npt.NDArray[np.int64]) -> pl.Series:
    """Tell of each identifier whether a fact that never changes did, now or before."""
    differs = [
        (ordered[name] != last[name].gather(place)).fill_null(value=False) for name in _FIXED
    ]
    before = ordered["doubtful"].fill_null(value=False)
    doubts = np.any([one.to_numpy() for one in (*differs, before)], axis=0)
    return pl.Series("doubtful", np.bincount(place, weights=doubts, minlength=last.height) > 0)


def _no_former() -> pl.DataFrame:
    return pl.DataFrame(schema={name: FACTS[name] for name in ("psa", "rng", "nir_ano")})


def evidence(beneficiaries: pl.DataFrame, rules: PersonRules) -> Evidence:
    """Read rows of IR_BEN_R and IR_BEN_R_ARC, typed as the catalogue has it.

    Args:
        beneficiaries: The columns ``NEEDS``, text stripped and null where empty, and others that
            are carried with rows of nobody.
        rules: Facts and limits.

    Returns:
        What the rows say of each identifier, and the rows that say nothing.
    """
    rows = cleaned(beneficiaries, rules).with_columns(_nobody(rules))
    mine = rows.filter(pl.col("reason").is_null())
    facts, former = gather(mine)
    others = rows.filter(pl.col("reason").is_not_null())
    nobody = (
        others.filter(pl.col("reason") == "fictive number")
        .select(*IDENTIFIER, "reason")
        .unique()
        .join(facts, on=IDENTIFIER, how="anti")
        .sort(IDENTIFIER)
    )
    carried = [name for name in beneficiaries.columns if name not in NEEDS]
    return Evidence(
        facts=facts,
        former=former,
        lines=mine.select(*IDENTIFIER, *carried),
        apart=others.select(*carried, "reason"),
        nobody=nobody,
    )
