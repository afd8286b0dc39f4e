"""Keeping a hub sound: verify everything, sweep leftovers, rotate keys, shred old snapshots.

Each change commits first and is then written in the ledger, and at last in the operator's log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from laennec.app.hub import Custody, Hub, destroyed_at, open_custody
from laennec.app.released_files import ReleasesReport, compare_releases
from laennec.app.secrets import change_passphrase, rewrap_signing_key
from laennec.app.seen import remembered_heads
from laennec.app.stores import RESULTS, WAREHOUSE, judged_store
from laennec.core.clock import Clock
from laennec.core.errors import IntegrityError, SettingsError
from laennec.core.log import Message, say
from laennec.core.progress import Reporter
from laennec.core.settings import Settings, read_settings
from laennec.intake.snds.load_folder import remove_abandoned
from laennec.ledger.model import Entry, LedgerReport
from laennec.runs.service import RUN_FINISHED, run_names
from laennec.vault.manifest import Snapshot
from laennec.vault.ports import ObjectStore
from laennec.vault.service import Vault
from laennec.vault.sweep import SweepReport
from laennec.vault.verify import Finding, FindingKind, VerifyReport, verify_store
from laennec.warehouse.anchor import anchor_of, anchors_in, log_commit
from laennec.warehouse.rebucket import rebucket


@dataclass(frozen=True)
class Soundness:
    """Outcome of verifying a hub.

    Attributes:
        warehouse: Every object of the warehouse, judged from the newest head and the ledger; None
            when its keys were destroyed and nothing of it can be read.
        results: Every object of the vault of results.
        ledger: Every file of the ledger.
        releases: Every file in the folder of releases.
        lost_runs: Runs that the ledger knows and the vault of results does not hold.
        unanchored: Heads newer than the ledger's newest anchor; a crash between commit and log
            leaves one, and the next commit anchors it.
    """

    warehouse: VerifyReport | None
    results: VerifyReport
    ledger: LedgerReport
    releases: ReleasesReport
    lost_runs: tuple[str, ...]
    unanchored: int

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    @property
    def stores(self) -> tuple[VerifyReport, ...]:
        """The reports on those vaults that can still be read."""
        return (self.results,) if self.warehouse is None else (self.warehouse, self.results)

    @property
    def objects(self) -> int:
        """Stored objects that were read and compared."""
        return sum(one.objects for one in self.stores)

    @property
    def stored(self) -> tuple[Finding, ...]:
        """What was found in the stores."""
        return tuple(found for one in self.stores for found in one.findings)

    @property
    def findings(self) -> int:
        """How many things are wrong; what an interrupted write left unreferenced is not."""
        wrong = [one for one in self.stored if one.kind is not FindingKind.UNREFERENCED]
        others = (self.ledger.findings, self.releases.altered, self.lost_runs)
        return len(wrong) + sum(len(one) for one in others)


def verify(custody: Custody) -> Soundness:
    """Read everything the hub stores and prove it, or name what is wrong.

    Works on a store of which even the newest head does not open: that is a finding like others.

    Raises:
        LedgerError: the entries of the ledger cannot be read.
        KeyHolderError: what was seen of the stores last cannot be read.
        NotFoundError: there is no store at all.
        StoreError: the store or the folder of releases cannot be read.
    """
    settings, reporter = custody.settings, custody.reporter
    entries = list(custody.ledger.entries())
    anchor, kept = anchor_of(custody.ledger), remembered_heads(settings.keys.folder)
    warehouse = None
    if destroyed_at(custody.ledger, WAREHOUSE) is None:
        warehouse = verify_store(
            _judged(settings, WAREHOUSE),
            custody.warehouse_keys,
            anchor=kept.get(WAREHOUSE),
            seen=anchors_in(entries),
            progress=reporter,
        )
    results = verify_store(
        _judged(settings, RESULTS), custody.keys, anchor=kept.get(RESULTS), progress=reporter
    )
    newest = warehouse.snapshot or 0 if warehouse else 0
    found = Soundness(
        warehouse=warehouse,
        results=results,
        ledger=custody.ledger.verify(),
        releases=compare_releases(settings.disclosure.releases, entries),
        lost_runs=_lost_runs(custody, entries),
        unanchored=newest - (anchor.number if anchor else 0),
    )
    say(
        Message.VERIFIED,
        objects=found.objects,
        log_entries=len(entries),
        files=found.releases.files,
        findings=found.findings,
    )
    return found


def _judged(settings: Settings, part: str) -> ObjectStore:
    """Return a store itself, without the copies on this machine."""
    return judged_store(settings.store, part)


def _lost_runs(custody: Custody, entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return the runs that the ledger knows and the vault of results does not hold.

    Runs from before the keys of the results were destroyed are not lost: they were to go.
    """
    try:
        store = _judged(custody.settings, RESULTS)
        kept = run_names(Vault.open(store, custody.keys, clock=custody.clock))
    except IntegrityError:
        return ()  # the damage itself is among the findings
    gone = destroyed_at(custody.ledger, RESULTS)
    since = -1 if gone is None else gone.index
    logged = [
        str(one.public["run"]) for one in entries if one.name == RUN_FINISHED and one.index > since
    ]
    return tuple(run for run in logged if run not in kept)


