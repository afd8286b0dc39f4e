"""What this hub saw of its ledger last, kept beside the keys and out of the store host's reach.

The ledger's newest anchor shows that the warehouse did not go back, and this file shows that the
ledger did not. Whoever holds both and also this file can roll a hub back unseen, which is why it
lies with the keys.
"""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from laennec.core.errors import KeyHolderError, StoreError
from laennec.ledger.checkpoint import Checkpoint, open_checkpoint
from laennec.ledger.note import parse_verifier_key
from laennec.ledger.service import Ledger

FILE_NAME = "ledger.checkpoint"


@dataclass(frozen=True)
class Seen:
    """A ledger as it was.

    Attributes:
        verifier_key: Its public key.
        checkpoint: Its newest state, signed with that key.
    """

    verifier_key: str
    checkpoint: Checkpoint


def remember(keys: Path, ledger: Ledger) -> None:
    """Keep the newest checkpoint in the folder of keys; it never goes back.

    Of two commands that end at once, the one that saw less may come last: what it saw then stays
    out, or the host could put back a state of the ledger between the two.

    Raises:
        StoreError: it cannot be written.
        LedgerError: the ledger cannot be read.
    """
    try:
        guard = os.open(keys / f".{FILE_NAME}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(guard, fcntl.LOCK_EX)
            kept = remembered(keys)
            size = ledger.checkpoint().size
            if kept is None or kept.checkpoint.size <= size:
                _replace(keys / FILE_NAME, f"{ledger.verifier_key}\n{ledger.signed_checkpoint()}")
        finally:
            os.close(guard)
    except OSError as error:
        raise StoreError(
            f"{keys} cannot be written: {error.strerror}.",
            remedy="Check its owner and rights; the command itself has finished.",
        ) from None


def _replace(file: Path, text: str) -> None:
    """Write the whole file beside its place, flush it, and rename it."""
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(file)


def remembered(keys: Path) -> Seen | None:
    """Return what was kept, or None when there is no such file, as for a stranger to the hub.

    Raises:
        KeyHolderError: it cannot be read.
        ProofError: it is not what was kept.
    """
    try:
        text = (keys / FILE_NAME).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        raise _unusable(keys, "cannot be read") from None
    key, _, note = text.partition("\n")
    return Seen(key, open_checkpoint(note, log_key=parse_verifier_key(key)).checkpoint)


def recall(keys: Path) -> Seen:
    """Return what was kept; a hub without it could be rolled back unseen, and does not open.

    Raises:
        KeyHolderError: it is missing or cannot be read.
        ProofError: it is not what was kept.
    """
    seen = remembered(keys)
    if seen is None:
        raise _unusable(keys, "is missing")
    return seen


def _unusable(keys: Path, state: str) -> KeyHolderError:
    return KeyHolderError(
        f"{keys / FILE_NAME}, which shows that the ledger is not an old one, {state}.",
        remedy="Restore it from your copy of the keys; an older copy of it serves too.",
    )
