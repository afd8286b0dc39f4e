"""A load that is killed, that races another, or that finds the disk full, leaves no trace.

The loading process is killed with SIGKILL at moments over its whole run. After each: the previous
snapshot is there and equal, nothing but unreferenced leftovers is found by ``verify``, no planted
value is readable in any file, and no scratch file has a name.
"""

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import polars as pl
import pytest

from fakes.intake_process import intake_of, open_vault, process_hub
from laennec.core.errors import ConflictError, StoreFullError
from laennec.vault.manifest import Snapshot
from laennec.vault.service import Vault
from laennec.vault.verify import FindingKind

TESTS = Path(__file__).resolve().parents[1]
CANARY = "CANARY-5e1f-"
PERSONS = 3_000
ROWS = 200_000
MOMENTS = 10


def data_set(folder: Path, *, shift: int, rows: int) -> Path:
    """Write persons and drug exposures whose source values are marked; keys in no order."""
    folder.mkdir(parents=True)
    chance = random.Random(shift)  # noqa: S311
    persons = range(shift, shift + PERSONS)
    keys = list(range(shift * 1000, shift * 1000 + rows))
    chance.shuffle(keys)
    with (folder / "person.csv").open("w") as file:
        file.write(
            "person_id,gender_concept_id,year_of_birth,race_concept_id,ethnicity_concept_id,"
            "person_source_value\n"
        )
        file.writelines(f"{one},8507,1950,0,0,{CANARY}{one}\n" for one in persons)
    with (folder / "drug_exposure.csv").open("w") as file:
        file.write(
            "drug_exposure_id,person_id,drug_concept_id,drug_exposure_start_date,"
            "drug_exposure_end_date,drug_type_concept_id,drug_source_value\n"
        )
        file.writelines(
            f"{key},{chance.choice(persons)},7,2020-01-{1 + key % 28:02},2020-02-01,0,{CANARY}x\n"
            for key in keys
        )
    return folder


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("sources")
    return data_set(folder / "one", shift=1, rows=2000), data_set(
        folder / "two", shift=1_000_000, rows=ROWS
    )


@pytest.fixture
def hub(tmp_path: Path, sources: tuple[Path, Path]) -> Path:
    folder = tmp_path / "hub"
    process_hub(folder)
    assert intake_of(folder).load_omop(sources[0]).kept == PERSONS + 2000
    return folder


