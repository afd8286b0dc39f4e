"""The settings file of a new hub, with a comment for each choice."""

import json
from pathlib import Path


def settings_text(
    *, name: str, origin: str, passphrase_file: Path | None, passphrase_env: str | None
) -> str:
    """Return the text of ``laennec.toml``."""
    passphrase = ""
    if passphrase_file is not None:
        passphrase = f"passphrase_file = {_quoted(str(passphrase_file))}\n"
    elif passphrase_env is not None:
        passphrase = f"passphrase_env = {_quoted(passphrase_env)}\n"
    return f"""\
# Settings of a Laennec hub; docs/reference/settings.md has them all.
# Paths are relative to this file.

[hub]
name = {_quoted(name)}
origin = {_quoted(origin)}

[store]
# Sealed objects only; may lie on a host you do not trust.
folder = "store"

[keys]
# Never on the store's host. Without a passphrase file or variable, the passphrase is asked for.
folder = "keys"
{passphrase}
[ledger]
# Static files that anyone may read and verify.
folder = "ledger"

[runs]
workers = 0
memory_mb = 1024
scratch = "scratch"

[disclosure]
profile = "france-11"
releases = "releases"
"""


def _quoted(text: str) -> str:
    """Return a TOML basic string; JSON's escapes are TOML's."""
    return json.dumps(text, ensure_ascii=False)
