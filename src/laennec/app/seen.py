"""What this hub saw last, kept beside the keys and out of the store host's reach.

Two files. One has the newest checkpoint of the ledger: the ledger's newest anchor shows that the
warehouse did not go back, and this shows that the ledger did not. The other has the newest head of
each of the two vaults, so that neither goes back even where no anchor is: to before a commit that
was not logged, or in the vault of results, which the ledger does not anchor. Both only go forward.
Whoever holds store, ledger and these files can roll a hub back unseen, which is why they lie with
the keys.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from laennec.core.errors import KeyHolderError, StoreError
from laennec.ledger.checkpoint import Checkpoint, open_checkpoint
from laennec.ledger.note import parse_verifier_key
from laennec.ledger.service import Ledger
from laennec.vault.manifest import Anchor
from laennec.vault.service import Vault

FILE_NAME = "ledger.checkpoint"
HEADS_NAME = "store.heads"
_HEADS_FORMAT = "laennec/seen-heads/1"


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
    with _alone(keys / FILE_NAME):
        kept = remembered(keys)
        size = ledger.checkpoint().size
        if kept is None or kept.checkpoint.size <= size:
            _replace(keys / FILE_NAME, f"{ledger.verifier_key}\n{ledger.signed_checkpoint()}")


def remember_heads(keys: Path, vaults: Mapping[str, Vault]) -> None:
    """Hold open vaults to the heads that were seen before, and keep the newest of both.

    What each vault has seen is judged, without asking the store again. Two commands that were
    served different histories meet here.

    Args:
        keys: The folder of keys.
        vaults: Open vaults by their part of the store.

    Raises:
        RollbackError: a vault is older than it was, or has another history; nothing is kept.
        KeyHolderError: what was kept cannot be read.
        StoreError: it cannot be written.
    """
    with _alone(keys / HEADS_NAME):
        kept = remembered_heads(keys)
        newest = {part: _newer(kept.get(part), vault) for part, vault in vaults.items()}
        if newest != kept:
            heads = {part: asdict(anchor) for part, anchor in {**kept, **newest}.items()}
            _replace(keys / HEADS_NAME, json.dumps({"format": _HEADS_FORMAT, "heads": heads}))


def forget_head(keys: Path, part: str) -> None:
    """Forget the newest head of a part whose vault is begun anew.

    Raises:
        KeyHolderError: what was kept cannot be read.
        StoreError: it cannot be written.
    """
    with _alone(keys / HEADS_NAME):
        heads = {
            name: asdict(anchor) for name, anchor in remembered_heads(keys).items() if name != part
        }
        _replace(keys / HEADS_NAME, json.dumps({"format": _HEADS_FORMAT, "heads": heads}))


def check_heads(kept: Mapping[str, Anchor], vaults: Mapping[str, Vault]) -> None:
    """Raise unless each vault that was just opened has the head that was seen of it last.

    Args:
        kept: From ``remembered_heads``, read *before* the vaults were opened: another command may
            commit in between, and these would then seem to be behind.
        vaults: Open vaults by their part of the store.

    Raises:
        RollbackError: one is older than it was, or has another history.
    """
    for part, anchor in kept.items():
        if part in vaults:
            vaults[part].check_contains(anchor)


def remembered_heads(keys: Path) -> Mapping[str, Anchor]:
    """Return the newest head seen of each part of the store; none where nothing was kept.

    A hub that was made before heads were kept has no such file, and opens.

    Raises:
        KeyHolderError: it cannot be read, or is not what was kept.
    """
    try:
        value = json.loads((keys / HEADS_NAME).read_text(encoding="utf-8"))
        if value["format"] != _HEADS_FORMAT:
            raise _heads_unusable(keys)
        heads = {part: Anchor(**anchor) for part, anchor in value["heads"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise _heads_unusable(keys) from None
    if not all(type(one.number) is int and type(one.digest) is str for one in heads.values()):
        raise _heads_unusable(keys)
    return heads


def _newer(kept: Anchor | None, vault: Vault) -> Anchor:
    """Return the newer of two heads of one history; refuse two histories."""
    if kept is None:
        return vault.seen
    if kept.number > vault.seen.number:
        return kept  # another command saw more; whoever opens next is held to that
    vault.check_contains(kept)
    return vault.seen


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Keep other commands from writing the file meanwhile."""
    try:
        lock = file.with_name(f".{file.name}.lock")
        guard = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(guard, fcntl.LOCK_EX)
            yield
        finally:
            os.close(guard)
    except OSError as error:
        raise StoreError(
            f"{file.parent} cannot be written: {error.strerror}.",
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


def _heads_unusable(keys: Path) -> KeyHolderError:
    return KeyHolderError(
        f"{keys / HEADS_NAME}, which shows that the store is not an old one, cannot be read.",
        remedy="Restore it from your copy of the keys; an older copy of it serves too.",
    )
