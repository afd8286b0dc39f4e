"""Where a passphrase may come from, and what is refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from laennec.core.errors import KeyHolderError
from laennec.vault.passphrase import (
    PassphraseFile,
    PassphraseVariable,
    Prompt,
    read_passphrase,
)


def answers(*given: str) -> Iterator[str]:
    return iter(given)


def test_prompt_asks_once_or_twice() -> None:
    given = answers("one", "two", "two")
    assert read_passphrase(Prompt(), ask=lambda _: next(given)) == b"one"
    assert read_passphrase(Prompt(twice=True), ask=lambda _: next(given)) == b"two"


def test_prompt_refuses_two_different_answers_without_repeating_them() -> None:
    given = answers("canary-one", "canary-two")
    with pytest.raises(KeyHolderError, match="differ") as caught:
        read_passphrase(Prompt(twice=True), ask=lambda _: next(given))
    assert "canary" not in str(caught.value)


def test_prompt_without_terminal_names_the_other_sources() -> None:
    def no_terminal(_: str) -> str:
        raise EOFError

    with pytest.raises(KeyHolderError, match="no terminal"):
        read_passphrase(Prompt(), ask=no_terminal)


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"pass phrase", b"pass phrase"), (b" x \n", b" x "), (b"x\r\n", b"x"), (b"x\n\n", b"x\n")],
)
def test_file_loses_one_line_break(tmp_path: Path, content: bytes, expected: bytes) -> None:
    path = tmp_path / "passphrase"
    path.write_bytes(content)
    path.chmod(0o600)
    assert read_passphrase(PassphraseFile(path)) == expected


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o601])
def test_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "passphrase"
    path.write_text("canary")
    path.chmod(mode)
    with pytest.raises(KeyHolderError, match="chmod 600") as caught:
        read_passphrase(PassphraseFile(path))
    assert "canary" not in str(caught.value)


def test_links_folders_and_absent_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("x")
    (tmp_path / "real").chmod(0o600)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for name in ("link", "absent", "."):
        with pytest.raises(KeyHolderError):
            read_passphrase(PassphraseFile(tmp_path / name))


def test_variable_is_read_by_name() -> None:
    environment = {"HUB": "été\n"}
    assert read_passphrase(PassphraseVariable("HUB"), environment=environment) == "été".encode()
    with pytest.raises(KeyHolderError, match="OTHER is not set"):
        read_passphrase(PassphraseVariable("OTHER"), environment=environment)


def test_variable_of_the_process_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB", "x")
    assert read_passphrase(PassphraseVariable("HUB")) == b"x"


@pytest.mark.parametrize("value", ["", "\n", "\r\n"])
def test_empty_passphrases_are_refused(value: str) -> None:
    with pytest.raises(KeyHolderError, match="empty"):
        read_passphrase(PassphraseVariable("HUB"), environment={"HUB": value})
