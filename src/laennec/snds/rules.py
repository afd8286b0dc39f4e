"""Which rows of the SNDS are set aside before they become OMOP, and why: rules as data.

The rules lie in ``data/rules.toml``, each with its source, the years it holds for and a reason. A
rule is a few conditions on the columns of one family; a row is taken out if one of them is true. A
missing value makes no condition true unless the rule says so: SQL's ``<>`` and ``NOT IN`` are not
true of a missing value, so that a rule written as what to *keep* loses rows that nobody meant.

Where sources disagree a rule has several readings. One is chosen, with the reason; the others can
be asked for by name, so that results made under them can be told and repeated.

Pure but for reading the package's own data. It takes nothing out: who loads does (``Effect``).
"""

import csv
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import polars as pl

from laennec.snds.catalogue import catalogue
from laennec.snds.rules_model import (
    APPLIED,
    COUNTED,
    CleaningRule,
    Condition,
    Effect,
    Reading,
    Test,
)

__all__ = [
    "CleaningRule",
    "Effect",
    "counted_for",
    "failing",
    "needs",
    "rules",
    "rules_for",
    "version",
    "windows_for",
]


def rules_for(family: str, year: int | None) -> tuple[CleaningRule, ...]:
    """Return the rules that take rows of a table out in a year, in the order of the data.

    Conditions on a column that the year's table does not have are left out, and with the last of
    them the rule. Lists by year are those of the year.

    Args:
        family: Table without its year; one that no rule is about has none.
        year: Of the table, as in ``catalogue.Table.in_year``.
    """
    return tuple(rule for rule in _bound(family, year) if rule.effect in APPLIED)


def counted_for(family: str, year: int | None) -> tuple[CleaningRule, ...]:
    """Return the rules whose rows stay and are only counted, bound as by ``rules_for``."""
    return tuple(rule for rule in _bound(family, year) if rule.effect in COUNTED)


def windows_for(family: str, year: int | None) -> tuple[CleaningRule, ...]:
    """Return the rules about months of flux: care is complete ``reading.months`` months later."""
    return tuple(
        rule
        for rule in rules()
        if rule.family == family and rule.holds_in(year) and rule.effect is Effect.WINDOW
    )


def needs(family: str, year: int | None) -> frozenset[str]:
    """Return the columns of a table that its rules ask about, applied and counted."""
    bound = (*rules_for(family, year), *counted_for(family, year))
    return frozenset(condition.column for rule in bound for condition in rule.predicate)


def failing(rule: CleaningRule, rows: pl.DataFrame | pl.LazyFrame) -> pl.Expr:
    """Return whether the rule names a row: Boolean, never null.

    Args:
        rule: Of ``rules_for`` or ``counted_for``, so that its years are known.
        rows: With the columns of the rule, typed as the catalogue says.

    Raises:
        ValueError: the rows lack a column of the rule, or the rule is not bound to a year or has
            no condition; the caller is wrong.
    """
    there = rows.collect_schema().names()
    missing = sorted({one.column for one in rule.predicate} - set(there))
    if missing or not rule.predicate or any(one.file and not one.values for one in rule.predicate):
        raise ValueError(f"{rule.id} cannot be asked of these rows: {', '.join(missing)}")
    return pl.any_horizontal([_expression(one) for one in rule.predicate])


def _expression(condition: Condition) -> pl.Expr:
    asked = _ASK[condition.test](pl.col(condition.column), list(condition.values))
    return asked.fill_null(condition.null)


_ASK: Mapping[Test, Callable[[pl.Expr, list[Any]], pl.Expr]] = MappingProxyType(
    {
        Test.IN: lambda column, values: column.is_in(values),
        Test.NOT_IN: lambda column, values: ~column.is_in(values),
        Test.STARTS_WITH: lambda column, values: _any(
            column.str.starts_with(one) for one in values
        ),
        Test.NOT_ENDS_WITH: lambda column, values: (
            ~_any(column.str.ends_with(one) for one in values)
        ),
        Test.CONTAINS: lambda column, values: _any(
            column.str.contains(one, literal=True) for one in values
        ),
    }
)


