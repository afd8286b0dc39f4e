"""Diagnoses, acts, drugs and devices of stays, by the facts of ``stays_facts``.

- A diagnosis is dated on the start of its part of the stay, else of the stay. Repeated in a stay
  (units, weeks, sequences) it is one line: one for each code and group of types, the weightiest
  type, then the earliest. ``condition_end_date`` is null: the PMSI says that it was coded.
- What was done is dated by days after the start of its part, else of the stay; else by its month;
  else on the entry. A day outside the stay is dated on the stay's edge.
- A drug is what was given beside the flat rate of the stay: costly ones only, on the day it
  was given: no days of supply. Its units are those given; a missing number counts as one.

Pure.
"""

from collections.abc import Iterable, Mapping

import polars as pl

from laennec.snds.claims_codes import Codebook
from laennec.snds.claims_rows import code
from laennec.snds.keys import STAY_KEY
from laennec.snds.lines import as_lines
from laennec.snds.stays_facts import CLAIM, Act, Diagnosis, acts, diagnoses
from laennec.snds.stays_rows import within

_UCD13 = "^34008([0-9]{7})[0-9]$"
_MIDDLE = 15
_PREFIX: Mapping[str, str] = {
    "procedure_occurrence": "procedure",
    "drug_exposure": "drug",
    "device_exposure": "device",
}
_DAYS: Mapping[str, tuple[str, str]] = {
    "procedure_occurrence": ("procedure_date", "procedure_end_date"),
    "drug_exposure": ("drug_exposure_start_date", "drug_exposure_end_date"),
    "device_exposure": ("device_exposure_start_date", "device_exposure_end_date"),
}


def cim10(column: str) -> pl.Expr:
    """Return a code of the CIM-10 as the nomenclature spells it.

    In capitals, without point, blanks, and the plus that fills a code up. A plus within a code is
    part of it (``B24+0``).
    """
    bare = (
        pl.col(column)
        .cast(pl.String)
        .str.to_uppercase()
        .str.replace_all(".", "", literal=True)
        .str.replace_all(" ", "", literal=True)
        .str.strip_chars_end("+")
    )
    return pl.when(bare != "").then(bare)


def conditions(
    field: str,
    frames: Mapping[str, pl.DataFrame],
    found: pl.DataFrame,
    parts: pl.DataFrame,
    codes: Codebook,
) -> dict[str, pl.DataFrame]:
    """Return the diagnoses of stays as lines of condition_occurrence and observation.

    A code whose concept is of the domain Observation (a reason for care, a history) goes there.

    Args:
        field: One of ``stays_facts.FIELDS``.
        frames: Rows by family.
        found: Stays with ``person_id``, ``start`` and ``end``.
        parts: As ``stays_rows.dated_parts`` returns them.
        codes: The vocabularies.
    """
    told = diagnoses(field)
    rows = _coded(told, frames)
    rows = rows.join(found.select(STAY_KEY, "person_id", "start"), on=STAY_KEY, how="inner")
    rows = rows.join(
        parts.select(STAY_KEY, "part", "part_start"), on=[STAY_KEY, "part"], how="left"
    ).with_columns(pl.coalesce("part_start", "start").alias("day"))
    rows = codes.attach(rows, "code", "CIM10", "dgn")
    observed = (pl.col("dgn_domain") == "Observation").fill_null(value=False)
    return {
        "condition_occurrence": _condition_lines(rows.filter(~observed), told),
        "observation": _observation_lines(rows.filter(observed), told),
    }


