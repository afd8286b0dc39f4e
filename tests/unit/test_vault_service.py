"""The vault over a store in memory: snapshots, conflicts, sweeping, rotation, destruction."""

import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import polars as pl
import pytest

from fakes.vault_keys import MemoryKeys
from fakes.vault_store import FixedClock, HostileStore, MemoryStore
from laennec.core.errors import (
    AlreadyExistsError,
    ConflictError,
    EngineError,
    IntegrityError,
    NotFoundError,
    RollbackError,
    StoreFullError,
)
from laennec.core.progress import Quiet
from laennec.vault.commit import GRACE, UPLOAD_LIFETIME
from laennec.vault.head import head_name
from laennec.vault.manifest import Anchor, Manifest, SealedFile, Snapshot
from laennec.vault.service import Vault
from laennec.vault.summaries import Footer, Summary
from laennec.vault.verify import FindingKind

FRAME = pl.DataFrame({"person_id": [1, 2, 3], "value": ["a", None, "c"]})


class Hub:
    """A vault with everything a test wants to reach for."""

    def __init__(self) -> None:
        self.clock = FixedClock()
        self.store = HostileStore(MemoryStore(clock=self.clock))
        self.keys = MemoryKeys()
        self.vault = Vault.create(self.store, self.keys, clock=self.clock)

    def reopened(self, anchor: Anchor | None = None) -> Vault:
        return Vault.open(self.store, self.keys, clock=self.clock, anchor=anchor)

    def seal(self, *values: int, vault: Vault | None = None) -> SealedFile:
        frame = pl.DataFrame({"person_id": list(values)})
        return (vault or self.vault).seal_frame(frame, table="person", bucket=0)

    def commit(self, *values: int) -> Snapshot:
        """Commit a snapshot that holds one file with these values in place of all before."""
        base = self.vault.snapshot()
        return self.vault.commit(base, base.manifest.replace(files=[self.seal(*values)]))

    def values(self, number: int | None = None, vault: Vault | None = None) -> list[int]:
        vault = vault or self.reopened()
        files = vault.snapshot(number).manifest.files
        return vault.read(files)["person_id"].to_list()


@pytest.fixture
def hub() -> Hub:
    return Hub()


def test_a_new_vault_has_an_empty_snapshot_0(hub: Hub) -> None:
    snapshot = hub.vault.snapshot()
    assert (snapshot.number, snapshot.parent, snapshot.manifest) == (0, None, Manifest())
    assert snapshot.created_at == "2026-11-23T12:00:00Z"
    assert hub.reopened().snapshot() == snapshot
    assert hub.reopened().warehouse_id == hub.vault.warehouse_id


def test_a_second_vault_in_one_store_is_refused(hub: Hub) -> None:
    with pytest.raises(AlreadyExistsError):
        Vault.create(hub.store, MemoryKeys(), clock=hub.clock)


def test_an_empty_store_holds_no_vault(hub: Hub) -> None:
    hub.store.serve({})
    with pytest.raises(NotFoundError):
        hub.reopened()


def test_commits_frames_documents_and_properties(hub: Hub) -> None:
    file = hub.vault.seal_frame(FRAME, table="person", bucket=7, statistics={"min": 1, "x": None})
    document = hub.vault.seal_document(b"a report", kind="load_report")
    assert (file.rows, file.table, file.bucket, file.version) == (3, "person", 7, 1)
    base = hub.vault.snapshot()
    assert base.manifest == Manifest()
    committed = hub.vault.commit(base, Manifest((file,), (document,), {"buckets": 64}))
    assert (committed.number, committed.parent) == (1, base.digest)
    again = hub.reopened()
    assert again.snapshot() == committed
    assert again.read(file).equals(FRAME)
    assert again.read_arrow(file, columns=["value"]).column_names == ["value"]
    assert again.open_document(document) == b"a report"
    assert (
        again.read([file, file], columns=["value"], where=pl.col("person_id") > 1).rows()
        == [
            (None,),
            ("c",),
        ]
        * 2
    )


