"""A SoftHSM token: the PKCS#11 library of Debian's softhsm2, with a folder of its own."""

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from parts import missing, program

HOW = "apt install softhsm2"
_MODULES = (
    Path("/usr/lib/softhsm/libsofthsm2.so"),
    Path("/usr/lib64/pkcs11/libsofthsm2.so"),
    Path("/usr/local/lib/softhsm/libsofthsm2.so"),
)


@dataclass(frozen=True)
class SoftHsm:
    """A token that is ready.

    Attributes:
        module: The library.
        label: Of the token.
        pin: Of its user.
        environment: What a child process needs to see the token.
    """

    module: Path
    label: str
    pin: str
    environment: dict[str, str]

    def wrong_pin(self) -> str:
        """Return a PIN of the right length that is not the token's."""
        return "9" * len(self.pin) if self.pin != "9" * len(self.pin) else "8" * len(self.pin)


@contextmanager
def softhsm(folder: Path) -> Iterator[SoftHsm]:
    """Make a token for the time of the context.

    The library reads its configuration once in a process, so there is one token for all tests.
    """
    tool = program("softhsm2-util", HOW)
    module = next((one for one in _MODULES if one.exists()), None)
    if module is None:
        missing("libsofthsm2.so", HOW)
    (folder / "tokens").mkdir(parents=True)
    config = folder / "softhsm2.conf"
    config.write_text(
        f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    environment = {"SOFTHSM2_CONF": str(config)}
    pin = "".join(secrets.choice("0123456789") for _ in range(10))
    command = [
        str(tool),
        "--init-token",
        "--free",
        "--label",
        "test",
        "--pin",
        pin,
        "--so-pin",
        pin,
    ]
    subprocess.run(command, env={**os.environ, **environment}, check=True, capture_output=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(config))
        yield SoftHsm(module, "test", pin, environment)
