"""The rows of the nine cohorts in one bucket, as a task for any process."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from laennec.runs.definition_bucket import DefinitionBucket
from laennec.runs.definition_cohorts import Stays, stays
from laennec.runs.definition_plan import DefinitionPlan
from laennec.runs.definition_values import Whole
from laennec.runs.ports import BucketSource
from laennec.runs.processes import SnapshotInHand

Found = tuple[pl.DataFrame, dict[str, float]]
"""Rows of all cohorts, and seconds of the worker for the tables and each definition."""


@dataclass(frozen=True)
class CohortTask:
    """Finds all cohorts in a bucket; it holds keys, and goes through a pipe."""

    place: SnapshotInHand = field(repr=False)
    plan: DefinitionPlan = field(repr=False)

    def __call__(self, bucket: int) -> Found:
        return in_bucket(self.plan, self.place.source(tables=(), buckets=()), bucket)


def in_bucket(plan: DefinitionPlan, source: BucketSource, bucket: int) -> Found:
    """Find all cohorts in a bucket."""
    took, began = {}, time.thread_time()
    rows = DefinitionBucket(plan, source, bucket)
    for scan in plan.scans:
        rows.table(scan.table)
    took["tables"] = time.thread_time() - began
    found: dict[int, Stays] = {}
    for definition in plan.definitions:
        began = time.thread_time()
        number = int(definition.name.removeprefix("c"))
        found[number] = stays(definition, rows)
        took[str(number)] = time.thread_time() - began
    return cohort_rows(found, rows.people.ids), took


def cohort_rows(found: Mapping[int, Stays], ids: Whole) -> pl.DataFrame:
    """Return the rows of all cohorts, by their numbers."""
    sizes = [one.person.size for one in found.values()]
    person, start, end = (
        np.concatenate([getattr(one, name) for one in found.values()])
        for name in ("person", "start", "end")
    )
    return pl.DataFrame(
        {
            "definition": np.repeat(list(found), sizes),
            "person": ids[person],
            "start": pl.Series(start.astype(np.int32)).cast(pl.Date),
            "end": pl.Series(end.astype(np.int32)).cast(pl.Date),
        }
    )
