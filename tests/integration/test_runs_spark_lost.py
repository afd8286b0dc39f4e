"""A run on Spark when machines go, or never were there; each test has a cluster of its own."""

from pathlib import Path

import pytest

from fakes.cli_shell import packaged
from fakes.compute_tasks import Steps, leak
from fakes.spark_runs import BUCKETS, run_here, run_there, stocked_hub
from laennec.compute.spark import SparkExecutor
from laennec.core.errors import EngineError, SettingsError
from parts import free_port
from parts.spark import cluster, fresh_driver

# py4j leaves its sockets to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def test_a_killed_worker_costs_time_only(tmp_path: Path) -> None:
    """At the first answer one of two workers is killed, with its executor and its Python."""
    cli = stocked_hub(tmp_path / "hub")
    (tmp_path / "cluster").mkdir()
    with (
        cluster(tmp_path / "cluster") as started,
        fresh_driver(started.environment),
        SparkExecutor(started.master) as executor,
    ):
        steps = Steps(lambda: started.kill_worker(0))
        there = run_there(cli, executor, steps)
        lost = started.workers[0].wait()
    assert lost == -9
    assert there == run_here(cli)
    assert steps.done == BUCKETS


def test_a_cluster_without_workers_is_given_up(tmp_path: Path) -> None:
    with (
        cluster(tmp_path, workers=0) as started,
        fresh_driver(started.environment),
        SparkExecutor(started.master, patience_s=0) as executor,
        pytest.raises(EngineError, match="no executor"),
    ):
        list(executor.map(leak, [0]))


def test_a_master_that_is_not_there_is_refused_at_once(tmp_path: Path) -> None:
    cli = stocked_hub(tmp_path / "hub")
    study = packaged("celecoxib.toml", tmp_path)
    said = cli("study", "run", study, "--on", f"spark://127.0.0.1:{free_port()}")
    assert said.status == SettingsError.exit_status
    assert "No Spark master answers" in said.err
