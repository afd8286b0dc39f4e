"""Signed notes: text with Ed25519 signatures, by the log and by witnesses.

A note's text means nothing until ``verify`` has found a valid signature of a key that the caller
trusts. Signatures of unknown keys are ignored, as the specification asks; a *wrong* signature of a
known key condemns the whole note. One note has one spelling: base64 is canonical, names hold no
space and no plus sign, and no control character passes.

Pure functions; no I/O and no clock. What this module does not do: it does not read what a text
says.
Source: C2SP signed-note (key type 0x01) and tlog-cosignature (key type 0x04).
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from types import MappingProxyType

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from laennec.ledger.encoding import from_base64, refused, to_base64

MAX_CHARACTERS = 1_000_000
MAX_SIGNATURES = 100
MAX_TIMESTAMP = 2**63 - 1
KEY_ID_BYTES = 4
PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64
TIMESTAMP_BYTES = 8

_CONTROL = re.compile("[\x00-\x09\x0b-\x1f]")
_VKEY = re.compile(r"(?P<name>[^+]+)\+(?P<id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/=]+)")
_LINE = re.compile(r"— (?P<name>[^ ]+) (?P<signature>[A-Za-z0-9+/=]+)")


class KeyKind(IntEnum):
    """What a key signs; the byte is hashed into the key id."""

    LOG = 0x01
    WITNESS = 0x04


_PREFIX_BYTES: Mapping[KeyKind, int] = MappingProxyType(
    {KeyKind.LOG: 0, KeyKind.WITNESS: TIMESTAMP_BYTES}
)
"""Bytes of the timestamp that precede the Ed25519 signature, by kind of key."""


@dataclass(frozen=True)
class VerifierKey:
    """A public key with its name.

    Attributes:
        name: Key name; for a log, its origin.
        kind: What it signs.
        public: The 32 bytes of the Ed25519 public key.

    Raises:
        ProofError: the name has a space, a plus sign or nothing in it, or the key is not 32 bytes.
    """

    name: str
    kind: KeyKind
    public: bytes

    def __post_init__(self) -> None:
        """Refuse what no note could carry."""
        if not is_key_name(self.name) or len(self.public) != PUBLIC_KEY_BYTES:
            raise refused("verifier key", "its name or its length is wrong")

    @property
    def key_id(self) -> bytes:
        """The four bytes by which a signature line points to this key; not a secure hash."""
        named = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        return hashlib.sha256(named).digest()[:KEY_ID_BYTES]

    def __str__(self) -> str:
        key = to_base64(bytes([self.kind]) + self.public)
        return f"{self.name}+{self.key_id.hex()}+{key}"


@dataclass(frozen=True)
class Signature:
    """One signature line, not yet verified: key name, key id and what follows it."""

    name: str
    key_id: bytes
    body: bytes

    def __str__(self) -> str:
        return f"— {self.name} {to_base64(self.key_id + self.body)}\n"


@dataclass(frozen=True)
class Note:
    """A text that ends in a newline, and its signature lines in the order found."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(str(one) for one in self.signatures)


@dataclass(frozen=True)
class Verified:
    """A signature that holds.

    Attributes:
        key: The trusted key that made it.
        timestamp: POSIX seconds, for a witness; None for a log.
    """

    key: VerifierKey
    timestamp: int | None


def is_key_name(name: str) -> bool:
    """Say whether ``name`` may name a key: not empty, without any Unicode space or plus sign."""
    return bool(name) and not any(char.isspace() or char == "+" for char in name)


def verifier_key(private: Ed25519PrivateKey, *, name: str, kind: KeyKind) -> VerifierKey:
    """Return the public half of ``private`` under ``name``.

    Raises:
        ProofError: ``name`` cannot name a key.
    """
    return VerifierKey(name, kind, private.public_key().public_bytes_raw())


def parse_verifier_key(text: str) -> VerifierKey:
    """Read ``name+id+base64``, without a newline.

    Raises:
        ProofError: the form is wrong, the kind is unknown, or the id is not the key's.
    """
    match = _VKEY.fullmatch(text)
    if match is None:
        raise refused("verifier key", "it is not of the form name+id+key")
    raw = from_base64(match["key"], what="verifier key")
    if raw[:1] not in {bytes([kind]) for kind in KeyKind}:
        raise refused("verifier key", "its kind is unknown")
    key = VerifierKey(match["name"], KeyKind(raw[0]), raw[1:])
    if key.key_id.hex() != match["id"]:
        raise refused("verifier key", "its id does not belong to its key")
    return key


