"""What strangers chose, or an engine said, never reaches the terminal as it is.

Attackers: a depositor who names files, a host who names objects, a researcher who names a study,
and a row whose value an engine quotes in its message.
"""

import io
from pathlib import Path

import pytest
from rich.console import Console

import laennec.cli.main as entry
from laennec.cli.context import Shell
from laennec.cli.language import Words
from laennec.cli.visible import visible
from laennec.core.clock import system_clock
from laennec.core.errors import SourceError

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp.exe\r\x00\udc80"
FORBIDDEN = set(HOSTILE) - set("]0;owned[2J31mgnp.exe")
CANARY = "1850212345678-canary"


def _shell(out: io.StringIO) -> Shell:
    return Shell(Path(), Words("en"), False, Console(file=out, width=400), system_clock)


def test_control_characters_are_written_out() -> None:
    assert visible("a\x1b[2J\nb") == "a\\x1b[2J\\nb"
    assert visible("a\nb", lines=True) == "a\nb"
    assert not FORBIDDEN & set(visible(HOSTILE))
    assert visible("Hôpital Lariboisière, 東京 ✓") == "Hôpital Lariboisière, 東京 ✓"


def test_no_control_character_reaches_the_terminal() -> None:
    out = io.StringIO()
    shell = _shell(out)
    shell.show(HOSTILE)
    shell.say("{file} is not what was released.", file=HOSTILE + "\nEverything is sealed.")
    shell.table(("Table",), [(HOSTILE,)])
    assert not FORBIDDEN & set(out.getvalue())
    assert len(out.getvalue().splitlines()) == 4


def _failing(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(entry.laennec, "main", fail)
    return entry.main([])


def test_an_error_of_an_engine_shows_no_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class PanicError(BaseException):
        """As polars panics: no Exception."""

    for error in (ValueError(CANARY), PanicError(CANARY), KeyError(CANARY)):
        assert _failing(error, monkeypatch) == 1
        shown = capsys.readouterr()
        assert CANARY not in shown.out + shown.err
        assert type(error).__name__ in shown.err


def test_a_message_with_a_hostile_name_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = SourceError(f"{HOSTILE}\nAll is well", remedy="Name another file.")
    assert _failing(error, monkeypatch) == SourceError.exit_status
    shown = capsys.readouterr().err
    assert not FORBIDDEN & set(shown)
    assert len(shown.splitlines()) == 2
