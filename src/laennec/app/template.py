"""The settings file of a new hub, with a comment for each choice."""

import json
from collections.abc import Mapping
from pathlib import Path


def settings_text(
    *,
    name: str,
    origin: str,
    passphrase_file: Path | None,
    passphrase_env: str | None,
    store: Mapping[str, str | bool] | None = None,
    holder: str = "passphrase",
    holder_section: Mapping[str, str | bool] | None = None,
) -> str:
    """Return the text of ``laennec.toml``.

    Args:
        name: Of the hub.
        origin: Of its ledger.
        passphrase_file: Where the passphrase is, or None.
        passphrase_env: Variable that has it, or None.
        store: Settings of ``[store]``, if it is not the usual folder.
        holder: Kind of key holder.
        holder_section: Settings of that holder's own section.
    """
    place = store or {"folder": "store"}
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
{_lines(place)}
[keys]
# Never on the store's host. {_KEYS_REMARK[holder == "passphrase"]}
holder = {_quoted(holder)}
folder = "keys"
{passphrase}
{_section(holder, holder_section or {})}\
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


_KEYS_REMARK = {
    True: "Without a passphrase file or variable, the passphrase is asked for.",
    False: "The root keys are elsewhere; this has the wrapped ledger key and what was seen last.",
}


def _section(holder: str, values: Mapping[str, str | bool]) -> str:
    """Return the section of a key holder that has one."""
    return "" if holder == "passphrase" else f"[{holder}]\n{_lines(values)}\n"


def _lines(values: Mapping[str, str | bool]) -> str:
    return "".join(f"{key} = {_quoted(value)}\n" for key, value in values.items())


def _quoted(value: str | bool) -> str:  # noqa: FBT001 - a value of a setting
    """Return a TOML basic string or boolean; JSON's are TOML's."""
    return json.dumps(value, ensure_ascii=False)
