"""Every misbehaviour of a store, by every operation of a vault and a warehouse, and its name.

``MISBEHAVIOURS`` is the whole story: what the host does, which operations notice and how they name
it, and what ``verify`` says. Whatever is not listed must give the right answer, compared with what
was stored.
"""

import dataclasses
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path

import polars as pl
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.vault_keys import MemoryKeys
from fakes.vault_misbehaving import (
    Changes,
    Drops,
    Fails,
    Fault,
    LetsBothWin,
    Lists,
    MisbehavingStore,
    ServesOld,
    Swaps,
    Waits,
    copied,
)
from fakes.vault_store import FixedClock, MemoryStore
from laennec.core.errors import (
    ConflictError,
    IntegrityError,
    LaennecError,
    NotFoundError,
    RollbackError,
    StoreError,
)
from laennec.ledger.service import Ledger
from laennec.vault.head import head_name
from laennec.vault.manifest import Snapshot
from laennec.vault.service import Vault
from laennec.vault.state import load_state
from laennec.vault.verify import FindingKind, verify_store
from laennec.warehouse.anchor import anchor_of, log_commit
from laennec.warehouse.service import Warehouse

NEWEST = 3


class Scene:
    """A warehouse of three commits behind a store whose faults come later."""

    def __init__(self, honest: MemoryStore, keys: MemoryKeys) -> None:
        self.clock, self.keys = FixedClock(), keys
        self.honest, self.store = honest, MisbehavingStore(honest)
        self.vault = self.opened()
        self.newest, self.older = self.vault.snapshot(), self.vault.snapshot(2)
        self.history = self.vault.history()
        self.file, self.concepts = self.newest.manifest.files
        (self.document,) = self.newest.manifest.documents
        self.records = [
            load_state(honest, keys, number).head.record.object for number in range(NEWEST + 1)
        ]

    def opened(self) -> Vault:
        return Vault.open(self.store, self.keys, clock=self.clock)

    def recovered(self) -> Vault:
        """Open what is left once the store behaves."""
        return Vault.open(self.honest, self.keys, clock=self.clock, anchor=self.vault.seen)


def load(vault: Vault, value: int) -> Snapshot:
    base = vault.snapshot()
    rows, concepts = rows_of(value), pl.DataFrame({"concept_id": [value]})
    files = [
        vault.seal_frame(rows, table="person", bucket=0),
        vault.seal_frame(concepts, table="concept", bucket=None),
    ]
    document = vault.seal_document(b"report %d" % value, kind="report")
    return vault.commit(
        base,
        base.manifest.replace(files=files, documents=[document], properties={"value": value}),
    )


def rows_of(value: int) -> pl.DataFrame:
    return pl.DataFrame({"person_id": range(50), "value": [value] * 50})


def right(vault: Vault, value: int) -> None:
    """Everything in the newest snapshot is what was stored with ``value``."""
    manifest = vault.snapshot().manifest
    assert manifest.properties == {"value": value}
    assert vault.read(manifest.files[0]).equals(rows_of(value))
    assert vault.open_document(manifest.documents[0]) == b"report %d" % value


@pytest.fixture(scope="module")
def made() -> tuple[MemoryStore, MemoryKeys, list[Mapping[str, bytes]]]:
    """Return the store, its keys, and the store's objects after each commit."""
    store, keys = MemoryStore(), MemoryKeys()
    vault = Vault.create(store, keys, clock=FixedClock())
    states: list[Mapping[str, bytes]] = [dict(store.bodies)]
    for value in range(1, NEWEST + 1):
        load(vault, value)
        states.append(dict(store.bodies))
    return store, keys, states


@pytest.fixture
def scene(made: tuple[MemoryStore, MemoryKeys, object]) -> Scene:
    return Scene(copied(made[0]), deepcopy(made[1]))


def _open(scene: Scene) -> None:
    vault = Vault.open(scene.store, scene.keys, clock=scene.clock, anchor=scene.vault.seen)
    assert vault.snapshot() == scene.newest


def _older(scene: Scene) -> None:
    assert scene.vault.snapshot(2) == scene.older


