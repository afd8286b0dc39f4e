"""Lines that repeat, or take back, what other lines say: one row for what stands in the end.

The DCIR corrects itself by new lines with a negative quantity (regularisation). Lines of one
person, code, day and provider are one row with the sum of their units. A sum of nought cancels the
row. A sum below nought takes back something that is not here yet: the line is kept and tried again
at the next load. Where no provider is known, the visit stands in for it.

A line without ``units`` is not summed. One without a visit and a provider either is a *statement*
(a long-term disease, as the administration knows it): said twice, it is one row.

What a later load brings is matched with the rows that are there, so that loading month by month
and all at once come to the same rows. ``units`` of earlier rows are their quantity, where the CDM
has one, else what the caller kept, else 1.

Pure functions over the frames of one person bucket. Every result is in a fixed order that does not
depend on the order of the lines.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl

ROW = "$row"
"""Key of the earlier row that a sum belongs to; null for a new one."""
LINES = "$lines"
"""How many lines were summed."""
HELD = "$held"
"""Units of the earlier row before this load."""
_PLACE = "$place"


@dataclass(frozen=True)
class Summing:
    """How lines of a table are summed.

    Attributes:
        key: Its primary key.
        day: The day of the line.
        same: Fields that lines of one row agree in, beside person, day and provider.
        carried: Fields of which the largest among the lines is taken.
        quantity: Field that keeps the units; None where the CDM has none.
    """

    key: str
    day: str
    same: tuple[str, ...]
    carried: tuple[str, ...] = ()
    quantity: str | None = None


EVENTS: Mapping[str, Summing] = MappingProxyType(
    {
        "condition_occurrence": Summing(
            "condition_occurrence_id",
            "condition_start_date",
            (
                "condition_source_value",
                "condition_source_concept_id",
                "condition_type_concept_id",
                "condition_status_source_value",
            ),
            ("condition_concept_id", "condition_end_date", "condition_status_concept_id"),
        ),
        "observation": Summing(
            "observation_id",
            "observation_date",
            (
                "observation_source_value",
                "observation_source_concept_id",
                "observation_type_concept_id",
                "qualifier_source_value",
            ),
            ("observation_concept_id",),
        ),
        "procedure_occurrence": Summing(
            "procedure_occurrence_id",
            "procedure_date",
            (
                "procedure_source_value",
                "procedure_source_concept_id",
                "procedure_type_concept_id",
                "modifier_source_value",
            ),
            ("procedure_concept_id", "procedure_end_date"),
            "quantity",
        ),
        "drug_exposure": Summing(
            "drug_exposure_id",
            "drug_exposure_start_date",
            ("drug_source_value", "drug_source_concept_id", "drug_type_concept_id"),
            ("drug_concept_id", "drug_exposure_end_date", "days_supply"),
            "quantity",
        ),
        "device_exposure": Summing(
            "device_exposure_id",
            "device_exposure_start_date",
            ("device_source_value", "device_source_concept_id", "device_type_concept_id"),
            ("device_concept_id", "device_exposure_end_date"),
            "quantity",
        ),
        "measurement": Summing(
            "measurement_id",
            "measurement_date",
            (
                "measurement_source_value",
                "measurement_source_concept_id",
                "measurement_type_concept_id",
            ),
            ("measurement_concept_id",),
        ),
    }
)


@dataclass(frozen=True)
class Sums:
    """What became of the lines of one table in one bucket.

    Attributes:
        new: Rows that are not there yet: fields of lines and ``LINES``.
        changed: Sums that belong to earlier rows: fields of lines, ``ROW``, ``HELD``, ``LINES``;
            ``units`` is what stands now, at most 0 for a row that goes.
        waiting: Lines that take back what is not here.
        cancelled: Number of lines that cancel each other.
    """

    new: pl.DataFrame
    changed: pl.DataFrame
    waiting: pl.DataFrame
    cancelled: int


def sum_events(
    table: str, lines: pl.DataFrame, visits: pl.DataFrame, earlier: pl.DataFrame | None
) -> Sums:
    """Sum the lines of a table of events.

    Args:
        table: One of ``EVENTS``.
        lines: Its lines, and those that waited; with ``provider_id``.
        visits: ``visit_key`` and ``visit_occurrence_id`` of the visits that lines may name.
        earlier: The table's rows so far with ``HELD``, or None.
    """
    how = EVENTS[table]
    linked = lines.join(visits, on="visit_key", how="left")
    alone, many = _parted(linked)
    statement = pl.col("visit_key").is_null() & pl.col("provider_key").is_null()
    own = alone.filter(~statement).with_columns(pl.lit(1, pl.UInt32).alias(LINES))
    said = _once(alone.filter(statement), how)
    found = _matched(_counted(many, how), earlier, how)
    new = _unsaid(said, earlier, how)
    known = int(said[LINES].sum()) - int(new[LINES].sum())
    rows = pl.concat([own, *(one.select(own.columns) for one in (new, _positive(found)))])
    here = pl.col(ROW).is_not_null()
    return Sums(
        rows,
        found.filter(here),
        found.filter(pl.col("units") < 0),
        int(found.filter(~here & (pl.col("units") == 0))[LINES].sum()) + known,
    )


def _parted(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the lines that are not summed, and those that are."""
    alone = lines["units"].is_null()
    return lines.filter(alone), lines.filter(~alone)


