"""The rows of the nine cohorts in one bucket, as a task for any process."""

import time
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from laennec.runs.definition_bucket import DefinitionBucket
from laennec.runs.definition_cohorts import Stays, stays
from laennec.runs.definition_plan import DefinitionPlan
from laennec.runs.definition_values import Whole
from laennec.runs.ports import BucketSource
from laennec.runs.processes import SnapshotInHand
from laennec.study.definition import Definition

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
    frames = []
    for definition in plan.definitions:
        began = time.thread_time()
        frames.append(cohort_rows(definition, stays(definition, rows), rows.people.ids))
        took[definition.name.removeprefix("c")] = time.thread_time() - began
    return pl.concat(frames), took


def cohort_rows(definition: Definition, found: Stays, ids: Whole) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "definition": np.full(found.person.size, int(definition.name.removeprefix("c"))),
            "person": ids[found.person],
            "start": pl.Series(found.start).cast(pl.Int32).cast(pl.Date),
            "end": pl.Series(found.end).cast(pl.Int32).cast(pl.Date),
        }
    )
