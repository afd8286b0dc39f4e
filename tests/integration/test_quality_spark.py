"""Data quality on a real Spark cluster, a master and two workers: the same results."""

from pathlib import Path

import pytest

from fakes.cli_shell import Cli
from fakes.spark_runs import BUCKETS
from laennec.app.hub import open_hub
from laennec.app.quality_runs import assess_elsewhere
from laennec.compute.spark import SparkExecutor
from laennec.core.clock import system_clock
from laennec.core.errors import IntegrityError
from laennec.core.progress import Quiet
from laennec.quality.service import QualityReport
from parts.spark import Cluster

# py4j leaves its sockets to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def here(cli: Cli) -> QualityReport:
    with open_hub(cli.folder, clock=system_clock, reporter=Quiet()) as hub:
        return hub.quality().assess("5.4")


def there(cli: Cli, executor: SparkExecutor, *, everything: bool = False) -> QualityReport:
    with open_hub(cli.folder, clock=system_clock, reporter=Quiet()) as hub:
        return assess_elsewhere(hub, "5.4", executor, folder=cli.folder, everything=everything)


def test_every_check_finds_the_same(
    spark: tuple[Cluster, SparkExecutor], stocked: Cli, tmp_path: Path
) -> None:
    one, other = stocked.copy(tmp_path / "one"), stocked.copy(tmp_path / "other")
    found, expected = there(one, spark[1]).assessment, here(other).assessment
    assert found == expected
    assert found.scanned == found.scans > BUCKETS
    # What either kept serves the other.
    again = here(one).assessment
    assert (again.results, again.scanned) == (expected.results, 0)
    after = there(other, spark[1]).assessment
    assert (after.results, after.scanned) == (expected.results, 0)
    assert there(other, spark[1], everything=True).assessment == expected


def test_an_altered_bucket_is_told_as_ours(
    spark: tuple[Cluster, SparkExecutor], stocked: Cli, tmp_path: Path
) -> None:
    cli = stocked.copy(tmp_path / "hub")
    with open_hub(cli.folder, clock=system_clock, reporter=Quiet()) as hub:
        file = hub.warehouse.view().files("person")[BUCKETS // 2]
    sealed = cli.folder / "store" / "warehouse" / file.object
    body = bytearray(sealed.read_bytes())
    body[-20] ^= 1  # of the footer, which every read needs
    sealed.write_bytes(body)
    with pytest.raises(IntegrityError, match=file.object):
        there(cli, spark[1])