def _read_whole(scene: Scene) -> None:
    view = Warehouse(scene.vault).view()
    assert view.read_whole("concept")["concept_id"].to_list() == [NEWEST]


def _read_bucket(scene: Scene) -> None:
    view = Warehouse(scene.vault).loaded_view()
    rows = view.read("person", 0, columns=["value"], where=pl.col("person_id") < 5)
    assert rows["value"].to_list() == [NEWEST] * 5


def _read_arrow(scene: Scene) -> None:
    assert pl.DataFrame(scene.vault.read_arrow(scene.file)).equals(rows_of(NEWEST))


def _document(scene: Scene) -> None:
    assert scene.vault.open_document(scene.document) == b"report %d" % NEWEST


def _snapshot(scene: Scene) -> None:
    assert scene.vault.snapshot() == scene.newest


def _history(scene: Scene) -> None:
    assert scene.vault.history() == scene.history


def _changed(change: Callable[[Vault], object], value: int = NEWEST) -> Callable[[Scene], None]:
    def operation(scene: Scene) -> None:
        change(scene.vault)
        right(scene.recovered(), value)

    return operation


OPERATIONS: Mapping[str, Callable[[Scene], None]] = {
    "open": _open,
    "snapshot": _snapshot,
    "older snapshot": _older,
    "history": _history,
    "read a bucket": _read_bucket,
    "read by arrow": _read_arrow,
    "read a table": _read_whole,
    "open a document": _document,
    "commit": _changed(lambda vault: load(vault, 4), 4),
    "rotate": _changed(lambda vault: vault.rotate()),
    "sweep": _changed(lambda vault: vault.sweep()),
    "sweep, keep 1": _changed(lambda vault: vault.sweep(keep=1)),
    "shred": _changed(lambda vault: vault.shred(before=2)),
}
ROWS = ("read a bucket", "read by arrow")
CHANGES = ("commit", "rotate", "sweep", "sweep, keep 1", "shred")
ASKS = ("snapshot", "older snapshot", "history", "read a bucket", "read a table", *CHANGES)
"""What asks for the newest head; reading by a manifest in hand does not."""


def names(
    operations: tuple[str, ...], error: type[LaennecError], phrase: str
) -> dict[str, tuple[type[LaennecError], str]]:
    """Return how each of these operations names a misbehaviour."""
    return dict.fromkeys(operations, (error, phrase))


@dataclasses.dataclass(frozen=True)
class Misbehaviour:
    """What a host does, and what it is called.

    Attributes:
        fault: What is put on the store.
        named: Operations that fail, with the error and words in it.
        found: What ``verify`` says, by the kind of object it names.
    """

    fault: Callable[[Scene, list[Mapping[str, bytes]]], Fault]
    named: Mapping[str, tuple[type[LaennecError], str]]
    found: Mapping[str, FindingKind]


def changed(
    which: Callable[[Scene], str], change: Callable[[bytes], bytes]
) -> Callable[[Scene, list[Mapping[str, bytes]]], Fault]:
    return lambda scene, _: Changes(which(scene), change)


def dropped(
    which: Callable[[Scene], str],
) -> Callable[[Scene, list[Mapping[str, bytes]]], Fault]:
    return lambda scene, _: Drops({which(scene)})


def served(
    which: Callable[[Scene], str], instead: Callable[[Scene], str]
) -> Callable[[Scene, list[Mapping[str, bytes]]], Fault]:
    return lambda scene, _: Swaps({which(scene): instead(scene), instead(scene): which(scene)})


def _file(scene: Scene) -> str:
    return scene.file.object


def _concepts(scene: Scene) -> str:
    return scene.concepts.object


def _report(scene: Scene) -> str:
    return scene.document.object


def _record(scene: Scene) -> str:
    return scene.records[NEWEST]


def _older_record(scene: Scene) -> str:
    return scene.records[2]


def _older_file(scene: Scene) -> str:
    return scene.older.manifest.files[0].object


def _head(_: Scene) -> str:
    return head_name(NEWEST)