def _coded(told: Iterable[Diagnosis], frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return what was coded: stay, code, part, place in ``told`` and number of the group.

    Once for each code and group of a stay: the first by ``told``, then by part.
    """
    groups = {name: place for place, name in enumerate(dict.fromkeys(one.group for one in told))}
    shape = {
        STAY_KEY: pl.UInt64(),
        "code": pl.String(),
        "part": pl.String(),
        "rank": pl.UInt8(),
        "group": pl.UInt8(),
    }
    blocks = [
        frames[one.family]
        .select(
            STAY_KEY,
            cim10(one.column).alias("code"),
            _part(one.part).alias("part"),
            pl.lit(place, pl.UInt8).alias("rank"),
            pl.lit(groups[one.group], pl.UInt8).alias("group"),
        )
        .filter(pl.col("code").is_not_null())
        for place, one in enumerate(told)
        if one.family in frames
    ]
    rows = pl.concat([pl.DataFrame(schema=shape), *(_in_order(block) for block in blocks)])
    return rows.unique((STAY_KEY, "code", "group"), keep="first", maintain_order=True)


def _in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows in the order of their parts; as they are where they name none."""
    if rows["part"].null_count() == len(rows):
        return rows
    return rows.sort(pl.col("part").cast(pl.Int64, strict=False), nulls_last=True)


def _part(column: str | None) -> pl.Expr:
    return pl.lit(None, pl.String) if column is None else pl.col(column).cast(pl.String)


def _condition_lines(rows: pl.DataFrame, told: tuple[Diagnosis, ...]) -> pl.DataFrame:
    status = {place: one.status_concept_id for place, one in enumerate(told)}
    return as_lines(
        "condition_occurrence",
        rows.select(
            "person_id",
            pl.col("dgn_concept_id").alias("condition_concept_id"),
            pl.col("day").alias("condition_start_date"),
            pl.lit(CLAIM).alias("condition_type_concept_id"),
            pl.col("rank")
            .replace_strict(status, return_dtype=pl.Int64)
            .alias("condition_status_concept_id"),
            pl.col("code").alias("condition_source_value"),
            pl.col("dgn_source_concept_id").alias("condition_source_concept_id"),
            _type(told).alias("condition_status_source_value"),
            pl.col(STAY_KEY).alias("visit_key"),
        ),
    )


def _observation_lines(rows: pl.DataFrame, told: tuple[Diagnosis, ...]) -> pl.DataFrame:
    return as_lines(
        "observation",
        rows.select(
            "person_id",
            pl.col("dgn_concept_id").alias("observation_concept_id"),
            pl.col("day").alias("observation_date"),
            pl.lit(CLAIM).alias("observation_type_concept_id"),
            pl.col("code").alias("observation_source_value"),
            pl.col("dgn_source_concept_id").alias("observation_source_concept_id"),
            _type(told).alias("qualifier_source_value"),
            pl.col(STAY_KEY).alias("visit_key"),
        ),
    )


def _type(told: tuple[Diagnosis, ...]) -> pl.Expr:
    types = {place: one.type for place, one in enumerate(told)}
    return pl.col("rank").replace_strict(types, return_dtype=pl.String)


def done(
    field: str,
    frames: Mapping[str, pl.DataFrame],
    found: pl.DataFrame,
    parts: pl.DataFrame,
    codes: Codebook,
) -> dict[str, pl.DataFrame]:
    """Return acts, drugs and devices of stays as lines by OMOP table. Arguments: ``conditions``."""
    lines: dict[str, list[pl.DataFrame]] = {}
    for act in acts(field):
        rows = frames.get(act.family)
        if rows is None:
            continue
        dated = _dated(act, rows, found, parts)
        lines.setdefault(act.target, []).append(_act_lines(act, dated, codes))
    return {target: pl.concat(blocks) for target, blocks in lines.items()}


def _dated(act: Act, rows: pl.DataFrame, found: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    """Return stay, person, code, day, units and modifier of what was done."""
    given = rows.select(
        STAY_KEY,
        _code(act, rows).alias("code"),
        _part(act.part).alias("part"),
        _number(act.delay, pl.Int64()).alias("delay"),
        _number(act.year, pl.Int32()).alias("year"),
        _number(act.month, pl.Int8()).alias("month"),
        _number(act.quantity, pl.Float64()).fill_null(1.0).alias("units"),
        _modifier(act).alias("modifier"),
    ).filter(pl.col("code").is_not_null())
    stay = found.select(STAY_KEY, "person_id", "start", "end")
    given = given.join(stay, on=STAY_KEY, how="inner", maintain_order="left")
    if act.part is not None:
        origin = pl.coalesce(pl.col("start") + pl.duration(days="unit_offset"), "part_start").alias(
            "origin"
        )
        begun = parts.select(STAY_KEY, "part", origin)
        given = given.join(begun, on=[STAY_KEY, "part"], how="left", maintain_order="left")
    else:
        given = given.with_columns(pl.lit(None, pl.Date).alias("origin"))
    return given.with_columns(_day().alias("day"))


def _day() -> pl.Expr:
    month = pl.when(pl.col("month").is_between(1, 12)).then(pl.col("month"))
    middle = pl.when(month.is_not_null() & pl.col("year").is_between(1900, 2999)).then(
        pl.date(pl.col("year"), month, _MIDDLE)
    )
    origin = pl.coalesce("origin", "start")
    return within(pl.coalesce(origin + pl.duration(days="delay"), middle, origin))


def _number(column: str | None, kind: pl.DataType) -> pl.Expr:
    return pl.lit(None, kind) if column is None else pl.col(column).cast(kind, strict=False)


def _code(act: Act, rows: pl.DataFrame) -> pl.Expr:
    """Return the code as its nomenclature spells it."""
    if act.vocabulary not in {"UCD", "LPP"}:
        return pl.coalesce(
            pl.col(name).cast(pl.String).str.strip_chars()
            for name in (act.code, act.other_code)
            if name
        )
    named = [name for name in (act.code, act.other_code) if name in rows.columns]
    seven = pl.coalesce(code(name) for name in named).cast(pl.String)
    bare = seven.str.strip_chars_start("0")
    return pl.coalesce(seven.str.extract(_UCD13), bare) if act.vocabulary == "UCD" else bare


def _modifier(act: Act) -> pl.Expr:
    """Return ``activity/phase``, as acts of claims have them; null where there is neither."""
    told = [pl.col(name).cast(pl.String) for name in (act.activity, act.phase) if name]
    if not told:
        return pl.lit(None, pl.String)
    return pl.concat_str((one.fill_null("") for one in told), separator="/")


def _act_lines(act: Act, rows: pl.DataFrame, codes: Codebook) -> pl.DataFrame:
    if act.vocabulary is None:
        rows = rows.with_columns(
            pl.lit(0).alias("act_concept_id"), pl.lit(0).alias("act_source_concept_id")
        )
    else:
        rows = codes.attach(rows, "code", act.vocabulary, "act")
    prefix, (first, last) = _PREFIX[act.target], _DAYS[act.target]
    modifier = act.target == "procedure_occurrence"
    return as_lines(
        act.target,
        rows.select(
            "person_id",
            "units",
            pl.col("act_concept_id").alias(f"{prefix}_concept_id"),
            pl.col("day").alias(first),
            pl.col("day").alias(last),
            pl.lit(CLAIM).alias(f"{prefix}_type_concept_id"),
            pl.col("code").alias(f"{prefix}_source_value"),
            pl.col("act_source_concept_id").alias(f"{prefix}_source_concept_id"),
            pl.col(STAY_KEY).alias("visit_key"),
            *((pl.col("modifier").alias("modifier_source_value"),) if modifier else ()),
        ),
    )
