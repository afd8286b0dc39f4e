"""From merged measures to each check's violated rows and denominator: the meaning of the types.

Follows the Data Quality Dashboard 2.8 (its SQL and its documentation were read, none of it is
here); ``docs/explanation/data-quality.md`` says every rule in words and where this differs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from laennec.quality.checks import Check
from laennec.quality.counts import clock_limit, is_clocked
from laennec.quality.joins import sexes
from laennec.quality.keys import Census, is_in
from laennec.quality.partials import ROWS, Measures
from laennec.quality.plan import PERSON, Columns, absent, is_cut, needs_number
from laennec.quality.vocabulary import Lookups


@dataclass(frozen=True)
class Outcome:
    """What a check found.

    Attributes:
        violated: Rows (persons, values) that break the rule.
        denominator: Rows (persons, values) it was asked of.
        absent: The table, as ``(table, "")``, or the field that is not there; then both are 0.
    """

    violated: int
    denominator: int
    absent: tuple[str, str] | None = None


@dataclass(frozen=True)
class Findings:
    """All that outcomes are worked out from.

    Attributes:
        measures: Merged over all buckets.
        censuses: Of the keys of each table cut by person.
        lookups: The vocabulary and tables without person.
        columns: The columns of each table that is there.
        today: The day of the run.
    """

    measures: Measures
    censuses: Mapping[str, Census]
    lookups: Lookups
    columns: Columns
    today: date

    def count(self, check: Check, name: str) -> int:
        """Return a count of the check's table."""
        return self.measures.count(check.table, name)

    def rows(self, check: Check) -> int:
        """Return the rows of the check's table."""
        return self.count(check, ROWS)

    def filled(self, check: Check, field: str) -> int:
        """Return the rows of the check's table in which a field has a value."""
        return self.rows(check) - self.count(check, f"missing:{field}")

    def tally(self, check: Check, name: str) -> pl.DataFrame:
        """Return a tally of the check's table."""
        return self.measures.tally(check.table, name)


def outcome(check: Check, found: Findings) -> Outcome:
    """Return what a check found, or what is not there for it to look at."""
    gone = absent(check, found.columns)
    if gone is not None:
        return Outcome(0, 0, gone)
    violated, denominator = _RULES[check.name](check, found)
    return Outcome(violated, denominator)


Rule = Callable[[Check, Findings], tuple[int, int]]


def _is_there(_: Check, __: Findings) -> tuple[int, int]:
    return 0, 1


def _without_record(check: Check, found: Findings) -> tuple[int, int]:
    return found.count(check, "without"), found.measures.count(PERSON, ROWS)


def _without_era(_: Check, found: Findings) -> tuple[int, int]:
    count = found.measures.count
    return count("condition_occurrence", "ill:without_era"), count("condition_occurrence", "ill")


def _overlapping(check: Check, found: Findings) -> tuple[int, int]:
    return found.count(check, "observed:overlapping"), found.count(check, "observed")


def _missing(check: Check, found: Findings) -> tuple[int, int]:
    return found.count(check, f"missing:{check.field}"), found.rows(check)


def _untyped(check: Check, found: Findings) -> tuple[int, int]:
    return found.count(check, f"untyped:{check.field}"), found.rows(check)


def _repeated(check: Check, found: Findings) -> tuple[int, int]:
    return found.count(check, f"repeated:{check.field}"), found.rows(check)


def _names_nothing(check: Check, found: Findings) -> tuple[int, int]:
    table, field = check.other_table, check.other_field
    if not is_cut(table):
        named, known = (
            found.tally(check, f"value:{check.field}"),
            found.lookups.values(table, field),
        )
    elif table in found.censuses:
        named = found.tally(check, f"dangling:{check.field}")
        there = is_in(named["number"], found.censuses[table].union)
        return int(named.filter(~there)["rows"].sum()), found.rows(check)
    else:
        named = found.tally(check, f"value:{check.field}")
        known = found.measures.tally(table, f"value:{field}")["number"]
    column = "text" if known.dtype == pl.String else "number"
    keys = known.cast(named.schema[column], strict=False)
    there = named[column].is_in(keys.implode()).fill_null(value=False)
    return int(named.filter(~there)["rows"].sum()), found.rows(check)


def _breaks_vocabulary(check: Check, found: Findings) -> tuple[int, int]:
    tally = found.tally(check, f"value:{check.field}")
    return found.lookups.wrong(check, tally), found.rows(check)


def _zero(check: Check, found: Findings) -> tuple[int, int]:
    asked = found.filled(check, "value_as_number") if needs_number(check) else found.rows(check)
    return found.count(check, f"zero:{check.field}"), asked


