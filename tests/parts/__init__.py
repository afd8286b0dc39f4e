"""Real servers for the tests: started on 127.0.0.1 with a fresh folder, ended with the test."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

_PATIENCE_S = 120.0


def missing(name: str, how: str) -> NoReturn:
    """Skip the test that needs ``name``; fail it where everything has to be installed."""
    text = f"{name} is not installed: {how}"
    if os.environ.get("CI") == "true":
        pytest.fail(text)
    pytest.skip(text)


def program(name: str, how: str) -> Path:
    """Return a program beside this Python, among the node modules, or on the path."""
    checkout = Path(__file__).resolve().parents[2]
    parts = os.environ.get("LAENNEC_PARTS") or checkout / ".venv" / "parts"
    beside = (Path(sys.executable).parent, Path(parts) / "node_modules" / ".bin")
    for folder in beside:
        if (folder / name).exists():
            return folder / name
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    return Path(found) if found else missing(name, how)


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Return whether somebody answers on a port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(
    command: Sequence[object],
    *,
    folder: Path,
    ready: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the context ends, and all that it started with it.

    Args:
        command: The server, in the foreground.
        folder: Its working folder; what it says goes to a file there.
        ready: Tells when it serves.
        environment: Variables beside those of the tests.
    """
    said = folder / f"{Path(str(command[0])).name}.log"
    with said.open("ab") as out:
        server = subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    try:
        wait_for(ready, server=server, said=said)
        yield server
    finally:
        end(server)


def wait_for(ready: Callable[[], bool], *, server: subprocess.Popen[bytes], said: Path) -> None:
    """Return once ``ready`` holds; fail the test if the server ends or takes too long."""
    until = time.monotonic() + _PATIENCE_S
    while not ready():
        if server.poll() is not None or time.monotonic() > until:
            pytest.fail(f"{said.stem} does not serve:\n{said.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)  # asks again; nothing depends on how long it takes


def end(server: subprocess.Popen[bytes]) -> None:
    """End a server and its children, by force if need be."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, how)
            server.wait(timeout=10)
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            continue
    server.wait()
