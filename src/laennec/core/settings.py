"""The settings of a hub: one tree of frozen values, read once from ``laennec.toml``.

Relative paths are taken from the folder of the file. An unknown key is an error that names the
nearest known one; a wrong value is an error that names its key. Secrets are never in the file, only
where to find them. A setting that weakens the hub begins with ``insecure_``.
"""

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from laennec.core.errors import SettingsError

FILE_NAME = "laennec.toml"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HubSettings(_Section):
    """``[hub]``: who this hub is.

    Attributes:
        name: Name in results (``cdm_name``).
        origin: Name of the ledger, unique in the world, such as ``hub.example.org/laennec``; up to
            128 letters, digits and ``. _ : @ / -``. It cannot change once the ledger is made.
    """

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
    origin: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@/-]{0,127}$")]


class StoreSettings(_Section):
    """``[store]``: where sealed objects lie; the host of this place is not trusted.

    Attributes:
        folder: Folder of the local object store; ``warehouse`` and ``results`` are kept in it.
    """

    folder: Path = Path("store")


class KeySettings(_Section):
    """``[keys]``: who holds the root keys; never inside the store.

    Attributes:
        holder: Kind of key holder.
        folder: Folder of the passphrase keyrings, of the wrapped ledger key and of the newest
            ledger checkpoint seen.
        passphrase_file: File that holds the passphrase, without its last line break; or None.
        passphrase_env: Environment variable that holds it, or None. With neither, it is asked for.
    """

    holder: Literal["passphrase"] = "passphrase"
    folder: Path = Path("keys")
    passphrase_file: Path | None = None
    passphrase_env: str | None = None


class LedgerSettings(_Section):
    """``[ledger]``: the public log.

    Attributes:
        folder: Static files that anyone may read.
    """

    folder: Path = Path("ledger")


class RunSettings(_Section):
    """``[runs]``: how work is done on this machine.

    Attributes:
        workers: Person buckets worked on at once; 0 means one for each processor.
        memory_mb: Memory for loading, in MiB; beyond it, sealed scratch files are used.
        scratch: Folder of sealed scratch files.
    """

    workers: Annotated[int, Field(ge=0, le=1024)] = 0
    memory_mb: Annotated[int, Field(ge=64)] = 1024
    scratch: Path = Path("scratch")


class DisclosureSettings(_Section):
    """``[disclosure]``: what may leave.

    Attributes:
        profile: Name of the disclosure profile.
        releases: Folder of released results.
    """

    profile: str = "france-11"
    releases: Path = Path("releases")


class LogSettings(_Section):
    """``[log]``: the operator's log.

    Attributes:
        file: JSON lines are appended to this file; None writes no log.
    """

    file: Path | None = None


class Settings(_Section):
    """All settings of one hub, with every path absolute."""

    hub: HubSettings
    store: StoreSettings = StoreSettings()
    keys: KeySettings = KeySettings()
    ledger: LedgerSettings = LedgerSettings()
    runs: RunSettings = RunSettings()
    disclosure: DisclosureSettings = DisclosureSettings()
    log: LogSettings = LogSettings()


def read_settings(folder: Path) -> Settings:
    """Read ``laennec.toml`` in ``folder``.

    Raises:
        SettingsError: the file is missing or malformed (with line and column), has an unknown key
            (with the nearest known one) or a wrong value (with its key).
    """
    path = folder / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError(
            f"There is no {FILE_NAME} in {folder}.",
            remedy="Go to a hub's folder, name one with --hub, or make one with `laennec init`.",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{path} cannot be read: {error}.", remedy="Check its owner, rights and encoding."
        ) from None
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}.", remedy="Correct the file.") from None
    return parse_settings(tree, base=folder.resolve(), name=str(path))


def parse_settings(tree: dict[str, Any], *, base: Path, name: str) -> Settings:
    """Build settings from a parsed tree; ``name`` is the file's name for messages.

    Raises:
        SettingsError: an unknown key or a wrong value.
    """
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        raise _explain(error, name) from None
    return _absolute(settings, base)


def _explain(error: ValidationError, name: str) -> SettingsError:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] != "extra_forbidden":
        return SettingsError(f"{name}: {where}: {first['msg']}.", remedy="Correct this setting.")
    nearest = difflib.get_close_matches(where, known_keys(), n=1, cutoff=0.5)
    hint = f"Did you mean {nearest[0]}?" if nearest else "See docs/reference/settings.md."
    return SettingsError(f"{name}: there is no setting {where}.", remedy=hint)


def known_keys() -> list[str]:
    """Return every setting as ``section.key``, and the sections themselves."""
    keys = []
    for section, field in Settings.model_fields.items():
        keys.append(section)
        model = field.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            keys += [f"{section}.{key}" for key in model.model_fields]
    return keys


def _absolute(settings: Settings, base: Path) -> Settings:
    sections = {}
    for name in Settings.model_fields:
        section = getattr(settings, name)
        paths = {
            key: base / value.expanduser() for key, value in section if isinstance(value, Path)
        }
        sections[name] = section.model_copy(update=paths)
    return Settings(**sections)
