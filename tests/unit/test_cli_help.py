"""Help is worth reading: it fits a narrow terminal, and its examples are commands that exist."""

import shlex
from collections.abc import Iterator

import click
import pytest

from laennec.cli.command import Command, Group
from laennec.cli.main import laennec, main


def tree(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from tree(child, (*path, name))


def at(path: tuple[str, ...]) -> click.Command:
    command: click.Command = laennec
    for name in path:
        assert isinstance(command, click.Group)
        command = command.commands[name]
    return command


PATHS = list(tree(laennec))


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_help_fits_eighty_columns(
    path: tuple[str, ...],
    language: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["--lang", language, *path, "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    examples = [one for one in lines if one.lstrip().startswith("laennec")]
    assert max(len(one) for one in lines if one not in examples) <= 80
    assert not [one for one in lines if one.rstrip().endswith("...") and "Usage" not in one]


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_every_command_has_help_and_every_option_a_meaning(path: tuple[str, ...]) -> None:
    command = at(path)
    assert command.help
    for option in command.params:
        assert not isinstance(option, click.Option) or option.help


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_examples_are_commands(path: tuple[str, ...]) -> None:
    command = at(path)
    for example in command.examples if isinstance(command, Command) else ():
        words = shlex.split(example.split(" > ")[0])
        assert words.pop(0) == "laennec"
        assert any(tuple(words[i : i + len(one)]) == one for one in PATHS[1:] for i in range(5))
        for option in (one for one in words if one.startswith("--")):
            known = {name for p in PATHS for one in at(p).params for name in one.opts}
            assert option in known


def test_every_command_stands_in_a_section() -> None:
    assert isinstance(laennec, Group)
    shown = [name for section in laennec.sections for name in section.commands]
    assert sorted(shown) == sorted(laennec.commands)


def test_without_arguments_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "laennec demo" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("laennec 0.")
