"""Random faulty tables: fused scans of buckets find what one query for each check finds."""

import os
from collections import defaultdict
from datetime import date
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.quality_duckdb import answers
from fakes.quality_source import FrameTables
from fakes.quality_tables import random_tables
from laennec.core.progress import Quiet
from laennec.omop.cdm import cdm
from laennec.quality.checks import check_types, checks
from laennec.quality.engines import LocalEngine
from laennec.quality.run import Assessment, assess
from laennec.quality.shelf import Memory
from laennec.warehouse.layout import sort_keys

TODAY = date(2026, 11, 28)
EXAMPLES = int(os.environ.get("LAENNEC_EXAMPLES", "6"))
THERE = {"cdmTable", "cdmField"}


def assessed(version: str, source: FrameTables) -> Assessment:
    with Quiet().task("") as task:
        return assess(version, source, Memory(), today=TODAY, engine=LocalEngine(2), progress=task)


def in_file_order(name: str, rows: pl.DataFrame, version: str) -> pl.DataFrame:
    """Sort rows as sealed files are, and give visits keys that ascend and stay few."""
    rows = rows.sort(sort_keys(cdm(version).tables[name]))
    if name != "visit_occurrence":
        return rows
    return rows.with_columns(pl.int_range(1, pl.len() + 1).alias("visit_occurrence_id"))


@pytest.mark.parametrize("version", ["5.3", "5.4"])
@settings(max_examples=EXAMPLES, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    buckets=st.integers(1, 5),
    ordered=st.booleans(),
    told=st.integers(0, 2),
)
def test_scans_agree_with_queries_whatever_the_buckets_the_order_and_what_footers_tell(
    version: str, seed: int, buckets: int, ordered: bool, told: int
) -> None:
    tables = random_tables(Random(seed), version)
    if ordered:
        tables = {name: in_file_order(name, rows, version) for name, rows in tables.items()}
    found = assessed(version, FrameTables(tables, buckets=buckets, told=told)).results
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
