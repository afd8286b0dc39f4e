"""What opens a remote store: read from a file of mode 0600, or from variables of the environment.

Nothing else is ever asked: no profile of another tool, no metadata service of the cloud this
machine may run in. Nothing of it is kept in the settings, passed as an argument, or shown.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from laennec.core.errors import SettingsError
from laennec.core.private_file import read_private_file
from laennec.vault.cloud_access import (
    AzureApplication,
    AzureCredentials,
    AzureKey,
    AzureSignature,
    S3Keys,
)

_PAGE = "docs/how-to/choose-a-host.md"


@dataclass(frozen=True)
class _Form:
    """One way to sign in: its keys in a file, each with its variable, and whether it must be."""

    variables: Mapping[str, str]
    optional: frozenset[str] = frozenset()

    @property
    def needed(self) -> frozenset[str]:
        return frozenset(self.variables) - self.optional

    def fits(self, given: Mapping[str, str]) -> bool:
        return self.needed <= given.keys() <= set(self.variables)


_S3 = _Form(
    {
        "access_key_id": "AWS_ACCESS_KEY_ID",
        "secret_access_key": "AWS_SECRET_ACCESS_KEY",
        "session_token": "AWS_SESSION_TOKEN",
    },
    frozenset({"session_token"}),
)
_KEY = _Form({"account_key": "AZURE_STORAGE_ACCOUNT_KEY"})
_SIGNATURE = _Form({"sas_token": "AZURE_STORAGE_SAS_TOKEN"})
_APPLICATION = _Form(
    {
        "tenant_id": "AZURE_TENANT_ID",
        "client_id": "AZURE_CLIENT_ID",
        "client_secret": "AZURE_CLIENT_SECRET",
    }
)
_AZURE = (_KEY, _SIGNATURE, _APPLICATION)


def s3_credentials(file: Path | None, *, environment: Mapping[str, str] | None = None) -> S3Keys:
    """Return an access key.

    Args:
        file: TOML file of mode 0600; None means the environment.
        environment: Variables; the process's own by default.

    Raises:
        SettingsError: it is not there, incomplete, or others may read it.
    """
    _, found = _given((_S3,), file, environment)
    return S3Keys(**found)


def azure_credentials(
    file: Path | None, *, environment: Mapping[str, str] | None = None
) -> AzureCredentials:
    """Return the key of an account, a signature, or an application; as ``s3_credentials``."""
    form, found = _given(_AZURE, file, environment)
    if form is _KEY:
        return AzureKey(**found)
    return AzureSignature(**found) if form is _SIGNATURE else AzureApplication(**found)


def _given(
    forms: tuple[_Form, ...], file: Path | None, environment: Mapping[str, str] | None
) -> tuple[_Form, dict[str, str]]:
    if file is not None:
        return _from_file(forms, file)
    variables = os.environ if environment is None else environment
    for form in forms:
        found = {
            key: value for key, name in form.variables.items() if (value := variables.get(name))
        }
        if form.fits(found):
            return form, found
    raise SettingsError(
        "There are no credentials for the store.",
        remedy=f"Name a file of mode 0600 in store.credentials_file, or set {_ways(forms)}; see "
        f"{_PAGE}.",
    )


def _ways(forms: tuple[_Form, ...]) -> str:
    return ", or ".join(
        " and ".join(name for key, name in form.variables.items() if key in form.needed)
        for form in forms
    )


def _from_file(forms: tuple[_Form, ...], file: Path) -> tuple[_Form, dict[str, str]]:
    try:
        given = tomllib.loads(
            read_private_file(file, what="credentials file", error=SettingsError).decode()
        )
    except ValueError:
        # Not the parser's words: they quote the file.
        raise _unfit(file, "is not a TOML file") from None
    if not all(isinstance(value, str) and value for value in given.values()):
        raise _unfit(file, "has a value that is no text")
    for form in forms:
        if form.fits(given):
            return form, given
    raise _unfit(file, "does not have the keys of one way to sign in, and no others")


def _unfit(file: Path, what: str) -> SettingsError:
    return SettingsError(
        f"The credentials file {file} {what}.", remedy=f"Write it as {_PAGE} says."
    )
