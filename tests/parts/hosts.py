"""A host of object stores as the tests see it: its address, its credentials, and fresh places."""

import base64
import hashlib
import hmac
import secrets
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import obstore
from obstore.store import S3Store

from laennec.core.settings import StoreSettings

BUCKET = "bucket"


@dataclass(frozen=True)
class Host:
    """A running S3 or Azure Blob service with one empty bucket or container, ``BUCKET``.

    Attributes:
        kind: ``s3`` or ``az``.
        endpoint: Its address, on this machine.
        credentials: Keys as a credentials file has them.
        account: Storage account, for ``az``.
    """

    kind: str
    endpoint: str
    credentials: Mapping[str, str] = field(repr=False)
    account: str | None = None

    def at(self, endpoint: str) -> "Host":
        """Return the same host behind another address, such as a proxy's."""
        return replace(self, endpoint=endpoint)

    def credentials_file(self, folder: Path) -> Path:
        """Write the credentials into a file that only its owner reads."""
        file = folder / f"credentials-{secrets.token_hex(4)}.toml"
        file.touch(mode=0o600)
        file.write_text("".join(f'{key} = "{one}"\n' for key, one in self.credentials.items()))
        return file

    def settings(self, folder: Path, *, prefix: str = "") -> StoreSettings:
        """Return the settings of a store under a prefix that nobody used."""
        return StoreSettings(
            url=self.url(prefix),
            endpoint=self.endpoint,
            account=self.account,
            credentials_file=self.credentials_file(folder),
            insecure_http=True,
            cache=folder / "cache",
        )

    def url(self, prefix: str = "") -> str:
        """Return the URL of a prefix, a fresh one by default."""
        return f"{self.kind}://{BUCKET}/{prefix or secrets.token_hex(8)}"

    def init_options(self, folder: Path, *, prefix: str = "") -> tuple[str, ...]:
        """Return what ``laennec init`` needs to make a hub under a fresh prefix."""
        account = ("--store-account", self.account) if self.account else ()
        return (
            *("--store-url", self.url(prefix), "--store-endpoint", self.endpoint),
            *("--store-credentials-file", str(self.credentials_file(folder))),
            *account,
            "--store-insecure-http",
        )


def create_bucket(host: Host) -> None:
    """Make ``BUCKET`` on an S3 service that serves by path: a signed request for no object."""
    service = S3Store(
        BUCKET,
        endpoint=host.endpoint,
        region="us-east-1",
        access_key_id=host.credentials["access_key_id"],
        secret_access_key=host.credentials["secret_access_key"],
        client_options={"allow_http": True},
    )
    _put(obstore.sign(service, "PUT", "", timedelta(minutes=1)), {})


def create_container(host: Host) -> None:
    """Make the container ``BUCKET`` on an Azure Blob service that serves by path.

    Source of the signature: Microsoft, "Authorize with Shared Key", version 2009-09-19 and later.
    """
    version, now = "2021-08-06", format_datetime(datetime.now(UTC), usegmt=True)
    resource = f"/{host.account}/{host.account}/{BUCKET}\nrestype:container"
    signed = f"PUT{chr(10) * 12}x-ms-date:{now}\nx-ms-version:{version}\n{resource}"
    key = base64.b64decode(host.credentials["account_key"])
    signature = base64.b64encode(hmac.digest(key, signed.encode(), hashlib.sha256)).decode()
    _put(
        f"{host.endpoint}/{BUCKET}?restype=container",
        {
            "x-ms-date": now,
            "x-ms-version": version,
            "Authorization": f"SharedKey {host.account}:{signature}",
        },
    )


def signature_for(host: Host, *, rights: str) -> str:
    """Return a signature (SAS) that opens the container ``BUCKET`` for an hour.

    Source: Microsoft, "Create a service SAS", version 2020-12-06 and later.
    """
    version, until = "2021-08-06", datetime.now(UTC) + timedelta(hours=1)
    expiry = until.strftime("%Y-%m-%dT%H:%M:%SZ")
    resource = f"/blob/{host.account}/{BUCKET}"
    lines = (rights, "", expiry, resource, "", "", "", version, "c", "", "", *[""] * 5)
    key = base64.b64decode(host.credentials["account_key"])
    signature = base64.b64encode(hmac.digest(key, "\n".join(lines).encode(), hashlib.sha256))
    given = {"sv": version, "se": expiry, "sr": "c", "sp": rights, "sig": signature.decode()}
    return urllib.parse.urlencode(given)


def _put(url: str, headers: Mapping[str, str]) -> None:
    given = {**headers, "Content-Length": "0"}
    request = urllib.request.Request(url, method="PUT", headers=given)  # noqa: S310 - of the test
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - likewise
        answer.read()
