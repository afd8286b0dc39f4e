"""Destroying keys: a warehouse, or the working data of studies, becomes unreadable everywhere.

Deletion at a host proves nothing; a destroyed root key does. Whatever copies of the sealed objects
exist, each begins with a head whose warehouse key only the destroyed root keys opened. So the root
keys are destroyed in their holder, and then everything that they wrapped is tried.

*warehouse*: every root key of the warehouse. *results*: a new root key for the ledger's signing key
and an empty vault of results; every older one is destroyed, and the objects are deleted.

Killed at any moment, doing it again completes it. Out of reach: the keys of a former holder after a
move, which ``former_keys`` destroys and the outcome counts; copies of the keyring with its
passphrase, backups of a key server or of an HSM, and what a running process has in memory.
"""

import getpass
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from laennec.app.gate import StoreGate
from laennec.app.holders import Ask
from laennec.app.hub import Custody, destroyed_at, open_custody
from laennec.app.move_files import MoveFiles
from laennec.app.secrets import rewrap_signing_key
from laennec.app.seen import forget_head, remember_heads, remembered_heads
from laennec.app.stores import RESULTS, WAREHOUSE, store_of
from laennec.core.clock import Clock
from laennec.core.errors import (
    ConflictError,
    FormatError,
    IntegrityError,
    KeyDestroyedError,
    KeyHolderError,
    LaennecError,
    NotFoundError,
    StoreError,
)
from laennec.core.log import Message, say
from laennec.core.progress import Reporter
from laennec.vault.head import digest_of, head_name, parse_head
from laennec.vault.manifest import Manifest
from laennec.vault.ports import KeyHolder, ObjectStore
from laennec.vault.service import Gate, Vault
from laennec.vault.state import head_numbers, wrapping_purpose

SCOPES = (WAREHOUSE, RESULTS)
DESTROYED = "vault:key:destroy"
_WITNESS = "laennec/witness/1"


@dataclass(frozen=True)
class WrappedKey:
    """A wrapped key that is to open no more.

    Attributes:
        wrapped: As it is stored.
        purpose: What it was wrapped for.
    """

    wrapped: bytes
    purpose: str


class Question(StrEnum):
    """What is tried."""

    BEFORE = "wrapped keys before"
    AFTER = "wrapped keys after"
    ANEW = "wrapped keys after a new sign-in"
    KEPT = "destroyed root keys that the holder still has"


@dataclass(frozen=True)
class Trial:
    """What was tried, and what was answered.

    Attributes:
        what: Which question.
        tried: How many questions.
        opened: How many were answered with a key.
    """

    what: Question
    tried: int
    opened: int


@dataclass(frozen=True)
class Destruction:
    """What was destroyed, and the proof.

    Attributes:
        scope: ``warehouse`` or ``results``.
        keys: Root keys destroyed; 0 if that was done before.
        trials: What was tried, before and after; after it, nothing may open.
        store_answered: Whether the store gave its heads; if not, only a key wrapped for the purpose
            could be tried.
        former: Former key holders that moves left, and whose keys still open what was sealed then.
    """

    scope: str
    keys: int
    trials: tuple[Trial, ...]
    store_answered: bool
    former: int = 0


@dataclass(frozen=True)
class _Heads:
    """What the heads of a store show without any key."""

    wrapped: tuple[WrappedKey, ...]
    newest: tuple[int, str] | None
    answered: bool


