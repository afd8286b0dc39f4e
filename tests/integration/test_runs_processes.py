"""A run in processes of this machine: the same partial, and no trust in what the store serves."""

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.app_small import small_hub, study_file
from fakes.cli_shell import Cli
from fakes.compute_tasks import Steps
from fakes.spark_runs import BUCKETS, run_here
from laennec.app.hub import open_hub
from laennec.compute.processes import ProcessExecutor
from laennec.core.clock import system_clock
from laennec.core.errors import IntegrityError
from laennec.core.progress import Quiet
from laennec.runs.engines import PROCESS_MODULES, LocalEngine
from laennec.runs.plan import Plan
from laennec.runs.processes import SnapshotInHand, ViewInHand
from laennec.study.files import read_study
from laennec.warehouse.service import View


@pytest.fixture
def small(tmp_path: Path) -> Iterator[tuple[Plan, View, Path]]:
    """A plan, a view of four persons, and the folder of their files."""
    cli = small_hub(tmp_path)
    with open_hub(cli.folder, clock=system_clock, reporter=Quiet()) as hub:
        plan = hub.runs().check(read_study(study_file(tmp_path))).plan
        folder = hub.settings.store.folder / "warehouse"
        yield plan, hub.warehouse.loaded_view(), folder


def test_the_partial_is_that_of_one_thread(stocked: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    here = run_here(stocked)
    started: list[tuple[int, tuple[str, ...]]] = []

    class Seen(ProcessExecutor):
        def __init__(self, workers: int, *, modules: tuple[str, ...] = ()) -> None:
            started.append((workers, modules))
            super().__init__(workers, modules=modules)

    monkeypatch.setattr("laennec.runs.engines.ProcessExecutor", Seen)
    steps = Steps()
    with open_hub(stocked.folder, clock=system_clock, reporter=Quiet()) as hub:
        view = hub.warehouse.loaded_view()
        plan = hub.runs().check(read_study(stocked.folder.parent / "celecoxib.toml")).plan
        for engine in (LocalEngine(2), LocalEngine(1, 0), LocalEngine(2, 1 << 40)):
            assert engine.evaluate(plan, view, progress=Steps()) == here
        assert not started
        there = LocalEngine(2, 0).evaluate(plan, view, progress=steps)
    assert started == [(2, PROCESS_MODULES)]
    assert there == here
    assert list(there.counts) == list(here.counts)
    assert steps.done == BUCKETS


def test_what_a_process_is_given_reads_there(small: tuple[Plan, View, Path]) -> None:
    plan, view, _ = small
    given = SnapshotInHand(ViewInHand(view.reader(), view.snapshot), frozenset())
    carried: SnapshotInHand = pickle.loads(pickle.dumps(given))  # noqa: S301
    there = carried.source(tables=plan.tables, buckets=(0,))
    assert there.buckets() == view.buckets()
    for bucket in view.buckets():
        own = view.read("person", bucket, columns=["person_id"], where=None)
        assert there.read("person", bucket, columns=["person_id"], where=None).equals(own)
    key = bytes(range(32))
    assert carried.unwrap(view.reader().wrap_scratch_key(key)) == key


def test_what_a_process_is_given_shows_no_key(small: tuple[Plan, View, Path]) -> None:
    _, view, _ = small
    reader = view.reader()
    shown = repr(SnapshotInHand(ViewInHand(reader, view.snapshot), frozenset())) + repr(reader)
    assert all(key.hex() not in shown for key in reader.keychain.keys.values())
    assert "keychain" not in shown
    assert "wrapped" not in shown


def test_an_altered_file_stops_the_run(small: tuple[Plan, View, Path]) -> None:
    plan, view, folder = small
    for file in view.files("condition_occurrence"):
        path = folder / file.object
        body = bytearray(path.read_bytes())
        body[-20] ^= 1  # in the footer, which every reader opens
        path.chmod(0o600)
        path.write_bytes(body)
    with pytest.raises(IntegrityError):
        LocalEngine(2, 0).evaluate(plan, view, progress=Steps())
