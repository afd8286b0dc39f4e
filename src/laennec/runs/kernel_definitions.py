"""Members and attrition of cohorts that are defined as in ATLAS, for the results of a study.

The steps, and what a person's membership is, are those of ``study.reference_enrolment``.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl

from laennec.runs.definition_bucket import DefinitionBucket
from laennec.runs.definition_cohorts import Stays, firsts
from laennec.runs.definition_plan import DefinitionPlan
from laennec.runs.definition_values import Whole
from laennec.runs.kernel_cohorts import Enrolment
from laennec.runs.kernel_combined import enrolment_of
from laennec.runs.kernel_history import PERSON, Bucket
from laennec.runs.ports import BucketSource


def enrol_definitions(
    plan: DefinitionPlan, source: BucketSource, bucket: int, rows: Bucket
) -> Mapping[str, Enrolment]:
    """Return the members of each definition's cohort in one bucket, by its name.

    Args:
        plan: The definitions.
        source: Where the rows are.
        bucket: One of ``source.buckets()``.
        rows: The persons of the same bucket, and when they are observed.

    Raises:
        LaennecError: the source cannot read the rows.
    """
    found = DefinitionBucket(plan, source, bucket)
    return {
        one.name: _enrolment(stays, len(one.rules), found.people.ids, rows)
        for one, stays in zip(plan.definitions, found.stays().values(), strict=True)
    }


def _enrolment(stays: Stays, rules: int, ids: Whole, rows: Bucket) -> Enrolment:
    whole = pl.DataFrame(
        {PERSON: ids[stays.person], "entry": stays.start, "exit": stays.end},
        schema=dict.fromkeys((PERSON, "entry", "exit"), pl.Int64),
    )
    steps = tuple(_passing(stays, 2**number - 1) for number in range(rules + 1))
    return enrolment_of(whole, rows, (*steps, firsts(stays.person).size))


def _passing(stays: Stays, first_rules: int) -> int:
    """How many persons have a qualified event that passes the first rules."""
    return np.unique(stays.qualified[stays.masks & first_rules == first_rules]).size
