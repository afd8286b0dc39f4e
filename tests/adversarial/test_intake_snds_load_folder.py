"""The folder of a load under way, in the hands of somebody who may write beside it."""

import fcntl
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from laennec.core.errors import ConflictError, IntegrityError, StoreError
from laennec.intake.snds.line_store import LineWriter
from laennec.intake.snds.load_folder import NAME, Done, LoadFolder, remove_abandoned, shared_bytes

CONTEXT = "context"


class Xor:
    """Wraps a key so that it can be unwrapped, and by nothing else than itself."""

    def __init__(self, mask: int = 0x5A) -> None:
        self._mask = mask

    def wrap_scratch_key(self, key: bytes) -> str:
        return bytes(one ^ self._mask for one in key).hex()

    def unwrap_scratch_key(self, wrapped: str) -> bytes:
        return bytes(one ^ self._mask for one in bytes.fromhex(wrapped))


def opened(scratch: Path) -> LoadFolder:
    return LoadFolder.open(scratch, Xor(), context=CONTEXT)


def with_units(scratch: Path, *names: str) -> None:
    with opened(scratch) as folder:
        for name in names:
            lines = LineWriter(folder.path, key=folder.key, unit=name).finish()
            folder.record(Done(name, lines, "{}"))


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "letter").write_text("kept")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (scratch / NAME).symlink_to(precious)
    with pytest.raises(StoreError):
        opened(scratch)
    with pytest.raises(StoreError):
        remove_abandoned(scratch)
    assert (precious / "letter").read_text() == "kept"


def test_a_folder_that_its_owner_just_removed_is_not_worked_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[[int, int], None] = fcntl.flock

    def late(lock: int, how: int) -> None:
        """The owner commits and removes the folder; a third process begins one of its own."""
        (tmp_path / NAME).rename(tmp_path / "removed")
        (tmp_path / NAME).mkdir()
        real(lock, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with pytest.raises(ConflictError):
        opened(tmp_path)
    assert list((tmp_path / NAME).iterdir()) == []


def test_two_loads_do_not_meet(tmp_path: Path) -> None:
    with opened(tmp_path):
        with pytest.raises(ConflictError):
            opened(tmp_path)
        assert remove_abandoned(tmp_path) == 0
    with opened(tmp_path) as again:
        assert not again.resumed


@pytest.mark.parametrize("place", [8, 12, 13, 60, -1])
def test_an_altered_journal_says_what_to_do_and_is_not_kept_locked(
    tmp_path: Path, place: int
) -> None:
    with_units(tmp_path, "one", "two")
    journal = tmp_path / NAME / "journal"
    body = bytearray(journal.read_bytes())
    body[place] ^= 1
    journal.write_bytes(body)
    for _ in range(2):
        with pytest.raises(IntegrityError, match="load under way") as caught:
            opened(tmp_path)
        assert "laennec sweep" in caught.value.remedy
    assert remove_abandoned(tmp_path) > 0
    with opened(tmp_path) as fresh:
        assert fresh.done == {}


def test_records_of_the_journal_keep_their_order(tmp_path: Path) -> None:
    with_units(tmp_path, "one", "two")
    journal = tmp_path / NAME / "journal"
    body = journal.read_bytes()
    half = 8 + int.from_bytes(body[:8], "big")
    journal.write_bytes(body[half:] + body[:half])
    with pytest.raises(IntegrityError):
        opened(tmp_path)


def test_a_head_of_another_load_opens_nothing_of_this_one(tmp_path: Path) -> None:
    with_units(tmp_path, "one")
    head = tmp_path / NAME / "load.json"
    forged = json.loads(head.read_text()) | {"wrapped_key": bytes(32).hex()}
    head.write_text(json.dumps(forged))
    with pytest.raises(IntegrityError):
        opened(tmp_path)


@pytest.mark.parametrize("keep", [0, 7, 8, 40, -1])
def test_what_tasks_share_is_whole_or_nothing(tmp_path: Path, keep: int) -> None:
    with opened(tmp_path) as folder:
        folder.share("units", b"what all tasks need")
        path = folder.path / "units.shared"
        path.write_bytes(path.read_bytes()[:keep])
        with pytest.raises(IntegrityError):
            shared_bytes(folder.path, "units", key=folder.key, context=CONTEXT)


def test_what_tasks_share_is_of_its_name_and_load(tmp_path: Path) -> None:
    with opened(tmp_path) as folder:
        folder.share("units", b"for units")
        folder.share("buckets", b"for buckets")
        assert shared_bytes(folder.path, "units", key=folder.key, context=CONTEXT) == b"for units"
        with pytest.raises(IntegrityError):
            shared_bytes(folder.path, "units", key=folder.key, context="another")
        (folder.path / "buckets.shared").replace(folder.path / "units.shared")
        with pytest.raises(IntegrityError):
            shared_bytes(folder.path, "units", key=folder.key, context=CONTEXT)
        with pytest.raises(IntegrityError):
            shared_bytes(folder.path, "buckets", key=folder.key, context=CONTEXT)


def test_nobody_else_may_look_into_it_and_no_key_lies_in_it(tmp_path: Path) -> None:
    with_units(tmp_path, "2019-01")
    with opened(tmp_path) as folder:
        folder.share("units", b"2019-01")
        assert folder.path.stat().st_mode & 0o777 == 0o700
        for file in folder.path.iterdir():
            body = file.read_bytes()
            assert folder.key not in body
            assert folder.key.hex().encode() not in body
            assert b"2019-01" not in body + file.name.encode()
        assert folder.key.hex() not in repr(folder)
