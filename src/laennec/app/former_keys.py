"""Destroying the keys of a former key holder, after a move that handed the hub to another.

It covers what deletion at the former host cannot prove: every copy of the store as it was begins
with a head whose warehouse key only the former root keys open. Copies of those root keys (a backup
of a keyring with its passphrase, of a key server, of an HSM) are out of reach.
"""

import getpass
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from laennec.app.destroy import WrappedKey, opened, witness
from laennec.app.holders import Ask, open_holders
from laennec.app.hub import Custody, open_custody
from laennec.app.move_files import MoveFiles, PastMove
from laennec.app.stores import RESULTS, WAREHOUSE, store_of
from laennec.core.clock import Clock
from laennec.core.errors import KeyDestroyedError, KeyHolderError, NotFoundError, SettingsError
from laennec.core.progress import Reporter
from laennec.core.settings import KeySettings, OpenBaoSettings, Pkcs11Settings, Settings
from laennec.vault.head import digest_of, head_name, parse_head
from laennec.vault.manifest import Anchor
from laennec.vault.ports import KeyHolder
from laennec.vault.state import wrapping_purpose

_SCOPES = {WAREHOUSE: "former-warehouse", RESULTS: "former-results"}
"""What the ledger calls them, apart from the keys that the hub has now."""


@dataclass(frozen=True)
class FormerKeys:
    """Root keys that are no more.

    Attributes:
        key_holder: Kind of the former holder.
        keys: How many root keys it had.
    """

    key_holder: str
    keys: int


def with_keys(folder: Path) -> list[PastMove]:
    """Return the moves whose former key holder still has its keys, as far as the hub knows."""
    return [one for one in MoveFiles(folder).past() if one.holder is not None]


def destroy_former_keys(
    folder: Path, *, clock: Clock, reporter: Reporter, ask: Ask = getpass.getpass
) -> list[FormerKeys]:
    """Destroy the root keys of every former key holder, and show that they open nothing.

    Only once the former store was erased: until then they are what could still repair the hub.
    Killed, run it again.

    Args:
        folder: The hub.
        clock: Dates the events.
        reporter: Is not asked for anything.
        ask: Asks for passphrases or PINs on the terminal.

    Raises:
        SettingsError: the former holder is also the present one.
        KeyHolderError: a holder does not answer, or still has or opens something.
        StoreError: the store failed; it may have the former heads, with which the keys are tried.
        LedgerError: the ledger cannot be extended.
    """
    files = MoveFiles(folder)
    with files.alone(), open_custody(folder, clock=clock, reporter=reporter, ask=ask) as custody:
        done = []
        for one in files.past():
            if one.holder is None or one.source is not None:
                continue
            done.append(_destroy_all(custody, one, clock=clock, ask=ask))
            files.keys_destroyed(one)
        return done


def _destroy_all(custody: Custody, move: PastMove, *, clock: Clock, ask: Ask) -> FormerKeys:
    """Destroy the keys of the warehouse, then those of the rest, and log both."""
    former = _settings(custody.settings, move)
    kind = former.keys.holder
    try:
        holders = open_holders(former, clock=clock, ask=ask)
    except KeyDestroyedError:
        return FormerKeys(kind, 0)  # an interrupted command destroyed the second, thus both
    if holders.signing_key == custody.holders.signing_key:
        raise SettingsError(
            "The former key holder is the present one.",
            remedy="Destroy nothing; its keys open the hub.",
        )
    total = 0
    for part, keys in ((WAREHOUSE, holders.warehouse), (RESULTS, holders.hub)):
        doomed, anchor = keys.versions(), move.certificate.copied[part]
        wrapped = [*_head(custody, part, anchor), *witness(keys, doomed)]
        # Logged first: what is destroyed by a command that is killed then is in the ledger.
        custody.ledger.append(
            "vault:key:destroy",
            public={
                "scope": _SCOPES[part],
                "key_holder": kind,
                "keys": len(doomed),
                "snapshot": anchor.number,
                "head_sha256": anchor.digest,
            },
        )
        keys.destroy()
        _check_shut(wrapped, keys)
        total += len(doomed)
    return FormerKeys(kind, total)


def _head(custody: Custody, part: str, anchor: Anchor) -> Iterator[WrappedKey]:
    """Yield the key in the newest head that the former keys open, if the host serves that head.

    Another in its place would open for nobody, and so seem to prove what it does not.
    """
    name = head_name(anchor.number)
    try:
        body = store_of(custody.settings.store, part, cached=False).get(name)
    except NotFoundError:
        return
    if digest_of(body) == anchor.digest:
        envelope = parse_head(body, name=name)
        yield WrappedKey(envelope.wrapped_key, wrapping_purpose(envelope.warehouse_id))


def _check_shut(wrapped: Iterable[WrappedKey], keys: KeyHolder) -> None:
    """Raise if the holder still has a root key, or opens what one of them wrapped."""
    if keys.versions() or opened(wrapped, keys):
        raise KeyHolderError(
            "The former key holder still has root keys after it was told to destroy them.",
            remedy="Destroy them with its own tools; the move is complete all the same.",
        )


def _settings(now: Settings, move: PastMove) -> Settings:
    """Return the hub's settings with the former holder in place of the present one."""
    holder = move.holder or {}
    return now.model_copy(
        update={
            "keys": KeySettings(**holder["keys"]),
            "openbao": OpenBaoSettings(**holder["openbao"]),
            "pkcs11": Pkcs11Settings(**holder["pkcs11"]),
        }
    )
