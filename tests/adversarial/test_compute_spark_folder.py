"""A researcher's files lie where the operator gives a command: none of them is run by Spark."""

import operator
from pathlib import Path

import pytest

from laennec.compute.spark import SparkExecutor
from parts.spark import check_installed, fresh_driver

# py4j leaves its sockets to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def test_no_program_of_the_current_folder_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a module with a name of ours or Python's, nor a Spark in the folder above."""
    check_installed()
    here, ran = tmp_path / "bundle" / "study", tmp_path / "ran"
    here.mkdir(parents=True)
    for name in ("polars.py", "json.py", "laennec.py", "pyspark.py"):
        (here / name).write_text(f"open({str(ran)!r}, 'w').close()\n", encoding="utf-8")
    program = here.parent / "bin" / "spark-submit"
    program.parent.mkdir()
    (here.parent / "jars").mkdir()
    program.write_text(f"#!/bin/sh\ntouch '{ran}'\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.chdir(here)
    monkeypatch.delenv("SPARK_HOME", raising=False)
    with fresh_driver({}), SparkExecutor("local[1]") as executor:
        found = sorted(executor.map(operator.methodcaller("bit_length"), [1, 2, 4]))
    assert found == [1, 2, 3]
    assert not ran.exists()
