"""What an auditor can do without any key: verify the ledger and released files."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from laennec.app.hub import open_ledger
from laennec.core.clock import Clock
from laennec.core.errors import NotFoundError, ProofError, SettingsError, SourceError
from laennec.ledger.model import LedgerReport, parse_entry
from laennec.ledger.proof import SUFFIX, parse_proof, verify_proof
from laennec.ledger.service import Ledger

_HASHES = ("file_sha256", "certificate_sha256")
"""Facts by which the ledger knows a file: one that was released, or the certificate of a move."""


@dataclass(frozen=True)
class ProvenFile:
    """Where a released file stands in a log."""

    index: int
    origin: str
    time: str


def verify_ledger(folder: Path, *, clock: Clock, key: str | None = None) -> LedgerReport:
    """Recompute a hub's whole ledger.

    Args:
        folder: The hub's folder.
        clock: Opens the ledger.
        key: The log's verifier key, from the hub's own publication.

    Raises:
        SettingsError: there is no hub in ``folder``.
        ProofError: the ledger is not that of the key.
        LedgerError: the ledger cannot be read at all.
    """
    return open_ledger(folder, clock=clock, key=key).verify()


def verify_mirror(ledger: Path, *, clock: Clock, key: str) -> LedgerReport:
    """Recompute a copy of a ledger, without any hub.

    Args:
        ledger: The folder of the ledger's static files.
        clock: Opens the ledger.
        key: The log's verifier key, from the hub's own publication.

    Raises:
        NotFoundError: there is no ledger.
        ProofError: the ledger is not that of the key.
    """
    return Ledger.open(ledger, signing_key=None, clock=clock, verifier_key=key).verify()


def prove_entry(folder: Path, index: int, *, clock: Clock) -> str:
    """Return the ``.tlog-proof`` text of an entry.

    Raises:
        NotFoundError: there is no such entry.
        LedgerError: the ledger is damaged.
    """
    return open_ledger(folder, clock=clock).prove(index)


def verify_released_file(
    released: Path, *, folder: Path, key: str | None, clock: Clock
) -> ProvenFile:
    """Show that a released file is in a log, from the file and the proof beside it alone.

    The certificate of a move is proved in the same way.

    Args:
        released: The file; its proof is beside it, with ``.tlog-proof`` added to its name.
        folder: The hub whose verifier key is used when ``key`` is None.
        key: The log's verifier key, which saves the need for any hub.
        clock: Opens the ledger.

    Raises:
        SourceError: file or proof cannot be read.
        ProofError: the proof does not hold, or is of another file.
    """
    verifier = _key_of(folder, clock) if key is None else key
    try:
        body = released.read_bytes()
        text = released.with_name(released.name + SUFFIX).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFoundError(
            f"{Path(str(error.filename)).name} does not exist.",
            remedy="Put the released file and its .tlog-proof in one folder.",
        ) from None
    except (OSError, UnicodeDecodeError):
        raise SourceError(
            f"{released.name} or its proof cannot be read.", remedy="Check their rights."
        ) from None
    proof = parse_proof(text)
    if proof.extra is None:
        raise ProofError("The proof carries no entry.", remedy="Ask the hub for the whole proof.")
    shown = verify_proof(text, proof.extra, verifier)
    entry = parse_entry(proof.extra, index=shown.index)
    sha256 = hashlib.sha256(body).hexdigest()
    if sha256 not in {entry.public.get(fact) for fact in _HASHES}:
        raise ProofError(
            f"{released.name} is not the file that was logged.",
            remedy="Get it again from the hub; this one was changed after its release.",
        )
    return ProvenFile(shown.index, shown.signed.checkpoint.origin, entry.time)


def _key_of(folder: Path, clock: Clock) -> str:
    """Return the verifier key of the hub in a folder; a stranger to the hub has to give it."""
    try:
        return open_ledger(folder, clock=clock).verifier_key
    except SettingsError:
        raise NotFoundError(
            f"There is no hub in {folder} whose key could be used.",
            remedy="Give the log's verifier key with --key; the hub publishes it.",
        ) from None