def test_reading_no_file_is_a_mistake(hub: Hub) -> None:
    with pytest.raises(ValueError, match="at least one"):
        hub.vault.read([])


def test_columns_are_chosen_by_what_the_footers_of_all_files_say(hub: Hub) -> None:
    other = pl.DataFrame({"person_id": [9], "value": pl.Series([None], dtype=pl.String)})
    files = [hub.vault.seal_frame(one, table="person", bucket=0) for one in (FRAME, other)]
    seen: list[Footer] = []

    def choose(footer: Footer) -> list[str]:
        seen.append(footer)
        return ["value"]

    for reader in (hub.vault, hub.vault.reader()):
        rows = reader.read_chosen(files, choose=choose)
        assert rows.rows() == [("a",), (None,), ("c",), (None,)]
    columns = {"person_id": Summary(pl.Int64(), 0, 1, 9), "value": Summary(pl.String(), 2)}
    assert seen == [Footer(4, columns)] * 2
    hub.store.serve({})
    with pytest.raises(IntegrityError):
        hub.vault.read_chosen(files, choose=choose)
    assert len(seen) == 2


def test_a_filter_that_fails_is_not_taken_for_an_attack_and_quotes_no_row(hub: Hub) -> None:
    frame = pl.DataFrame({"text": ["CANARY"] * 3})
    file = hub.vault.seal_frame(frame, table="person", bucket=0)
    for where in (pl.col("text").str.contains("("), pl.col("text").cast(pl.Int64) > 0):
        with pytest.raises(EngineError) as caught:
            hub.vault.read(file, where=where)
        assert "CANARY" not in "".join(traceback.format_exception(caught.value))
    hub.store.flip(file.object, 300)
    with pytest.raises(IntegrityError):
        hub.vault.read(file, where=pl.col("text").str.contains("("))


def test_older_snapshots_stay_readable(hub: Hub) -> None:
    for value in (1, 2, 3):
        hub.commit(value)
    assert [hub.values(number) for number in (1, 2, 3)] == [[1], [2], [3]]
    heads = hub.reopened().history()
    assert [head.number for head in heads] == [0, 1, 2, 3]
    assert all(head.readable for head in heads)
    assert [head.parent for head in heads] == [None, *(head.digest for head in heads[:-1])]
    assert [hub.vault.snapshot(head.number).digest for head in heads] == [h.digest for h in heads]
    for number in (-1, 4):
        with pytest.raises(NotFoundError, match="no snapshot"):
            hub.vault.snapshot(number)


def test_one_of_two_writers_wins(hub: Hub) -> None:
    other = hub.reopened()
    base = hub.vault.snapshot()
    mine, theirs = hub.seal(1), hub.seal(2, vault=other)
    hub.vault.commit(base, Manifest((mine,)))
    with pytest.raises(ConflictError):
        other.commit(base, Manifest((theirs,)))
    assert hub.values() == [1]
    newest = other.snapshot()
    other.commit(newest, newest.manifest.replace(files=[*newest.manifest.files, theirs]))
    assert hub.values() == [1, 2]


def test_the_conditional_create_decides_when_both_saw_the_same_head(hub: Hub) -> None:
    """The other writer commits between this one's check and its head."""
    base, file, other = hub.vault.snapshot(), hub.seal(1), hub.reopened()

    class Racing(HostileStore):
        def create(self, name: str, body: bytes) -> None:
            if name.startswith("heads/"):
                other.commit(other.snapshot(), Manifest(properties={"winner": True}))
            super().create(name, body)

    racing = Vault.open(Racing(hub.store.inner), hub.keys, clock=hub.clock)
    with pytest.raises(ConflictError):
        racing.commit(base, Manifest((file,)))
    assert hub.reopened().snapshot().manifest.properties == {"winner": True}
    assert racing.snapshot().number == 1