def _place(provider: str, visit: str) -> pl.Expr:
    """Where a line was made: the provider, or the visit where no provider is known."""
    return pl.when(pl.col(provider).is_null()).then(pl.col(visit)).alias(_PLACE)


def _counted(lines: pl.DataFrame, how: Summing) -> pl.DataFrame:
    """Sum lines of one load; columns in the order of ``lines``, then ``LINES``."""
    by = ["person_id", how.day, *how.same, "provider_key", "provider_id"]
    summed = lines.group_by(*by, _place("provider_key", "visit_key")).agg(
        pl.col("units").sum(),
        pl.col("visit_key", "visit_occurrence_id", *how.carried).max(),
        pl.len().alias(LINES),
    )
    return summed.select(*lines.columns, LINES)


def _once(lines: pl.DataFrame, how: Summing) -> pl.DataFrame:
    """Return each statement once."""
    by = ["person_id", how.day, *how.same]
    rest = [name for name in lines.columns if name not in by]
    said = lines.group_by(by).agg(pl.col(rest).max(), pl.len().alias(LINES))
    return said.select(*lines.columns, LINES)


def _unsaid(said: pl.DataFrame, earlier: pl.DataFrame | None, how: Summing) -> pl.DataFrame:
    """Return the statements that are not among the earlier rows."""
    if earlier is None:
        return said
    before = earlier.filter(
        pl.col("visit_occurrence_id").is_null() & pl.col("provider_id").is_null()
    )
    return said.join(before, on=["person_id", how.day, *how.same], how="anti", nulls_equal=True)


def _matched(sums: pl.DataFrame, earlier: pl.DataFrame | None, how: Summing) -> pl.DataFrame:
    """Add ``ROW`` and ``HELD``; ``units`` are from now on those that stand in the end."""
    if earlier is None:
        return sums.with_columns(pl.lit(None, pl.Int64).alias(ROW), pl.lit(0.0).alias(HELD))
    by = ["person_id", how.day, *how.same, "provider_id", _PLACE]
    place = _place("provider_id", "visit_occurrence_id")
    return with_earlier(
        sums.with_columns(place), earlier.with_columns(place), by=by, key=how.key
    ).drop(_PLACE)


def with_earlier(
    sums: pl.DataFrame, earlier: pl.DataFrame, *, by: list[str], key: str
) -> pl.DataFrame:
    """Match sums with earlier rows that agree in ``by``, null with null; the first row counts.

    Args:
        sums: With ``units``.
        earlier: With ``HELD`` and the primary key.
        by: Columns of both.
        key: The primary key.

    Returns:
        ``sums`` with ``ROW`` and ``HELD``; ``units`` include what was held.
    """
    first = (
        earlier.select(*by, pl.col(key).alias(ROW), HELD)
        .sort(ROW)
        .unique(by, keep="first", maintain_order=True)
    )
    found = sums.join(first, on=by, how="left", nulls_equal=True)
    held = pl.col(HELD).fill_null(0.0)
    return found.with_columns(held.alias(HELD), (pl.col("units") + held).alias("units"))


def _positive(found: pl.DataFrame) -> pl.DataFrame:
    return found.filter(pl.col(ROW).is_null() & (pl.col("units") > 0))
