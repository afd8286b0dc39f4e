"""Which state of the log is the newest, and whether it agrees with what was seen before.

A checkpoint is accepted when the log signed it and it extends the newest one that this object has
seen. A writer publishes a state by putting the signed checkpoint in place whole, after all it
covers. A checkpoint that was signed but not put in place, because the process died, is put in place
by the next writer: the log never signs two different states of one size.

What this module does not do: it remembers for the life of the object only. Who wants to notice a
rollback between two runs keeps a checkpoint out of the host's reach and passes it in.
"""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from laennec.core.errors import LedgerError, NotFoundError, ProofError, RollbackError
from laennec.ledger import note, tree
from laennec.ledger.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint
from laennec.ledger.folder import TEMPORARY, Folder
from laennec.ledger.model import Fault
from laennec.ledger.view import View

CHECKPOINT = "checkpoint"
VERIFIER_KEY = "key.vkey"
PENDING = CHECKPOINT + TEMPORARY
"""Where a checkpoint is written before it is renamed; what a crash leaves there may be signed."""

_MAX_TEXT_BYTES = 1_000_000


class State:
    """The newest state of one log, as read, compared and published.

    Attributes:
        seen: The newest checkpoint accepted or published, or the one the caller remembered.
    """

    def __init__(
        self, folder: Folder, *, key: note.VerifierKey, remembered: Checkpoint | None
    ) -> None:
        self._folder = folder
        self._key = key
        self.seen = remembered

    def current(self) -> SignedCheckpoint:
        """Return the newest checkpoint, and remember it.

        Raises:
            RollbackError: it is older than the one seen.
            ProofError: the log did not sign it, or it contradicts the one seen.
            LedgerError: it is missing, or a tile needed to compare it is missing or altered.
        """
        signed = self.read()
        fault = self.contradiction(signed.checkpoint)
        if fault is not None:
            error = RollbackError if fault is Fault.ROLLBACK else ProofError
            raise error(
                f"The ledger's checkpoint {fault.value}.",
                remedy="Stop writing, keep a copy of the folder, and tell the auditor.",
            )
        self.seen = signed.checkpoint
        return signed

    def read(self) -> SignedCheckpoint:
        """Return the checkpoint on disk, signed by the log, compared with nothing.

        Raises:
            ProofError: the log did not sign it.
            LedgerError: it is missing or cannot be read.
        """
        text = read_text(self._folder, CHECKPOINT)
        if text is None:
            raise LedgerError(
                "The ledger's checkpoint is missing.", remedy="Restore it from a copy."
            )
        return open_checkpoint(text, log_key=self._key)

    def contradiction(self, new: Checkpoint, *, old: Checkpoint | None = None) -> Fault | None:
        """Say how the state on disk contradicts an older one, if it does.

        Args:
            new: The signed state on disk.
            old: The older state; the one seen where None.

        Raises:
            LedgerError: a tile needed to compare them is missing or altered.
        """
        old = old or self.seen
        if old is None or old == new:
            return None
        if old.origin != new.origin:
            return Fault.FORK
        if old.size > new.size:
            return Fault.ROLLBACK
        return None if View(self._folder, new).root_at(old.size) == old.root else Fault.FORK

    def recovered(self) -> Checkpoint:
        """Return the newest state, after finishing what a crash left; the caller holds the lock.

        Raises:
            RollbackError: as ``current``.
            LedgerError: as ``current``, or the tiles of the pending state are missing or altered.
        """
        current = self.current()
        pending = self._pending()
        if pending is not None and pending.checkpoint.size > current.checkpoint.size:
            View(self._folder, pending.checkpoint).check_edge()
            self._folder.write(CHECKPOINT, str(pending.note).encode())
            current = self.current()
        self._folder.remove(PENDING)
        return current.checkpoint

    def publish(self, checkpoint: Checkpoint, *, signing_key: Ed25519PrivateKey) -> None:
        """Sign a state and put it in place, after everything it covers is durable.

        Raises:
            StoreFullError: no space is left; the previous state stands.
            LedgerError: the host does not take it; the previous state stands.
        """
        text = str(checkpoint)
        signature = note.sign(text, name=self._key.name, private=signing_key)
        self._folder.write(CHECKPOINT, str(note.Note(text, (signature,))).encode())
        self.seen = checkpoint

    def _pending(self) -> SignedCheckpoint | None:
        """Return what a crash left signed; a torn file holds no signature and is no state."""
        try:
            text = read_text(self._folder, PENDING)
            return None if text is None else open_checkpoint(text, log_key=self._key)
        except ProofError:
            return None


def first_checkpoint(origin: str) -> Checkpoint:
    """Return the state of a log without entries."""
    return Checkpoint(origin, 0, tree.EMPTY_ROOT)


def read_key(folder: Folder) -> note.VerifierKey:
    """Return the verifier key that lies beside the log.

    Raises:
        NotFoundError: there is none, so there is no log.
        ProofError: it is malformed.
        LedgerError: it cannot be read.
    """
    text = read_text(folder, VERIFIER_KEY)
    if text is None:
        raise NotFoundError(
            "There is no ledger in this folder.", remedy="Check the path, or create the hub first."
        )
    return note.parse_verifier_key(text.removesuffix("\n"))


def read_text(folder: Folder, path: str) -> str | None:
    """Return a text file of the log, or None when there is no such file.

    Raises:
        ProofError: it is not UTF-8.
        LedgerError: it is too long or cannot be read.
    """
    data = folder.read(path, max_bytes=_MAX_TEXT_BYTES)
    try:
        return None if data is None else data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProofError(
            f"The ledger's file {path} is not UTF-8.", remedy="Restore it from a copy."
        ) from error
