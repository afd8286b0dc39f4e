"""A PostgreSQL server of this machine's own package, reached by a socket in a folder of its own."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from parts import missing

_PROGRAMS = ("initdb", "pg_ctl", "psql")
_INSTALLED = Path("/usr/lib/postgresql")
_NAME = "laennec"


@dataclass(frozen=True)
class Postgres:
    """A running server.

    Attributes:
        psql: The client.
        socket: Folder of its socket.
    """

    psql: str
    socket: Path

    def run(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``psql`` in a folder; it stops at the first error."""
        return subprocess.run(
            [self.psql, "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", *arguments],
            cwd=folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def environment(self) -> dict[str, str]:
        """Variables by which any ``psql`` reaches the server."""
        found = {"PGHOST": str(self.socket), "PGUSER": _NAME, "PGDATABASE": "postgres"}
        return {**os.environ, **found}


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Start a server with an empty database and stop it at the end."""
    programs = {name: _program(name) for name in _PROGRAMS}
    folder = Path(tempfile.mkdtemp(prefix="laennec-postgres-"))
    # The server refuses to run as root, whose tests then run it as nobody.
    user = "nobody" if os.geteuid() == 0 else None
    if user is not None:
        account = pwd.getpwnam(user)
        os.chown(folder, account.pw_uid, account.pw_gid)
    data = folder / "data"

    def call(*command: str | Path) -> None:
        # Into a file: a server that inherits a pipe would keep whoever reads it waiting.
        with tempfile.TemporaryFile() as said:
            subprocess.run(command, cwd=folder, user=user, stdout=said, stderr=said, check=True)

    try:
        call(programs["initdb"], "-D", data, "-U", _NAME, "-A", "trust", "-E", "UTF8",
             "--locale=C", "--no-sync")  # fmt: skip
        options = f"-c listen_addresses='' -c fsync=off -k {folder}"
        call(programs["pg_ctl"], "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
        try:
            yield Postgres(programs["psql"], folder)
        finally:
            call(programs["pg_ctl"], "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _program(name: str) -> str:
    """Return where a program is; Debian keeps those of the server beside the path."""
    places = [str(one) for one in sorted(_INSTALLED.glob("*/bin"), reverse=True)]
    found = shutil.which(name, path=os.pathsep.join([*places, os.environ.get("PATH", "")]))
    return found or missing("PostgreSQL", "Debian's package postgresql")