def sweep(hub: Hub, *, keep: int | None) -> SweepReport:
    """Delete objects that no snapshot names; with ``keep``, forget all but the newest snapshots.

    What a killed load of the SNDS left in the scratch folder goes as well, if nobody works on it.

    Raises:
        IntegrityError: a readable snapshot does not authenticate; nothing is deleted.
        ConflictError: another writer committed meanwhile; nothing is deleted.
    """
    report = hub.warehouse.vault.sweep(keep=keep)
    if keep is not None:
        log_commit(hub.ledger, hub.warehouse.vault.snapshot())
    hub.results.sweep()
    remove_abandoned(hub.settings.runs.scratch)
    hub.ledger.append(
        "vault:store:sweep", public={"objects": len(report.deleted), "bytes": report.bytes}
    )
    say(Message.SWEPT, objects=len(report.deleted), bytes=report.bytes)
    return report


def rotate_keys(hub: Hub) -> Snapshot:
    """Make new root and warehouse keys; no data file is rewritten.

    Raises:
        ConflictError: another writer committed meanwhile; try again.
    """
    snapshot = hub.warehouse.vault.rotate()
    log_commit(hub.ledger, snapshot)
    hub.results.rotate()
    rewrap_signing_key(hub.custody.holders.signing_key, hub.custody.keys)
    hub.ledger.append(
        "vault:key:rotate",
        public={"key_holder": hub.settings.keys.holder, "generation": snapshot.number},
    )
    say(Message.ROTATED, snapshot=snapshot.number)
    return snapshot


def check_passphrase_holder(settings: Settings) -> None:
    """Refuse to speak of a passphrase where there is none.

    Raises:
        SettingsError: another kind of holder has the root keys.
    """
    if settings.keys.holder != "passphrase":
        raise SettingsError(
            f"The root keys of this hub are held by {settings.keys.holder}, under no passphrase.",
            remedy="Change its token or PIN there, and put the new one where the settings say.",
        )


def reseal_keyrings(
    folder: Path, *, old: bytes, new: bytes, clock: Clock, reporter: Reporter
) -> None:
    """Seal the keyrings of a hub under another passphrase; no key and no data changes.

    Raises:
        SettingsError: the root keys of this hub are under no passphrase.
        WrongPassphraseError, KeyHolderError: as ``secrets.change_passphrase``.
        SettingsError, LedgerError: as ``hub.open_custody``.
    """
    check_passphrase_holder(read_settings(folder))
    change_passphrase(read_settings(folder).keys.folder, old, new)
    with open_custody(folder, clock=clock, reporter=reporter, secret=new) as custody:
        holder = custody.settings.keys.holder
        custody.ledger.append("vault:passphrase:change", public={"key_holder": holder})


def shred(hub: Hub, *, before: int) -> Snapshot:
    """Make the snapshots numbered below ``before`` unreadable for ever.

    Raises:
        NotFoundError: there is nothing to shred before that number.
        ConflictError: another writer committed meanwhile; nothing is destroyed.
    """
    snapshot = hub.warehouse.vault.shred(before=before)
    log_commit(hub.ledger, snapshot)
    hub.ledger.append("vault:snapshot:shred", public={"snapshot": before})
    say(Message.SHREDDED, snapshot=before)
    return snapshot


def change_buckets(hub: Hub, *, buckets: int) -> Snapshot:
    """Cut the warehouse into another number of person buckets.

    Raises:
        ConflictError: another writer committed meanwhile.
        StoreError: store or scratch folder failed or are full.
    """
    snapshot = rebucket(
        hub.warehouse.vault,
        buckets=buckets,
        scratch=hub.settings.runs.scratch,
        memory_bytes=hub.settings.runs.memory_mb << 20,
        workers=hub.workers,
        reporter=hub.reporter,
    )
    log_commit(hub.ledger, snapshot)
    say(Message.REBUCKETED, snapshot=snapshot.number, buckets=buckets)
    return snapshot
