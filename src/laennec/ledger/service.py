"""The ledger: an append-only log of what the hub did, that all can check and nobody can rewrite.

Use cases: create, open, append, read, prove, verify. A log is a folder of static files in the C2SP
tile layout. An append writes tiles first and the signed checkpoint last, each file whole, so that a
crash at any point leaves the previous state or the new one.

What this module does not do: it cannot tell that the host put back an older state of the whole
folder, unless somebody remembers a newer checkpoint and passes it as ``remembered`` or ``against``.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from laennec.core.clock import Clock, timestamp
from laennec.core.errors import AlreadyExistsError, LedgerError, NotFoundError, ProofError
from laennec.ledger import note, tiles
from laennec.ledger.audit import Audit
from laennec.ledger.checkpoint import Checkpoint
from laennec.ledger.events import PublicFact, check_event
from laennec.ledger.folder import Folder
from laennec.ledger.model import (
    SALT_BYTES,
    Entry,
    Fault,
    Finding,
    LedgerReport,
    Receipt,
    commitment,
    parse_entry,
)
from laennec.ledger.proof import TlogProof, verify_proof
from laennec.ledger.state import (
    CHECKPOINT,
    VERIFIER_KEY,
    State,
    first_checkpoint,
    read_key,
    read_text,
)
from laennec.ledger.tiles import WIDTH
from laennec.ledger.view import View

_SALT_PURPOSE = b"laennec/ledger-salt/1"


class Ledger:
    """One log in one folder; opened for reading, or for appending when it has the signing key.

    Every read is proven against the signed checkpoint. The object remembers the newest checkpoint
    it has seen and refuses an older or a contradicting one.
    """

    def __init__(
        self,
        folder: Folder,
        *,
        key: note.VerifierKey,
        signing_key: Ed25519PrivateKey | None,
        clock: Clock,
        remembered: Checkpoint | None = None,
    ) -> None:
        self._folder = folder
        self._key = key
        self._signing_key = signing_key
        self._clock = clock
        self._state = State(folder, key=key, remembered=remembered)

    @classmethod
    def create(
        cls, folder: Path, *, origin: str, signing_key: Ed25519PrivateKey, clock: Clock
    ) -> "Ledger":
        """Create an empty log.

        Args:
            folder: Where it lives; created if needed.
            origin: Unique name of the log, such as ``hub.example.org/ledger``: no space, no plus.
            signing_key: The log's key; it is not stored.
            clock: Gives the time of entries.

        Raises:
            AlreadyExistsError: the folder holds a log, or what is left of one.
            LedgerError: ``origin`` cannot name a log, or the folder cannot be written.
            StoreFullError: no space is left.
        """
        key = note.verifier_key(signing_key, name=origin, kind=note.KeyKind.LOG)
        files = Folder(folder)
        ledger = cls(files, key=key, signing_key=signing_key, clock=clock)
        with files.locked():
            if files.holds(CHECKPOINT) or any(files.paths("tile")):
                raise AlreadyExistsError(
                    "The folder holds a ledger already.",
                    remedy="Open it, or choose another folder.",
                )
            files.write(VERIFIER_KEY, f"{key}\n".encode())
            ledger._state.publish(first_checkpoint(origin), signing_key=signing_key)
        return ledger

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        signing_key: Ed25519PrivateKey | None,
        clock: Clock,
        verifier_key: str | None = None,
        remembered: Checkpoint | None = None,
    ) -> "Ledger":
        """Open a log.

        Args:
            folder: Where it lives.
            signing_key: The log's key to append, or None to read.
            clock: Gives the time of entries.
            verifier_key: The log's ``name+id+key``, known from elsewhere. A reader who gives
                neither key believes ``key.vkey`` in the folder, which a host could have replaced
                with all the rest.
            remembered: A checkpoint seen earlier and kept out of the host's reach; an older or
                contradicting state is refused from the first read on.

        Raises:
            NotFoundError: there is no log in the folder.
            ProofError: ``key.vkey`` is malformed or is not the key given.
        """
        files = Folder(folder)
        key = read_key(files)
        public = key.public if signing_key is None else signing_key.public_key().public_bytes_raw()
        if key.public != public or (verifier_key is not None and str(key) != verifier_key):
            raise ProofError(
                "The ledger's key.vkey is not the key given.",
                remedy="Open the ledger that belongs to this hub, or restore key.vkey from a copy.",
            )
        return cls(files, key=key, signing_key=signing_key, clock=clock, remembered=remembered)

    @property
    def verifier_key(self) -> str:
        """The log's public key as ``name+id+key``, to be given to auditors by a trusted way."""
        return str(self._key)

    def append(
        self,
        name: str,
        *,
        public: Mapping[str, PublicFact],
        private: Mapping[str, bytes] | None = None,
    ) -> Receipt:
        """Log one event; when this returns, it is durable, signed and published.

        If the process dies inside, the event is in the log or it is not, and the log is sound
        either way; whoever repeats the append may log it twice.

        Args:
            name: Event name out of ``events.EVENTS``.
            public: Facts declared for this event.
            private: Facts of which only salted hashes are logged.

        Raises:
            LedgerError: the event is not allowed as it stands, the ledger is open for reading
                only, or the files on disk are not those that were signed.
            RollbackError: the folder holds an older state than this object has seen.
            ProofError: the folder holds a forged state, or one that contradicts the one seen.
            StoreFullError: no space is left; the previous state stands.
        """
        if self._signing_key is None:
            raise LedgerError(
                "The ledger is open for reading only.", remedy="Open it with the hub's signing key."
            )
        values = dict(private or {})
        check_event(name, public=public, private=values)
        with self._folder.locked():
            view = View(self._folder, self._state.recovered())
            index = view.checkpoint.size
            salts = {label: self.salt(index, label) for label in values}
            committed = {
                label: commitment(label, salt=salts[label], value=value)
                for label, value in values.items()
            }
            entry = Entry(index, name, timestamp(self._clock()), dict(public), committed)
            published = self._extend(view, entry.to_bytes(), signing_key=self._signing_key)
        return Receipt(index, salts, published)

    def salt(self, index: int, label: str) -> bytes:
        """Return the salt of a commitment, so that its fact can be shown to somebody later.

        It is derived from the signing key, the entry's position and the label: 32 bytes that nobody
        can tell from random without that key, and that need no place to be kept.

        Raises:
            LedgerError: the ledger is open for reading only.
        """
        if self._signing_key is None:
            raise LedgerError(
                "A salt needs the hub's signing key.", remedy="Open the ledger with it."
            )
        secret = self._signing_key.private_bytes_raw()
        info = _SALT_PURPOSE + index.to_bytes(8, "big") + label.encode()
        return HKDF(hashes.SHA256(), SALT_BYTES, salt=None, info=info).derive(secret)

    def checkpoint(self) -> Checkpoint:
        """Return the newest signed state.

        Raises:
            RollbackError: the folder holds an older state than this object has seen.
            ProofError: it is not signed by the log, or contradicts the state seen.
            LedgerError: it is missing, or a tile needed to compare it is missing or altered.
        """
        return self._state.current().checkpoint

    def signed_checkpoint(self) -> str:
        """Return the newest state as the signed note, to be published, witnessed and remembered.

        Raises:
            LedgerError: as ``checkpoint``.
            RollbackError: as ``checkpoint``.
        """
        return str(self._state.current().note)

    def entries(self, start: int = 0) -> Iterator[Entry]:
        """Yield the entries from index ``start`` on, in order, each proven.

        Raises:
            LedgerError: as ``checkpoint``, or a file is missing or altered.
            RollbackError: as ``checkpoint``.
        """
        view = View(self._folder, self.checkpoint())
        for number in range(max(start, 0) // WIDTH, view.bundles):
            for index, data in enumerate(view.bundle(number), start=number * WIDTH):
                if index >= start:
                    yield parse_entry(data, index=index)

    def newest(self, name: str) -> Entry | None:
        """Return the newest entry with this event name, proven, or None; reads from the end.

        Raises:
            LedgerError: as ``entries``.
            RollbackError: as ``checkpoint``.
        """
        view = View(self._folder, self.checkpoint())
        for number in reversed(range(view.bundles)):
            for place, data in reversed(tuple(enumerate(view.bundle(number)))):
                entry = parse_entry(data, index=number * WIDTH + place)
                if entry.name == name:
                    return entry
        return None

    def prove(self, index: int) -> str:
        """Return the offline proof of entry ``index``, with the entry in its ``extra`` line.

        Raises:
            NotFoundError: the log has no such entry.
            LedgerError: as ``checkpoint``, or a file is missing or altered: a proof that would not
                verify is never handed out.
            RollbackError: as ``checkpoint``.
        """
        signed = self._state.current()
        if not 0 <= index < signed.checkpoint.size:
            raise _no_such(f"entry {index}", signed.checkpoint)
        view = View(self._folder, signed.checkpoint)
        entry = view.bundle(index // WIDTH)[index % WIDTH]
        proof = str(TlogProof(index, view.inclusion_proof(index), str(signed.note), entry))
        verify_proof(proof, entry, self._key)
        return proof

    def consistency(self, old_size: int) -> tuple[bytes, ...]:
        """Return the proof that the log extends its state of ``old_size`` entries.

        Raises:
            NotFoundError: the log never had that many entries.
            LedgerError: as ``checkpoint``, or a tile is missing or altered.
            RollbackError: as ``checkpoint``.
        """
        checkpoint = self.checkpoint()
        if not 0 <= old_size <= checkpoint.size:
            raise _no_such(f"state of {old_size} entries", checkpoint)
        return View(self._folder, checkpoint).consistency_proof(old_size)

    def verify(self, *, against: Checkpoint | None = None) -> LedgerReport:
        """Recompute everything: entries, tiles, root and signature; and compare with the past.

        Args:
            against: A checkpoint that the caller remembers; without it, the newest that this object
                has seen, if any.

        Returns:
            A report that names every altered, missing and unexpected file. What the verification
            finds is never raised.
        """
        try:
            signed = self._state.read()
        except LedgerError:
            fault = Fault.SIGNATURE if self._folder.holds(CHECKPOINT) else Fault.MISSING
            return LedgerReport(None, (Finding(CHECKPOINT, fault), *self._check_key()))
        audit = Audit(self._folder, signed.checkpoint)
        audit.run()
        past = self._check_past(signed.checkpoint, old=against)
        findings = (*audit.findings.values(), *self._check_key(), *past)
        return LedgerReport(
            signed.checkpoint, tuple(sorted(findings, key=str)), tuple(sorted(audit.leftovers))
        )

    def _extend(self, view: View, entry: bytes, *, signing_key: Ed25519PrivateKey) -> Checkpoint:
        """Write one more entry, tiles first, and publish the state that holds it."""
        if len(entry) > tiles.MAX_ENTRY_BYTES:
            raise LedgerError(
                "The event is too long for the log.",
                remedy="Nothing was logged. Give fewer or shorter facts.",
            )
        growth = view.grown_by(entry)
        for tile, data in growth.files.items():
            self._folder.write(tile.path, data)
        self._state.publish(growth.checkpoint, signing_key=signing_key)
        for tile in growth.files:
            if tile.width == WIDTH:
                # The entry is logged; what a failure leaves here is superseded and harmless.
                with suppress(LedgerError):
                    self._folder.remove_all(f"{tile.path}.p")
        return growth.checkpoint

    def _check_key(self) -> Iterator[Finding]:
        """Yield a finding when the key file is not the key this object was opened with."""
        try:
            text = read_text(self._folder, VERIFIER_KEY)
        except LedgerError:
            text = ""
        if text != f"{self._key}\n":
            yield Finding(VERIFIER_KEY, Fault.MISSING if text is None else Fault.ALTERED)

    def _check_past(self, new: Checkpoint, *, old: Checkpoint | None) -> Iterator[Finding]:
        """Yield a finding when the state on disk contradicts an older one."""
        try:
            fault = self._state.contradiction(new, old=old)
        except LedgerError:
            fault = Fault.UNPROVEN
        if fault is not None:
            yield Finding(CHECKPOINT, fault)


def _no_such(what: str, checkpoint: Checkpoint) -> NotFoundError:
    return NotFoundError(
        f"The ledger has no {what}.",
        remedy=f"It holds {checkpoint.size} entries, numbered from 0.",
    )
