"""Hostile hosts at both ends of a move: what is wrong is named, and nothing settles."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from fakes.vault_keys import MemoryKeys
from fakes.vault_misbehaving import Drops, Fault, MisbehavingStore
from fakes.vault_store import FixedClock, MemoryStore
from laennec.core.errors import (
    AlreadyExistsError,
    ConflictError,
    IntegrityError,
    NotFoundError,
    RollbackError,
    StoreError,
    StoreFullError,
)
from laennec.core.progress import Quiet
from laennec.reversibility.move_copy import Copying
from laennec.reversibility.move_journal import Journal
from laennec.reversibility.move_model import Limits, Part
from laennec.reversibility.move_take_over import open_at_target
from laennec.vault.manifest import Anchor, Manifest
from laennec.vault.ports import ObjectStore, StoredObject
from laennec.vault.service import Vault


class Case:
    """A vault with three snapshots in memory, and a copying of it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock, self.keys = folder, FixedClock(), MemoryKeys()
        self.source = MemoryStore(clock=self.clock)
        self.vault = Vault.create(self.source, self.keys, clock=self.clock)
        for number in range(3):
            rows = pl.DataFrame({"n": list(range(number * 100, number * 100 + 50))})
            sealed = self.vault.seal_frame(rows, table="t", bucket=number)
            base = self.vault.snapshot()
            self.vault.commit(base, base.manifest.replace(files=[*base.manifest.files, sealed]))
        self.target = MemoryStore(clock=self.clock)

    @property
    def file(self) -> str:
        """Name of a data file."""
        return self.vault.snapshot().manifest.files[0].object

    def part(
        self,
        *,
        source: ObjectStore | None = None,
        target: ObjectStore | None = None,
        seen: Anchor | None = None,
    ) -> Part:
        return Part("warehouse", source or self.source, target or self.target, self.keys, seen)

    @contextmanager
    def copying(self, part: Part, *, parallel: int = 4) -> Iterator[Copying]:
        journal = Journal(self.folder / "journal.sqlite")
        try:
            yield Copying(
                [part],
                journal,
                limits=Limits(parallel, 1 << 20),
                clock=self.clock,
                reporter=Quiet(),
            )
        finally:
            journal.close()

    def move(self, part: Part) -> None:
        with self.copying(part) as copying:
            copying.check_target()
            copying.catch_up()
            settled = copying.settle()
        open_at_target(part, settled.newest["warehouse"])


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


class Alters(Fault):
    """Keeps other bytes than it was given."""

    def create(self, name: str, body: bytes, *, go: Callable[[str, bytes], None]) -> None:
        go(name, bytes([body[0] ^ 1]) + body[1:])


class Pretends(Fault):
    """Says that it took an object, and did not."""

    def create(self, name: str, body: bytes, *, go: Callable[[str, bytes], None]) -> None:
        return


class ClaimsToHaveIt(Fault):
    """Says of every object that it has it already."""

    def create(self, name: str, body: bytes, *, go: Callable[[str, bytes], None]) -> None:
        raise ConflictError(f"{name} exists already.", remedy="Take another name.")


class LosesLater(Fault):
    """Serves what it took, and has lost one object when it lists."""

    def list(
        self, prefix: str, *, go: Callable[[str], Iterable[StoredObject]]
    ) -> Iterable[StoredObject]:
        return [one for one in go(prefix) if "objects" not in one.name][:-1]


class ListsAnotherSize(Fault):
    """Truncates objects after they were read back."""

    def list(
        self, prefix: str, *, go: Callable[[str], Iterable[StoredObject]]
    ) -> Iterable[StoredObject]:
        return [replace(one, size=one.size - 1) for one in go(prefix)]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Alters, "serves other bytes as"),
        (Pretends, "took and does not serve"),
        (ClaimsToHaveIt, "took and does not serve"),
        (LosesLater, "lost"),
        (ListsAnotherSize, "lost"),
    ],
)
def test_a_destination_that_lies_is_named(case: Case, fault: type[Fault], says: str) -> None:
    hostile = MisbehavingStore(case.target, fault())
    with pytest.raises(IntegrityError, match=says):
        case.move(case.part(target=hostile))


@pytest.mark.parametrize("fault", [Alters, Pretends, LosesLater])
def test_after_a_lie_an_honest_destination_is_filled_whole(case: Case, fault: type[Fault]) -> None:
    with pytest.raises(IntegrityError):
        case.move(case.part(target=MisbehavingStore(case.target, fault())))
    # What the liar altered is in the way, and is not taken for the object.
    altered = [n for n, body in case.target.bodies.items() if case.source.bodies[n] != body]
    if altered:
        with pytest.raises(IntegrityError, match="serves other bytes as"):
            case.move(case.part())
        case.target.delete(altered)
    case.move(case.part())
    assert case.target.bodies == case.source.bodies


