"""Every service method that changes a hub leaves an event in the ledger.

The tables below name every public function and method of the services. One that is in neither
fails the test, so whoever adds a service says here which event it leaves, or that it only reads.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

from fakes.app_small import CONCEPTS, another_person, small_hub, study_file
from fakes.cli_shell import Cli
from fakes.intake_hub import write_csv
from laennec.airlock.service import Airlock
from laennec.app import (
    create,
    destroy,
    erasure,
    exports,
    former_keys,
    loads,
    moves,
    quality_files,
    releases,
    snds_loads,
    study_runs,
    upkeep,
)
from laennec.app.hub import Hub, open_hub, open_ledger
from laennec.core.clock import system_clock
from laennec.core.progress import Quiet
from laennec.intake.service import Intake
from laennec.intake.snds.service import SndsIntake
from laennec.quality.service import Quality
from laennec.reversibility.export_model import Form, Plan
from laennec.runs.service import Runs
from laennec.study.files import read_study

COMMIT = "vault:snapshot:commit"
CLASSES = (Intake, SndsIntake, Runs, Quality, Airlock)
MODULES = (
    create,
    destroy,
    erasure,
    exports,
    former_keys,
    loads,
    moves,
    quality_files,
    releases,
    snds_loads,
    study_runs,
    upkeep,
)

Change = Callable[[Hub, Path], object]


def _run(hub: Hub, folder: Path) -> str:
    return hub.runs().run(read_study(study_file(folder))).run


def _site_concepts(folder: Path) -> Path:
    return write_csv(folder, {"concept": CONCEPTS.replace("201826", "2000000001")})


def _publish(hub: Hub, folder: Path) -> object:
    record, _, result = hub.runs().result(_run(hub, folder))
    return hub.airlock().release(record, result)


def _planned(hub: Hub, folder: Path) -> Plan:
    return exports.plan_export(hub, folder / "omop", form=Form.CSV)


def _write_quality(hub: Hub, folder: Path) -> None:
    files = {form: folder / form for form in quality_files.FORMS}
    quality_files.write_quality(hub, hub.quality().assess("5.4"), files, language="en")


CHANGES: dict[str, tuple[Change, list[str]]] = {
    "exports.write_export": (
        lambda hub, folder: exports.write_export(hub, _planned(hub, folder)),
        ["vault:export:begin", "vault:warehouse:export"],
    ),
    "Intake.load_omop": (
        lambda hub, folder: hub.intake().load_omop(another_person(folder)),
        [COMMIT, "intake:load:finish"],
    ),
    "Intake.load_vocabulary": (
        lambda hub, folder: hub.intake().load_vocabulary(_site_concepts(folder), add=True),
        [COMMIT, "intake:vocabulary:load"],
    ),
    "loads.load_omop": (
        lambda hub, folder: loads.load_omop(
            hub, another_person(folder), encoding="utf-8", keep_repeated=False
        ),
        [COMMIT, "intake:load:finish"],
    ),
    "loads.load_vocabulary": (
        lambda hub, folder: loads.load_vocabulary(
            hub, _site_concepts(folder), encoding="utf-8", add=True
        ),
        [COMMIT, "intake:vocabulary:load"],
    ),
    "Runs.run": (_run, ["study:run:finish"]),
    "study_runs.run_study": (
        lambda hub, folder: study_runs.run_study(
            hub, read_study(study_file(folder)), folder=folder
        ),
        ["study:run:finish"],
    ),
    "Airlock.release": (_publish, ["study:run:finish", *["airlock:release:publish"] * 4]),
    "releases.release_run": (
        lambda hub, folder: releases.release_run(hub, _run(hub, folder), language="en"),
        ["study:run:finish", *["airlock:release:publish"] * 5],
    ),
    "Quality.assess": (lambda hub, _: hub.quality().assess("5.4"), ["quality:run:finish"]),
    "quality_files.write_quality": (
        _write_quality,
        ["quality:run:finish", *["quality:results:write"] * 3],
    ),
    "upkeep.sweep": (
        lambda hub, _: upkeep.sweep(hub, keep=1),
        [COMMIT, "vault:store:sweep"],
    ),
    "upkeep.rotate_keys": (lambda hub, _: upkeep.rotate_keys(hub), [COMMIT, "vault:key:rotate"]),
    "upkeep.shred": (
        lambda hub, _: upkeep.shred(hub, before=1),
        [COMMIT, "vault:snapshot:shred"],
    ),
    "upkeep.change_buckets": (lambda hub, _: upkeep.change_buckets(hub, buckets=8), [COMMIT]),
}
READS: dict[str, Change] = {
    "exports.plan_export": _planned,
    "Runs.check": lambda hub, folder: hub.runs().check(read_study(study_file(folder))),
    "Runs.explain": lambda hub, folder: hub.runs().explain(read_study(study_file(folder))),
    "Runs.records": lambda hub, _: hub.runs().records(),
    "Runs.names": lambda hub, _: hub.runs().names(),
    "upkeep.verify": lambda hub, _: upkeep.verify(hub.custody),
}
ELSEWHERE = {
    "study_runs.remote_engine": "only makes an engine",
    "SndsIntake.load": "test_intake_snds_load.py; a hub of other persons refuses it",
    "snds_loads.load_snds": "test_cli_snds_load.py, through the command",
    "moves.move": "test_app_move.py, with its certificate",
    "moves.move_status": "test_app_move.py; needs no open hub",
    "moves.abandon": "test_app_move.py; nothing but a journal changes",
    "erasure.erase_sources": "test_app_move.py, after a move",
    "erasure.left_behind": "test_app_move.py; needs no open hub",
    "former_keys.destroy_former_keys": "test_app_move.py, after keys went to another holder",
    "former_keys.with_keys": "test_app_move.py; needs no open hub",
    "destroy.destroy": "test_cli_keys.py, with its proof",
    "destroy.former_holders": "test_app_move_review.py; needs no key",
    "destroy.opened": "test_app_move_review.py; only asks the holder",
    "destroy.witness": "test_app_move_review.py; wraps a key of no use",
    "upkeep.check_passphrase_holder": "only refuses",
    "upkeep.reseal_keyrings": "test_cli_operator.py, which changes a passphrase",
    "create.create_hub": "test_a_new_hub_begins_its_ledger",
    "Runs.result": "opens what Airlock.release is given",
    "Airlock.review": "the judgement within Airlock.release",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    return small_hub(tmp_path_factory.mktemp("events"))


def events(folder: Path) -> list[str]:
    return [one.name for one in open_ledger(folder, clock=system_clock).entries()]


@contextmanager
def opened(made: Cli, tmp_path: Path) -> Iterator[Hub]:
    cli = made.copy(tmp_path / "hub")
    with open_hub(cli.folder, clock=system_clock, reporter=Quiet()) as hub:
        yield hub


def public_functions(module: ModuleType) -> Iterator[str]:
    name = module.__name__.rpartition(".")[2]
    for key, value in vars(module).items():
        own = getattr(value, "__module__", "") == module.__name__
        if inspect.isfunction(value) and own and not key.startswith("_"):
            yield f"{name}.{key}"


def public_methods(kind: type) -> Iterator[str]:
    for key, value in vars(kind).items():
        if inspect.isfunction(value) and not key.startswith("_"):
            yield f"{kind.__name__}.{key}"


def test_every_service_is_in_the_tables() -> None:
    found = {name for kind in CLASSES for name in public_methods(kind)}
    found |= {name for module in MODULES for name in public_functions(module)}
    assert found == CHANGES.keys() | READS.keys() | ELSEWHERE.keys()


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_leaves_its_events(name: str, made: Cli, tmp_path: Path) -> None:
    change, expected = CHANGES[name]
    with opened(made, tmp_path) as hub:
        before = events(tmp_path / "hub")
        change(hub, tmp_path)
    assert events(tmp_path / "hub")[len(before) :] == expected


@pytest.mark.parametrize("name", READS)
def test_a_reading_leaves_none(name: str, made: Cli, tmp_path: Path) -> None:
    with opened(made, tmp_path) as hub:
        before = events(tmp_path / "hub")
        READS[name](hub, tmp_path)
    assert events(tmp_path / "hub") == before


def test_a_new_hub_begins_its_ledger(made: Cli) -> None:
    assert events(made.folder)[0] == "hub:hub:create"
