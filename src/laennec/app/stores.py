"""The hub's object stores, as the settings name them: one for the warehouse, one for results."""

from pathlib import Path
from urllib.parse import urlsplit

from laennec.app.credentials import azure_credentials, s3_credentials
from laennec.core.errors import SettingsError
from laennec.core.settings import StoreSettings
from laennec.vault.cache import CachedStore, CopyFolder, JudgedStore
from laennec.vault.cloud import CloudStore
from laennec.vault.cloud_access import AzureContainer, CloudPlace, Line, Patience, S3Bucket
from laennec.vault.local import LocalStore
from laennec.vault.ports import ObjectStore
from laennec.vault.transfers import Transfers

WAREHOUSE, RESULTS = "warehouse", "results"
PARTS = (WAREHOUSE, RESULTS)


def store_of(
    store: StoreSettings, part: str, *, cached: bool = True, patience: Patience | None = None
) -> ObjectStore:
    """Return the object store of one of the hub's two vaults; a remote one is not asked yet.

    Args:
        store: Where it is.
        part: ``WAREHOUSE`` or ``RESULTS``.
        cached: Whether sealed copies on this machine may stand in for what a remote store holds;
            not for whoever judges that store.
        patience: How long to wait for a remote store; the usual by default.

    Raises:
        StoreError: it cannot be opened.
        SettingsError: its address or credentials are wrong.
    """
    if store.url is None:
        return LocalStore(store.folder / part)
    transfers = Transfers(parallel=store.parallel, max_bytes=store.transfer_mb << 20)
    remote = CloudStore(_place(store, part, patience or Patience()), transfers=transfers)
    if not cached or not store.cache_mb:
        return remote
    copies = CopyFolder(store.cache, limit_bytes=store.cache_mb << 20)
    return CachedStore(remote, copies, parallel=store.parallel)


def judged_store(store: StoreSettings, part: str) -> ObjectStore:
    """Return a store to be judged: no copy stands in for it, and copies that differ are removed.

    Raises:
        StoreError, SettingsError: as ``store_of``.
    """
    remote = store_of(store, part, cached=False)
    if store.url is None or not store.cache_mb:
        return remote
    copies = CopyFolder(store.cache, limit_bytes=store.cache_mb << 20)
    return JudgedStore(remote, copies, parallel=store.parallel)


def _place(store: StoreSettings, part: str, patience: Patience) -> CloudPlace:
    """Return where the part is and what opens it."""
    url = urlsplit(store.url or "")
    prefix = "/".join(one for one in (url.path.strip("/"), part) if one)
    if url.scheme == "s3":
        return S3Bucket(
            bucket=url.netloc,
            prefix=prefix,
            region=store.region or "us-east-1",
            line=_line(store, _s3_endpoint(store), patience),
            keys=s3_credentials(store.credentials_file),
        )
    if store.account is None:
        raise SettingsError(
            "store.account is not set.",
            remedy="Set it to the storage account that has the container.",
        )
    return AzureContainer(
        container=url.netloc,
        prefix=prefix,
        account=store.account,
        line=_line(
            store, store.endpoint or f"https://{store.account}.blob.core.windows.net", patience
        ),
        credentials=azure_credentials(store.credentials_file),
    )


def _s3_endpoint(store: StoreSettings) -> str:
    """Return the address of the S3 service; where data lies is never left to a default."""
    if store.endpoint is not None:
        return store.endpoint
    if store.region is None:
        raise SettingsError(
            "Neither store.endpoint nor store.region is set.",
            remedy="Set the endpoint of your S3 service, or the region for Amazon's.",
        )
    return f"https://s3.{store.region}.amazonaws.com"


def _line(store: StoreSettings, endpoint: str, patience: Patience) -> Line:
    if endpoint.startswith("http://") and not store.insecure_http:
        raise SettingsError(
            "store.endpoint has no TLS: whoever is on the way could replace what is stored.",
            remedy="Use an address that begins with https://; for a service on this machine, set "
            "store.insecure_http.",
        )
    ca_pem = None if store.ca_file is None else _certificates(store.ca_file)
    return Line(endpoint.rstrip("/"), store.insecure_http, ca_pem, patience)


def _certificates(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"store.ca_file, {file}, cannot be read ({error.strerror}).",
            remedy="Name a file of PEM certificates.",
        ) from None
