"""The sealed spool: gives back what it got, leaves nothing readable, and notices a changed file."""

import errno
import os
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laennec.core.errors import IntegrityError, StoreError, StoreFullError
from laennec.vault.scratch import SealedSpool

CANARY = "CANARY-7f3a"
SCHEMA = {"part": pl.UInt32, "text": pl.String, "number": pl.Int64}
ROWS = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.none() | st.text(max_size=8),
        st.none() | st.integers(-(2**63), 2**63 - 1),
    ),
    max_size=12,
)


def frame(rows: list[tuple[int, str | None, int | None]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def canaries(count: int = 2000) -> pl.DataFrame:
    return pl.DataFrame({"part": [n % 3 for n in range(count)], "text": [CANARY] * count})


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(ROWS, min_size=1, max_size=6), st.sampled_from([0, 1, 200, 1 << 20]))
def test_gives_back_what_it_got(
    tmp_path: Path, frames: list[list[tuple[int, str | None, int | None]]], allowance: int
) -> None:
    with SealedSpool(tmp_path, partition="part", memory_bytes=allowance) as spool:
        for rows in frames:
            spool.add(frame(rows))
        every = [row for rows in frames for row in rows]
        assert spool.partitions() == sorted({part for part, _, _ in every})
        for part in range(7):
            expected = [row[1:] for row in every if row[0] == part]
            assert spool.take(part).rows() == expected
            assert spool.take(part, columns=["number"]).rows() == [row[1:] for row in expected]
        if allowance == 0 and every:
            assert spool.written_bytes > 0
        if allowance == 1 << 20:
            assert spool.written_bytes == 0
        spool.drop(0)
        assert 0 not in spool.partitions()
        assert spool.take(0).is_empty()
    assert list(tmp_path.iterdir()) == []


def test_a_spool_without_rows_has_no_columns(tmp_path: Path) -> None:
    with SealedSpool(tmp_path, partition="part", memory_bytes=0) as spool:
        assert spool.partitions() == []
        with pytest.raises(ValueError, match="never had a row"):
            spool.take(0)


def scratch_file(spool: SealedSpool) -> int:
    """Return the only deleted file that this process has open below the scratch folder."""
    assert spool.written_bytes
    handles = [int(one) for one in os.listdir("/proc/self/fd")]  # noqa: PTH208
    found = []
    for handle in handles:
        try:
            target = os.readlink(f"/proc/self/fd/{handle}")  # noqa: PTH115
        except FileNotFoundError:
            continue
        if target.endswith(" (deleted)") and "scratch-here" in target:
            found.append(handle)
    assert len(found) == 1
    return found[0]


@pytest.fixture
def spool(tmp_path: Path) -> SealedSpool:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("there is no /proc to find the unnamed file by")
    return SealedSpool(tmp_path / "scratch-here", partition="part", memory_bytes=0)


def test_the_file_has_no_name_and_holds_nothing_readable(
    spool: SealedSpool, tmp_path: Path
) -> None:
    with spool:
        spool.add(canaries())
        assert [one for one in tmp_path.rglob("*") if one.is_file()] == []
        assert (tmp_path / "scratch-here").stat().st_mode & 0o077 == 0
        handle = scratch_file(spool)
        body = os.pread(handle, spool.written_bytes, 0)
        assert len(body) == spool.written_bytes == os.fstat(handle).st_size
        assert CANARY.encode() not in body
        assert b"ARROW1" not in body
        assert spool.take(1)["text"].unique().to_list() == [CANARY]


@pytest.mark.parametrize("change", ["flip", "swap", "cut", "empty"])
def test_an_altered_file_is_refused(spool: SealedSpool, change: str) -> None:
    with spool:
        spool.add(canaries())
        spool.add(canaries())
        handle, size = scratch_file(spool), spool.written_bytes
        if change == "flip":
            middle = size // 2
            os.pwrite(handle, bytes([os.pread(handle, 1, middle)[0] ^ 1]), middle)
        elif change == "swap":
            half = size // 2
            one, two = os.pread(handle, half, 0), os.pread(handle, half, half)
            os.pwrite(handle, two + one, 0)
        else:
            os.ftruncate(handle, size // 2 if change == "cut" else 0)
        with pytest.raises(IntegrityError, match="scratch file was altered"):
            pl.concat(spool.take(part) for part in spool.partitions())


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (errno.ENOSPC, StoreFullError),
        (errno.EDQUOT, StoreFullError),
        (errno.EFBIG, StoreFullError),
        (errno.EIO, StoreError),
    ],
)
def test_a_failing_disk_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, error: type[StoreError]
) -> None:
    def fail(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "pwrite", fail)
    with (
        SealedSpool(tmp_path, partition="part", memory_bytes=0) as spool,
        pytest.raises(error, match="scratch folder") as caught,
    ):
        spool.add(canaries())
    assert type(caught.value) is error
    assert "nothing was committed" in caught.value.remedy


def test_a_disk_that_fails_to_read_is_named(spool: SealedSpool) -> None:
    with spool:
        spool.add(canaries())
        handle = scratch_file(spool)
        kept = os.dup(handle)
        writer = os.open(os.devnull, os.O_WRONLY)
        os.dup2(writer, handle)
        with pytest.raises(StoreError, match="scratch folder cannot be used"):
            spool.take(0)
        os.dup2(kept, handle)
        os.close(kept)
        os.close(writer)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with (
        SealedSpool(tmp_path / "file", partition="part", memory_bytes=0) as spool,
        pytest.raises(StoreError, match="scratch folder cannot be used"),
    ):
        spool.add(canaries())