def _unmapped_values(check: Check, found: Findings) -> tuple[int, int]:
    values = found.tally(check, f"source:{check.field}")
    unmapped = values.filter(pl.col("number") == 1)["text"]
    return unmapped.n_unique(), values["text"].n_unique()


def _low(check: Check, found: Findings) -> tuple[int, int]:
    return found.count(check, f"low:{check.field}"), found.filled(check, check.field)


def _high(check: Check, found: Findings) -> tuple[int, int]:
    asked = found.filled(check, check.field)
    if not is_clocked(check):
        return found.count(check, f"high:{check.field}"), asked
    late = found.tally(check, f"late:{check.field}")
    limit = clock_limit(check, found.today)
    return int(late.filter(pl.col("number") > limit)["rows"].sum()), asked


def _before(check: Check, found: Findings) -> tuple[int, int]:
    kind = "before_midyear" if check.other_table == PERSON else "before"
    return found.count(check, f"{kind}:{check.field}"), found.rows(check)


def _during_life(check: Check, found: Findings) -> tuple[int, int]:
    return found.count(check, f"after_death:{check.field}"), found.count(check, "of_dead")


def _before_death(check: Check, found: Findings) -> tuple[int, int]:
    asked = found.count(check, f"of_dead:{check.field}")
    return found.count(check, f"after_death:{check.field}"), asked


def _after_birth(check: Check, found: Findings) -> tuple[int, int]:
    return found.count(check, f"unborn:{check.field}"), found.filled(check, check.field)


def _ordered(check: Check, found: Findings) -> tuple[int, int]:
    return (
        found.count(check, f"after_end:{check.field}"),
        found.count(check, f"with_end:{check.field}"),
    )


def _within_visit(check: Check, found: Findings) -> tuple[int, int]:
    return found.count(check, f"off_visit:{check.field}"), found.count(check, "of_visit")


def _sex(check: Check, found: Findings) -> tuple[int, int]:
    # Of most concepts there is no row.
    if found.measures.numbers(check.table, f"value:{check.field}").isdisjoint(check.concepts):
        return 0, 0
    concepts = pl.DataFrame({"number": check.concepts}, schema={"number": pl.Int64})
    return _sex_of(check, found, concepts)


def _sex_below(check: Check, found: Findings) -> tuple[int, int]:
    return _sex_of(check, found, found.lookups.below(check))


def _sex_of(check: Check, found: Findings, concepts: pl.DataFrame) -> tuple[int, int]:
    """Count rows of some concepts, and those of them of a wrong sex."""
    wrong = found.tally(check, f"sex:{check.field}").filter(pl.col("second").is_in(sexes(check)))
    every = found.tally(check, f"value:{check.field}")
    violated, asked = (
        int(concepts.join(tally, on="number")["rows"].sum()) for tally in (wrong, every)
    )
    return violated, asked


def _unit(check: Check, found: Findings) -> tuple[int, int]:
    if found.measures.numbers(check.table, f"unit:{check.field}").isdisjoint(check.concepts):
        return 0, 0
    seen = found.tally(check, f"unit:{check.field}")
    of_concept = seen.filter(pl.col("number").is_in(check.concepts))
    allowed = [int(unit) for unit in check.value.split(",") if unit.strip()]
    known = of_concept.filter(pl.col("second").is_not_null())
    wrong = known.filter(~pl.col("second").is_in(allowed)) if allowed else known
    return int(wrong["rows"].sum()), int(of_concept["rows"].sum())


_RULES: Mapping[str, Rule] = {
    "cdmTable": _is_there,
    "measurePersonCompleteness": _without_record,
    "measureConditionEraCompleteness": _without_era,
    "measureObservationPeriodOverlap": _overlapping,
    "cdmField": _is_there,
    "isRequired": _missing,
    "cdmDatatype": _untyped,
    "isPrimaryKey": _repeated,
    "isForeignKey": _names_nothing,
    "fkDomain": _breaks_vocabulary,
    "fkClass": _breaks_vocabulary,
    "isStandardValidConcept": _breaks_vocabulary,
    "measureValueCompleteness": _missing,
    "standardConceptRecordCompleteness": _zero,
    "sourceConceptRecordCompleteness": _zero,
    "sourceValueCompleteness": _unmapped_values,
    "plausibleValueLow": _low,
    "plausibleValueHigh": _high,
    "plausibleTemporalAfter": _before,
    "plausibleDuringLife": _during_life,
    "withinVisitDates": _within_visit,
    "plausibleAfterBirth": _after_birth,
    "plausibleBeforeDeath": _before_death,
    "plausibleStartBeforeEnd": _ordered,
    "plausibleGender": _sex,
    "plausibleGenderUseDescendants": _sex_below,
    "plausibleUnitConceptIds": _unit,
}
