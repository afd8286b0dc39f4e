"""Moving a hub to another store: copy beside studies and loads, take over in one step, certify.

The order is what makes a kill harmless. Objects are copied while the source is in use; then the
gate is closed, the rest is copied, the destination is opened and perhaps handed to new keys, and
the certificate is written down; then the settings are replaced, which is the move; then the ledger
hears of it. Killed before the settings are replaced, the hub is at the source and the same command
goes on; killed after, it is at the destination and the same command finishes the certificate.
"""

import getpass
import json
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from laennec.app.gate import StoreGate, place_of
from laennec.app.holders import Ask
from laennec.app.hub import Custody, open_custody
from laennec.app.move_certify import Done, address_of, certify, draft
from laennec.app.move_files import MoveFiles, PastMove
from laennec.app.new_holder import NewHolder, new_holder
from laennec.app.seen import remembered_heads
from laennec.app.stores import PARTS, WAREHOUSE, store_of
from laennec.app.switch import new_text, parse_text, replace_file, settings_text_of
from laennec.core.clock import Clock, timestamp
from laennec.core.errors import AlreadyExistsError, NotFoundError, SettingsError
from laennec.core.progress import Reporter
from laennec.core.settings import FILE_NAME, Settings, StoreSettings, read_settings
from laennec.reversibility.certificate import read_certificate
from laennec.reversibility.move_apart import check_apart
from laennec.reversibility.move_copy import Copying
from laennec.reversibility.move_journal import Journal
from laennec.reversibility.move_model import Limits, Part, Phase, Watch, unwatched
from laennec.reversibility.move_take_over import hand_to, open_at_target, take_back
from laennec.vault.manifest import Anchor
from laennec.vault.probe import probe
from laennec.vault.service import Vault
from laennec.vault.state import State
from laennec.warehouse.anchor import anchor_of

_HOLDER_BEGUN = "holder_begun_at"


@dataclass(frozen=True)
class Destination:
    """Where a hub is to go.

    Attributes:
        store: The store; what is set of it beyond its place is ignored, being this machine's.
        holders: The sections of another key holder (``switch.read_holders``), or None.
        reason: Why, for the ledger, which keeps a salted hash of it.
    """

    store: StoreSettings
    holders: Mapping[str, Any] | None = None
    reason: str | None = None


@dataclass(frozen=True)
class MoveStatus:
    """Where the moves of a hub stand.

    Attributes:
        target: Address of the destination of the move under way; None when there is none.
        started_at: When it began.
        objects, bytes: Read back at the destination so far.
        past: The finished moves, oldest first.
    """

    target: str | None
    started_at: str | None
    objects: int
    bytes: int
    past: tuple[PastMove, ...] = field(default=())


def move(
    folder: Path,
    destination: Destination,
    *,
    clock: Clock,
    reporter: Reporter,
    ask: Ask = getpass.getpass,
    watch: Watch = unwatched,
) -> PastMove:
    """Move a hub, or go on with a move that was interrupted.

    Args:
        folder: The hub.
        destination: Where to; the same as before when one is under way.
        clock: Dates journal and certificate.
        reporter: Shows progress.
        ask: Asks for passphrases on the terminal.
        watch: Told when a phase is reached.

    Raises:
        AlreadyExistsError: the hub is there already, a move to another place is under way, or the
            destination holds another warehouse.
        ConflictError: another command moves this hub, or it changed meanwhile.
        IntegrityError, NotFoundError: an object at the source is not what was sealed, or missing;
            or the destination does not hold what it took. The hub stays where it is.
        SettingsError: the destination or the new key holder is not well described.
        StoreFullError, StoreError, KeyHolderError, LedgerError: something failed.
    """
    files = MoveFiles(folder)
    with (
        files.alone(),
        open_custody(folder, clock=clock, reporter=reporter, ask=ask) as custody,
    ):
        if _is_there(custody, files, destination):
            name = certify(custody, files, watch)
        else:
            name = _Move(folder, files, destination, custody, watch).run(ask)
        files.forget()
        watch(Phase.FINISHED)
        return next(one for one in files.past() if one.file.name == name)


