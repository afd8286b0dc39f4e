"""Ceph's object gateway on a cluster of one monitor and one disk: S3 as hospitals run it."""

import os
import secrets
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from parts import free_port, listens, program, running
from parts.hosts import Host, create_bucket

_HOW = "apt-get install radosgw ceph-mon ceph-osd"
_ATTEMPTS = 3


@contextmanager
def ceph(folder: Path) -> Iterator[Host]:
    """Run a cluster for the time of the context; it is ready after some 25 seconds."""
    with ExitStack() as servers:
        yield _started(folder, servers)


def _started(folder: Path, servers: ExitStack) -> Host:
    """Start a cluster; again if it fails, for somebody may take a port before it is bound."""
    for attempt in range(_ATTEMPTS):
        own = folder / str(attempt)
        own.mkdir()
        with ExitStack() as started:
            try:
                host = _Cluster(own).start(started)
            except pytest.fail.Exception:
                if attempt == _ATTEMPTS - 1:
                    raise
                continue
            servers.push(started.pop_all())
            return host
    raise AssertionError  # the last attempt returns or raises


class _Cluster:
    """Files and commands of one cluster; nothing of it lies outside its folder."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._fsid = folder, str(uuid4())
        self._monitor_port, self.gateway_port = free_port(), free_port()
        for name in ("mon", "osd", "run"):
            (folder / name).mkdir()
        self._configuration = folder / "ceph.conf"
        self._configuration.write_text(self._settings())

    def start(self, servers: ExitStack) -> Host:
        self.make_monitor()
        servers.enter_context(self.server("ceph-mon", "-i", "a", ready=self.monitor_answers))
        self.make_disk()
        servers.enter_context(self.server("ceph-osd", "-i", "0", ready=self.disk_is_up))
        servers.enter_context(
            self.server(*("radosgw", "-n", "client.rgw"), ready=lambda: listens(self.gateway_port))
        )
        host = Host("s3", f"http://127.0.0.1:{self.gateway_port}", self.make_user())
        create_bucket(host)
        return host

    def make_monitor(self) -> None:
        monitors = self._folder / "monmap"
        address = f"[v1:127.0.0.1:{self._monitor_port}]"
        self._run("monmaptool", "--create", "--fsid", self._fsid, "--addv", "a", address, monitors)
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monitors)

    def make_disk(self) -> None:
        disk = str(uuid4())
        self._run("ceph", "osd", "new", disk, "0")
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", disk)

    def make_user(self) -> dict[str, str]:
        user = {
            "access_key_id": secrets.token_hex(10).upper(),
            "secret_access_key": secrets.token_hex(20),
        }
        self._run(
            *("radosgw-admin", "-n", "client.rgw", "user", "create", "--uid=laennec"),
            *("--display-name=laennec", f"--access-key={user['access_key_id']}"),
            f"--secret-key={user['secret_access_key']}",
        )
        return user

    def server(
        self, name: str, *arguments: str, ready: Callable[[], bool]
    ) -> AbstractContextManager[object]:
        command = self._command((name, *arguments, "-f"))
        return running(command, folder=self._folder, ready=ready, environment=_PLAIN)

    def monitor_answers(self) -> bool:
        """Whether the monitor at the port is this cluster's own."""
        return self._fsid in self._asked("ceph", "--connect-timeout", "2", "fsid")

    def disk_is_up(self) -> bool:
        return "1 up" in self._asked("ceph", "--connect-timeout", "2", "osd", "stat")

    def _asked(self, *command: str) -> str:
        asked = self._command(command)
        said = subprocess.run(asked, capture_output=True, text=True, cwd=self._folder, check=False)
        return said.stdout

    def _run(self, *command: str | Path) -> None:
        subprocess.run(
            self._command(command),
            cwd=self._folder,
            check=True,
            capture_output=True,
            timeout=120,
            env={**os.environ, **_PLAIN},
        )

    def _command(self, command: Sequence[str | Path]) -> list[str | Path]:
        name, *arguments = command
        where = program(str(name), _HOW)
        if name == "monmaptool":
            return [where, *arguments]
        return [where, "-c", self._configuration, *arguments]

    def _settings(self) -> str:
        folder = self._folder
        return f"""\
[global]
fsid = {self._fsid}
mon host = [v1:127.0.0.1:{self._monitor_port}]
auth cluster required = none
auth service required = none
auth client required = none
ms bind msgr2 = false
ms bind ipv6 = false
public addr = 127.0.0.1
cluster addr = 127.0.0.1
run dir = {folder}/run
admin socket = {folder}/run/$name.asok
log file = {folder}/$name.ceph.log
mon data = {folder}/mon
osd data = {folder}/osd
pid file = {folder}/run/$name.pid
keyring = /dev/null
crash dir = {folder}/run
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon warn on pool no redundancy = false
mon allow pool size one = true
mon max pg per osd = 1000
osd objectstore = bluestore
bluestore block size = {20 << 30}
bluestore block wal size = 0
bluestore block db size = 0
osd memory target = 939524096
osd class load list = *
osd class default list = *
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:{self.gateway_port} tcp_nodelay=1
rgw gc obj min wait = 5
rgw gc processor period = 5
rgw thread pool size = 64
rgw cache enabled = true
"""


_PLAIN = {"CEPH_ARGS": ""}
