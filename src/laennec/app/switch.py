"""The one step that moves a hub: ``laennec.toml`` is replaced by one that names the new store.

The new text keeps every comment and every other section. It is written beside the old file, flushed
and renamed, so that a hub is at the source or at the destination, whenever it is killed.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from laennec.core.errors import SettingsError, StoreError
from laennec.core.settings import FILE_NAME, Settings, StoreSettings, parse_settings

_WHERE = (
    "folder",
    "url",
    "endpoint",
    "region",
    "account",
    "credentials_file",
    "ca_file",
    "insecure_http",
)
"""Settings of ``[store]`` that say where it is; the others are this machine's and stay."""

HOLDERS = ("keys", "openbao", "pkcs11")
"""Sections that say who holds the keys."""


def new_text(text: str, *, store: StoreSettings, holders: Mapping[str, Any] | None) -> str:
    """Return the text of the settings with another store and perhaps another key holder.

    Args:
        text: As it is now.
        store: Where the store will be.
        holders: The sections ``[keys]``, ``[openbao]`` and ``[pkcs11]`` instead of those there are,
            or None to leave them.
    """
    document = tomlkit.parse(text)
    if "store" not in document:
        document["store"] = tomlkit.table()
    section: Any = document["store"]
    for key in _WHERE:
        section.pop(key, None)
    given = {key: getattr(store, key) for key in _WHERE if key in store.model_fields_set}
    for key, value in given.items():
        if value is not None:
            section[key] = str(value) if isinstance(value, Path) else value
    if holders is not None:
        for key in HOLDERS:
            document.pop(key, None)
        for key, table in holders.items():
            document[key] = table
    return tomlkit.dumps(document)


def read_holders(file: Path) -> dict[str, Any]:
    """Return the sections of a file that names another key holder.

    Raises:
        SettingsError: it cannot be read, or has other sections, or no ``[keys]``.
    """
    try:
        tree = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise SettingsError(
            f"{file} cannot be read as TOML.", remedy="Write the new [keys] section into it."
        ) from None
    if "keys" not in tree or not tree.keys() <= set(HOLDERS):
        raise SettingsError(
            f"{file} does not have the sections of a key holder alone.",
            remedy="It needs [keys], and [openbao] or [pkcs11] for a holder of that kind.",
        )
    return tree


def parse_text(folder: Path, text: str) -> Settings:
    """Return the settings in a text as the hub in ``folder`` would read them.

    Raises:
        SettingsError: they are wrong.
    """
    return parse_settings(tomllib.loads(text), base=folder.resolve(), name=f"The new {FILE_NAME}")


def settings_text_of(folder: Path) -> str:
    """Return the text of a hub's settings.

    Raises:
        SettingsError: it cannot be read, or edited as it stands.
    """
    try:
        text = (folder / FILE_NAME).read_text(encoding="utf-8")
        tomlkit.parse(text)
    except (OSError, UnicodeDecodeError, TOMLKitError):
        raise SettingsError(
            f"{folder / FILE_NAME} cannot be read.", remedy="Check its owner, rights and form."
        ) from None
    return text


def replace_file(file: Path, text: str, *, mode: int = 0o600) -> None:
    """Give a file this text: whole or not at all, and flushed.

    Raises:
        StoreError: it cannot be written; the former file is unchanged.
    """
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as out:
            out.write(text.encode())
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(file)
        flush_folder(file.parent)
    except OSError as error:
        raise StoreError(
            f"{file} cannot be written: {error.strerror}.",
            remedy="Make room and check its rights; it is unchanged.",
        ) from None
    finally:
        fresh.unlink(missing_ok=True)


def flush_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