def destroy(
    folder: Path,
    scope: str,
    *,
    clock: Clock,
    reporter: Reporter,
    ask: Ask = getpass.getpass,
) -> Destruction:
    """Destroy the root keys of a part of a hub and prove it; the ledger gets the event.

    Args:
        folder: Of the hub.
        scope: ``WAREHOUSE`` or ``RESULTS``.
        clock: Dates the event.
        reporter: Shows progress.
        ask: Asks for a passphrase or PIN.

    Raises:
        KeyHolderError: the holder does not answer or does not allow it, or something still opens
            afterwards, which is named; nothing is logged.
        ConflictError: a study was finishing meanwhile, or the store has moved; do it again.
        StoreError: the results could not be replaced by an empty vault; do it again.
        SettingsError, LedgerError: as ``hub.open_custody``.
    """
    with open_custody(folder, clock=clock, reporter=reporter, ask=ask) as custody:
        gate = StoreGate(folder, custody.settings.store).shared
        found = _PARTS[scope](custody, gate)
        say(Message.DESTROYED, keys=found.keys)
        return replace(found, former=former_holders(folder))


def former_holders(folder: Path) -> int:
    """Return how many moves left a key holder that still has its keys, as far as the hub knows."""
    return sum(one.holder is not None for one in MoveFiles(folder).past())


def _destroy_warehouse(custody: Custody, gate: Gate) -> Destruction:
    keys = custody.warehouse_keys
    with gate():
        heads = _heads(store_of(custody.settings.store, WAREHOUSE, cached=False))
        doomed = keys.versions()
        wrapped = (*heads.wrapped, *witness(keys, doomed))
        before = _tried(Question.BEFORE, wrapped, keys)
        keys.destroy()
    after = _after(wrapped, doomed, keys, lambda: custody.holders.again().warehouse)
    return _proven(custody, WAREHOUSE, heads, doomed, before, after)


def _destroy_results(custody: Custody, gate: Gate) -> Destruction:
    settings, keys = custody.settings, custody.keys
    store = store_of(settings.store, RESULTS, cached=False)
    heads, doomed = _heads(store), keys.versions()
    wrapped = (*heads.wrapped, *witness(keys, doomed))
    before = _tried(Question.BEFORE, wrapped, keys)
    failure: LaennecError | None = None
    try:
        _begin_anew(custody, store, gate)
    except LaennecError as error:
        failure = error
    after = _after(wrapped, doomed, keys, lambda: custody.holders.again().hub)
    if failure is not None and any(trial.opened for trial in after):
        raise failure
    # Once the keys are gone it is proven and logged, even if the store then failed.
    found = _proven(custody, RESULTS, heads, doomed, before, after)
    if failure is not None:
        raise failure
    return found


_PARTS: dict[str, Callable[[Custody, Gate], Destruction]] = {
    WAREHOUSE: _destroy_warehouse,
    RESULTS: _destroy_results,
}


class _WithSigningKey:
    """The hub's key holder, which takes the ledger's signing key along before it forgets."""

    def __init__(self, keys: KeyHolder, signing_key: Path) -> None:
        self._keys, self._signing_key = keys, signing_key
        self.wrap, self.unwrap = keys.wrap, keys.unwrap
        self.rotate, self.destroy, self.versions = keys.rotate, keys.destroy, keys.versions

    def forget(self) -> None:
        rewrap_signing_key(self._signing_key, self._keys)
        self._keys.forget()


def _begin_anew(custody: Custody, store: ObjectStore, gate: Gate) -> None:
    """Replace the results by an empty vault under a new root key, and destroy the older ones.

    The vault's own shredding does it, in an order that a kill cannot hurt: the empty snapshot is
    committed under the new root, the signing key goes over to it, older roots are destroyed, and
    then objects are deleted. A number of a head is never taken twice, so a study that still writes
    to the old vault fails. Only where the host damages, puts back or does not serve the vault are
    the root keys destroyed first, and then its objects all deleted and a new one begun: a host must
    not be able to prevent this.

    Raises:
        ConflictError: a study committed meanwhile, or the store has moved.
        StoreError: the store failed; the root keys may be destroyed nevertheless.
        AlreadyExistsError: likewise, and it still serves what was deleted.
    """
    settings = custody.settings
    keys = _WithSigningKey(custody.keys, custody.holders.signing_key)
    padded = settings.store.padding
    try:
        vault = Vault.open(
            store,
            keys,
            clock=custody.clock,
            anchor=remembered_heads(settings.keys.folder).get(RESULTS),
            gate=gate,
            padded=padded,
        )
        empty = vault.commit(vault.snapshot(), Manifest())
        vault.shred(before=empty.number + 1)
    except ConflictError:
        raise
    except (IntegrityError, NotFoundError, StoreError):
        with gate():
            keys.rotate()
            keys.forget()
            store.delete([one.name for one in store.list()])
            forget_head(settings.keys.folder, RESULTS)
            vault = Vault.create(store, keys, clock=custody.clock, padded=padded)
    remember_heads(settings.keys.folder, {RESULTS: vault})