def move_status(folder: Path) -> MoveStatus:
    """Return where the moves of a hub stand; needs no key.

    Raises:
        SettingsError: there is no hub.
        StoreError: the journal cannot be read.
    """
    read_settings(folder)
    files = MoveFiles(folder)
    past = tuple(files.past())
    if not files.under_way:
        return MoveStatus(None, None, 0, 0, past)
    with files.journal() as journal:
        facts, items = journal.facts(), journal.items()
    target = _read(facts["target"]) if "target" in facts else None
    return MoveStatus(
        None if target is None else address_of(target).address,
        facts.get("started_at"),
        len(items),
        sum(one.size for one in items),
        past,
    )


def abandon(folder: Path) -> None:
    """Forget the move under way; what was copied stays at the destination, sealed.

    Raises:
        NotFoundError: none is under way.
        AlreadyExistsError: it has taken place; only its certificate is to be finished.
    """
    files = MoveFiles(folder)
    with files.alone():
        if not files.under_way:
            raise NotFoundError("No move is under way.", remedy="There is nothing to abandon.")
        with files.journal() as journal:
            target = journal.facts().get("target")
        here = place_of(read_settings(folder).store)
        if target is not None and place_of(_read(target)) == here:
            raise AlreadyExistsError(
                "The hub has moved already.", remedy="Run `laennec move` again to certify it."
            )
        files.forget()


def _is_there(custody: Custody, files: MoveFiles, destination: Destination) -> bool:
    """Return whether the move has taken place and only its certificate is to be finished."""
    if place_of(destination.store) != place_of(custody.settings.store):
        return False
    drafted = files.drafted()
    moved = None if drafted is None else read_certificate(drafted.read_text(encoding="utf-8"))
    if moved is None or moved.target != address_of(custody.settings.store):
        raise AlreadyExistsError(
            "The store is there already.", remedy="Name another place with --to."
        )
    return True


