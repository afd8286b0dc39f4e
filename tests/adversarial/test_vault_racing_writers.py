"""Two loading processes race for one warehouse, 200 commits: none is lost, none is there twice."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from fakes.intake_race import ledger_of, make, opened
from laennec.core.settings import StoreSettings
from laennec.vault.manifest import Anchor
from laennec.vault.verify import FindingKind
from laennec.warehouse.anchor import anchors_in
from laennec.warehouse.service import Warehouse
from parts.hosts import Host

TESTS = Path(__file__).resolve().parents[1]
EACH = 100
FIRSTS = (1_000, 2_000)


def run_race(hub: Path, settings: StoreSettings, *, each: int) -> list[dict[str, dict[str, int]]]:
    """Let two processes load at once; return what each says it committed."""
    racers = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "fakes.intake_race"),
                *(str(hub), settings.model_dump_json(), str(first), str(each)),
            ],
            cwd=TESTS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for first in FIRSTS
    ]
    try:
        for racer in racers:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()
        said = [racer.communicate(timeout=300)[0] for racer in racers]
    finally:
        for racer in racers:
            racer.kill()
            racer.communicate()
    assert [racer.returncode for racer in racers] == [0, 0]
    return [json.loads(one) for one in said]


def check_race(hub: Path, settings: StoreSettings, *, each: int) -> None:
    """Race, then find every committed row once, one winner per head, and no gap."""
    make(hub, settings)
    said = run_race(hub, settings, each=each)
    persons = {str(first + n) for first in FIRSTS for n in range(each)}
    told = [one["committed"] for one in said]
    assert told[0].keys() | told[1].keys() == persons
    # Each was told another number: one winner per head, and no head that nobody won.
    numbers = sorted(number for one in told for number in one.values())
    assert numbers == list(range(1, 2 * each + 1))
    vault = opened(hub, settings)
    view = Warehouse(vault).view()
    assert view.snapshot.number == 2 * each
    rows = [
        person
        for bucket in view.buckets()
        for person in view.read("person", bucket, columns=["person_id"], where=None)["person_id"]
    ]
    assert Counter(map(str, rows)) == Counter(persons)
    report = vault.verify()
    assert {one.kind for one in report.findings} <= {FindingKind.UNREFERENCED}
    # Each head is the child of the one before, and the ledger has every commit, once.
    heads = vault.history()
    assert [one.number for one in heads] == list(range(2 * each + 1))
    logged = Counter(anchors_in(ledger_of(hub).entries()))
    assert logged == Counter(Anchor(one.number, one.digest) for one in heads[1:])
    assert sum(int(str(one["lost"])) for one in said) > 0, "they never met: this was no race"


def test_two_hundred_commits_on_a_local_store(tmp_path: Path) -> None:
    check_race(tmp_path, StoreSettings(folder=tmp_path / "store"), each=EACH)


@pytest.mark.parametrize("padding", [False, True])
def test_commits_on_s3(moto_host: Host, tmp_path: Path, *, padding: bool) -> None:
    """Decoys take part in the race when padding is on."""
    settings = moto_host.settings(tmp_path, prefix=tmp_path.name)
    check_race(tmp_path, settings.model_copy(update={"padding": padding}), each=15)


def test_commits_on_ceph(ceph_host: Host, tmp_path: Path) -> None:
    check_race(tmp_path, ceph_host.settings(tmp_path, prefix=tmp_path.name), each=15)