def test_sealing_and_reading_from_a_pool(hub: Hub) -> None:
    with ThreadPoolExecutor(8) as pool:
        files = list(pool.map(hub.seal, range(40)))
        hub.vault.commit(hub.vault.snapshot(), Manifest(tuple(files)))
        read = list(pool.map(hub.vault.read, files))
    assert [frame["person_id"].to_list() for frame in read] == [[n] for n in range(40)]
    assert len({file.object for file in files}) == len({file.wrapped_key for file in files}) == 40


def test_a_commit_refuses_what_was_not_uploaded(hub: Hub) -> None:
    file = hub.seal(1)
    base = hub.vault.snapshot()
    hub.store.delete([file.object])
    with pytest.raises(ConflictError, match="not in the store"):
        hub.vault.commit(base, Manifest((file,)))
    with pytest.raises(ValueError, match="named once"):
        hub.vault.commit(base, Manifest((file, file)))
    assert hub.vault.snapshot() == base


def test_a_full_store_shows_nothing_and_keeps_the_snapshot(hub: Hub) -> None:
    """Full at the upload, and full at the record of a commit whose uploads still fitted."""
    before = hub.commit(1)
    file, used = hub.seal(2), sum(map(len, hub.store.saved().values()))
    for room in (100, 300):
        full = MemoryStore(clock=hub.clock, max_bytes=used + room)
        full.bodies, full.modified = hub.store.inner.bodies, hub.store.inner.modified
        vault = Vault.open(full, hub.keys, clock=hub.clock)
        with pytest.raises(StoreFullError):
            hub.seal(3, vault=vault)
        with pytest.raises(StoreFullError):
            vault.commit(before, before.manifest.replace(files=[file]))
        assert vault.snapshot() == before
        assert hub.values(vault=vault) == [1]
    assert hub.vault.verify().ok


def test_an_anchor_catches_a_store_that_went_back(hub: Hub) -> None:
    hub.commit(1)
    old = hub.store.saved()
    newest = hub.commit(2)
    anchor = Anchor(newest.number, newest.digest)
    assert hub.reopened(anchor).snapshot() == newest
    hub.commit(3)
    assert hub.reopened(anchor).snapshot().number == 3
    hub.store.serve(old)
    assert hub.reopened().snapshot().number == 1
    with pytest.raises(RollbackError, match="2 was seen"):
        hub.reopened(anchor)
    with pytest.raises(RollbackError):
        hub.vault.snapshot()


def test_an_anchor_catches_a_fork(hub: Hub) -> None:
    old = hub.store.saved()
    seen = hub.commit(1)
    hub.store.serve(old)
    other = hub.reopened()
    for _ in range(2):
        other.commit(other.snapshot(), Manifest(properties={"other": "history"}))
    with pytest.raises(RollbackError, match="another history"):
        hub.reopened(Anchor(seen.number, seen.digest))
    with pytest.raises(RollbackError, match="another history"):
        hub.vault.snapshot()


def test_sweep_spares_young_uploads_and_takes_old_ones(hub: Hub) -> None:
    hub.commit(1)
    loose = hub.seal(2)
    report = hub.vault.sweep()
    assert report.deleted == ()
    assert [item.name for item in report.spared] == [loose.object]
    hub.clock.now += GRACE
    report = hub.vault.sweep()
    assert [item.name for item in report.deleted] == [loose.object]
    assert (report.bytes, report.forgotten) == (loose.size, ())
    assert hub.values() == [1]
    assert hub.vault.verify(Quiet()).findings == ()


def test_a_sweep_never_takes_what_a_commit_can_still_name(hub: Hub) -> None:
    """The writer's limit ends before the sweep's begins, so no order of the two loses a file."""
    file, base = hub.seal(1), hub.vault.snapshot()
    hub.clock.now += UPLOAD_LIFETIME
    sweeper = hub.reopened()
    assert sweeper.sweep().deleted == ()
    hub.vault.commit(base, Manifest((file,)))
    late = hub.seal(2)
    hub.clock.now += UPLOAD_LIFETIME + timedelta(seconds=1)
    with pytest.raises(ConflictError, match="too long ago"):
        hub.vault.commit(hub.vault.snapshot(), Manifest((file, late)))
    assert hub.values() == [1]


