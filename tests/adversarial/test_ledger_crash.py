"""Processes that die at any point of an append, and processes that append at once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from laennec.core.clock import system_clock
from laennec.ledger import Checkpoint, Ledger

COMMON = """
import json, os, signal, sys
from datetime import datetime, UTC
from pathlib import Path
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from laennec.core.errors import LedgerError
from laennec.ledger import Ledger, open_checkpoint, parse_verifier_key

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
FOLDER = Path(sys.argv[1])
clock = lambda: datetime(2026, 11, 23, 17, 53, tzinfo=UTC)

def opened(**more):
    return Ledger.open(FOLDER, signing_key=KEY, clock=clock, **more)

def created():
    return Ledger.create(FOLDER, origin="hub.example/ledger", signing_key=KEY, clock=clock)
"""

KILL_AT_EACH_STEP = (
    COMMON
    + """
# Every step of an append that the disk can see is a place to die: before each open, rename, removal
# and folder change, and before each flush, there once with the file as it is and once torn in half.
steps_left = None

def step(torn_handle=None):
    global steps_left
    if steps_left is None:
        return
    steps_left -= 1
    if steps_left < 0:
        if torn_handle is not None and torn:
            size = os.fstat(torn_handle).st_size
            os.ftruncate(torn_handle, size // 2)
        os.kill(os.getpid(), signal.SIGKILL)

WATCHED = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir"}
sys.addaudithook(lambda event, args: step() if event in WATCHED else None)
real_fsync = os.fsync
def fsync(handle):
    writable = os.get_blocking(handle) and (os.fstat(handle).st_mode & 0o170000) == 0o100000
    step(handle if writable else None)
os.fsync = fsync

ledger = created()
for number in range(int(sys.argv[2])):
    ledger.append("vault:store:sweep", public={"objects": number})
key = parse_verifier_key(ledger.verifier_key)
signed = [ledger.checkpoint()]
deaths = 0

def pending():
    try:
        text = (FOLDER / "checkpoint.writing").read_text(encoding="utf-8")
        return [open_checkpoint(text, log_key=key).checkpoint]
    except (OSError, ValueError, LedgerError):
        return []

for torn in (False, True):
    survived = False
    place = 0
    while not survived:
        child = os.fork()
        if child == 0:
            steps_left = place
            opened().append("vault:store:sweep", public={"objects": 1000 + place})
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        survived = os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0
        assert survived or os.WTERMSIG(status) == signal.SIGKILL, status
        deaths += not survived
        place += 1
        before = signed[-1]
        signed += pending()
        reader = opened(remembered=before)
        assert reader.checkpoint().size in (before.size, before.size + 1)
        report = reader.verify(against=before)
        assert report.ok, (place, torn, report.findings)
        signed.append(reader.checkpoint())
        if place % 7 == 0 or survived:
            signed.append(opened().append("vault:store:sweep", public={"objects": 7}).checkpoint)
for one in {(one.size, one.root): one for one in signed}.values():
    found = opened().verify(against=one)
    assert found.ok, (one.size, found.findings)
sizes = {}
for one in signed:
    assert sizes.setdefault(one.size, one.root) == one.root, "two states of one size were signed"
print(json.dumps({"deaths": deaths, "size": opened().checkpoint().size}))
"""
)

APPEND_FOREVER = (
    COMMON
    + """
ledger = opened()
for number in range(10_000):
    ledger.append("vault:store:sweep", public={"objects": number})
    print(number, flush=True)
"""
)

APPEND_SOME = (
    COMMON
    + """
ledger = opened()
for number in range(int(sys.argv[3])):
    ledger.append("vault:key:rotate", public={"generation": int(sys.argv[2]), "keys": number})
"""
)


def run(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )


def finished(process: subprocess.Popen[str]) -> str:
    out, problems = process.communicate()
    assert process.returncode == 0, problems
    return out


def opened(folder: Path) -> Ledger:
    return Ledger.open(folder, signing_key=None, clock=system_clock)


@pytest.mark.parametrize("size", [0, 3, 254])
def test_a_process_that_dies_at_any_step_leaves_a_sound_log(tmp_path: Path, size: int) -> None:
    found = json.loads(finished(run(KILL_AT_EACH_STEP, tmp_path / "log", size)))
    assert found["deaths"] >= 20
    assert opened(tmp_path / "log").verify().ok


def test_what_was_acknowledged_before_the_kill_is_in_the_log(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    finished(run(COMMON + "created()", folder))
    expected = 0
    remembered: list[Checkpoint] = []
    for acknowledged in (1, 4, 2, 9):
        process = run(APPEND_FOREVER, folder)
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(acknowledged)]
        process.kill()
        process.communicate()
        assert lines == [f"{number}\n" for number in range(acknowledged)]
        ledger = opened(folder)
        numbers = [entry.public["objects"] for entry in ledger.entries(expected)]
        assert numbers == list(range(len(numbers)))
        assert len(numbers) >= acknowledged
        remembered.append(ledger.checkpoint())
        assert all(ledger.verify(against=old).ok for old in remembered)
        expected += len(numbers)


def test_processes_that_append_at_once_make_one_history(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    finished(run(COMMON + "created()", folder))
    writers, each = 3, 12
    for process in [run(APPEND_SOME, folder, writer, each) for writer in range(writers)]:
        finished(process)
    ledger = opened(folder)
    assert ledger.verify().ok
    entries = list(ledger.entries())
    assert len(entries) == writers * each
    for writer in range(writers):
        own = [one.public["keys"] for one in entries if one.public["generation"] == writer]
        assert own == list(range(each))
