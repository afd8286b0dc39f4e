"""The local folder store: the port's contract, and what only a folder can suffer."""

import resource
from pathlib import Path

import pytest

from fakes.vault_contracts import FullStoreContract, ObjectStoreContract
from laennec.core.errors import NotFoundError, StoreError
from laennec.vault.local import LocalStore


class TestLocalStore(ObjectStoreContract, FullStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> LocalStore:
        return LocalStore(tmp_path / "store")

    @pytest.fixture
    def full_store(self, tmp_path: Path) -> LocalStore:
        store = _DiskWithoutRoom(tmp_path / "store")
        store.create("objects/small", b"small")
        return store


class _DiskWithoutRoom(LocalStore):
    """A store on a disk without room for a large file: the kernel refuses it (EFBIG).

    The limit holds for every file of the process, the log of the tests among them, hence only
    while the store writes.
    """

    def create(self, name: str, body: bytes) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
        try:
            super().create(name, body)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_folder_is_private(tmp_path: Path) -> None:
    LocalStore(tmp_path / "new" / "store")
    assert (tmp_path / "new" / "store").stat().st_mode & 0o777 == 0o700


def test_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError):
        LocalStore(tmp_path / "file")


def test_leftovers_and_foreign_files_are_listed_and_deleted(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.create("objects/ab/c", b"c")
    names = {"objects/ab/d#1", "staging/" + "0" * 32 + "#1", "a name.txt", "link"}
    for name in names - {"link"}:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"left")
    (tmp_path / "link").symlink_to("/")
    assert {item.name for item in store.list()} == names | {"objects/ab/c"}
    store.delete(sorted(names))
    assert [item.name for item in store.list()] == ["objects/ab/c"]


@pytest.mark.parametrize("name", ["../outside", "a/../../b", "/etc/passwd", "a//b", "."])
def test_names_cannot_lead_out_of_the_folder(tmp_path: Path, name: str) -> None:
    store = LocalStore(tmp_path / "store")
    with pytest.raises(ValueError, match="object name"):
        store.delete([name])
    with pytest.raises(ValueError, match="object name"):
        store.get(name)


def test_folder_is_no_object(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.create("objects/ab/c", b"c")
    with pytest.raises(NotFoundError):
        store.get("objects/ab")


def test_folder_that_cannot_be_listed_is_an_error_not_an_empty_store(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    (tmp_path / "objects").write_bytes(b"a file where a folder should be")
    with pytest.raises(StoreError):
        list(store.list("objects/"))
