"""Options that say who holds the root keys, as ``[keys]`` and the holder's section do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import click

from laennec.cli.language import Words

Function = TypeVar("Function", bound=Callable[..., Any])

HOLDERS = ("passphrase", "openbao", "pkcs11")

_FILE = click.Path(path_type=Path, dir_okay=False)
_OPTIONS = (
    click.option(
        "--keys",
        "keys_holder",
        type=click.Choice(HOLDERS),
        default="passphrase",
        help="Who holds the root keys: keyrings under a passphrase (by default), an OpenBao "
        "server, or an HSM by PKCS#11. What has no option here has a setting.",
    ),
    click.option(
        "--key-name",
        "keys_key",
        metavar="NAME",
        help="Beginning of the names of the hub's two keys in OpenBao or HSM; laennec by default.",
    ),
    click.option(
        "--openbao-address", "keys_openbao_address", metavar="URL", help="Address of OpenBao."
    ),
    click.option(
        "--openbao-ca-file",
        "keys_openbao_ca_file",
        type=_FILE,
        metavar="FILE",
        help="Certificates that sign OpenBao's; those of the system by default.",
    ),
    click.option(
        "--openbao-token-file",
        "keys_openbao_token_file",
        type=_FILE,
        metavar="FILE",
        help="File (mode 0600) that holds a token for OpenBao.",
    ),
    click.option(
        "--openbao-insecure-http",
        "keys_openbao_insecure_http",
        is_flag=True,
        help="Accept OpenBao without TLS; for a server on this machine.",
    ),
    click.option(
        "--pkcs11-module",
        "keys_pkcs11_module",
        type=_FILE,
        metavar="FILE",
        help="Library of the maker of the HSM.",
    ),
    click.option(
        "--pkcs11-token", "keys_pkcs11_token", metavar="LABEL", help="Label of the HSM's token."
    ),
    click.option(
        "--pkcs11-pin-file",
        "keys_pkcs11_pin_file",
        type=_FILE,
        metavar="FILE",
        help="File (mode 0600) that holds the PIN; it is asked for by default.",
    ),
)


@dataclass(frozen=True)
class ChosenHolder:
    """What the options said.

    Attributes:
        kind: Of the holder.
        section: Settings for the section of that name.
    """

    kind: str = "passphrase"
    section: Mapping[str, str | bool] = field(default_factory=lambda: MappingProxyType({}))


def taken_holder(options: dict[str, Any], words: Words) -> ChosenHolder:
    """Take the options of key holders out of a command's.

    Raises:
        click.UsageError: one was given that is not the chosen holder's, or one is missing.
    """
    mine = {
        key.removeprefix("keys_"): options.pop(key)
        for key in tuple(options)
        if key.startswith("keys_")
    }
    kind, given = str(mine.pop("holder")), {key: value for key, value in mine.items() if value}
    foreign = [key for key in given if key != "key" and not key.startswith(f"{kind}_")]
    if foreign or (kind == "passphrase" and given):
        raise click.UsageError(
            words("Options of OpenBao or of an HSM need the --keys of that kind.")
        )
    section = {key.removeprefix(f"{kind}_"): _written(value) for key, value in given.items()}
    if kind == "pkcs11" and "module" not in section:
        raise click.UsageError(words("--keys pkcs11 needs --pkcs11-module."))
    return ChosenHolder(kind, section)


def key_options(function: Function) -> Function:
    """Give a command the options of key holders."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def _written(value: object) -> str | bool:
    """Return a value as the settings take it; paths do not depend on where one stands."""
    if isinstance(value, bool):
        return value
    return str(value.absolute()) if isinstance(value, Path) else str(value)
