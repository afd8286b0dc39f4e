"""Where a secret comes from: a prompt, a file that only its owner reads, or a named variable.

A passphrase, mostly; a PIN or a token comes the same ways. Never a command's argument, which every
user of the machine can read in the process list. The secret is in no error and no log. A file or
variable ends with an optional line break, which is not part of it.
"""

import getpass
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from laennec.core.errors import KeyHolderError
from laennec.core.private_file import read_private_file


@dataclass(frozen=True)
class Prompt:
    """Ask on the terminal, without echo.

    Attributes:
        text: What to ask.
        twice: Ask again and compare, for a new passphrase.
    """

    text: str = "Passphrase: "
    twice: bool = False


@dataclass(frozen=True)
class PassphraseFile:
    """The content of a regular file that belongs to this user, with no right for anyone else."""

    path: Path


@dataclass(frozen=True)
class PassphraseVariable:
    """The value of a named environment variable.

    Weaker than a file: child processes inherit it, and the administrator can read it.
    """

    name: str


PassphraseSource = Prompt | PassphraseFile | PassphraseVariable


def read_passphrase(
    source: PassphraseSource,
    *,
    environment: Mapping[str, str] | None = None,
    ask: Callable[[str], str] = getpass.getpass,
    what: str = "passphrase",
) -> bytes:
    """Return the passphrase as bytes; text is UTF-8.

    Args:
        source: Where to look; nothing else is tried.
        environment: Variables; the process's own by default.
        ask: Asks on the terminal.
        what: What to call it in an error, when it is another secret.

    Raises:
        KeyHolderError: it is absent or empty, the file is readable by others, the two answers
            differ, or there is no terminal.
    """
    match source:
        case Prompt():
            passphrase = _asked(source, ask, what)
        case PassphraseFile():
            passphrase = _without_line_break(
                read_private_file(source.path, what=f"{what} file", error=KeyHolderError)
            )
        case PassphraseVariable():
            value = (os.environ if environment is None else environment).get(source.name)
            if value is None:
                raise KeyHolderError(
                    f"The environment variable {source.name} is not set.",
                    remedy=f"Set it to the {what}, or name a {what} file.",
                )
            passphrase = _without_line_break(as_bytes(value))
    if not passphrase:
        raise KeyHolderError(
            f"The {what} is empty.",
            remedy="Give one of several words." if what == "passphrase" else "Give all of it.",
        )
    return passphrase


def as_bytes(passphrase: bytes | str) -> bytes:
    """Return the passphrase as bytes; text is UTF-8, undecodable variable bytes are kept."""
    return (
        passphrase.encode("utf-8", "surrogateescape") if isinstance(passphrase, str) else passphrase
    )


def _asked(source: Prompt, ask: Callable[[str], str], what: str) -> bytes:
    try:
        first = ask(source.text)
        second = ask("Once more: ") if source.twice else first
    except (EOFError, OSError):
        raise KeyHolderError(
            f"There is no terminal to ask for the {what}.",
            remedy=f"Name a {what} file or an environment variable instead.",
        ) from None
    if first != second:
        raise KeyHolderError("The two passphrases differ.", remedy="Try again.")
    return as_bytes(first)


def _without_line_break(passphrase: bytes) -> bytes:
    return passphrase.removesuffix(b"\n").removesuffix(b"\r")