class _Move:
    """One command's share of a move, up to the switch."""

    def __init__(
        self,
        folder: Path,
        files: MoveFiles,
        destination: Destination,
        custody: Custody,
        watch: Watch,
    ) -> None:
        self._folder, self._files, self._custody, self._watch = folder, files, custody, watch
        self._holders = destination.holders
        self._reason = destination.reason
        self._source = custody.settings.store
        self._target = _on_this_machine(destination.store, self._source)
        _check_not_within(self._source, self._target)
        self._parts = self._open_parts()

    def run(self, ask: Ask) -> str:
        """Copy, take over, replace the settings, certify; return the certificate's name."""
        text = new_text(settings_text_of(self._folder), store=self._target, holders=self._holders)
        settings = parse_text(self._folder, text)
        holder = None
        with self._files.journal() as journal:
            self._begin(journal)
            if self._holders is not None:
                holder = self._new_holder(settings, journal, ask)
                for part in self._parts:
                    take_back(part, to=holder.keys[part.name])
            copying = Copying(
                self._parts,
                journal,
                limits=Limits(self._source.parallel, self._source.transfer_mb << 20),
                clock=self._custody.clock,
                reporter=self._custody.reporter,
            )
            for part in self._parts:
                probe(part.target)
                check_apart(part.target, part.source)
            copying.check_target()
            self._watch(Phase.BEGUN)
            copying.catch_up()
            self._watch(Phase.COPIED)
            return self._take_over(copying, journal, holder)

    def _begin(self, journal: Journal) -> None:
        """Write down where the move goes, or refuse another one's journal."""
        wanted = {
            "source": _stored(self._source),
            "target": _stored(self._target),
            "holders": json.dumps(self._holders, default=str, sort_keys=True),
        }
        facts = journal.facts()
        if not facts:
            reason = {} if self._reason is None else {"reason": self._reason}
            now = timestamp(self._custody.clock())
            journal.write_facts({**wanted, **reason, "started_at": now})
        elif facts["holders"] != wanted["holders"] or any(
            place_of(_read(facts[key])) != place_of(_read(wanted[key]))
            for key in ("source", "target")
        ):
            raise AlreadyExistsError(
                "Another move of this hub is under way.",
                remedy="Finish it with the same options as before, or forget it with "
                "`laennec move --abandon`.",
            )

    def _new_holder(self, settings: Settings, journal: Journal, ask: Ask) -> NewHolder:
        """Make the new holder, or open the one that an interrupted run of this move made."""
        custody, again = self._custody, _HOLDER_BEGUN in journal.facts()
        if not again:
            journal.write_facts({_HOLDER_BEGUN: timestamp(custody.clock())})
        try:
            return new_holder(settings, custody.holders, clock=custody.clock, ask=ask, again=again)
        except (AlreadyExistsError, SettingsError):
            journal.remove_fact(_HOLDER_BEGUN)
            raise

    def _take_over(self, copying: Copying, journal: Journal, holder: NewHolder | None) -> str:
        gate = StoreGate(self._folder, self._source)
        with gate.alone(lambda: self._watch(Phase.WAITING)):
            self._watch(Phase.HELD)
            settled = copying.settle()
            self._watch(Phase.SETTLED)
            states = {
                part.name: open_at_target(part, settled.newest[part.name]) for part in self._parts
            }
            if holder is not None:
                states = self._hand_over(states, holder)
                self._watch(Phase.REWRAPPED)
            heads = {name: state.anchor for name, state in states.items()}
            done = Done(
                self._target, settled, heads, self._holders, journal.facts(), journal.seconds()
            )
            draft(self._custody, self._files, done)
            self._watch(Phase.SIGNED)
            self._switch()
            self._watch(Phase.SWITCHED)
            return certify(self._custody, self._files, self._watch)

    def _switch(self) -> None:
        """Replace the settings as they are now: another section may have been edited meanwhile."""
        file = (self._folder / FILE_NAME).resolve()
        text = new_text(settings_text_of(self._folder), store=self._target, holders=self._holders)
        parse_text(self._folder, text)
        replace_file(file, text, mode=stat.S_IMODE(file.stat().st_mode))

    def _hand_over(self, states: Mapping[str, State], holder: NewHolder) -> dict[str, State]:
        clock, padded = self._custody.clock, self._source.padding
        copied = {
            part.name: Vault(part.target, part.keys, clock=clock, state=states[part.name])
            for part in self._parts
        }
        holder.prepare(self._custody, copied)
        return {
            part.name: hand_to(
                part, states[part.name], to=holder.keys[part.name], now=clock(), padded=padded
            )
            for part in self._parts
        }

    def _open_parts(self) -> tuple[Part, ...]:
        custody = self._custody
        seen = dict(remembered_heads(custody.settings.keys.folder))
        anchor = anchor_of(custody.ledger)
        if anchor is not None and anchor.number > seen.get(WAREHOUSE, Anchor(-1, "")).number:
            seen[WAREHOUSE] = anchor
        return tuple(
            Part(
                part,
                store_of(self._source, part, cached=False),
                store_of(self._target, part, cached=False),
                custody.warehouse_keys if part == WAREHOUSE else custody.keys,
                seen.get(part),
            )
            for part in PARTS
        )


def _on_this_machine(target: StoreSettings, source: StoreSettings) -> StoreSettings:
    """Return the destination with the limits and the cache that this machine has now."""
    kept = ("parallel", "transfer_mb", "cache", "cache_mb", "padding")
    return target.model_copy(update={key: getattr(source, key) for key in kept})


def _stored(store: StoreSettings) -> str:
    return store.model_dump_json(exclude_unset=True)


def _read(stored: str) -> StoreSettings:
    return StoreSettings(**json.loads(stored))


def _check_not_within(source: StoreSettings, target: StoreSettings) -> None:
    """Refuse a place within the other: what is listed in one would be the other's."""
    if (source.endpoint, source.account) != (target.endpoint, target.account):
        return
    one, other = (address_of(store).address.rstrip("/") + "/" for store in (source, target))
    if one.startswith(other) or other.startswith(one):
        raise AlreadyExistsError(
            "The destination is within the store, or the store within it.",
            remedy="Choose a place apart from it.",
        )
