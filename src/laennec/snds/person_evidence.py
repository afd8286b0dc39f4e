"""From rows of IR_BEN_R to what is known of each identifier (BEN_NIR_PSA, BEN_RNG_GEM).

A row is of nobody (filler, fictive number, ...) or speaks of one identifier. An identifier that is
delivered several times, in IR_BEN_R and its archive or month after month, has for each fact the
last value by date of update that is not missing; a birth or sex that changed makes it doubtful.

Pure; the order of rows changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

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
_PLACE = ("department", "commune")


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


def _text(name: str) -> pl.Expr:
    """Text without blanks around it, null when empty."""
    stripped = pl.col(name).cast(pl.String).str.strip_chars()
    return pl.when(stripped != "").then(stripped)


def _nobody(rules: PersonRules) -> pl.Expr:
    """Return why a row is of nobody, or null."""
    psa, rng = pl.col("psa"), pl.col("rng")
    cases = {
        "no pseudonym": psa.is_null(),
        "malformed pseudonym": (psa.str.len_bytes() > LONGEST_PSEUDONYM)
        | (psa.str.len_bytes() != psa.str.len_chars()),
        "filler pseudonym": is_filler(psa, rules),
        "no rank": ~rng.is_between(0, HIGHEST_RANK).fill_null(value=False),
        "fictive number": pl.col("quality") == "fictive",
    }
    return pl.coalesce(
        *(pl.when(case).then(pl.lit(reason)) for reason, case in cases.items())
    ).alias("reason")


def is_filler(psa: pl.Expr, rules: PersonRules) -> pl.Expr:
    """Tell whether a pseudonym is a filler, which many people have: null where it is null."""
    return psa.str.to_uppercase().str.contains(rules.filler_run, literal=True)


def _number(rules: PersonRules) -> pl.Expr:
    """BEN_NIR_ANO, or BEN_IDT_ANO where that is said to be the same; no filler."""
    own = _text("BEN_NIR_ANO")
    same = pl.when(_text("BEN_IDT_TOP").is_in(["1", "true"])).then(_text("BEN_IDT_ANO"))
    number = pl.coalesce(own, same)
    return pl.when(~is_filler(number, rules)).then(number)


def _birth(rules: PersonRules) -> tuple[pl.Expr, pl.Expr]:
    """Year and month of birth; null for 1600, 0001 and what is no year or month."""
    year = _text("BEN_NAI_ANN").cast(pl.Int32, strict=False)
    month = _text("BEN_NAI_MOI").cast(pl.Int8, strict=False)
    known = year >= rules.limits.oldest_birth
    return pl.when(known).then(year), pl.when(known & month.is_between(1, 12)).then(month)


def _death(rules: PersonRules) -> tuple[pl.Expr, pl.Expr]:
    """Date of death, and whether its day is known; a death before the birth's year is missing."""
    day = pl.col("BEN_DCD_DTE").cast(pl.Date)
    month = (_text("BEN_DCD_AME") + "01").str.to_date("%Y%m%d", strict=False).dt.month_end()
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
    place = _text("BEN_RES_DPT")
    placed = place.is_in(rules.unknown_places).not_()
    facts = {
        "psa": _text("BEN_NIR_PSA"),
        "rng": pl.col("BEN_RNG_GEM").cast(pl.Int64, strict=False),
        "nir_ano": _number(rules),
        "quality": _text("BEN_CDI_NIR").replace_strict(
            dict(rules.quality), default="unknown", return_dtype=pl.String
        ),
        "sex": pl.when(sex.is_in([1, 2])).then(sex),
        "birth_year": year,
        "birth_month": month,
        "death_date": death,
        "death_day_known": day_known,
        "department": pl.when(placed).then(place),
        "commune": pl.when(placed).then(_text("BEN_RES_COM")),
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


def _last(rows: pl.DataFrame) -> pl.DataFrame:
    """Make one row of each identifier that has several; the order of rows changes nothing."""
    known = {name: pl.col(name).drop_nulls() for name in FACTS if name not in IDENTIFIER}
    dated = pl.col("death_day_known")
    death = pl.col("death_date").sort_by(dated.fill_null(value=False), maintain_order=True)
    place = [
        pl.col(name).filter(pl.col("department").is_not_null()).last().alias(name)
        for name in _PLACE
    ]
    changed = [value.n_unique() > 1 for name, value in known.items() if name in _FIXED]
    return (
        rows.sort("updated", *FACTS, nulls_last=False)
        .group_by(IDENTIFIER)
        .agg(
            *(known[name].last() for name in ("nir_ano", "quality", *_FIXED, "last_care")),
            death.drop_nulls().last().alias("death_date"),
            dated.drop_nulls().any().alias("death_day_known"),
            *place,
            known["updated"].last(),
            (pl.any_horizontal(changed) | pl.col("doubtful").any()).alias("doubtful"),
        )
        .with_columns(pl.when(pl.col("death_date").is_not_null()).then("death_day_known"))
        .select(*FACTS)
    )


def gather(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Bring rows of facts to one for each identifier.

    Args:
        rows: Columns ``FACTS``, any order; psa and rng not null.

    Returns:
        The facts, sorted by psa and rng, and former numbers as ``Evidence.former``.
    """
    several = pl.struct(IDENTIFIER).is_duplicated()
    repeated = rows.filter(several)
    if not repeated.height:
        return rows.select(*FACTS).sort(IDENTIFIER), _no_former()
    last = _last(repeated.select(*FACTS))
    former = (
        repeated.select("psa", "rng", "nir_ano")
        .drop_nulls()
        .unique()
        .join(last, on=["psa", "rng", "nir_ano"], how="anti")
        .sort("psa", "rng", "nir_ano")
    )
    return pl.concat([rows.filter(~several).select(*FACTS), last]).sort(IDENTIFIER), former


def _no_former() -> pl.DataFrame:
    return pl.DataFrame(schema={name: FACTS[name] for name in ("psa", "rng", "nir_ano")})


def evidence(beneficiaries: pl.DataFrame, rules: PersonRules) -> Evidence:
    """Read rows of IR_BEN_R and IR_BEN_R_ARC, typed as the catalogue has it.

    Args:
        beneficiaries: The columns ``NEEDS``, and others that are carried with rows of nobody.
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
