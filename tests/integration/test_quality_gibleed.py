"""All checks on the GiBleed tables as they are, against one SQL query for each check."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from fakes.quality_duckdb import answers
from fakes.quality_source import FrameTables
from laennec.core.progress import Quiet
from laennec.quality.engines import LocalEngine
from laennec.quality.run import Assessment, assess
from laennec.quality.shelf import Memory
from laennec.quality.statuses import Status

GIBLEED = Path(__file__).resolve().parents[3] / "shared" / "data" / "omop-gibleed"
TODAY = date(2026, 11, 28)

pytestmark = pytest.mark.skipif(not GIBLEED.is_dir(), reason="shared/data/omop-gibleed is absent")


@pytest.fixture(scope="module")
def tables() -> Mapping[str, pl.DataFrame]:
    return {file.stem: pl.read_parquet(file) for file in GIBLEED.glob("*.parquet")}


def assessed(tables: Mapping[str, pl.DataFrame], *, buckets: int) -> Assessment:
    with Quiet().task("") as task:
        source = FrameTables(tables, buckets=buckets)
        return assess("5.3", source, Memory(), today=TODAY, engine=LocalEngine(2), progress=task)


def test_every_check_finds_what_its_own_query_finds(tables: Mapping[str, pl.DataFrame]) -> None:
    asked = answers("5.3", tables, today=TODAY)
    found = assessed(tables, buckets=7).results
    assert len(found) == len(asked) == 2005
    for result in found:
        seen = result.outcome
        ours = None if seen.absent else (seen.violated, seen.denominator)
        assert ours == asked[result.check], result.check.check_id
    assert assessed(tables, buckets=1).results == found


def test_the_known_defects_of_gibleed_are_seen(tables: Mapping[str, pl.DataFrame]) -> None:
    found = {one.check.check_id: one for one in assessed(tables, buckets=4).results}
    keys = found["field_isprimarykey_drug_exposure_drug_exposure_id"]
    assert (keys.status, keys.outcome.violated) == (Status.FAILED, 2 * 4384)
    nobody = found["field_isforeignkey_observation_period_person_id"]
    assert (nobody.status, nobody.outcome.violated) == (Status.FAILED, 2649)
    types = found["field_isforeignkey_condition_occurrence_condition_type_concept_id"]
    assert (types.status, types.share) == (Status.FAILED, 1.0)
    assert Counter(one.status for one in found.values()) == {
        Status.NOT_APPLICABLE: 1041,
        Status.PASSED: 906,
        Status.FAILED: 58,
    }
