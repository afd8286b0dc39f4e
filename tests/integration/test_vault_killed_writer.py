"""A writer killed with SIGKILL at random moments, and two writers at once, on a real folder.

The kill falls when the writer has reported a random number of steps, so the moment is random but
nobody sleeps; the system call it interrupts is whatever runs then.
"""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from fakes.vault_keys import cheap_keyring, reopened
from fakes.vault_store import FixedClock, seeded
from laennec.core.clock import system_clock
from laennec.vault.local import LocalStore
from laennec.vault.manifest import Manifest
from laennec.vault.service import Vault
from laennec.vault.verify import FindingKind

PRELUDE = """
import sys
from pathlib import Path
import polars as pl
from laennec.core.clock import system_clock
from laennec.core.errors import ConflictError
from laennec.vault.local import LocalStore
from laennec.vault.passphrase import Argon2Cost, PassphraseKeyring
from laennec.vault.service import Vault

folder = Path(sys.argv[1])
cost = Argon2Cost(1, 64, 1)
keys = PassphraseKeyring.open(folder / "keys", "a passphrase", insecure_cost=cost)
vault = Vault.open(LocalStore(folder / "store"), keys, clock=system_clock)

def step(word):
    print(word, flush=True)
"""

WRITER = (
    PRELUDE
    + """
while True:
    base = vault.snapshot()
    number = base.number + 1
    frame = pl.DataFrame({"number": [number] * 2000})
    files = []
    for bucket in range(3):
        files.append(vault.seal_frame(frame, table="person", bucket=bucket))
        step("sealed")
    vault.commit(base, base.manifest.replace(files=files, properties={"number": number}))
    step("committed")
    if number % 3 == 0:
        vault.rotate()
        step("committed")
    if number % 5 == 0:
        vault.sweep(keep=3)
        step("committed")
"""
)

RACER = (
    PRELUDE
    + """
sys.stdin.readline()
while (base := vault.snapshot()).number < 30:
    writers = [*base.manifest.properties["writers"], sys.argv[2]]
    try:
        committed = vault.commit(base, base.manifest.replace(properties={"writers": writers}))
    except ConflictError:
        continue
    step(committed.number)
"""
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    keys = cheap_keyring(tmp_path / "keys")
    vault = Vault.create(LocalStore(tmp_path / "store"), keys, clock=system_clock)
    vault.commit(vault.snapshot(), Manifest(properties={"writers": []}))
    return tmp_path


def reopened_vault(folder: Path, *, later: timedelta = timedelta()) -> Vault:
    """Open the vault as the next process would, with a clock that much ahead."""
    clock = FixedClock(system_clock() + later)
    return Vault.open(LocalStore(folder / "store"), reopened(folder / "keys"), clock=clock)


@pytest.mark.parametrize("seed", range(6))
def test_a_killed_writer_leaves_the_last_commit_and_sweepable_leftovers(
    folder: Path, seed: int
) -> None:
    steps = seeded(seed).randrange(1, 40)
    commits = _run_and_kill(folder, steps)
    vault = reopened_vault(folder)
    newest = vault.snapshot()
    assert newest.number >= 1 + commits, "a commit that was reported is gone"
    for head in vault.history():
        if head.readable:
            snapshot = vault.snapshot(head.number)
            for file in snapshot.manifest.files:
                numbers = set(vault.read(file)["number"].to_list())
                assert numbers == {snapshot.manifest.properties["number"]}
    report = vault.verify()
    assert report.ok
    assert {finding.kind for finding in report.findings} <= {FindingKind.UNREFERENCED}
    swept = reopened_vault(folder, later=timedelta(days=3)).sweep()
    assert {item.name for item in swept.deleted} == {finding.object for finding in report.findings}
    assert vault.verify().findings == ()
    assert vault.snapshot() == newest


def _run_and_kill(folder: Path, steps: int) -> int:
    """Run a writer, kill it after so many steps, and return how many commits it reported."""
    command = [sys.executable, "-c", WRITER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        words = [writer.stdout.readline() for _ in range(steps)]
        writer.kill()
        words += writer.stdout.readlines()
    assert "" not in words, "the writer ended by itself"
    return words.count("committed\n")


def test_a_writer_killed_inside_obstores_write_leaves_only_listed_files(folder: Path) -> None:
    """What strace shows obstore leaves between write and link: ``<name>#<n>`` under staging."""
    left = folder / "store" / "staging" / ("a" * 32 + "#1")
    left.write_bytes(b"half a file")
    report = reopened_vault(folder).verify()
    assert [finding.object for finding in report.findings] == [f"staging/{left.name}"]
    reopened_vault(folder, later=timedelta(days=3)).sweep()
    assert not left.exists()


def test_of_two_racing_processes_one_wins_each_number(folder: Path) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(folder), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    won = [[int(line) for line in racer.communicate()[0].split()] for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0]
    assert sorted(won[0] + won[1]) == list(range(2, 31))
    vault = reopened_vault(folder)
    names = dict.fromkeys(won[0], "one") | dict.fromkeys(won[1], "two")
    expected = [names[number] for number in range(2, 31)]
    assert vault.snapshot().manifest.properties["writers"] == expected
    assert vault.verify().ok
