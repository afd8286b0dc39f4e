"""Every commit leaves its head's hash in the ledger, so that a host cannot go back unseen.

The vault commits first and the ledger follows. A crash between the two leaves a head that is newer
than the newest anchor: legitimate, and named by ``verify`` until the next commit. The other way
round never happens, so a store that lacks an anchored head was rolled back.
"""

from collections.abc import Iterable, Iterator

from laennec.core.errors import RollbackError
from laennec.ledger.model import Entry
from laennec.ledger.service import Ledger
from laennec.vault.manifest import Anchor, Snapshot

COMMIT = "vault:snapshot:commit"


def log_commit(ledger: Ledger, snapshot: Snapshot) -> None:
    """Write a commit in the ledger.

    Raises:
        LedgerError: the ledger cannot be extended; the commit stands all the same.
        RollbackError: the ledger has another commit of that number: the store let two writers win,
            or shows its readers different histories. Both commits are in the ledger now.
    """
    before = anchor_of(ledger)
    public: dict[str, str | int] = {"snapshot": snapshot.number, "head_sha256": snapshot.digest}
    if snapshot.parent is not None:
        public["parent_sha256"] = snapshot.parent
    ledger.append(COMMIT, public=public)
    if before is not None and before.number == snapshot.number and before.digest != snapshot.digest:
        raise RollbackError(
            f"Two different commits of snapshot {snapshot.number} are in the ledger.",
            remedy="The host let two writers make one snapshot, or shows its readers different "
            "histories; run `laennec verify`, and load again what is missing.",
        )


def anchor_of(ledger: Ledger) -> Anchor | None:
    """Return the newest head that the ledger knows, or None if it knows none.

    Raises:
        LedgerError: the ledger cannot be read.
        ProofError: it is not what was signed.
    """
    entry: Entry | None = ledger.newest(COMMIT)
    if entry is None:
        return None
    return _anchor(entry)


def anchors_in(entries: Iterable[Entry]) -> Iterator[Anchor]:
    """Yield every head that entries of a ledger anchor, in their order."""
    return (_anchor(entry) for entry in entries if entry.name == COMMIT)


def _anchor(entry: Entry) -> Anchor:
    return Anchor(int(entry.public["snapshot"]), str(entry.public["head_sha256"]))