def _heads(store: ObjectStore) -> _Heads:
    """Return every wrapped key in the store's heads, as many as the host gives."""
    wrapped: list[WrappedKey] = []
    newest: tuple[int, str] | None = None
    try:
        for number in head_numbers(store):
            body = store.get(head_name(number))
            newest = number, digest_of(body)
            try:
                envelope = parse_head(body, name=head_name(number))
            except FormatError:
                continue  # what is no head has no key
            purpose = wrapping_purpose(envelope.warehouse_id)
            wrapped.append(WrappedKey(envelope.wrapped_key, purpose))
    except (NotFoundError, StoreError):
        return _Heads(tuple(wrapped), newest, answered=False)
    return _Heads(tuple(wrapped), newest, answered=True)


def witness(keys: KeyHolder, doomed: Sequence[int]) -> tuple[WrappedKey, ...]:
    """Wrap a key of no use under the newest root, so that there is always something to try."""
    if not doomed:
        return ()
    return (WrappedKey(keys.wrap(os.urandom(32), purpose=_WITNESS), _WITNESS),)


def opened(wrapped: Iterable[WrappedKey], keys: KeyHolder) -> int:
    """Offer every wrapped key to the holder; return how many it opens."""
    found = 0
    for one in wrapped:
        with suppress(IntegrityError, KeyDestroyedError):
            keys.unwrap(one.wrapped, purpose=one.purpose)
            found += 1
    return found


def _tried(what: Question, wrapped: Sequence[WrappedKey], keys: KeyHolder) -> Trial:
    return Trial(what, len(wrapped), opened(wrapped, keys))


def _after(
    wrapped: Sequence[WrappedKey],
    doomed: Sequence[int],
    keys: KeyHolder,
    again: Callable[[], KeyHolder],
) -> tuple[Trial, ...]:
    """Try everything that could still open, and ask the holder itself."""
    anew = again()
    return (
        _tried(Question.AFTER, wrapped, keys),
        _tried(Question.ANEW, wrapped, anew),
        Trial(
            Question.KEPT,
            len(doomed),
            len(set(doomed) & set(anew.versions())),
        ),
    )


def _proven(
    custody: Custody,
    scope: str,
    heads: _Heads,
    doomed: Sequence[int],
    before: Trial,
    after: tuple[Trial, ...],
) -> Destruction:
    """Return the destruction with its proof, and log it unless that was done.

    Raises:
        KeyHolderError: something still opens.
    """
    if any(trial.opened for trial in after):
        found = sum(trial.opened for trial in after)
        raise KeyHolderError(
            f"The keys of the {scope} were to be destroyed, but {found} trials still opened one.",
            remedy="Do it again; if it stays so, the key holder does not destroy what it says.",
        )
    if doomed or destroyed_at(custody.ledger, scope) is None:
        public: dict[str, str | int] = {
            "scope": scope,
            "key_holder": custody.settings.keys.holder,
            "keys": len(doomed),
        }
        if heads.newest is not None:
            public |= {"snapshot": heads.newest[0], "head_sha256": heads.newest[1]}
        custody.ledger.append(DESTROYED, public=public)
    return Destruction(scope, len(doomed), (before, *after), heads.answered)