def _any(asked: Iterator[pl.Expr]) -> pl.Expr:
    """Any of some, null where the value is missing: ``any_horizontal`` would say False."""
    first, *others = asked
    for other in others:
        first = first | other
    return first


@cache
def _bound(family: str, year: int | None) -> tuple[CleaningRule, ...]:
    table = catalogue().tables.get(family)
    there = set(table.in_year(year)) if table else set()
    found = []
    for rule in rules():
        if rule.family == family and rule.holds_in(year):
            every = [_reading_of(one, year, there) for one in (rule.reading, *rule.alternatives)]
            if every[0].takes_out:
                found.append(replace(rule, reading=every[0], alternatives=tuple(every[1:])))
    return tuple(found)


def _reading_of(reading: Reading, year: int | None, there: set[str]) -> Reading:
    kept = (one for one in reading.takes_out if one.column in there)
    return replace(reading, takes_out=tuple(_condition_of(one, year) for one in kept))


def _condition_of(condition: Condition, year: int | None) -> Condition:
    if condition.file:
        return replace(condition, values=_listed(condition, year))
    return replace(
        condition,
        values=tuple(
            one.replace("{year}", str(year)) if isinstance(one, str) else one
            for one in condition.values
        ),
    )


def _listed(condition: Condition, year: int | None) -> tuple[str, ...]:
    """Return the values of a file in a year."""
    rows = csv.DictReader(_text(str(condition.file)).splitlines())
    found = []
    for row in rows:
        first, _, last = row[condition.years].partition("-")
        if first and year is not None and int(first) <= year <= int(last):
            found.append(row["value"])
    return tuple(found)


@cache
def rules() -> tuple[CleaningRule, ...]:
    """Return every rule, in the order of the data, bound to no year."""
    told = tomllib.loads(_text("rules.toml"))
    found = []
    for entry in told["rule"]:
        source = told["sources"][entry["source"]]
        readings = sorted(
            entry.get("reading", [{**entry, "id": "only", "chosen": True, "why": ""}]),
            key=lambda one: not one.get("chosen", False),
        )
        chosen, *others = [_reading(one, told["conditions"]) for one in readings]
        found += [
            CleaningRule(
                id=entry["id"],
                family=family,
                first_year=entry.get("first_year"),
                last_year=entry.get("last_year"),
                effect=Effect(entry["effect"]),
                source=source["title"],
                source_date=source["date"],
                reason=entry["reason"],
                reading=chosen,
                alternatives=tuple(others),
                sheet=tuple(entry.get("sheet", ())),
            )
            for family in entry["families"]
        ]
    return tuple(found)


def version() -> str:
    """Return the version of the rules."""
    return str(tomllib.loads(_text("rules.toml"))["version"])


def _reading(told: Mapping[str, Any], shared: Mapping[str, Any]) -> Reading:
    conditions = told.get("takes_out", [])
    if isinstance(conditions, str):
        conditions = shared[conditions.removeprefix("@")]
    return Reading(told["id"], told["why"], tuple(map(_condition, conditions)), told.get("months"))


def _condition(told: Mapping[str, Any]) -> Condition:
    null = told.get("null", False)
    if "in_file" in told:
        return Condition(
            told["column"], Test.IN, null=null, file=told["in_file"], years=told["years"]
        )
    test, values = _asked(told)
    return Condition(told["column"], test, tuple(values), null=null)


def _asked(told: Mapping[str, Any]) -> tuple[Test, Sequence[str | int]]:
    """Return test and values of a condition; a word that is no test is an error, not skipped."""
    (word,) = set(told) - {"column", "null"}
    return Test(word), told[word]


def _text(name: str) -> str:
    return (files("laennec.snds") / "data" / name).read_text(encoding="utf-8")
