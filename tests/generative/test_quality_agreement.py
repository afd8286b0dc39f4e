"""Random faulty tables: fused scans of buckets find what one query for each check finds."""

import os
from collections import defaultdict
from datetime import date
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.quality_duckdb import answers
from fakes.quality_source import FrameTables
from fakes.quality_tables import random_tables
from laennec.core.progress import Quiet
from laennec.quality.checks import check_types, checks
from laennec.quality.run import Assessment, assess
from laennec.quality.shelf import Memory

TODAY = date(2026, 11, 28)
EXAMPLES = int(os.environ.get("LAENNEC_EXAMPLES", "6"))
THERE = {"cdmTable", "cdmField"}


def assessed(version: str, source: FrameTables) -> Assessment:
    with Quiet().task("") as task:
        return assess(version, source, Memory(), today=TODAY, workers=2, progress=task)


@pytest.mark.parametrize("version", ["5.3", "5.4"])
@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=st.integers(0, 2**32), buckets=st.integers(1, 5))
def test_scans_agree_with_queries_whatever_the_buckets(
    version: str, seed: int, buckets: int
) -> None:
    tables = random_tables(Random(seed), version)
    found = assessed(version, FrameTables(tables, buckets=buckets)).results
    asked = answers(version, tables, today=TODAY)
    for result in found:
        seen = result.outcome
        ours = None if seen.absent else (seen.violated, seen.denominator)
        assert ours == asked[result.check], (seed, result.check.check_id)


def test_random_tables_give_every_type_of_check_something_to_find() -> None:
    broken, kept = defaultdict[str, int](int), defaultdict[str, int](int)
    for seed in range(40):
        source = FrameTables(random_tables(Random(seed), "5.4"), buckets=2)
        for result in assessed("5.4", source).results:
            seen = result.outcome
            broken[result.check.name] += bool(seen.violated) or seen.absent is not None
            kept[result.check.name] += 0 < seen.violated < seen.denominator
    # Tables in memory have the types of the CDM; the unit test has others.
    assert {name for name in check_types() if not broken[name]} <= {"cdmDatatype"}
    assert {name for name in check_types() if not kept[name]} <= THERE | {"cdmDatatype"}
    assert {check.name for check in checks("5.3")} == set(check_types())
