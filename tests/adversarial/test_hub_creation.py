"""Making a hub: whole or not at all, whatever fails on the way."""

from pathlib import Path

import pytest

from fakes.cli_shell import Cli, passphrase_file
from fakes.vault_store import FixedClock
from laennec.app import create
from laennec.app.create import create_hub
from laennec.app.template import settings_text
from laennec.core.errors import (
    AlreadyExistsError,
    KeyHolderError,
    SettingsError,
    StoreFullError,
)
from laennec.vault.passphrase import PassphraseFile, Prompt

STEPS = ("create_holders", "create_signing_key", "remember", "_write_settings")


def text(name: str = "x", origin: str = "hub.test/log") -> str:
    return settings_text(name=name, origin=origin, passphrase_file=None, passphrase_env=None)


def make(folder: Path, secret: Path, settings: str = "") -> None:
    create_hub(
        folder, text=settings or text(), passphrase=PassphraseFile(secret), clock=FixedClock()
    )


@pytest.mark.parametrize("failure", [StoreFullError("Full.", remedy=""), KeyboardInterrupt()])
@pytest.mark.parametrize("step", STEPS)
def test_a_failure_leaves_nothing(
    step: str, failure: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise failure

    secret = passphrase_file(tmp_path)
    monkeypatch.setattr(create, step, fail)
    with pytest.raises(type(failure)):
        make(tmp_path / "hub", secret)
    assert not (tmp_path / "hub").exists()
    monkeypatch.undo()
    make(tmp_path / "hub", secret)
    assert (tmp_path / "hub" / "laennec.toml").exists()


def test_a_failure_leaves_the_folder_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StoreFullError("Full.", remedy="")

    secret = passphrase_file(tmp_path)
    (tmp_path / "hub").mkdir()
    monkeypatch.setattr(create, STEPS[-1], fail)
    with pytest.raises(StoreFullError):
        make(tmp_path / "hub", secret)
    assert not list((tmp_path / "hub").iterdir())


@pytest.mark.parametrize("part", ["keys", "store", "ledger"])
def test_what_is_there_is_never_touched(part: str, tmp_path: Path) -> None:
    theirs = tmp_path / "hub" / part / "theirs"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("theirs", encoding="utf-8")
    with pytest.raises(AlreadyExistsError):
        make(tmp_path / "hub", passphrase_file(tmp_path))
    assert theirs.read_text(encoding="utf-8") == "theirs"
    assert not (tmp_path / "hub" / "laennec.toml").exists()


def test_a_folder_of_keys_that_others_read_is_refused(tmp_path: Path) -> None:
    keys = tmp_path / "hub" / "keys"
    keys.mkdir(parents=True)
    keys.chmod(0o755)
    with pytest.raises(KeyHolderError):
        make(tmp_path / "hub", passphrase_file(tmp_path))
    assert not list(keys.iterdir())


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("", "hub.test"),
        ("x" * 101, "hub.test"),
        ("\x7f", "hub.test"),
        ("\x00", "hub.test"),
        ("x", ""),
        ("x", "a b"),
        ("x", "a+b"),
        ("x", "hôpital"),
        ("x", "x" * 129),
        ("x", "hub\nevil"),
    ],
)
def test_names_that_the_ledger_could_not_hold_are_refused_first(
    name: str, origin: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError):
        make(tmp_path / "hub", tmp_path / "unread", text(name, origin))
    assert not (tmp_path / "hub").exists()


@pytest.mark.parametrize(
    ("name", "origin"),
    [('"; x = 1 #', "a"), ("a\\b", "a"), ("Hôtel-Dieu «\u202fParis\u202f»", "a" * 128), ("'", "a")],
)
def test_strange_names_are_kept_as_they_are(name: str, origin: str, tmp_path: Path) -> None:
    settings = create_hub(
        tmp_path / "hub",
        text=text(name, origin),
        passphrase=PassphraseFile(passphrase_file(tmp_path)),
        clock=FixedClock(),
    )
    assert (settings.hub.name, settings.hub.origin) == (name, origin)


@pytest.mark.parametrize("answers", [["", ""], ["one", "two"]])
def test_a_passphrase_that_was_not_given_twice(answers: list[str], tmp_path: Path) -> None:
    given = iter(answers)
    with pytest.raises(KeyHolderError):
        create_hub(
            tmp_path / "hub",
            text=text(),
            passphrase=Prompt(twice=True),
            clock=FixedClock(),
            ask=lambda _: next(given),
        )
    assert not (tmp_path / "hub").exists()


@pytest.mark.parametrize("name", ["Lariboisière", "???", "a b", "-", "É"])
def test_an_origin_is_made_from_any_name(name: str, tmp_path: Path) -> None:
    secret = passphrase_file(tmp_path)
    Cli(tmp_path / "hub").ok("init", f"--name={name}", "--passphrase-file", secret, quiet=True)
