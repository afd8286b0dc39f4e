"""moto: a light S3 service in memory, which honours conditional writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from parts import free_port, listens, program, running
from parts.hosts import Host, create_bucket


@contextmanager
def moto(folder: Path) -> Iterator[Host]:
    """Run moto for the time of the context."""
    port = free_port()
    command = (program("moto_server", "pip install moto[server]"), "-H", "127.0.0.1", "-p", port)
    credentials = {"access_key_id": "test", "secret_access_key": "moto-asks-for-none"}
    host = Host("s3", f"http://127.0.0.1:{port}", credentials)
    with running([str(one) for one in command], folder=folder, ready=lambda: listens(port)):
        create_bucket(host)
        yield host
