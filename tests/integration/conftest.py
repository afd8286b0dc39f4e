"""A hub in many buckets and a Spark cluster, each made once for the tests of a file."""

from collections.abc import Iterator

import pytest

from fakes.cli_shell import Cli
from fakes.spark_runs import stocked_hub
from laennec.compute.spark import SparkExecutor
from parts.spark import Cluster, cluster, fresh_driver


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """A hub with GiBleed in many buckets; not to be changed."""
    return stocked_hub(tmp_path_factory.mktemp("stocked"))


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, SparkExecutor]]:
    """A cluster and a session on it, for the tests that leave both whole."""
    with (
        cluster(tmp_path_factory.mktemp("cluster")) as started,
        fresh_driver(started.environment),
        SparkExecutor(started.master) as executor,
    ):
        yield started, executor
