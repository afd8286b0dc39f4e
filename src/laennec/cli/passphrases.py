"""Where the new passphrase of a command comes from; never an argument."""

from pathlib import Path

from laennec.vault.passphrase import (
    PassphraseFile,
    PassphraseSource,
    PassphraseVariable,
    Prompt,
)


def new_passphrase(file: Path | None, variable: str | None) -> PassphraseSource:
    """Return where a new passphrase comes from; it is asked for twice by default."""
    if file is not None:
        return PassphraseFile(file)
    if variable is not None:
        return PassphraseVariable(variable)
    return Prompt("New passphrase: ", twice=True)
