"""Values of the ledger: entries, receipts, commitments, and what a verification found.

An entry is one line of canonical JSON: keys sorted, no spaces, UTF-8, whole numbers only, so that
one entry has one spelling and its bytes can be hashed by anyone. It holds an event's name, its
time, its public facts and salted hashes of its private facts. A commitment reveals nothing to
whoever lacks the
salt: 32 random bytes cannot be searched, however few values the fact can take.

Frozen values and pure functions. What this module does not do: it does not decide which events and
facts are allowed (``events``).
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from laennec.core.errors import LedgerError, ProofError
from laennec.ledger.checkpoint import Checkpoint
from laennec.ledger.events import MAX_COUNT, PublicFact

ENTRY_VERSION = 1
SALT_BYTES = 32
LABEL_LENGTH_BYTES = 2

_KEYS = frozenset({"commitments", "name", "public", "time", "version"})
_NAME = re.compile(r"[a-z]+:[a-z]+:[a-z]+")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True)
class Entry:
    """One logged event.

    Attributes:
        index: Position in the log; not part of the entry's bytes, the tree gives it.
        name: ``source:subject:action``.
        time: RFC 3339 in UTC, to the second, by the hub's clock.
        public: Facts anyone may read.
        commitments: Label to salted hash, as lowercase hexadecimal digits.
    """

    index: int
    name: str
    time: str
    public: Mapping[str, PublicFact]
    commitments: Mapping[str, str]

    def to_bytes(self) -> bytes:
        """Return the canonical JSON that the tree hashes, without a newline."""
        value = {
            "commitments": dict(self.commitments),
            "name": self.name,
            "public": dict(self.public),
            "time": self.time,
            "version": ENTRY_VERSION,
        }
        return _canonical(value)


@dataclass(frozen=True)
class Receipt:
    """What the writer of an event gets.

    Attributes:
        index: Where the entry stands.
        salts: Label to salt. Who gets them can test guesses at the private facts; the holder of
            the signing key can derive them again (``Ledger.salt``).
        checkpoint: The signed state that holds the entry; remember it to detect a rollback.
    """

    index: int
    salts: Mapping[str, bytes]
    checkpoint: Checkpoint


class Fault(Enum):
    """What can be wrong with a log."""

    MISSING = "is missing"
    ALTERED = "is not what the signed root covers"
    UNPROVEN = "cannot be proven, because too much else is altered"
    UNEXPECTED = "does not belong to the log"
    SIGNATURE = "is not signed by the log"
    ROLLBACK = "is older than the state already seen"
    FORK = "does not extend the state already seen"


@dataclass(frozen=True)
class Finding:
    """One fault of one file.

    Attributes:
        file: Path inside the ledger's folder.
        fault: What is wrong.
        detail: Where in the file, such as the numbers of the entries concerned; may be empty.
    """

    file: str
    fault: Fault
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.file} {self.fault.value}" + (f" ({self.detail})" if self.detail else "")


@dataclass(frozen=True)
class LedgerReport:
    """Outcome of a verification.

    Attributes:
        checkpoint: The state that was verified, or None when no signed one could be read.
        findings: Every fault; empty when the log holds.
        leftovers: Files of an append that never finished; harmless, replaced by the next append.
    """

    checkpoint: Checkpoint | None
    findings: tuple[Finding, ...]
    leftovers: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every entry, tile and signature holds."""
        return not self.findings


def parse_entry(data: bytes, *, index: int) -> Entry:
    """Read the bytes of an entry; only the canonical spelling is accepted.

    Event names are checked for form, not against the registry, so that an older program can still
    audit the log of a newer one.

    Raises:
        LedgerError: the bytes are no entry of this version.
    """
    try:
        value = json.loads(data.decode("utf-8"))
        canonical = isinstance(value, dict) and _canonical(value) == data
    # Deep nesting ends in RecursionError; UnicodeError and bad JSON are both ValueError.
    except (ValueError, RecursionError) as error:
        raise _malformed(index) from error
    if not canonical or not _is_entry(value):
        raise _malformed(index)
    return Entry(index, value["name"], value["time"], value["public"], value["commitments"])


def commitment(label: str, *, salt: bytes, value: bytes) -> str:
    """Return the salted hash of a private fact: SHA-256 of label length, label, salt and value.

    Args:
        label: What the fact is; its UTF-8 length goes before it in two bytes, big-endian, so that
            no two labels and salts run into each other.
        salt: 32 random bytes, used once.
        value: The fact.

    Raises:
        ValueError: the salt is not 32 bytes, or the label is too long.
    """
    name = label.encode()
    if len(salt) != SALT_BYTES or len(name) >= 1 << (8 * LABEL_LENGTH_BYTES):
        raise ValueError("a salt is 32 bytes and a label at most 65,535")
    prefix = len(name).to_bytes(LABEL_LENGTH_BYTES, "big")
    return hashlib.sha256(prefix + name + salt + value).hexdigest()


def check_commitment(entry: Entry, label: str, *, salt: bytes, value: bytes) -> None:
    """Show that ``value`` is the private fact ``label`` that ``entry`` committed to.

    Raises:
        ProofError: it is not, or the entry has no such commitment.
        ValueError: the salt is not 32 bytes.
    """
    given = commitment(label, salt=salt, value=value)
    if not hmac.compare_digest(entry.commitments.get(label, ""), given):
        raise ProofError(
            f"Value and salt do not open the commitment `{label}` of entry {entry.index}.",
            remedy="Check that value and salt come from the receipt of this entry.",
        )


def _canonical(value: Mapping[str, object]) -> bytes:
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode("utf-8")


def _is_entry(value: Mapping[str, object]) -> bool:
    """Say whether parsed JSON has the shape of an entry of this version."""
    public, commitments = value.get("public"), value.get("commitments")
    return (
        set(value) == _KEYS
        and type(value["version"]) is int
        and value["version"] == ENTRY_VERSION
        and _matches(_NAME, value["name"])
        and _matches(_TIME, value["time"])
        and isinstance(public, dict)
        and all(_KEY.fullmatch(key) and _is_fact(fact) for key, fact in public.items())
        and isinstance(commitments, dict)
        and all(_KEY.fullmatch(key) and _matches(_DIGEST, one) for key, one in commitments.items())
    )


def _is_fact(value: object) -> bool:
    return isinstance(value, str) or (type(value) is int and 0 <= value <= MAX_COUNT)


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _malformed(index: int) -> LedgerError:
    return LedgerError(
        f"Entry {index} of the ledger is not an entry that this program can read.",
        remedy="Read the log with the program version that wrote it, or run `laennec log verify`.",
    )
