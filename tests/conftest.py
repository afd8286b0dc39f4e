"""Real parts that many tests share; each is started when a test first asks for it."""

from collections.abc import Iterator

import pytest

from parts.openbao import OpenBao, openbao
from parts.softhsm import SoftHsm, softhsm


@pytest.fixture(scope="session")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    """A running OpenBao server."""
    with openbao(tmp_path_factory.mktemp("bao") / "server") as server:
        yield server


@pytest.fixture(scope="session")
def hsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftHsm]:
    """A SoftHSM token."""
    with softhsm(tmp_path_factory.mktemp("hsm") / "token") as token:
        yield token