def test_an_older_snapshots_file_may_be_committed_again(hub: Hub) -> None:
    first = hub.commit(1)
    hub.commit(2)
    hub.clock.now += 10 * GRACE
    hub.vault.sweep()
    hub.vault.commit(hub.vault.snapshot(), first.manifest)
    assert hub.values() == [1]


def test_sweep_forgets_snapshots_and_says_so(hub: Hub) -> None:
    for value in range(1, 6):
        hub.commit(value)
    report = hub.vault.sweep(keep=2)
    assert report.forgotten == (0, 1, 2, 3, 4)
    assert len(report.deleted) == 5 + 4  # records of 0 to 4, files of 1 to 4
    reopened = hub.reopened()
    assert [head.readable for head in reopened.history()] == [False] * 5 + [True] * 2
    assert (hub.values(5), hub.values(6), hub.values()) == ([5], [5], [5])
    for number in range(5):
        with pytest.raises(NotFoundError, match="swept"):
            reopened.snapshot(number)
    assert reopened.verify().findings == ()
    assert hub.vault.sweep(keep=2).deleted == ()
    with pytest.raises(ValueError, match="at least one"):
        hub.vault.sweep(keep=0)


def test_sweep_refuses_to_guess_in_a_damaged_store(hub: Hub) -> None:
    hub.commit(1)
    record = _record_of(hub, 0)
    hub.commit(2)
    hub.store.flip(record, 30)
    loose = hub.seal(3)
    hub.clock.now += GRACE
    with pytest.raises(IntegrityError):
        hub.vault.sweep()
    assert loose.object in hub.store.names()


def test_sweep_leaves_foreign_objects_alone(hub: Hub) -> None:
    hub.store.put("README.txt", b"not ours")
    hub.clock.now += GRACE
    assert hub.vault.sweep().deleted == ()
    assert [finding.kind for finding in hub.vault.verify().findings] == [FindingKind.FOREIGN]


def test_an_anchor_on_a_swept_snapshot_still_holds(hub: Hub) -> None:
    seen = hub.commit(1)
    for value in (2, 3):
        hub.commit(value)
    hub.vault.sweep(keep=1)
    assert hub.reopened(Anchor(seen.number, seen.digest)).snapshot().number == 4


def test_rotation_keeps_every_snapshot_and_rewrites_no_file(hub: Hub) -> None:
    first = hub.commit(1)
    objects = {name: hub.store.get(name) for name in hub.store.names()}
    rotated = hub.vault.rotate()
    assert rotated.number == 2
    assert rotated.manifest.files[0].object == first.manifest.files[0].object
    assert rotated.manifest.files[0].wrapped_key != first.manifest.files[0].wrapped_key
    assert all(hub.store.get(name) == body for name, body in objects.items())
    hub.commit(3)
    assert [hub.values(number) for number in (1, 2, 3)] == [[1], [1], [3]]
    assert hub.reopened().verify().findings == ()


def test_after_rotation_the_newest_head_alone_needs_the_root(hub: Hub) -> None:
    hub.commit(1)
    hub.vault.rotate()
    hub.keys.forget()
    assert [hub.values(number) for number in (1, 2)] == [[1], [1]]


def test_files_sealed_before_a_rotation_can_be_committed_after_it(hub: Hub) -> None:
    other = hub.reopened()
    file = hub.seal(1, vault=other)
    hub.vault.rotate()
    committed = other.commit(other.snapshot(), Manifest((file,)))
    assert hub.values() == [1]
    assert committed.manifest.files[0].wrapped_key != file.wrapped_key
    assert other.read(file)["person_id"].to_list() == [1]


def test_a_reader_follows_a_rotation_elsewhere(hub: Hub) -> None:
    hub.commit(1)
    reader = hub.reopened()
    hub.vault.rotate()
    file = hub.commit(2).manifest.files[0]
    assert reader.read(file)["person_id"].to_list() == [2]


