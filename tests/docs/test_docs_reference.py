"""The generated pages are up to date, and every name of the program has a heading in its page."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest

from laennec.cli.main import laennec
from laennec.core.errors import all_errors
from laennec.core.settings import known_keys
from laennec.disclosure.profiles import PROFILES, Profile
from laennec.ledger.events import EVENTS

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"


def headings(name: str) -> set[str]:
    """Return the headings of a reference page, without marks of code."""
    page = (REFERENCE / name).read_text(encoding="utf-8")
    return {one.replace("`", "") for one in re.findall(r"^#+ (.+)$", page, flags=re.MULTILINE)}


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its path."""
    yield path, command
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from commands(child, f"{path} {name}")


def test_generated_pages_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "tools/reference.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_setting_has_a_heading() -> None:
    settings = {key for key in known_keys() if "." in key}
    assert settings - headings("settings.md") == set()


def test_every_command_has_a_heading_and_its_options() -> None:
    page = (REFERENCE / "commands.md").read_text(encoding="utf-8")
    for path, command in commands(laennec, "laennec"):
        assert path in headings("commands.md")
        section = page.split(f"\n## {path}\n")[1].split("\n## ")[0]
        options = [one for one in command.params if isinstance(one, click.Option)]
        assert all(f"`{name}`" in section for one in options for name in one.opts)


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_has_a_heading(event: str) -> None:
    assert event in headings("events.md")


def test_every_error_has_a_heading_and_an_exit_status_of_its_own() -> None:
    classes = list(all_errors())
    assert {one.__name__ for one in classes} - headings("errors.md") == set()
    assert len({one.exit_status for one in classes}) == len(classes)


def test_every_number_of_a_profile_is_on_the_page() -> None:
    page = (REFERENCE / "profile-values.md").read_text(encoding="utf-8")
    about = {"name", "version", "title", "source"}
    assert all(f"\n| `{one.name}` |" in page for one in fields(Profile) if one.name not in about)
    assert set(PROFILES) - headings("profile-values.md") == set()