def loading(hub: Path, source: Path, *more: str, temp: Path) -> "subprocess.Popen[str]":
    """Start a loading process and wait until it begins."""
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "TMPDIR": str(temp)}
    process = subprocess.Popen(
        [sys.executable, "-m", "fakes.intake_process", str(hub), str(source), *more],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def rows_of(vault: Vault, snapshot: Snapshot) -> dict[str, pl.DataFrame]:
    tables = {file.table for file in snapshot.manifest.files}
    return {one: vault.read(snapshot.manifest.table(one)) for one in tables}


def nothing_readable_in(*folders: Path) -> None:
    for folder in folders:
        for path in folder.rglob("*"):
            assert not path.is_file() or CANARY.encode() not in path.read_bytes()


def test_killed_at_random_moments(hub: Path, sources: tuple[Path, Path], tmp_path: Path) -> None:
    temp, spare = tmp_path / "temp", tmp_path / "spare"
    temp.mkdir()
    vault = open_vault(hub)
    before = vault.snapshot()
    tables = rows_of(vault, before)
    shutil.copytree(hub, spare)
    lasts = _length(loading(hub, sources[1], temp=temp))
    chance = random.Random(20261123)  # noqa: S311
    killed = 0
    for turn in range(3 * MOMENTS):
        if open_vault(hub).snapshot().number > before.number:  # it was quick enough to commit
            shutil.rmtree(hub)
            shutil.copytree(spare, hub)
        share = (turn % MOMENTS + chance.random()) / MOMENTS
        killed += _killed(loading(hub, sources[1], temp=temp), after=lasts * share)
        _nothing_half_visible(hub, before, tables)
        nothing_readable_in(hub, temp)
        if killed == MOMENTS:
            break
    assert killed == MOMENTS
    _loads_again(hub, sources[1])


def _killed(process: "subprocess.Popen[str]", *, after: float) -> bool:
    """Kill a process some seconds after now; tell whether it still ran."""
    try:
        process.wait(timeout=after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    assert process.stdout is not None
    process.stdout.close()
    return process.wait() == -signal.SIGKILL


def _nothing_half_visible(hub: Path, before: Snapshot, tables: dict[str, pl.DataFrame]) -> None:
    vault = open_vault(hub)
    assert {finding.kind for finding in vault.verify().findings} <= {FindingKind.UNREFERENCED}
    scratch = hub / "scratch"
    assert not scratch.exists() or all(one.stat().st_size == 0 for one in scratch.iterdir())
    old = vault.snapshot(before.number)
    assert old == before
    found = rows_of(vault, old)
    assert found.keys() == tables.keys()
    assert all(found[name].equals(rows) for name, rows in tables.items())
    newest = vault.snapshot()
    if newest != before:  # the head was written before the kill: then all of the load is there
        assert rows_of(vault, newest)["drug_exposure"].height == ROWS + 2000


def _length(process: "subprocess.Popen[str]") -> float:
    """Return how long a load takes when nobody kills it, in seconds."""
    began = time.monotonic()
    out, _ = process.communicate()
    assert out == f"{PERSONS + ROWS}\n"
    return time.monotonic() - began


def _loads_again(hub: Path, source: Path) -> None:
    """After whatever happened, the load succeeds or is recognised; totals are right."""
    intake_of(hub).load_omop(source)
    vault = open_vault(hub)
    rows = rows_of(vault, vault.snapshot())
    assert rows["person"].height == 2 * PERSONS
    assert rows["drug_exposure"].height == ROWS + 2000
    assert rows["drug_exposure"]["drug_exposure_id"].is_unique().all()
    assert vault.verify().ok


def test_of_two_loads_at_once_one_wins(
    hub: Path, sources: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [
        data_set(hub.parent / f"racer{n}", shift=2_000_000 + n * 10_000, rows=500) for n in (0, 1)
    ]
    meet = Barrier(2)
    commit = Vault.commit

    def commit_together(self: Vault, *args: object) -> Snapshot:
        meet.wait(timeout=60)
        return commit(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Vault, "commit", commit_together)
    before = open_vault(hub).snapshot()

    def load(source: Path) -> int | ConflictError:
        try:
            return intake_of(hub).load_omop(source).kept
        except ConflictError as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(load, others))
    monkeypatch.undo()
    lost = [n for n, one in enumerate(outcomes) if isinstance(one, ConflictError)]
    assert len(lost) == 1
    assert outcomes[1 - lost[0]] == PERSONS + 500
    vault = open_vault(hub)
    newest = vault.snapshot()
    assert newest.number == before.number + 1
    assert rows_of(vault, newest)["drug_exposure"].height == 2500
    kinds = {finding.kind for finding in vault.verify().findings}
    assert kinds == {FindingKind.UNREFERENCED}
    assert intake_of(hub).load_omop(others[lost[0]]).kept == PERSONS + 500
    assert rows_of(vault, vault.snapshot())["drug_exposure"].height == 3000


def _mounted(folder: Path, size: str) -> list[str]:
    """Return the command that runs the rest with a small disk at ``folder``, or skip."""
    script = f'mount -t tmpfs -o size={size} tmpfs "{folder}" && exec "$@"'
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*command, "true"], check=False).returncode
    ):
        pytest.skip("a small disk cannot be mounted here: needs root and mount namespaces")
    return command


@pytest.mark.parametrize("where", ["store", "scratch"])
def test_a_full_disk(tmp_path: Path, sources: tuple[Path, Path], where: str) -> None:
    hub, small = tmp_path / "hub", tmp_path / "hub" / where
    process_hub(hub, store=hub / "store")
    small.mkdir(exist_ok=True)
    kept = tmp_path / "kept"
    shutil.copytree(small, kept)
    code = (
        "import shutil, sys; from fakes.intake_process import main; "
        "shutil.copytree(sys.argv[1], sys.argv[2], dirs_exist_ok=True); "
        "status = main(sys.argv[3], sys.argv[4]); "
        "shutil.copytree(sys.argv[2], sys.argv[1], dirs_exist_ok=True); sys.exit(status)"
    )
    python = [sys.executable, "-c", code, str(kept), str(small), str(hub), str(sources[1])]
    done = subprocess.run(
        [*_mounted(small, "400k"), *python],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    assert done.returncode == StoreFullError.exit_status, done.stdout + done.stderr
    assert "StoreFullError" in done.stdout
    assert CANARY not in done.stdout + done.stderr
    shutil.copytree(kept, small, dirs_exist_ok=True)
    vault = open_vault(hub)
    assert vault.snapshot().number == 0
    assert vault.verify().ok
    nothing_readable_in(hub)


def _limit_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))


def test_files_that_may_not_grow(hub: Path, sources: tuple[Path, Path]) -> None:
    before = open_vault(hub).snapshot()
    done = subprocess.run(
        [sys.executable, "-m", "fakes.intake_process", str(hub), str(sources[1])],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=_limit_files,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    assert done.returncode == StoreFullError.exit_status, done.stdout + done.stderr
    vault = open_vault(hub)
    assert vault.snapshot() == before
    assert {finding.kind for finding in vault.verify().findings} <= {FindingKind.UNREFERENCED}
    nothing_readable_in(hub)
    _loads_again(hub, sources[1])
