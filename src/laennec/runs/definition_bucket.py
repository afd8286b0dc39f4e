"""One bucket as definitions read it: each table put in order once, each query found once."""

from collections.abc import Mapping
from functools import cache

import polars as pl

from laennec.runs.definition_cohorts import Stays, stays
from laennec.runs.definition_events import Events
from laennec.runs.definition_plan import SHARED, DefinitionPlan
from laennec.runs.definition_tables import MISSING, People, Periods, Table, joined, table_of, whole
from laennec.runs.definition_values import Whole
from laennec.runs.kernel_history import days
from laennec.runs.ports import BucketSource
from laennec.runs.scans import PERIOD_COLUMNS
from laennec.study.definition import EventQuery


class DefinitionBucket:
    """The rows of one bucket that a plan of definitions reads, each table when it is first used.

    Attributes:
        people, periods: Who is in the bucket, and when they are observed.
        found: Events of queries that were found already.
    """

    def __init__(self, plan: DefinitionPlan, source: BucketSource, bucket: int) -> None:
        self._plan, self._source, self._bucket = plan, source, bucket
        self._scans = {one.table: one for one in plan.scans}
        persons = source.read("person", bucket, columns=plan.person_columns, where=None)
        self.people = _people(persons)
        rows = source.read("observation_period", bucket, columns=PERIOD_COLUMNS, where=None)
        self.periods = _periods(rows, self.people)
        self.found: dict[EventQuery, Events] = {}
        self.table = cache(self._table)
        self.whole_table = cache(self._whole_table)

    def concepts(self, name: str) -> Whole:
        """Return the concepts of a set, ascending."""
        return self._plan.concepts[name]

    def stays(self) -> Mapping[str, Stays]:
        """Return who is in the cohort of each definition, by its name."""
        return {one.name: stays(one, self) for one in self._plan.definitions}

    def _table(self, name: str) -> Table:
        scan = self._scans[name]
        where = scan.table_scan().where(self._source, self._bucket)
        read = self._source.read(name, self._bucket, columns=scan.columns, where=where)
        ordered = self._source.ordered(name, self._bucket)
        return table_of(name, read, self.people, known=scan.told, ordered=ordered)

    def _whole_table(self, name: str) -> pl.DataFrame:
        return self._source.read_whole(name, columns=SHARED[name]).cast(pl.Int64)


def _people(rows: pl.DataFrame) -> People:
    kept = rows.cast(pl.Int64).sort("person_id")
    return People(whole(kept["person_id"]), kept)


def _periods(rows: pl.DataFrame, people: People) -> Periods:
    """The periods of observation as ``kernel_history.observed`` joins them."""
    person = people.numbers(rows["person_id"])
    start, end = (whole(days_of) for days_of in rows.select(*map(days, PERIOD_COLUMNS[1:])))
    known = (person >= 0) & (start != MISSING) & (start <= end)
    return Periods(*joined(person[known], start[known], end[known], pad=0))
