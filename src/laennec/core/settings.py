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

_ADDRESS = r"^https?://[^\s@]+$"  # no user and password: secrets are never in the settings
_STORE_URL = r"^(s3|az)://[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*/?$"
_TOKEN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"  # noqa: S105 - the form of a name
_IN_WORDS = {
    _ADDRESS: "an address such as https://host.example.org, without user and password",
    _STORE_URL: "s3://bucket/prefix or az://container/prefix",
    _TOKEN: "a name of 1 to 64 letters, digits, dots, hyphens and underscores",
}
"""What to tell users of a form; a pattern tells them nothing."""


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
        folder: Folder of the local object store, used when there is no ``url``.
        url: ``s3://bucket/prefix`` or ``az://container/prefix``; None means ``folder``.
        endpoint: Address of the S3 service, or of the Azure Blob service with its account; None
            means the public service of that kind.
        region: Region of an S3 service.
        account: Storage account of an Azure Blob service.
        credentials_file: TOML file of mode 0600 with the credentials; None means the environment
            variables of that kind of service (``docs/how-to/choose-a-host.md`` names them).
        ca_file: PEM certificates that sign the service's, beside those of the system.
        insecure_http: Accept an endpoint without TLS; for a service on this machine.
        parallel: Transfers under way at once.
        transfer_mb: Memory for transfers under way, in MiB.
        cache: Folder of sealed copies of what was read from a remote store.
        cache_mb: Size of that folder at most, in MiB; 0 keeps no copies.
        padding: Hide the sizes of sealed objects, and their number in a commit, in steps of at
            most 12 %.
    """

    folder: Path = Path("store")
    url: Annotated[str, Field(pattern=_STORE_URL)] | None = None
    endpoint: Annotated[str, Field(pattern=_ADDRESS)] | None = None
    region: str | None = None
    account: str | None = None
    credentials_file: Path | None = None
    ca_file: Path | None = None
    insecure_http: bool = False
    parallel: Annotated[int, Field(ge=1, le=256)] = 8
    transfer_mb: Annotated[int, Field(ge=64)] = 512
    cache: Path = Path("cache")
    cache_mb: Annotated[int, Field(ge=0)] = 10_240
    padding: bool = False


class KeySettings(_Section):
    """``[keys]``: who holds the root keys; never inside the store.

    Attributes:
        holder: Kind of key holder: ``passphrase`` (keyrings in ``folder``), ``openbao`` or
            ``pkcs11``, which have a section of their own.
        folder: Folder of the passphrase keyrings, of the wrapped ledger key and of what was seen of
            ledger and stores last.
        passphrase_file: File that holds the passphrase, without its last line break; or None.
        passphrase_env: Environment variable that holds it, or None. With neither, it is asked for.
        cache_seconds: How long a key that a holder unwrapped is kept in memory.
    """

    holder: Literal["passphrase", "openbao", "pkcs11"] = "passphrase"
    folder: Path = Path("keys")
    passphrase_file: Path | None = None
    passphrase_env: str | None = None
    cache_seconds: Annotated[int, Field(ge=0, le=86_400)] = 300


class OpenBaoSettings(_Section):
    """``[openbao]``: an OpenBao server whose transit engine holds the root keys.

    Sign-in is by AppRole when ``role_id`` is set, else by token.

    Attributes:
        address: Of the server, such as ``https://bao.example.org:8200``.
        ca_file: Certificates that sign the server's; None means those of the system.
        namespace: Namespace of the server, if it has any.
        mount: Where the transit engine is mounted.
        key: Beginning of the names of the two transit keys, ``<key>-warehouse`` and ``<key>-hub``.
        token_file: File of mode 0600 that holds a token.
        token_env: Environment variable that holds a token.
        role_id: AppRole's role id, which is no secret.
        secret_id_file: File of mode 0600 that holds AppRole's secret id.
        secret_id_env: Environment variable that holds it.
        insecure_http: Accept an address without TLS; for a server on this machine.
    """

    address: Annotated[str, Field(pattern=_ADDRESS)] = "https://127.0.0.1:8200"
    ca_file: Path | None = None
    namespace: str | None = None
    mount: Annotated[str, Field(pattern=_TOKEN)] = "transit"
    key: Annotated[str, Field(pattern=_TOKEN)] = "laennec"
    token_file: Path | None = None
    token_env: str | None = None
    role_id: str | None = None
    secret_id_file: Path | None = None
    secret_id_env: str | None = None
    insecure_http: bool = False


class Pkcs11Settings(_Section):
    """``[pkcs11]``: a hardware security module, or a program that behaves as one.

    Attributes:
        module: Library of the module's maker.
        token: Label of the token.
        key: Beginning of the labels of the two keys, ``<key>-warehouse`` and ``<key>-hub``.
        pin_file: File of mode 0600 that holds the user's PIN.
        pin_env: Environment variable that holds it. With neither, it is asked for.
    """

    module: Path | None = None
    token: str = "laennec"  # noqa: S105 - the label of a token is no secret
    key: Annotated[str, Field(pattern=_TOKEN)] = "laennec"
    pin_file: Path | None = None
    pin_env: str | None = None


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
    openbao: OpenBaoSettings = OpenBaoSettings()
    pkcs11: Pkcs11Settings = Pkcs11Settings()
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
    form = _IN_WORDS.get(first.get("ctx", {}).get("pattern", ""))
    if form is not None:
        return SettingsError(f"{name}: {where} has another form.", remedy=f"Give {form}.")
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
