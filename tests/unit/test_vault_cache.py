"""Sealed copies: what is kept, for how long, and that none can stand for anything else."""

import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fakes.vault_contracts import ObjectStoreContract
from fakes.vault_store import MemoryStore
from laennec.core.errors import NotFoundError, StoreError
from laennec.vault.cache import CachedStore, CopyFolder
from laennec.vault.ports import ObjectStore

MEGABYTE = 1 << 20


def object_name() -> str:
    token = secrets.token_hex(16)
    return f"objects/{token[:2]}/{token[2:]}"


class CountingStore(MemoryStore):
    """Counts what is fetched; can hold fetches back until told."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self.arrived = threading.Semaphore(0)

    def get(self, name: str) -> bytes:
        self.fetched.append(name)
        self.arrived.release()
        assert self.gate.wait(30)
        return super().get(name)


@pytest.fixture
def inner() -> CountingStore:
    return CountingStore()


Make = Callable[..., CachedStore]


@pytest.fixture
def make(inner: CountingStore, tmp_path: Path) -> Make:
    def made(limit: int = 64 * MEGABYTE, parallel: int = 2) -> CachedStore:
        copies = CopyFolder(tmp_path / "cache", limit_bytes=limit)
        return CachedStore(inner, copies, parallel=parallel)

    return made


class TestCachedMemoryStore(ObjectStoreContract):
    @pytest.fixture
    def store(self, make: Make) -> ObjectStore:
        return make()


def stored(inner: MemoryStore, size: int = 100) -> str:
    name = object_name()
    inner.create(name, secrets.token_bytes(size))
    return name


def files(folder: Path) -> list[Path]:
    return [one for one in (folder / "cache").rglob("*") if one.is_file()]


def test_an_object_is_fetched_once(inner: CountingStore, make: Make) -> None:
    name = stored(inner)
    assert make().get(name) == make().get(name) == inner.bodies[name]
    assert inner.fetched == [name]


def test_what_was_created_here_is_not_fetched(inner: CountingStore, make: Make) -> None:
    name = object_name()
    make().create(name, b"sealed")
    assert make().get(name) == b"sealed"
    assert inner.fetched == []


@pytest.mark.parametrize("name", ["heads/00000000000000000001", "probe/ab", "objects/../x"])
def test_only_objects_are_kept(name: str, inner: CountingStore, make: Make, tmp_path: Path) -> None:
    inner.create(name, b"new")
    assert make().get(name) == make().get(name) == b"new"
    assert inner.fetched == [name, name]
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda body: body[:-1],
        lambda body: body[:10],
        lambda body: b"",
        lambda body: body + b"\0",
        lambda body: bytes([body[0] ^ 1]) + body[1:],
        lambda body: body[:-1] + bytes([body[-1] ^ 1]),
    ],
)
def test_a_damaged_copy_is_fetched_again(
    damage: Callable[[bytes], bytes], inner: CountingStore, make: Make, tmp_path: Path
) -> None:
    name = stored(inner)
    make().get(name)
    (copy,) = files(tmp_path)
    copy.write_bytes(damage(copy.read_bytes()))
    assert make().get(name) == inner.bodies[name]
    assert make().get(name) == inner.bodies[name]
    assert inner.fetched == [name, name]


def test_copies_are_private_and_say_no_more_than_names(
    inner: CountingStore, make: Make, tmp_path: Path
) -> None:
    name = stored(inner)
    make().get(name)
    (copy,) = files(tmp_path)
    assert copy.relative_to(tmp_path / "cache").as_posix() == name
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700
    assert copy.stat().st_mode & 0o777 == 0o600
    assert copy.read_bytes().endswith(inner.bodies[name])


def test_copies_stay_under_the_limit_and_the_least_used_go(
    inner: CountingStore, make: Make, tmp_path: Path
) -> None:
    names = [stored(inner, size=50_000) for _ in range(60)]
    favourite, store = names[0], make(limit=MEGABYTE)
    for name in names:
        store.get(name)
        store.get(favourite)
        assert sum(one.stat().st_size for one in files(tmp_path)) <= MEGABYTE
    assert inner.fetched.count(favourite) == 1
    assert 10 < len(files(tmp_path)) < 60


def test_several_stores_share_a_folder(inner: CountingStore, make: Make, tmp_path: Path) -> None:
    names = [stored(inner, size=30_000) for _ in range(100)]
    stores = [make(limit=MEGABYTE) for _ in range(4)]

    def read(number: int) -> bool:
        name = names[number * 7 % 100]
        return stores[number % 4].get(name) == inner.bodies[name]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(800)))
    assert sum(one.stat().st_size for one in files(tmp_path)) <= MEGABYTE


def test_a_copy_that_cannot_be_written_is_only_slow(
    inner: CountingStore, make: Make, tmp_path: Path
) -> None:
    name, store = stored(inner), make()
    (tmp_path / "cache" / "objects").write_text("in the way")
    assert store.get(name) == store.get(name) == inner.bodies[name]


def test_a_folder_that_cannot_be_made_is_named(inner: CountingStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="sealed copies"):
        CopyFolder(tmp_path / "file", limit_bytes=1)


def test_deleting_removes_the_copy(inner: CountingStore, make: Make, tmp_path: Path) -> None:
    name, store = stored(inner), make()
    store.get(name)
    store.delete([name])
    assert files(tmp_path) == []
    with pytest.raises(NotFoundError):
        store.get(name)


def test_hints_are_fetched_in_order_and_read_without_fetching_again(
    inner: CountingStore, make: Make
) -> None:
    names = [stored(inner) for _ in range(20)]
    store = make(parallel=1)
    store.prefetch(names)
    assert [store.get(name) for name in names] == [inner.bodies[name] for name in names]
    assert sorted(inner.fetched) == sorted(names)


def test_who_reads_what_is_on_its_way_waits_for_it(inner: CountingStore, make: Make) -> None:
    name, store = stored(inner), make()
    inner.gate.clear()
    store.prefetch([name])
    inner.arrived.acquire()
    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(store.get, name) for _ in range(4)]
        inner.gate.set()
        assert all(one.result(30) == inner.bodies[name] for one in readers)
    assert inner.fetched == [name]


def test_a_hint_that_cannot_be_fetched_is_heard_of_by_who_reads(
    inner: CountingStore, make: Make
) -> None:
    store, absent = make(), object_name()
    store.prefetch([absent])
    with pytest.raises(NotFoundError, match=absent):
        store.get(absent)


def test_hints_run_ahead_by_a_quarter_of_the_limit(inner: CountingStore, make: Make) -> None:
    names = [stored(inner, size=100_000) for _ in range(40)]
    store = make(limit=MEGABYTE, parallel=1)
    store.prefetch(names)
    for _ in range(3):
        inner.arrived.acquire()
    assert store.get(names[2]) == inner.bodies[names[2]]
    # 300 kB were fetched, one object of them was read: that lets one more begin.
    assert set(inner.fetched) <= set(names[:4])
    for name in names:
        assert store.get(name) == inner.bodies[name]
    assert sorted(inner.fetched) == sorted(names)
