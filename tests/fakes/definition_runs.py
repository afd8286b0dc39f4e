"""A definition run by the bucket kernel over rows in memory."""

from collections import Counter
from dataclasses import dataclass
from datetime import date

from fakes.frame_source import FrameSource
from laennec.runs.definition_bucket import DefinitionBucket
from laennec.runs.definition_plan import plan_definitions
from laennec.runs.kernel_cohorts import EPOCH
from laennec.study.definition import Definition
from laennec.study.reference_history import Concepts, Rows


@dataclass(frozen=True)
class BucketAnswer:
    """Stays by person and day, and how many events and persons have each mask of rules."""

    stays: list[tuple[int, date, date]]
    events: dict[int, int]
    persons: dict[int, int]


def stays_in_buckets(
    definition: Definition,
    rows: Rows,
    concepts: Concepts,
    *,
    count: int,
    ordered: bool = False,
) -> BucketAnswer:
    """Return what the kernel finds in ``count`` buckets together."""
    source = FrameSource(rows, count=count, ordered=ordered)
    plan = plan_definitions([definition], concepts)
    stays: list[tuple[int, date, date]] = []
    events: Counter[int] = Counter()
    persons: Counter[int] = Counter()
    for number in source.buckets():
        bucket = DefinitionBucket(plan, source, number)
        found = bucket.stays()[definition.name]
        stays += [
            (
                int(bucket.people.ids[person]),
                date.fromordinal(start + EPOCH),
                date.fromordinal(end + EPOCH),
            )
            for person, start, end in zip(
                *(one.tolist() for one in (found.person, found.start, found.end)), strict=True
            )
        ]
        events.update(found.masks.tolist())
        persons.update(found.best.tolist())
    return BucketAnswer(sorted(stays), dict(events), dict(persons))
