"""Azurite: Microsoft's emulator of Azure Blob Storage."""

import base64
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from parts import free_port, listens, program, running
from parts.hosts import Host, create_container


@contextmanager
def azurite(folder: Path) -> Iterator[Host]:
    """Run Azurite, with an account of this run's own, for the time of the context."""
    port, files = free_port(), folder / "azurite"
    files.mkdir()
    account, key = "laennectest", base64.b64encode(secrets.token_bytes(64)).decode()
    command = [
        *(program("azurite-blob", "npm install azurite"), "--location", files),
        *("--blobHost", "127.0.0.1", "--blobPort", str(port)),
        *("--silent", "--skipApiVersionCheck", "--disableTelemetry"),
    ]
    host = Host("az", f"http://127.0.0.1:{port}/{account}", {"account_key": key}, account)
    with running(
        command,
        folder=folder,
        ready=lambda: listens(port),
        environment={"AZURITE_ACCOUNTS": f"{account}:{key}"},
    ):
        create_container(host)
        yield host
