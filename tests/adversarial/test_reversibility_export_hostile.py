"""An export that is killed, or whose store lies: nothing of it passes for a whole one."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.export_hub import exporter
from fakes.intake_hub import SmallHub, small_data_set
from fakes.vault_store import MemoryStore
from laennec.core.errors import IntegrityError
from laennec.reversibility.export_model import Form, Plan
from laennec.vault.manifest import SealedFile

FORMS = pytest.mark.parametrize("form", list(Form))


@pytest.fixture
def hub(tmp_path: Path) -> SmallHub:
    made = SmallHub(tmp_path)
    made.load(small_data_set(tmp_path / "data"))
    return made


def planned(hub: SmallHub, form: Form) -> Plan:
    return exporter(hub).plan(hub.folder / "out", form=form)


def last_file(plan: Plan) -> SealedFile:
    return plan.sheets[-1].sealed[-1]


def altered(body: bytes, place: int) -> bytes:
    return body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]


def left(folder: Path) -> list[str]:
    return [one.name for one in folder.iterdir() if one.name.startswith("out")]


def logged(hub: SmallHub) -> Iterator[str]:
    return (one.name for one in hub.ledger.entries() if "export" in one.name)


@FORMS
@pytest.mark.parametrize("lie", ["altered", "cut", "another", "plain", "gone"])
def test_a_store_that_lies_gets_no_export(hub: SmallHub, form: Form, lie: str) -> None:
    plan = planned(hub, form)
    assert isinstance(hub.store, MemoryStore)
    name, other = last_file(plan).object, plan.sheets[0].sealed[0].object
    body = hub.store.get(name)
    hub.store.delete([name])
    lies = {
        "altered": altered(body, 100),
        "cut": body[:-8],
        "another": hub.store.get(other),
        "plain": b"PAR1" + body[4:-4] + b"PAR1",
    }
    if lie in lies:
        hub.store.create(name, lies[lie])
    with pytest.raises(IntegrityError, match=name):
        exporter(hub).write(plan)
    assert left(hub.folder) == []
    assert list(logged(hub)) == ["vault:export:begin"]


def test_whatever_byte_is_altered_no_wrong_row_is_written(hub: SmallHub) -> None:
    """Some bytes, such as a page index, are read by nobody: the rows are then the right ones."""
    plan = planned(hub, Form.CSV)
    exporter(hub).write(plan)
    honest = (hub.folder / "out" / "condition_occurrence.csv").read_bytes()
    name, refused, places = last_file(plan).object, 0, range(0, last_file(plan).size, 61)
    body = hub.store.get(name)
    for place in places:
        hub.store.delete([name])
        hub.store.create(name, altered(body, place))
        shutil.rmtree(hub.folder / "out", ignore_errors=True)
        try:
            exporter(hub).write(plan)
        except IntegrityError:
            refused += 1
            assert left(hub.folder) == []
        else:
            assert (hub.folder / "out" / "condition_occurrence.csv").read_bytes() == honest
    assert refused > len(places) // 2


KILLED = """
import os, signal, sys
from pathlib import Path
import laennec.reversibility.export as export
from fakes.export_hub import exporter
from fakes.intake_hub import SmallHub, small_data_set
from laennec.reversibility.export_model import Form

folder, form, moment = Path(sys.argv[1]), Form(sys.argv[2]), sys.argv[3]

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

hub = SmallHub(folder)
hub.load(small_data_set(folder / "data"))
made = exporter(hub)
plan = made.plan(folder / "out", form=form)
if moment == "second table":
    read, seen = hub.vault.read_arrow, []
    def read_some(file, **given):
        seen.append(file.table)
        return die() if seen[-1] != seen[0] else read(file, **given)
    hub.vault.read_arrow = read_some
elif moment == "manifest":
    export.export_manifest.manifest = die
else:
    export.Stage.publish = die
made.write(plan)
"""


@FORMS
@pytest.mark.parametrize(
    ("moment", "said"),
    [
        ("second table", ["vault:export:begin"]),
        ("manifest", ["vault:export:begin"]),
        ("publish", ["vault:export:begin", "vault:warehouse:export"]),
    ],
)
def test_a_killed_export_is_no_export(
    tmp_path: Path, form: Form, moment: str, said: list[str]
) -> None:
    tests = Path(__file__).resolve().parents[1]
    (tmp_path / "tmp").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path, form.value, moment],
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp"), "PYTHONPATH": _path(tests)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert left(tmp_path) == ["out.partial"]
    partial = tmp_path / "out.partial"
    assert partial.stat().st_mode & 0o777 == 0o700
    assert (partial / "manifest.json").exists() == (moment == "publish")
    # Rows in clear are nowhere else; and the ledger has a trace, killed or not.
    assert list((tmp_path / "tmp").rglob("*")) == []
    texts = b"".join(one.read_bytes() for one in (tmp_path / "ledger").rglob("*") if one.is_file())
    assert [name for name in ("vault:export:begin", "vault:warehouse:export")
            if name.encode() in texts] == said  # fmt: skip


def _path(tests: Path) -> str:
    """Return the path of a child: the tests, then whatever this process has."""
    return os.pathsep.join([str(tests), *filter(None, [os.environ.get("PYTHONPATH")])])
