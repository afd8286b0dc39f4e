"""Where a remote store is and what opens it, made into obstore's clients.

Everything that obstore would look up by itself is said explicitly: the address, the credentials,
the way requests are signed. Otherwise a variable of the environment could send requests elsewhere,
or a machine in a cloud could ask that cloud's metadata service who it is. Certificates are always
checked. What obstore decides all the same: it uses the environment's HTTP proxies and follows a
host's redirects. Over TLS a proxy sees the host's name and nothing else.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import obstore.store as clients

AUTHORITY = "https://login.microsoftonline.com"
"""Where an Entra application signs in."""


@dataclass(frozen=True)
class Patience:
    """How long to wait for a remote store, and how often to try.

    Attributes:
        attempts: Tries of one request, at least 1.
        first_wait_s: Wait before the second try at most, in seconds; it doubles each time, and a
            random part of it is waited, so that writers do not come back together.
        longest_wait_s: Wait between two tries at most.
        connect_s: Time to connect.
        silence_s: Time without a byte.
        request_s: Time for a whole request.
    """

    attempts: int = 8
    first_wait_s: float = 0.1
    longest_wait_s: float = 10.0
    connect_s: float = 10.0
    silence_s: float = 30.0
    request_s: float = 300.0

    def retries(self) -> "clients.RetryConfig":
        """Return obstore's configuration of this."""
        return {
            "max_retries": self.attempts - 1,
            "retry_timeout": timedelta(seconds=self.request_s),
            "backoff": {
                "init_backoff": timedelta(seconds=self.first_wait_s),
                "max_backoff": timedelta(seconds=self.longest_wait_s),
                "base": 2,
            },
        }


@dataclass(frozen=True)
class Line:
    """How to reach a host.

    Attributes:
        endpoint: Its address.
        insecure_http: Whether an address without TLS is accepted.
        ca_pem: Certificates trusted beside the system's, or None.
        patience: How long to wait for it.
    """

    endpoint: str
    insecure_http: bool = False
    ca_pem: bytes | None = None
    patience: Patience = Patience()

    def options(self) -> "clients.ClientConfig":
        """Return obstore's configuration of this."""
        patience = self.patience
        options: clients.ClientConfig = {
            "allow_http": self.insecure_http,
            "allow_invalid_certificates": False,
            "connect_timeout": timedelta(seconds=patience.connect_s),
            "read_timeout": timedelta(seconds=patience.silence_s),
            "timeout": timedelta(seconds=patience.request_s),
        }
        if self.ca_pem is not None:
            options["root_certificate"] = self.ca_pem
        return options


@dataclass(frozen=True)
class S3Keys:
    """An access key of an S3 service."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class AzureKey:
    """The key of a storage account."""

    account_key: str = field(repr=False)


@dataclass(frozen=True)
class AzureSignature:
    """A shared access signature."""

    sas_token: str = field(repr=False)


@dataclass(frozen=True)
class AzureApplication:
    """An application registered with Entra, which signs in by its secret."""

    tenant_id: str
    client_id: str
    client_secret: str = field(repr=False)


AzureCredentials = AzureKey | AzureSignature | AzureApplication


@dataclass(frozen=True)
class S3Bucket:
    """A prefix in a bucket of an S3 service, addressed by path.

    Attributes:
        bucket, prefix: Where; the prefix may be empty.
        region: Name of the service's region.
        line: How to reach it.
        keys: What opens it.
    """

    bucket: str
    prefix: str
    region: str
    line: Line
    keys: S3Keys

    def __str__(self) -> str:
        return _url("s3", self.bucket, self.prefix)

    def client(self) -> clients.S3Store:
        """Return obstore's client."""
        return clients.S3Store(
            self.bucket,
            prefix=self.prefix or None,
            config={
                "endpoint": self.line.endpoint,
                "aws_endpoint_url_s3": self.line.endpoint,
                "region": self.region,
                "virtual_hosted_style_request": False,
                "conditional_put": "etag",
                "skip_signature": False,
                "unsigned_payload": False,
                "s3_express": False,
            },
            client_options=self.line.options(),
            retry_config=self.line.patience.retries(),
            credential_provider=self._credentials,
        )

    def _credentials(self) -> "clients.S3Credential":
        return {
            "access_key_id": self.keys.access_key_id,
            "secret_access_key": self.keys.secret_access_key,
            "token": self.keys.session_token,
            "expires_at": None,
        }


@dataclass(frozen=True)
class AzureContainer:
    """A prefix in a container of Azure Blob Storage.

    Attributes:
        container, prefix: Where; the prefix may be empty.
        account: The storage account.
        line: How to reach it.
        credentials: What opens it.
    """

    container: str
    prefix: str
    account: str
    line: Line
    credentials: AzureCredentials

    def __str__(self) -> str:
        return _url("az", self.container, self.prefix)

    def client(self) -> clients.AzureStore:
        """Return obstore's client."""
        config: clients.AzureConfig = {
            "account_name": self.account,
            "endpoint": self.line.endpoint,
            "use_emulator": False,
            "use_fabric_endpoint": False,
            "skip_signature": False,
            "use_azure_cli": False,
        }
        opens = self.credentials
        if isinstance(opens, AzureApplication):
            config |= {
                "credential_type": "client_secret",
                "authority_host": AUTHORITY,
                "tenant_id": opens.tenant_id,
                "client_id": opens.client_id,
                "client_secret": opens.client_secret,
            }
        return clients.AzureStore(
            self.container,
            prefix=self.prefix or None,
            config=config,
            client_options=self.line.options(),
            retry_config=self.line.patience.retries(),
            credential_provider=None if isinstance(opens, AzureApplication) else self._credentials,
        )

    def _credentials(self) -> "clients.AzureCredential":
        if isinstance(self.credentials, AzureSignature):
            return {"sas_token": self.credentials.sas_token, "expires_at": None}
        if isinstance(self.credentials, AzureKey):
            return {"access_key": self.credentials.account_key, "expires_at": None}
        raise TypeError("an application signs in by itself")


Client = clients.S3Store | clients.AzureStore
CloudPlace = S3Bucket | AzureContainer


def tried_once(place: CloudPlace) -> CloudPlace:
    """Return the place with clients that never repeat a request by themselves."""
    once = replace(place.line.patience, attempts=1)
    return replace(place, line=replace(place.line, patience=once))


def _url(kind: str, bucket: str, prefix: str) -> str:
    return f"{kind}://{bucket}/{prefix}" if prefix else f"{kind}://{bucket}"