def _older_head(_: Scene) -> str:
    return head_name(2)


OBJECTS: Mapping[str, Callable[[Scene], str]] = {
    "file": _file,
    "concepts": _concepts,
    "report": _report,
    "record": _record,
    "older record": _older_record,
    "older file": _older_file,
    "head": _head,
    "older head": _older_head,
    "next head": lambda _: head_name(NEWEST + 1),
    "added": lambda _: "objects/ab/" + "0" * 30,
}
AUTHENTIC = "does not authenticate"
GONE = "is missing from the store"
OTHER = "is not the one seen before"
UNREADABLE_RECORD = {
    **names(("open",), IntegrityError, "is not the record that its head names"),
}
NEEDS_OLDER = ("older snapshot", "sweep", "sweep, keep 1", "shred")

MISBEHAVIOURS: Mapping[str, Misbehaviour] = {
    "a data file of another snapshot": Misbehaviour(
        served(_file, _older_file),
        names(ROWS, IntegrityError, AUTHENTIC),
        {"file": FindingKind.SWAPPED, "older file": FindingKind.SWAPPED},
    ),
    "two data files of two tables swapped": Misbehaviour(
        served(_file, _concepts),
        names((*ROWS, "read a table"), IntegrityError, AUTHENTIC),
        {"file": FindingKind.SWAPPED, "concepts": FindingKind.SWAPPED},
    ),
    "a document served as a data file": Misbehaviour(
        lambda scene, _: Swaps({_file(scene): _report(scene)}),
        names(ROWS, IntegrityError, AUTHENTIC),
        {"file": FindingKind.SWAPPED},
    ),
    "a data file served as a document": Misbehaviour(
        lambda scene, _: Swaps({_report(scene): _file(scene)}),
        names(("open a document",), IntegrityError, "is not in the sealed format"),
        {"report": FindingKind.SWAPPED},
    ),
    "a short data file": Misbehaviour(
        changed(_file, lambda body: body[:-1]),
        names(ROWS, IntegrityError, AUTHENTIC),
        {"file": FindingKind.TRUNCATED},
    ),
    "a long data file": Misbehaviour(
        changed(_file, lambda body: body + b"PARE"),
        names(ROWS, IntegrityError, AUTHENTIC),
        {"file": FindingKind.ALTERED},
    ),
    "an empty data file": Misbehaviour(
        changed(_file, lambda _: b""),
        names(ROWS, IntegrityError, AUTHENTIC),
        {"file": FindingKind.TRUNCATED},
    ),
    "a data file sent twice over": Misbehaviour(
        changed(_file, lambda body: body + body),
        names(ROWS, IntegrityError, AUTHENTIC),
        {"file": FindingKind.ALTERED},
    ),
    "a lost data file": Misbehaviour(
        dropped(_file),
        names(ROWS, IntegrityError, GONE),
        {"file": FindingKind.MISSING},
    ),
    "a short document": Misbehaviour(
        changed(_report, lambda body: body[:-1]),
        names(("open a document",), IntegrityError, AUTHENTIC),
        {"report": FindingKind.TRUNCATED},
    ),
    "an empty document": Misbehaviour(
        changed(_report, lambda _: b""),
        names(("open a document",), IntegrityError, "is not in the sealed format"),
        {"report": FindingKind.TRUNCATED},
    ),
    "a lost document": Misbehaviour(
        dropped(_report),
        names(("open a document",), IntegrityError, GONE),
        {"report": FindingKind.MISSING},
    ),
    "a short record": Misbehaviour(
        changed(_record, lambda body: body[:-1]),
        UNREADABLE_RECORD,
        {"record": FindingKind.ALTERED},
    ),
    "an older record in the newest one's place": Misbehaviour(
        lambda scene, _: Swaps({_record(scene): _older_record(scene)}),
        UNREADABLE_RECORD,
        {"record": FindingKind.SWAPPED},
    ),
    "a lost record": Misbehaviour(
        dropped(_record),
        names(("open",), IntegrityError, GONE),
        {"record": FindingKind.MISSING},
    ),
    "a lost older record": Misbehaviour(
        dropped(_older_record),
        names(NEEDS_OLDER, IntegrityError, GONE),
        {"older record": FindingKind.MISSING},
    ),
    "an altered older record": Misbehaviour(
        changed(_older_record, lambda body: body[:-1] + bytes([body[-1] ^ 1])),
        names(NEEDS_OLDER, IntegrityError, "is not the record that its head names"),
        {"older record": FindingKind.ALTERED},
    ),
    "a short newest head": Misbehaviour(
        changed(_head, lambda body: body[:-1]),
        names(("open",), IntegrityError, AUTHENTIC) | names(CHANGES, RollbackError, OTHER),
        {"head": FindingKind.ALTERED},
    ),
    "an empty newest head": Misbehaviour(
        changed(_head, lambda _: b""),
        names(("open",), IntegrityError, "is not a head") | names(CHANGES, RollbackError, OTHER),
        {"head": FindingKind.ALTERED},
    ),
    "an older head in the newest one's place": Misbehaviour(
        lambda scene, _: Swaps({_head(scene): _older_head(scene)}),
        names(("open",), IntegrityError, AUTHENTIC) | names(CHANGES, RollbackError, OTHER),
        {"head": FindingKind.SWAPPED},
    ),
    "a lost older head": Misbehaviour(
        dropped(_older_head), {}, {"older head": FindingKind.MISSING}
    ),
    "the newest head withheld": Misbehaviour(
        dropped(_head),
        names(("open", *ASKS), RollbackError, "serves snapshot 2, but 3 was seen before"),
        {"head": FindingKind.MISSING},
    ),
    "the newest head withheld from the listing only": Misbehaviour(
        lambda _scene, _: Lists(hidden=lambda name: name == head_name(NEWEST)),
        names(("open", *ASKS), RollbackError, "serves snapshot 2, but 3 was seen before"),
        {},
    ),
    "an older state of everything": Misbehaviour(
        lambda _scene, states: ServesOld(states[2]),
        names(("open", *ASKS), RollbackError, "serves snapshot 2, but 3 was seen before")
        | names(("read by arrow", "open a document"), IntegrityError, GONE),
        {
            "head": FindingKind.MISSING,
            "record": FindingKind.MISSING,
            "file": FindingKind.MISSING,
            "concepts": FindingKind.MISSING,
            "report": FindingKind.MISSING,
        },
    ),
    "a listing without any head": Misbehaviour(
        lambda _scene, _: Lists(hidden=lambda name: name.startswith("heads/")),
        names(("open", *ASKS), NotFoundError, "holds no warehouse"),
        {},
    ),
    "a listing without any object": Misbehaviour(
        lambda _scene, _: Lists(hidden=lambda name: name.startswith("objects/")),
        names(("commit",), ConflictError, "is not in the store as it was uploaded"),
        {},
    ),
    "a listing with a next head": Misbehaviour(
        lambda _scene, _: Lists(invented=[head_name(NEWEST + 1)]),
        names(("open", *ASKS), IntegrityError, GONE),
        {"next head": FindingKind.ALTERED},
    ),
    "a listing with one more object": Misbehaviour(
        lambda _scene, _: Lists(invented=["objects/ab/" + "0" * 30]),
        {},
        {"added": FindingKind.UNREFERENCED},
    ),
    "a listing of other sizes": Misbehaviour(
        lambda _scene, _: Lists(size=lambda size: size + 1),
        names(("commit",), ConflictError, "is not in the store as it was uploaded"),
        {},
    ),
    "503 to everything": Misbehaviour(
        lambda _scene, _: Fails(),
        names(("open", *ASKS, "read by arrow", "open a document"), StoreError, "503"),
        {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("misbehaviour", MISBEHAVIOURS)
def test_it_is_named_as_listed_and_everything_else_is_right(
    misbehaviour: str,
    operation: str,
    scene: Scene,
    made: tuple[object, object, list[Mapping[str, bytes]]],
) -> None:
    case, run = MISBEHAVIOURS[misbehaviour], OPERATIONS[operation]
    scene.store.faults.append(case.fault(scene, made[2]))
    if operation not in case.named:
        run(scene)
        return
    error, phrase = case.named[operation]
    with pytest.raises(LaennecError, match=phrase) as caught:
        run(scene)
    assert type(caught.value) is error or (error is IntegrityError and phrase != OTHER)
    assert isinstance(caught.value, error)
    right(scene.recovered(), NEWEST)


@pytest.mark.parametrize("misbehaviour", MISBEHAVIOURS)
def test_verify_names_it_and_nothing_else(
    misbehaviour: str, scene: Scene, made: tuple[object, object, list[Mapping[str, bytes]]]
) -> None:
    case = MISBEHAVIOURS[misbehaviour]
    scene.store.faults.append(case.fault(scene, made[2]))
    if isinstance(scene.store.faults[0], Fails):
        with pytest.raises(StoreError, match="503"):
            scene.vault.verify()
        return
    found = {one.object: one.kind for one in scene.vault.verify().findings}
    expected = {OBJECTS[which](scene): kind for which, kind in case.found.items()}
    if "older record" in case.found:  # what only that record named hangs on nothing
        held = {one.object for one in scene.newest.manifest.objects()}
        only = {one.object for one in scene.older.manifest.objects()} - held
        expected |= dict.fromkeys(only, FindingKind.UNREFERENCED)
    assert found == expected


@pytest.mark.parametrize("lands", [False, True], ids=["before it took effect", "after"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_503_at_any_call_gives_the_right_answer_or_no_answer(
    operation: str, *, lands: bool, made: tuple[MemoryStore, MemoryKeys, object]
) -> None:
    """And the same again, once the store answers, ends as if nothing had happened."""
    calls = 0
    while True:
        scene = Scene(copied(made[0]), deepcopy(made[1]))
        fault = Fails(first=calls, times=1, lands=lands)
        scene.store.faults.append(fault)
        try:
            OPERATIONS[operation](scene)
        except StoreError as error:
            assert not isinstance(error, ConflictError)  # noqa: PT017 - any other fails by itself
            left = scene.recovered()
            assert left.snapshot().manifest.properties["value"] in (NEWEST, 4)
            assert left.verify().ok
            if left.snapshot().number == NEWEST:
                OPERATIONS[operation](scene)
        assert scene.recovered().verify().ok
        if not fault.failed:
            break
        calls += 1
    assert calls >= 1


@pytest.mark.parametrize("every", [11, 13, 29])
def test_a_store_that_fails_every_few_calls_never_shows_half_a_load(
    every: int, scene: Scene
) -> None:
    """Loads are tried again until they are through; every committed one is there once."""
    scene.store.faults.append(Fails(every=every, lands=True, calls={"create", "list", "get"}))
    value = NEWEST
    for _ in range(200):
        if value == NEWEST + 5:
            break
        try:
            load(scene.vault, value + 1)
        except StoreError:
            newest = scene.recovered().snapshot()
            right(scene.recovered(), int(str(newest.manifest.properties["value"])))
        value = int(str(scene.recovered().snapshot().manifest.properties["value"]))
    assert scene.recovered().snapshot().number == NEWEST + 5
    right(scene.recovered(), NEWEST + 5)


def test_a_slow_reader_reads_its_own_snapshot(scene: Scene) -> None:
    """Its file is on the way while another process commits."""
    slow = Waits(lambda name: name == scene.file.object)
    reader = Vault.open(MisbehavingStore(scene.honest, slow), scene.keys, clock=scene.clock)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(reader.read, scene.file)
        assert slow.asked.wait(timeout=60)
        load(scene.vault, 4)
        slow.gate.set()
        assert reading.result(timeout=60).equals(rows_of(NEWEST))
    right(reader, 4)


def test_a_slow_writer_is_told_that_it_lost(scene: Scene) -> None:
    """Its head is on the way while another process commits."""
    slow = Waits(lambda name: name == head_name(NEWEST + 1))
    writer = Vault.open(MisbehavingStore(scene.honest, slow), scene.keys, clock=scene.clock)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(load, writer, 5)
        assert slow.asked.wait(timeout=60)
        load(scene.vault, 4)
        slow.gate.set()
        with pytest.raises(ConflictError):
            writing.result(timeout=60)
    right(writer, 4)
    assert writer.verify().ok


def test_two_readers_of_a_fork_find_out_when_they_meet(scene: Scene, tmp_path: Path) -> None:
    """Each history is right in itself; meeting is by the store, an anchor, or the ledger."""
    other_store = copied(scene.honest)
    other = Vault.open(other_store, scene.keys, clock=scene.clock)
    mine, theirs = load(scene.vault, 4), load(other, 5)
    right(scene.vault, 4)
    right(other, 5)
    with pytest.raises(RollbackError, match=OTHER):
        other.check_contains(scene.vault.seen)
    with pytest.raises(RollbackError, match=OTHER):
        Vault.open(other_store, scene.keys, clock=scene.clock, anchor=scene.vault.seen)
    ledger = Ledger.create(
        tmp_path / "ledger",
        origin="hub.test/log",
        signing_key=Ed25519PrivateKey.generate(),
        clock=scene.clock,
    )
    log_commit(ledger, mine)
    with pytest.raises(RollbackError, match=OTHER):
        Vault.open(other_store, scene.keys, clock=scene.clock, anchor=anchor_of(ledger))
    with pytest.raises(RollbackError, match="Two different commits of snapshot 4"):
        log_commit(ledger, theirs)
    report = verify_store(other_store, scene.keys, seen=[scene.vault.seen, other.seen])
    assert {one.object: one.kind for one in report.findings} == {head_name(4): FindingKind.FORKED}
    # The host joins its two readers: the one behind is told at the next look.
    load(other, 6)
    scene.store.faults.append(ServesOld(other_store.bodies))
    for operation in ("snapshot", "commit", "sweep"):
        with pytest.raises(RollbackError, match=OTHER):
            OPERATIONS[operation](scene)


def test_two_writers_that_both_won_find_out(scene: Scene, tmp_path: Path) -> None:
    """The store lets both create one head; one's bytes are gone, though it was told otherwise."""
    both = LetsBothWin(scene.honest)
    scene.store.faults.append(both)
    others = MisbehavingStore(scene.honest, both)
    loser = Vault.open(others, scene.keys, clock=scene.clock)
    base = scene.vault.snapshot()
    lost: list[Snapshot] = []

    class First(Fault):
        """Lets the other writer commit just before this one's head."""

        def create(self, name: str, body: bytes, *, go: Callable[[str, bytes], None]) -> None:
            if name == head_name(NEWEST + 1) and not lost:
                lost.append(loser.commit(base, base.manifest.replace(properties={"value": 0})))
            go(name, body)

    scene.store.faults.insert(0, First())
    won = load(scene.vault, 4)
    assert lost[0].number == won.number == NEWEST + 1
    right(scene.recovered(), 4)
    # What the loser does next, whatever it is, says so.
    for change in (lambda: loser.rotate(), lambda: loser.sweep(keep=1), lambda: load(loser, 9)):
        with pytest.raises(RollbackError, match=OTHER):
            change()
    found = {one.object: one.kind for one in loser.verify().findings}
    assert found.pop(head_name(NEWEST + 1)) is FindingKind.FORKED
    assert set(found.values()) <= {FindingKind.UNREFERENCED, FindingKind.MISSING}
    with pytest.raises(RollbackError, match=OTHER):
        Vault.open(scene.store, scene.keys, clock=scene.clock, anchor=loser.seen)
    ledger = Ledger.create(
        tmp_path / "ledger",
        origin="hub.test/log",
        signing_key=Ed25519PrivateKey.generate(),
        clock=scene.clock,
    )
    log_commit(ledger, lost[0])
    with pytest.raises(RollbackError, match="Two different commits"):
        log_commit(ledger, won)
    # The winner goes on, and the loser is told at its next look.
    load(scene.vault, 5)
    with pytest.raises(RollbackError, match=OTHER):
        loser.snapshot()