def test_the_destination_serves_an_older_head_as_the_newest(case: Case) -> None:
    with case.copying(case.part()) as copying:
        copying.catch_up()
        settled = copying.settle()
    newest = max(name for name in case.target.bodies if name.startswith("heads/"))
    hostile = MisbehavingStore(case.target, Drops([newest]))
    with pytest.raises(RollbackError, match="serves snapshot 2 of warehouse as the newest"):
        open_at_target(case.part(target=hostile), settled.newest["warehouse"])


def test_an_altered_object_at_the_source_is_never_sent(case: Case) -> None:
    body = case.source.bodies[case.file]
    case.source.bodies[case.file] = body[:-1] + bytes([body[-1] ^ 1])
    with pytest.raises(IntegrityError, match=f"{case.file} at the source is not the object"):
        case.move(case.part())
    assert case.file not in case.target.bodies
    case.source.bodies[case.file] = body
    case.move(case.part())
    assert case.target.bodies == case.source.bodies


def test_an_object_that_the_source_dropped_is_named(case: Case) -> None:
    hostile = MisbehavingStore(case.source, Drops([case.file]))
    with pytest.raises(NotFoundError, match=f"{case.file} is missing at the source"):
        case.move(case.part(source=hostile))


def test_a_source_that_went_back_is_not_moved(case: Case) -> None:
    seen = case.vault.seen
    newest = max(name for name in case.source.bodies if name.startswith("heads/"))
    hostile = MisbehavingStore(case.source, Drops([newest]))
    with pytest.raises(RollbackError):
        case.move(case.part(source=hostile, seen=seen))
    assert not case.target.bodies


def test_a_full_destination_is_said_and_the_move_goes_on_later(case: Case) -> None:
    size = sum(map(len, case.source.bodies.values()))
    small = MemoryStore(clock=case.clock, max_bytes=size // 2)
    with pytest.raises(StoreFullError):
        case.move(case.part(target=small))
    assert all(case.source.bodies[name] == body for name, body in small.bodies.items())
    small._max_bytes = None
    case.move(case.part(target=small))
    assert small.bodies == case.source.bodies


def test_another_warehouse_at_the_destination_is_left_alone(case: Case, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Case(tmp_path / "other")
    before = dict(other.source.bodies)
    with pytest.raises(AlreadyExistsError, match="holds another warehouse"):
        case.move(case.part(target=other.source))
    assert other.source.bodies == before


def test_an_equal_object_at_the_destination_is_kept(case: Case) -> None:
    case.target.bodies[case.file] = case.source.bodies[case.file]
    case.target.modified[case.file] = case.clock()
    case.move(case.part())
    assert case.target.bodies == case.source.bodies


def test_leftovers_stay_behind_and_are_counted(case: Case) -> None:
    case.source.create("objects/ab/" + "0" * 30, b"left over")
    case.source.create("notes.txt", b"somebody's")
    case.target.create("staging/" + "0" * 32, b"interrupted")
    case.target.create("theirs.txt", b"somebody's")
    with case.copying(case.part()) as copying:
        copying.catch_up()
        settled = copying.settle()
    assert (settled.left_objects, settled.left_bytes) == (2, 19)
    extra = case.target.bodies.keys() - case.source.bodies.keys()
    assert extra == {"theirs.txt"}


class StopsAfter(Fault):
    """Fails on every call after some creates, as a line that was cut."""

    def __init__(self, creates: int) -> None:
        self.left = creates

    def create(self, name: str, body: bytes, *, go: Callable[[str, bytes], None]) -> None:
        self.left -= 1
        if self.left < 0:
            raise StoreError("The line was cut.", remedy="Mend it.")
        go(name, body)


class CountsReads(Fault):
    """Counts what is read at the source."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def get(self, name: str, *, go: Callable[[str], bytes]) -> bytes:
        self.names.append(name)
        return go(name)


def test_what_was_read_back_is_not_copied_twice(case: Case) -> None:
    with pytest.raises(StoreError, match="cut"):
        case.move(case.part(target=MisbehavingStore(case.target, StopsAfter(4))))
    there, reads = set(case.target.bodies), CountsReads()
    assert len(there) == 4
    case.move(case.part(source=MisbehavingStore(case.source, reads)))
    files = {one.object for one in case.vault.snapshot().manifest.files}
    assert not files & there & set(reads.names)
    assert case.target.bodies == case.source.bodies


def test_what_was_shredded_meanwhile_is_taken_back(case: Case) -> None:
    with case.copying(case.part()) as copying:
        copying.catch_up()
        case.vault.commit(case.vault.snapshot(), Manifest())
        case.vault.shred(before=case.vault.snapshot().number)
        copying.settle()
    assert case.target.bodies == case.source.bodies