def test_shredding_destroys_what_came_before_and_keeps_the_rest(hub: Hub) -> None:
    for value in (1, 2, 3):
        hub.commit(value)
    files = {n: hub.vault.snapshot(n).manifest.files[0] for n in (1, 2, 3)}
    copies, heads = hub.store.saved(), hub.vault.history()
    after = hub.vault.shred(before=3)
    assert after.number == 4
    assert (hub.values(3), hub.values(4)) == ([3], [3])
    assert [head.readable for head in hub.vault.history()] == [False] * 3 + [True] * 2
    assert [head.digest for head in hub.vault.history()[:4]] == [head.digest for head in heads]
    for number in (0, 1, 2):
        with pytest.raises(NotFoundError, match="shredded"):
            hub.reopened().snapshot(number)
    gone = set(copies) - set(hub.store.names())
    assert {files[1].object, files[2].object} <= gone
    assert files[3].object in hub.store.names()
    assert hub.reopened().verify().findings == ()
    with pytest.raises(IntegrityError):
        hub.reopened().read(files[1])


def test_shredded_snapshots_stay_shut_for_a_host_with_copies_and_the_keyring(hub: Hub) -> None:
    for value in (1, 2, 3):
        hub.commit(value)
    copies = hub.store.saved()
    shredded = hub.vault.snapshot(1).manifest.files[0]
    hub.vault.shred(before=3)
    now = hub.store.saved()
    for served in (copies, {**copies, **now}, {**now, **copies}):
        hub.store.serve(served)
        opened = []
        try:
            vault = hub.reopened()
            opened = vault.read(shredded).rows()
        except IntegrityError:
            pass
        assert opened == []
    hub.store.serve(copies)
    with pytest.raises(IntegrityError):
        hub.reopened()


def test_shredding_destroys_nothing_when_the_host_drops_the_new_head(hub: Hub) -> None:
    for value in (1, 2):
        hub.commit(value)
    honest = hub.store.inner.create

    def create(name: str, body: bytes) -> None:
        if name != head_name(3):
            honest(name, body)

    hub.store.inner.create = create  # type: ignore[method-assign]
    with pytest.raises(IntegrityError, match="missing"):
        hub.vault.shred(before=2)
    del hub.store.inner.create
    assert (hub.values(1), hub.values(2)) == ([1], [2])


def test_shredding_can_leave_only_the_new_commit(hub: Hub) -> None:
    hub.commit(1)
    hub.vault.shred(before=2)
    assert [head.readable for head in hub.vault.history()] == [False, False, True]
    assert hub.values() == [1]
    hub.commit(2)
    hub.vault.rotate()
    assert hub.values(3) == [2]
    for before in (0, 6):
        with pytest.raises(NotFoundError, match="nothing to shred"):
            hub.vault.shred(before=before)


def test_shredding_and_sweeping_again_and_again(hub: Hub) -> None:
    for value in (1, 2, 3, 4):
        hub.commit(value)
    hub.vault.shred(before=2)
    hub.vault.shred(before=2)
    assert [hub.values(n) for n in range(2, 7)] == [[2], [3], [4], [4], [4]]
    hub.vault.sweep(keep=4)
    hub.vault.shred(before=5)
    assert hub.vault.verify().findings == ()
    hub.clock.now += GRACE
    hub.vault.sweep()
    assert hub.vault.verify().findings == ()
    assert hub.values() == [4]


def test_a_file_sealed_before_a_shred_cannot_be_committed(hub: Hub) -> None:
    other = hub.reopened()
    file = hub.seal(1, vault=other)
    hub.commit(5)
    hub.vault.shred(before=1)
    with pytest.raises(ConflictError, match="destroyed"):
        other.commit(other.snapshot(), Manifest((file,)))
    assert hub.values() == [5]


def test_key_holder_of_another_hub_opens_nothing(hub: Hub) -> None:
    with pytest.raises(IntegrityError):
        Vault.open(hub.store, MemoryKeys(), clock=hub.clock)


def _record_of(hub: Hub, number: int) -> str:
    """Return the object that only snapshot ``number``'s head names: its record."""
    from laennec.vault.state import load_state

    return load_state(hub.store, hub.keys, number).head.record.object
