"""A load of the SNDS that is killed: nothing half visible, nothing readable, and it goes on.

The process is killed with SIGKILL at moments over its whole run. After each, no snapshot was made
or the whole one, and no identifier of a person can be read in any file of the hub, the folder of
the load included.
"""

import csv
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fakes.snds_hub import SndsHub, Stopping, content, delivery
from laennec.core.errors import IntegrityError
from laennec.intake.snds.load_folder import NAME, remove_abandoned
from laennec.vault.verify import FindingKind

TESTS = Path(__file__).resolve().parents[1]
MOMENTS = 6


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return delivery(tmp_path_factory.mktemp("snds") / "delivery", persons=400)


def loading(hub: Path, source: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-m", "fakes.snds_process", str(hub), str(source)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def identifiers(whole: Path) -> list[bytes]:
    with (whole / "IR_BEN_R.csv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    return [row["BEN_NIR_PSA"].encode() for row in rows[::40]]


def nothing_readable_in(hub: Path, canaries: list[bytes]) -> None:
    for path in hub.rglob("*"):
        if path.is_file():
            body = path.read_bytes()
            assert not any(one in body or one in path.name.encode() for one in canaries)


def test_killed_at_random_moments_it_goes_on(whole: Path, tmp_path: Path) -> None:
    expected = SndsHub(tmp_path / "expected")
    began = time.monotonic()
    expected.load(whole)
    lasts = time.monotonic() - began
    hub, canaries = tmp_path / "hub", identifiers(whole)
    SndsHub(hub)
    chance, resumed = random.Random(20261124), 0  # noqa: S311
    for turn in range(MOMENTS):
        process = loading(hub, whole)
        share = (turn + chance.random()) / MOMENTS
        try:
            process.wait(timeout=lasts * share / 2)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        assert process.stdout is not None
        process.stdout.close()
        if process.wait() == 0:
            break
        nothing_readable_in(hub, canaries)
        if SndsHub(hub).vault.snapshot().number == 1:
            break
        journal = hub / "scratch" / NAME / "journal"
        resumed += journal.exists()
    last = SndsHub(hub)
    finished = last.vault.snapshot().number == 1
    report = last.load(whole)
    assert finished or report.resumed > 0
    assert finished or resumed > 0
    found = last.tables()
    for table, rows in expected.tables().items():
        assert content(rows).equals(content(found[table])), table
    kinds = {finding.kind for finding in last.vault.verify().findings}
    assert kinds <= {FindingKind.UNREFERENCED}


def interrupted(tmp_path: Path, whole: Path) -> tuple[SndsHub, Path]:
    """Return a hub with an interrupted load, and the folder of that load."""
    hub = SndsHub(tmp_path / "hub")
    with pytest.raises(KeyboardInterrupt):
        hub.load(whole, executor=Stopping(4))
    return SndsHub(hub.folder), hub.folder / "scratch" / NAME


def test_an_altered_file_of_the_folder_is_noticed(whole: Path, tmp_path: Path) -> None:
    hub, folder = interrupted(tmp_path, whole)
    file = max(folder.glob("*.lines"), key=lambda one: one.stat().st_size)
    body = bytearray(file.read_bytes())
    body[len(body) // 2] ^= 1
    file.write_bytes(body)
    with pytest.raises(IntegrityError, match="sealed file of the load under way"):
        hub.load(whole)
    assert hub.vault.snapshot().number == 0


def test_an_altered_journal_is_noticed(whole: Path, tmp_path: Path) -> None:
    hub, folder = interrupted(tmp_path, whole)
    journal = folder / "journal"
    body = bytearray(journal.read_bytes())
    body[60] ^= 1
    journal.write_bytes(body)
    with pytest.raises(IntegrityError):
        hub.load(whole)


def test_a_journal_cut_short_loses_its_last_unit_only(whole: Path, tmp_path: Path) -> None:
    hub, folder = interrupted(tmp_path, whole)
    journal = folder / "journal"
    journal.write_bytes(journal.read_bytes()[:-7])
    assert hub.load(whole).resumed == 3


def test_the_folder_of_another_hub_is_of_no_use(whole: Path, tmp_path: Path) -> None:
    _, folder = interrupted(tmp_path, whole)
    other = SndsHub(tmp_path / "other")
    (other.folder / "scratch").mkdir()
    folder.rename(other.folder / "scratch" / NAME)
    assert other.load(whole).resumed == 0


def test_a_sweep_removes_what_a_killed_load_left(whole: Path, tmp_path: Path) -> None:
    hub, folder = interrupted(tmp_path, whole)
    assert remove_abandoned(hub.folder / "scratch") > 0
    assert not folder.exists()
    assert remove_abandoned(hub.folder / "scratch") == 0
    assert hub.load(whole).resumed == 0
