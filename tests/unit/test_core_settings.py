"""Settings: unknown keys name the nearest, wrong values name their key, paths are of the file."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError

from laennec.app.template import settings_text
from laennec.core.errors import SettingsError
from laennec.core.settings import FILE_NAME, Settings, known_keys, parse_settings, read_settings

HUB = {"name": "x", "origin": "hub.test/log"}


def parsed(**sections: Mapping[str, object]) -> Settings:
    return parse_settings({"hub": HUB, **sections}, base=Path("/srv/hub"), name="laennec.toml")


def refusal(**sections: Mapping[str, object]) -> str:
    with pytest.raises(SettingsError) as raised:
        parsed(**sections)
    return str(raised.value)


@pytest.mark.parametrize(
    ("section", "key", "nearest"),
    [
        ("runs", "worker", "runs.workers"),
        ("runs", "memory", "runs.memory_mb"),
        ("keys", "passphrase_fil", "keys.passphrase_file"),
        ("disclosure", "profil", "disclosure.profile"),
        ("log", "files", "log.file"),
    ],
)
def test_an_unknown_key_names_the_nearest(section: str, key: str, nearest: str) -> None:
    said = refusal(**{section: {key: 1}})
    assert f"there is no setting {section}.{key}" in said
    assert f"Did you mean {nearest}?" in said


def test_an_unknown_section_names_the_nearest() -> None:
    assert "Did you mean disclosure?" in refusal(disclosur={})
    assert "docs/reference/settings.md" in refusal(zzzz={"q": 1})


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("runs", "workers", "two"),
        ("runs", "workers", -1),
        ("runs", "memory_mb", 63),
        ("keys", "holder", "notary"),
        ("store", "endpoint", "https://user:password@s3.example.org"),
        ("openbao", "address", "https://user:password@bao.example.org"),
        ("store", "folder", 3),
        ("hub", "origin", "two words"),
        ("hub", "name", ""),
    ],
)
def test_a_wrong_value_names_its_key(section: str, key: str, value: object) -> None:
    base: dict[str, dict[str, object]] = {"hub": dict(HUB)}
    base.setdefault(section, {})[key] = value
    said = refusal(**base)
    assert f"{section}.{key}" in said


def test_a_wrong_value_is_not_repeated() -> None:
    assert "s3cret" not in refusal(runs={"workers": "s3cret"})


@pytest.mark.parametrize(
    ("section", "key", "value", "form"),
    [
        ("store", "url", "gs://bucket/hub", "s3://bucket/prefix or az://container/prefix"),
        ("store", "endpoint", "s3.example.org", "https://host.example.org"),
        ("openbao", "key", "a/b", "letters, digits, dots"),
    ],
)
def test_a_wrong_form_is_told_in_words(section: str, key: str, value: str, form: str) -> None:
    said = refusal(**{section: {key: value}})
    assert f"{section}.{key}" in said
    assert form in said
    assert "pattern" not in said


def test_a_missing_section_is_named() -> None:
    with pytest.raises(SettingsError, match="hub"):
        parse_settings({}, base=Path("/srv"), name="laennec.toml")


def test_relative_paths_are_of_the_folder_and_others_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    found = parsed(
        store={"folder": "/mnt/store"}, keys={"folder": "~/keys"}, ledger={"folder": "../ledger"}
    )
    assert found.store.folder == Path("/mnt/store")
    assert found.keys.folder == Path("/home/me/keys")
    assert found.ledger.folder == Path("/srv/hub/../ledger")
    assert found.runs.scratch == Path("/srv/hub/scratch")
    assert found.keys.passphrase_file is None


def test_settings_are_frozen() -> None:
    with pytest.raises((ValidationError, dataclasses.FrozenInstanceError)):
        setattr(parsed().runs, "workers", 3)  # noqa: B010 - mypy knows it is frozen


def test_every_known_key_is_accepted_by_its_section() -> None:
    for key in known_keys():
        section, _, name = key.partition(".")
        if name:
            assert "there is no setting" not in refusal_or_nothing({section: {name: None}})


def refusal_or_nothing(tree: dict[str, object]) -> str:
    try:
        parse_settings(tree, base=Path("/"), name="x")
    except SettingsError as error:
        return str(error)
    return ""


def test_the_file_that_init_writes_is_read(tmp_path: Path) -> None:
    text = settings_text(
        name='a "b" \\', origin="hub.test", passphrase_file=Path("p"), passphrase_env=None
    )
    (tmp_path / FILE_NAME).write_text(text, encoding="utf-8")
    found = read_settings(tmp_path)
    assert (found.hub.name, found.keys.passphrase_file) == ('a "b" \\', tmp_path / "p")


@pytest.mark.parametrize("body", [b"[hub", b"a = 1\na = 2", b"\xff\xfe", b"[hub]\nname = \x00"])
def test_a_file_that_is_no_toml(body: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(body)
    with pytest.raises(SettingsError, match=FILE_NAME):
        read_settings(tmp_path)


def test_malformed_toml_names_line_and_column(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("[hub]\nname = \n", encoding="utf-8")
    with pytest.raises(SettingsError, match="line 2, column 8"):
        read_settings(tmp_path)


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(SettingsError, match="cannot be read"):
        read_settings(tmp_path)


def test_no_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="laennec init"):
        read_settings(tmp_path)
