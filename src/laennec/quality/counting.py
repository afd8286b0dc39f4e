"""Counting some tables of one place: what threads here and executors elsewhere do alike.

A *place* is a person bucket, or None for all tables without person. Nothing is kept here and
nothing is merged; what comes out are whole numbers and keys.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import polars as pl

from laennec.core.errors import EngineError
from laennec.quality.checks import checks
from laennec.quality.context import LOOKED_INTO, Context
from laennec.quality.keys import Keys
from laennec.quality.partials import NO_MEASURES, PLACE
from laennec.quality.plan import Columns, Scan, needed, plan_scans
from laennec.quality.ports import QualitySource
from laennec.quality.scan import scan_table
from laennec.quality.shelf import Place
from laennec.runs.local import ENGINE_FAILURES

Value = TypeVar("Value")


@dataclass(frozen=True)
class Survey:
    """What is asked of a data set.

    Attributes:
        version: Of the checks.
        source: The rows.
        columns: The columns of each table that a check names; None for a table that is not there.
        scans: Of all tables.
        today: Day on which a day counts as to come.
    """

    version: str
    source: QualitySource
    columns: Columns
    scans: tuple[Scan, ...]
    today: date

    def of(self, place: Place) -> list[Scan]:
        """Return the scans of a place."""
        return [scan for scan in self.scans if scan.cut == (place is not None)]


@dataclass(frozen=True)
class Asked:
    """Tables to count.

    Attributes:
        place: Where.
        tables: Their names.
    """

    place: Place
    tables: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """What was counted.

    Attributes:
        measures: Of all the tables, in a fixed order (``partials``).
        keys: Of each table that is cut by person and has a primary key.
    """

    measures: pl.DataFrame
    keys: Mapping[str, Keys]


def survey(version: str, source: QualitySource, *, today: date) -> Survey:
    """Plan every check of a version on a data set.

    Raises:
        SettingsError: there are no checks for this version.
    """
    tables = {
        table for check in checks(version) for table, _ in [*needed(check), (check.table, "")]
    }
    columns = {table: source.columns(table) for table in tables}
    return Survey(version, source, columns, plan_scans(version, columns), today)


def count(survey: Survey, asked: Asked) -> Found:
    """Count tables of a place.

    Raises:
        EngineError: the computation failed.
        LaennecError: the rows cannot be read.
    """
    where = "the tables without person" if asked.place is None else f"bucket {asked.place}"
    return computed(where, lambda: _count(survey, asked))


def computed(where: str, work: Callable[[], Value]) -> Value:
    """Return what some work on rows gives.

    Args:
        where: Of what the data quality is computed.
        work: May fail as an engine fails: over memory, a column that is not there, a wrong type.

    Raises:
        EngineError: it failed so.
    """
    try:
        return work()
    except ENGINE_FAILURES as error:
        failure = type(error).__name__
    # Outside the handler: the engine's message, which may quote a value, is not chained.
    raise EngineError(
        f"The data quality of {where} could not be computed ({failure}).",
        remedy="Run with fewer workers, or cut the warehouse into more buckets if memory is short; "
        "else `laennec verify` tells whether the tables are as they were sealed.",
    )


def _count(survey: Survey, asked: Asked) -> Found:
    context = Context(survey.source, asked.place, survey.columns)
    scans = [scan for scan in survey.of(asked.place) if scan.table in asked.tables]
    # First what the others look into, so that it is read once.
    scans.sort(key=lambda scan: scan.table not in LOOKED_INTO)
    found = {scan.table: scan_table(scan, context, today=survey.today) for scan in scans}
    keys = {table: one.keys for table, one in found.items() if one.keys is not None}
    every = pl.concat([NO_MEASURES, *(one.measures for one in found.values())])
    return Found(every.sort(PLACE), keys)
