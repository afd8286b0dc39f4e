"""Data quality in further processes of this machine: the same answers, and none without need."""

import pytest

from fakes.cli_shell import Cli
from laennec.app.hub import open_hub
from laennec.compute.processes import ProcessExecutor
from laennec.core.clock import system_clock
from laennec.core.progress import Quiet
from laennec.quality.engines import LocalEngine, MachineEngine
from laennec.quality.run import Assessment


def assessed(cli: Cli, workers: int, least: int | None) -> Assessment:
    with open_hub(cli.folder, clock=system_clock, reporter=Quiet()) as hub:
        report = hub.quality().assess(
            "5.4", everything=True, engine=lambda view: MachineEngine(workers, view, least)
        )
        return report.assessment


def test_processes_find_what_threads_find(stocked: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    class Seen(ProcessExecutor):
        def __init__(self, workers: int, *, modules: list[str]) -> None:
            started.append(workers)
            super().__init__(workers, modules=modules)

    monkeypatch.setattr("laennec.quality.engines.ProcessExecutor", Seen)
    with open_hub(stocked.folder, clock=system_clock, reporter=Quiet()) as hub:
        here = (
            hub.quality().assess("5.4", everything=True, engine=lambda _: LocalEngine(2)).assessment
        )
    for workers, least in ((2, None), (1, 0), (2, 1 << 40)):
        assert assessed(stocked, workers, least) == here
    assert not started
    assert assessed(stocked, 2, 0) == here
    assert started == [2]


def test_what_is_kept_is_counted_by_no_process(stocked: Cli) -> None:
    first = assessed(stocked, 2, 0)
    with open_hub(stocked.folder, clock=system_clock, reporter=Quiet()) as hub:
        again = hub.quality().assess("5.4", engine=lambda view: MachineEngine(2, view, 0))
    assert first.scanned == first.scans
    assert (again.assessment.scanned, again.assessment.results) == (0, first.results)
