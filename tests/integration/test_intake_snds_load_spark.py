"""The load on a real Spark: the same rows as here, no secret in what Spark carries."""

import pickle
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import pytest

from fakes.snds_hub import SndsHub, content, delivery, part_of
from laennec.compute.executor import Item, Result
from laennec.compute.spark import SparkExecutor
from laennec.core.errors import SourceError
from laennec.intake.snds.bench import Elsewhere
from laennec.intake.snds.bucket import BucketTask
from laennec.intake.snds.unit import UnitTask
from parts.spark import needs_spark

# py4j leaves its sockets to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    made = delivery(tmp_path / "made", persons=400)
    kept = ("ER_PRS_F_2018", "ER_PHA_F_2018", "T_MCO18", "IR_")
    return part_of(made, tmp_path / "delivery", lambda name: name.startswith(kept))


class Watched:
    """An executor on Spark that keeps what Spark is given to carry."""

    shares_memory = False

    def __init__(self, below: SparkExecutor) -> None:
        self._below = below
        self.carried: list[bytes] = []

    def map(
        self, task: Callable[[Item], Result], items: Sequence[Item]
    ) -> Generator[Result, None, None]:
        self.carried.append(pickle.dumps((task, list(items))))
        assert type(task) in {UnitTask, BucketTask}
        assert isinstance(vars(task)["place"], Elsewhere)
        return self._below.map(task, items)


def test_spark_gives_the_same_rows(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_spark(monkeypatch)
    here, there = SndsHub(tmp_path / "here"), SndsHub(tmp_path / "there")
    expected = here.load(whole)
    with SparkExecutor("local[2]") as spark:
        executor = Watched(spark)
        report = there.load(whole, executor=executor)
    assert report.lines == expected.lines
    assert report.files == expected.files
    found = there.tables()
    for table, rows in here.tables().items():
        assert content(rows).equals(content(found[table])), table
    assert there.vault.verify().ok
    assert len(executor.carried) == 2
    keys = there.vault._state.keychain.keys.values()
    for carried in executor.carried:
        assert len(carried) < 100_000
        assert b"BEN_NIR_PSA" not in carried
        assert not any(key in carried for key in keys)


def test_a_bad_file_is_told_in_the_same_words_on_spark(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    needs_spark(monkeypatch)
    bad = whole / "ER_PHA_F_201806.csv"
    lines = bad.read_bytes().split(b"\n")
    header = lines[0].split(b";")
    day = header.index(b"FLX_DIS_DTD")
    row = lines[2].split(b";")
    row[day] = b"01/01/2016"
    bad.unlink()
    bad.write_bytes(b"\n".join([lines[0], lines[1], b";".join(row), *lines[3:]]))
    hub = SndsHub(tmp_path / "hub")
    with (
        SparkExecutor("local[2]") as executor,
        pytest.raises(SourceError, match=r"ER_PHA_F_201806.csv, line 3, column FLX_DIS_DTD"),
    ):
        hub.load(whole, executor=executor)
    assert hub.vault.snapshot().number == 0
    said = capfd.readouterr()
    assert "Traceback" not in said.err
    assert row[0].decode() not in said.err + said.out
