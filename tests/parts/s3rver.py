"""s3rver: an S3 service that accepts conditional writes and ignores the condition."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from parts import free_port, listens, program, running
from parts.hosts import Host, create_bucket


@contextmanager
def s3rver(folder: Path) -> Iterator[Host]:
    """Run s3rver for the time of the context."""
    port, files = free_port(), folder / "s3rver"
    files.mkdir()
    command = [
        *(program("s3rver", "npm install s3rver@3.7.1"), "--directory", files),
        *("--address", "127.0.0.1", "--port", str(port), "--silent"),
    ]
    credentials = {"access_key_id": "S3RVER", "secret_access_key": "S3RVER"}
    host = Host("s3", f"http://127.0.0.1:{port}", credentials)
    with running(command, folder=folder, ready=lambda: listens(port)):
        create_bucket(host)
        yield host
