"""Spark on this machine, for the tests that need a real one."""

import importlib.util
import os
import shutil
from pathlib import Path

import pytest

from parts import missing

TESTS = Path(__file__).resolve().parents[1]


def needs_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip without pyspark and Java; let executors find the tests' own modules."""
    if importlib.util.find_spec("pyspark") is None:
        missing("pyspark", "pip install pyspark")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        missing("java", "install a Java runtime, 17 or later")
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
