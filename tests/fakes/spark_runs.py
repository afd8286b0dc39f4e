"""A hub in many buckets, and the demo's study run on it here and on Spark."""

from pathlib import Path

from fakes.cli_shell import Cli, new_hub, packaged
from fakes.compute_tasks import Steps
from laennec.app.hub import open_hub
from laennec.app.study_runs import remote_engine
from laennec.compute.executor import Executor
from laennec.core.clock import system_clock
from laennec.core.progress import Quiet
from laennec.runs.engines import LocalEngine
from laennec.study.files import read_study
from laennec.study.partials import Partial

BUCKETS = 64


def stocked_hub(folder: Path) -> Cli:
    """Make a hub with GiBleed in many buckets, so that a run has many tasks."""
    cli = new_hub(folder)
    cli.ok("load", "omop", packaged("gibleed.zip", folder))
    cli.ok("rebucket", BUCKETS)
    packaged("celecoxib.toml", folder)
    return cli


def run_here(cli: Cli) -> Partial:
    """Return what this process makes of the demo's study."""
    with open_hub(cli.folder, clock=system_clock, reporter=Quiet()) as hub:
        view = hub.warehouse.loaded_view()
        plan = hub.runs().check(read_study(cli.folder.parent / "celecoxib.toml")).plan
        return LocalEngine(1).evaluate(plan, view, progress=Steps())


def run_there(cli: Cli, executor: Executor, steps: Steps) -> Partial:
    """Return what the executor's processes make of it."""
    with open_hub(cli.folder, clock=system_clock, reporter=Quiet()) as hub:
        view = hub.warehouse.loaded_view()
        plan = hub.runs().check(read_study(cli.folder.parent / "celecoxib.toml")).plan
        return remote_engine(hub, cli.folder, executor).evaluate(plan, view, progress=steps)
