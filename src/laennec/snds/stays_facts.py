"""What the PMSI's tables hold, as data: where diagnoses, acts, modes and kinds of stay are.

The facts are the packaged tables ``pmsi_*.csv``, each line with its source. A *field* is MCO, SSR,
HAD or RIP; consultations and acts without a stay are ``MCO_EXTERNAL`` and ``SSR_EXTERNAL``. A
*part* of a stay is what its summary counts in: units of MCO, weeks of SSR, sub-sequences of HAD,
sequences of RIP.

Pure, but for packaged tables.
"""

from dataclasses import dataclass
from functools import cache

import polars as pl

from laennec.snds.claims_rows import packaged

CLAIM = 32810
"""Type concept *Claim*. Source: HDH, OMOP conversion of the SNDS, Nov 2024."""


@dataclass(frozen=True)
class Diagnosis:
    """A column that holds a code of the CIM-10.

    Attributes:
        family: Its table.
        column: Its name.
        part: Column that names the part of the stay the row is of, or None.
        type: What the PMSI calls such a diagnosis: DP, DR, DAS and so on.
        group: Types of one group say the same of a stay; the first in the file is kept.
        status_concept_id: Of the OMOP vocabulary Condition Status.
    """

    family: str
    column: str
    part: str | None
    type: str
    group: str
    status_concept_id: int


@dataclass(frozen=True)
class Act:
    """A table of acts, drugs or devices within a stay. Attributes other than these are columns.

    Attributes:
        target: OMOP table of its lines.
        vocabulary: Name for ``Codes.attach``; None: no concept is known, the code alone is kept.
        other_code: Taken where ``code`` is null.
        part: As in ``Diagnosis``.
        delay: Days after the entry of the stay, or the start of its part.
        year: With ``month``, when it was done, if the delay is missing.
    """

    family: str
    target: str
    vocabulary: str | None
    code: str
    other_code: str | None
    part: str | None
    delay: str | None
    year: str | None
    month: str | None
    quantity: str | None
    activity: str | None
    phase: str | None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it reads."""
        named = (self.code, self.other_code, self.part, self.delay, self.year, self.month)
        return tuple(
            name for name in (*named, self.quantity, self.activity, self.phase) if name is not None
        )


@cache
def diagnoses(field: str) -> tuple[Diagnosis, ...]:
    """Return the columns of diagnoses of a field, the weightiest first."""
    return tuple(
        Diagnosis(
            row["family"],
            row["column"],
            row["part"] or None,
            row["type"],
            row["group"],
            int(row["status_concept_id"]),
        )
        for row in packaged("pmsi_diagnoses.csv")
        if row["field"] == field
    )


@cache
def acts(field: str) -> tuple[Act, ...]:
    """Return the tables of acts, drugs and devices of a field."""
    return tuple(
        Act(
            family=row["family"],
            target=row["target"],
            vocabulary=row["vocabulary"] or None,
            code=row["code"],
            other_code=row["other_code"] or None,
            part=row["part"] or None,
            delay=row["delay"] or None,
            year=row["year"] or None,
            month=row["month"] or None,
            quantity=row["quantity"] or None,
            activity=row["activity"] or None,
            phase=row["phase"] or None,
        )
        for row in packaged("pmsi_acts.csv")
        if row["field"] == field
    )


@cache
def _places() -> tuple[dict[str, int], dict[str, int]]:
    """Concepts by mode and place (``8-5``), and by mode alone."""
    rows = packaged("pmsi_modes.csv")
    exact = {
        f"{row['mode']}-{row['place']}": int(row["concept_id"]) for row in rows if row["place"]
    }
    alone = {row["mode"]: int(row["concept_id"]) for row in rows if not row["place"]}
    return exact, alone


def place_concept(mode: str, place: str) -> pl.Expr:
    """Return the concept of where a person came from or went to; 0 where nothing is known."""
    exact, alone = _places()
    both = pl.concat_str(pl.col(mode), pl.lit("-"), pl.col(place))
    return (
        pl.coalesce(
            both.replace_strict(exact, default=None, return_dtype=pl.Int64),
            pl.col(mode).replace_strict(alone, default=None, return_dtype=pl.Int64),
        )
        .fill_null(0)
        .cast(pl.Int64)
    )


def visit_concept(kind: str, overnight: pl.Expr, by_emergency: pl.Expr) -> pl.Expr:
    """Return the visit concept by kind of stay (a column), nights and way in."""
    concepts = {
        f"{row['kind']}{row['overnight']}{row['by_emergency']}": int(row["concept_id"])
        for row in packaged("pmsi_visits.csv")
    }
    flags = (
        flag.fill_null(value=False).cast(pl.Int8).cast(pl.String)
        for flag in (overnight, by_emergency)
    )
    return pl.concat_str(pl.col(kind), *flags).replace_strict(concepts, return_dtype=pl.Int64)
