"""The certificate of a move: what went where, how much, and that every object was read back.

Three files: the certificate in JSON, the inventory it hashes (a line for each object), and a
signature by the ledger's key. The ledger holds the certificate's hash, and a ``.tlog-proof`` beside
it shows that offline. Byte forms are in ``docs/reference/move-certificate.md``.

Pure; no I/O. What this module does not do: a certificate says what the hub saw. It cannot say that
the former host kept no copy.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from laennec.core.errors import FormatError
from laennec.reversibility.move_model import Item
from laennec.vault.manifest import Anchor

FORMAT = "laennec/move-certificate/1"
NOTE_TITLE = "Laennec move certificate, version 1"
"""First line of what is signed: no checkpoint begins so, since an origin has no spaces."""


@dataclass(frozen=True)
class Place:
    """A store, as an auditor should read it.

    Attributes:
        address: ``s3://…``, ``az://…`` or the folder.
        endpoint: Address of the service, if one was set.
        account: Storage account, of an Azure service.
    """

    address: str
    endpoint: str | None = None
    account: str | None = None


@dataclass(frozen=True)
class Certificate:
    """What a move did.

    Attributes:
        hub: Origin of the ledger.
        source, target: The two stores.
        copied: The newest head of each vault that was copied.
        heads: The newest head of each vault at the destination; later than ``copied`` when the keys
            were wrapped anew there.
        key_holder: Kind of key holder from the move on.
        rewrapped: Whether it is another one than before.
        objects, bytes: Copied and read back.
        inventory_sha256: Of the inventory.
        left_objects, left_bytes: Left at the source, since no snapshot names them.
        started_at, finished_at: RFC 3339, UTC: the first command, and the last comparison.
        copying_seconds: Time spent copying and reading back, pauses left out.
        bytes_per_second: Over that time.
        program_version: Of Laennec.
    """

    hub: str
    source: Place
    target: Place
    copied: Mapping[str, Anchor]
    heads: Mapping[str, Anchor]
    key_holder: str
    rewrapped: bool
    objects: int
    bytes: int
    inventory_sha256: str
    left_objects: int
    left_bytes: int
    started_at: str
    finished_at: str
    copying_seconds: int
    bytes_per_second: int
    program_version: str


def inventory_text(items: Iterable[Item]) -> str:
    """Return a line ``part/name size sha256`` for each object, in order."""
    lines = sorted(f"{one.part}/{one.name} {one.size} {one.sha256}\n" for one in items)
    return "".join(lines)


def read_inventory_text(text: str) -> list[Item]:
    """Return the objects of an inventory.

    Raises:
        FormatError: a line has another form.
    """
    items = []
    for line in text.splitlines():
        try:
            path, size, sha256 = line.rsplit(" ", 2)
            part, name = path.split("/", 1)
            items.append(Item(part, name, sha256, int(size)))
        except ValueError:
            raise _unknown("inventory") from None
    return items


def certificate_text(certificate: Certificate) -> str:
    """Return the JSON of a certificate, with sorted keys and a last line break."""
    value = {"format": FORMAT, **dataclasses.asdict(certificate)}
    return json.dumps(value, indent=2, sort_keys=True) + "\n"


def read_certificate(text: str) -> Certificate:
    """Return what a certificate says; nothing is verified.

    Raises:
        FormatError: it is none of this version.
    """
    try:
        value = json.loads(text)
        if value.pop("format") != FORMAT:
            raise _unknown("certificate")
        for key in ("source", "target"):
            value[key] = Place(**value[key])
        for key in ("copied", "heads"):
            value[key] = {part: Anchor(**one) for part, one in value[key].items()}
        return Certificate(**value)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _unknown("certificate") from None


def note_text(certificate: str) -> str:
    """Return what the ledger's key signs for a certificate: its title and its SHA-256."""
    return f"{NOTE_TITLE}\n{sha256_of(certificate)}\n"


def sha256_of(text: str) -> str:
    """Return the SHA-256 of a text's UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def _unknown(what: str) -> FormatError:
    return FormatError(
        f"This is no {what} of a move that this program knows.",
        remedy="It was altered, or made by another version of Laennec.",
    )
