"""Real parts that many tests share; each is started when a test first asks for it."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from parts.azurite import azurite
from parts.ceph import ceph
from parts.hosts import Host
from parts.moto import moto
from parts.openbao import OpenBao, openbao
from parts.softhsm import SoftHsm, softhsm

settings.register_profile("untimed", settings(), deadline=None)
settings.load_profile("untimed")


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


@pytest.fixture(scope="session")
def moto_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A light S3 service."""
    with moto(tmp_path_factory.mktemp("moto")) as host:
        yield host


@pytest.fixture(scope="session")
def ceph_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Ceph's S3 service."""
    with ceph(tmp_path_factory.mktemp("ceph")) as host:
        yield host


@pytest.fixture(scope="session")
def azurite_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """An Azure Blob service."""
    with azurite(tmp_path_factory.mktemp("azurite")) as host:
        yield host


@pytest.fixture(params=["moto_host", "ceph_host", "azurite_host"])
def any_host(request: pytest.FixtureRequest) -> Host:
    """Each of the three, in turn."""
    host: Host = request.getfixturevalue(request.param)
    return host
