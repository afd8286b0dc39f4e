"""Options that say where a store is, as ``[store]`` in the settings does."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from laennec.cli.language import Words

Function = TypeVar("Function", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--store-url",
        metavar="URL",
        help="Keep sealed objects at s3://bucket/prefix or az://container/prefix instead of a "
        "folder.",
    ),
    click.option(
        "--store-endpoint",
        metavar="URL",
        help="Address of the S3 service, or of the Azure Blob service with its account.",
    ),
    click.option("--store-region", metavar="NAME", help="Region of the S3 service."),
    click.option("--store-account", metavar="NAME", help="Storage account, for Azure."),
    click.option(
        "--store-credentials-file",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="File (mode 0600) that holds the store's credentials; environment variables by "
        "default.",
    ),
    click.option(
        "--store-insecure-http",
        is_flag=True,
        help="Accept a store without TLS; for a service on this machine.",
    ),
)


def taken_store(options: dict[str, Any], words: Words) -> Mapping[str, str | bool]:
    """Take the store's options out of a command's; return those given as settings of ``[store]``.

    Raises:
        click.UsageError: one was given without ``--store-url``.
    """
    mine = {key: options.pop(key) for key in tuple(options) if key.startswith("store_")}
    file = mine["store_credentials_file"]
    mine["store_credentials_file"] = None if file is None else str(file.absolute())
    given = {key.removeprefix("store_"): value for key, value in mine.items() if value}
    if given and "url" not in given:
        raise click.UsageError(words("Options of a store need --store-url."))
    return given


def store_options(function: Function) -> Function:
    """Give a command the options of a store."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function
