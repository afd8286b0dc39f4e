"""Two commands at once: whatever the order, nothing is lost, nothing is done twice."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier

import pytest

from fakes.app_small import another_person, small_hub, study_file
from fakes.cli_shell import Cli
from laennec.app.hub import Hub, open_hub, open_ledger
from laennec.app.loads import load_omop
from laennec.app.seen import check_heads, recall, remembered_heads
from laennec.app.upkeep import verify
from laennec.core.clock import system_clock
from laennec.core.errors import AlreadyExistsError
from laennec.core.progress import Quiet, Task
from laennec.runs import local
from laennec.runs.plan import Plan
from laennec.runs.ports import BucketSource
from laennec.study.files import read_study
from laennec.vault.manifest import Anchor
from laennec.vault.service import Vault


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    return small_hub(tmp_path_factory.mktemp("small"))


@pytest.fixture
def cli(made: Cli, tmp_path: Path) -> Cli:
    return made.copy(tmp_path / "hub")


@contextmanager
def opened(cli: Cli) -> Iterator[Hub]:
    with open_hub(cli.folder, clock=system_clock, reporter=Quiet()) as hub:
        yield hub


def events(cli: Cli) -> Counter[str]:
    return Counter(one.name for one in open_ledger(cli.folder, clock=system_clock).entries())


def at_once(work: Callable[[int], str]) -> list[str]:
    """Do the work twice, both beginning at the same moment."""
    together = Barrier(2)

    def begin(number: int) -> str:
        together.wait()
        return work(number)

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(begin, range(2)))


def test_a_load_during_a_run(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run keeps to the snapshot that it began with."""
    whole = local.run

    def load_then_run(plan: Plan, source: BucketSource, *, workers: int, progress: Task) -> object:
        with opened(cli) as other:
            more = another_person(tmp_path / "two")
            load_omop(other, more, encoding="utf-8", keep_repeated=False)
        return whole(plan, source, workers=workers, progress=progress)

    monkeypatch.setattr("laennec.runs.engines.run_locally", load_then_run)
    with opened(cli) as hub:
        record = hub.runs().run(read_study(study_file(tmp_path)))
        assert record.snapshot == 1
        assert hub.warehouse.view().snapshot.number == 2
        assert hub.runs().names() == {record.run}
        assert verify(hub.custody).ok
    assert events(cli)["study:run:finish"] == 1
    assert events(cli)["intake:load:finish"] == 2


def test_what_was_seen_last_never_goes_back(cli: Cli, tmp_path: Path) -> None:
    """A command that began earlier and ends later remembers what the other one did."""
    with opened(cli):
        with opened(cli) as other:
            load_omop(other, another_person(tmp_path), encoding="utf-8", keep_repeated=False)
        seen = recall(cli.folder / "keys").checkpoint
    assert recall(cli.folder / "keys").checkpoint == seen
    assert seen.size == sum(events(cli).values())


def test_a_load_while_a_hub_is_being_opened(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other command remembers a newer head than this one has opened: no rollback."""
    loads: list[Path] = []

    def load_then_check(kept: Mapping[str, Anchor], vaults: Mapping[str, Vault]) -> None:
        if not loads:
            loads.append(tmp_path)
            with opened(cli) as other:
                load_omop(other, another_person(tmp_path), encoding="utf-8", keep_repeated=False)
        check_heads(kept, vaults)

    monkeypatch.setattr("laennec.app.hub.check_heads", load_then_check)
    with opened(cli) as hub:
        assert hub.warehouse.view().snapshot.number == 2
    assert remembered_heads(cli.folder / "keys")["warehouse"].number == 2


def test_two_runs_at_once_are_both_kept(cli: Cli, tmp_path: Path) -> None:
    study = read_study(study_file(tmp_path))
    with opened(cli) as one, opened(cli) as two:
        names = at_once(lambda number: (one, two)[number].runs().run(study).run)
    with opened(cli) as hub:
        assert hub.runs().names() == set(names)
        assert len(set(names)) == 2
        assert verify(hub.custody).ok


def test_two_releases_of_one_run_at_once(cli: Cli, tmp_path: Path) -> None:
    """One is released and logged; the other is told so, and logs nothing."""

    def release(hub: Hub, run: str) -> str:
        record, _, result = hub.runs().result(run)
        try:
            return str(hub.airlock().release(record, result).folder)
        except AlreadyExistsError:
            return "released before"

    with opened(cli) as one, opened(cli) as two:
        run = one.runs().run(read_study(study_file(tmp_path))).run
        outcomes = at_once(lambda number: release((one, two)[number], run))
    assert sorted(outcomes) == sorted([str(cli.folder / "releases" / run), "released before"])
    assert events(cli)["airlock:release:publish"] == 4
    with opened(cli) as hub:
        assert verify(hub.custody).ok
    assert not list((cli.folder / "releases").glob(".making-*"))