def parse_note(text: str) -> Note:
    """Split a note into its text and signature lines; nothing is verified yet.

    Raises:
        ProofError: the form is wrong, or the note is too long.
    """
    if len(text) > MAX_CHARACTERS or _CONTROL.search(text) or not _is_utf8(text):
        raise refused("signed note", "it is too long or holds forbidden characters")
    body, blank, lines = text.rpartition("\n\n")
    if not (blank and lines.endswith("\n")):
        raise refused("signed note", "it has no signature lines after an empty line")
    found = lines[:-1].split("\n")
    if len(found) > MAX_SIGNATURES:
        raise refused("signed note", "it has too many signatures")
    return Note(body + "\n", tuple(_parse_line(line) for line in found))


def verify(note: Note, *, keys: Sequence[VerifierKey]) -> tuple[Verified, ...]:
    """Return the signatures made by ``keys``, in the order of the note; at least one.

    Raises:
        ProofError: no key of ``keys`` signed the note, or a signature under one of them is wrong.
    """
    known = {(key.name, key.key_id): key for key in keys}
    verified = []
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is not None:
            verified.append(_verify_one(note.text, signature, key=key))
    if not verified:
        raise refused("signed note", "no trusted key signed it")
    return tuple(verified)


def sign(text: str, *, name: str, private: Ed25519PrivateKey) -> Signature:
    """Sign ``text`` as a log.

    Raises:
        ProofError: ``name`` cannot name a key.
    """
    key = verifier_key(private, name=name, kind=KeyKind.LOG)
    return Signature(name, key.key_id, private.sign(text.encode()))


def cosign(text: str, *, name: str, private: Ed25519PrivateKey, moment: datetime) -> Signature:
    """Sign the text of a checkpoint as a witness that saw it at ``moment``.

    The caller has checked that the checkpoint extends the newest one it signed for this log; that
    is what a cosignature says.

    Raises:
        ProofError: ``name`` cannot name a key.
        ValueError: ``moment`` has no time zone or lies before 1970.
    """
    if moment.tzinfo is None or moment.timestamp() < 0:
        raise ValueError("a cosignature needs a moment after 1970 with a time zone")
    seconds = int(moment.timestamp())
    key = verifier_key(private, name=name, kind=KeyKind.WITNESS)
    body = seconds.to_bytes(TIMESTAMP_BYTES, "big") + private.sign(_cosigned(text, seconds))
    return Signature(name, key.key_id, body)


def _verify_one(text: str, signature: Signature, *, key: VerifierKey) -> Verified:
    """Verify one line under the key it names."""
    prefix = _PREFIX_BYTES[key.kind]
    seconds = int.from_bytes(signature.body[:prefix], "big") if prefix else None
    message = text.encode() if seconds is None else _cosigned(text, seconds)
    if len(signature.body) != prefix + SIGNATURE_BYTES or (seconds or 0) > MAX_TIMESTAMP:
        raise refused("signed note", f"the signature of {key.name} has a wrong form")
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature.body[prefix:], message)
    except InvalidSignature as error:
        raise refused("signed note", f"the signature of {key.name} is wrong") from error
    return Verified(key, seconds)


def _cosigned(text: str, seconds: int) -> bytes:
    """What a witness signs: the header keeps it apart from a log's own signature."""
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def _parse_line(line: str) -> Signature:
    match = _LINE.fullmatch(line)
    if match is None or not is_key_name(match["name"]):
        raise refused("signed note", "a signature line has a wrong form")
    raw = from_base64(match["signature"], what="signed note")
    if len(raw) <= KEY_ID_BYTES:
        raise refused("signed note", "a signature is too short")
    return Signature(match["name"], raw[:KEY_ID_BYTES], raw[KEY_ID_BYTES:])


def _is_utf8(text: str) -> bool:
    """Say whether ``text`` can be written as UTF-8; half a surrogate pair cannot."""
    return not any("\ud800" <= char <= "\udfff" for char in text)
