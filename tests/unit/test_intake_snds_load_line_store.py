"""The sealed line store: what goes in comes out by table and bucket, and nothing else opens."""

from pathlib import Path

import polars as pl
import pytest

from laennec.core.errors import IntegrityError
from laennec.intake.snds.line_store import BUCKET, LineStore, LineWriter, StoredLines

KEY = bytes(range(32))
CANARY = "CANARY-5e1f"


def rows(*values: int) -> pl.DataFrame:
    frame = pl.DataFrame({"value": values, "text": [CANARY] * len(values)})
    return frame.with_columns((pl.col("value") % 4).cast(pl.UInt32).alias(BUCKET))


def stored(folder: Path, *values: int, unit: str = "one", key: bytes = KEY) -> StoredLines:
    writer = LineWriter(folder, key=key, unit=unit)
    writer.add("drug_exposure", rows(*values))
    writer.add("measurement", rows(*(value + 1 for value in values)))
    return writer.finish()


def test_rows_come_back_by_table_and_bucket_in_order(tmp_path: Path) -> None:
    first, second = stored(tmp_path, 8, 4, 1), stored(tmp_path, 12, 3, unit="two")
    store = LineStore(tmp_path, key=KEY, files=[first, second])
    found = store.read("drug_exposure", 0)
    assert found is not None
    assert found["value"].to_list() == [8, 4, 12]
    assert found.columns == ["value", "text"]
    assert store.read("drug_exposure", 2) is None
    assert store.read("visit_occurrence", 0) is None
    assert store.counts().rows() == [
        ("drug_exposure", 0, 3),
        ("drug_exposure", 1, 1),
        ("drug_exposure", 3, 1),
        ("measurement", 0, 1),
        ("measurement", 1, 3),
        ("measurement", 2, 1),
    ]


def test_an_empty_attempt_is_a_file_without_rows(tmp_path: Path) -> None:
    done = LineWriter(tmp_path, key=KEY, unit="none").finish()
    assert LineStore(tmp_path, key=KEY, files=[done]).counts().is_empty()


def test_a_file_that_the_journal_does_not_name_does_not_count(tmp_path: Path) -> None:
    known = stored(tmp_path, 1)
    stored(tmp_path, 5)
    store = LineStore(tmp_path, key=KEY, files=[known])
    assert store.counts()["rows"].sum() == 2


def test_nothing_is_readable_and_names_are_random(tmp_path: Path) -> None:
    first, second = stored(tmp_path, 1, 2, 3), stored(tmp_path, 1, 2, 3)
    bodies = [path.read_bytes() for path in sorted(tmp_path.iterdir())]
    assert len(bodies) == 2
    assert first.file != second.file
    assert all(CANARY.encode() not in body and b"drug_exposure" not in body for body in bodies)
    assert bodies[0][21:] != bodies[1][21:]


def test_every_changed_byte_is_noticed(tmp_path: Path) -> None:
    done = stored(tmp_path, 1, 2)
    path = tmp_path / f"{done.file}.lines"
    body = path.read_bytes()
    for place in range(0, len(body), 97):
        path.write_bytes(body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :])
        with pytest.raises(IntegrityError):
            read_all(tmp_path, done)
    path.write_bytes(body)
    assert read_all(tmp_path, done) == 4


def read_all(folder: Path, done: StoredLines) -> int:
    store = LineStore(folder, key=KEY, files=[done])
    counts = store.counts()
    found = [store.read(table, bucket) for table, bucket, _ in counts.iter_rows()]
    return sum(len(one) for one in found if one is not None)


@pytest.mark.parametrize("keep", [0, 20, 21, 400, -8, -1])
def test_a_cut_file_is_noticed(tmp_path: Path, keep: int) -> None:
    done = stored(tmp_path, 1, 2)
    path = tmp_path / f"{done.file}.lines"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(IntegrityError):
        read_all(tmp_path, done)


def test_a_missing_file_is_noticed(tmp_path: Path) -> None:
    done = stored(tmp_path, 1)
    (tmp_path / f"{done.file}.lines").unlink()
    with pytest.raises(IntegrityError):
        LineStore(tmp_path, key=KEY, files=[done])


def test_one_unit_does_not_pass_for_another(tmp_path: Path) -> None:
    done = stored(tmp_path, 1, unit="2019-01")
    with pytest.raises(IntegrityError):
        read_all(tmp_path, StoredLines("2019-02", done.file, done.bytes))


def test_one_file_does_not_stand_in_for_another(tmp_path: Path) -> None:
    first, second = stored(tmp_path, 1), stored(tmp_path, 5)
    (tmp_path / f"{second.file}.lines").replace(tmp_path / f"{first.file}.lines")
    with pytest.raises(IntegrityError):
        read_all(tmp_path, first)


def test_another_key_does_not_open(tmp_path: Path) -> None:
    done = stored(tmp_path, 1, key=bytes(32))
    with pytest.raises(IntegrityError):
        read_all(tmp_path, done)


def test_what_is_abandoned_leaves_no_file(tmp_path: Path) -> None:
    writer = LineWriter(tmp_path, key=KEY, unit="one")
    writer.add("drug_exposure", rows(1))
    writer.abandon()
    assert list(tmp_path.iterdir()) == []
