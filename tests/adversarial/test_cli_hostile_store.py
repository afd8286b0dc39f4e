"""Commands on a store that misbehaves: each says what happened, and none gives a wrong answer."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from fakes.app_small import another_person, small_hub, study_file
from fakes.cli_shell import Cli
from fakes.vault_misbehaving import Changes, Drops, Fails, Fault, Lists, MisbehavingStore, ServesOld
from laennec.app.stores import RESULTS, WAREHOUSE
from laennec.core import errors
from laennec.core.errors import LaennecError
from laennec.vault.head import head_name
from laennec.vault.local import LocalStore

Bodies = Mapping[str, bytes]


class Hub:
    """A hub whose store misbehaves when told."""

    def __init__(self, cli: Cli, faults: dict[str, list[Fault]], states: list[Bodies]) -> None:
        self.cli, self.faults, self.states = cli, faults, states

    def largest(self) -> str:
        """Return the largest object: a file of rows, of the newest snapshot."""
        return max(self.states[-1], key=lambda name: len(self.states[-1][name]))


def bodies(cli: Cli, part: str) -> Bodies:
    store = LocalStore(cli.folder / "store" / part)
    return {one.name: store.get(one.name) for one in store.list()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Cli, list[Bodies], str]:
    """Return a hub with a load and a run, the warehouse's objects before and after a second load.

    And what an honest store answers to ``status``.
    """
    folder = tmp_path_factory.mktemp("made")
    cli = small_hub(folder)
    cli.ok("study", "run", study_file(folder))
    before = bodies(cli, WAREHOUSE)
    cli.ok("load", "omop", another_person(folder / "two"))
    return cli, [before, bodies(cli, WAREHOUSE)], cli.ok("status")


@pytest.fixture
def hub(
    made: tuple[Cli, list[Bodies], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Hub:
    faults: dict[str, list[Fault]] = {WAREHOUSE: [], RESULTS: []}

    def misbehaving(folder: Path) -> MisbehavingStore:
        store = MisbehavingStore(LocalStore(folder))
        store.faults = faults[folder.name]
        return store

    monkeypatch.setattr("laennec.app.stores.LocalStore", misbehaving)
    return Hub(made[0].copy(tmp_path / "hub"), faults, made[1])


COMMANDS: Mapping[str, Callable[[Path], tuple[object, ...]]] = {
    "status": lambda _: ("status",),
    "run": lambda folder: ("study", "run", study_file(folder)),
    "load": lambda folder: ("load", "omop", another_person(folder / "three")),
    "sweep": lambda _: ("sweep", "--keep", "1"),
    "rotate": lambda _: ("keys", "rotate"),
    "verify": lambda _: ("verify",),
}
EVERY = tuple(COMMANDS)
OPENS = tuple(name for name in EVERY if name != "verify")


def refuses(
    error: type[LaennecError], words: str, *commands: str
) -> dict[str, tuple[type[LaennecError], str]]:
    return dict.fromkeys(commands, (error, words))


MISBEHAVIOURS: Mapping[
    str, tuple[str, Callable[[Hub], Fault], dict[str, tuple[type[LaennecError], str]]]
] = {
    "an older state of the warehouse": (
        WAREHOUSE,
        lambda hub: ServesOld(hub.states[0]),
        refuses(errors.RollbackError, "was seen before", *OPENS)
        | refuses(errors.IntegrityError, "rolled back: heads/", "verify"),
    ),
    "the newest head of the results withheld": (
        RESULTS,
        lambda _: Drops({head_name(1)}),
        refuses(errors.RollbackError, "was seen before", *OPENS)
        | refuses(errors.IntegrityError, "rolled back: heads/", "verify"),
    ),
    "a newest head cut short": (
        WAREHOUSE,
        lambda _: Changes(head_name(2), lambda body: body[:-1]),
        refuses(errors.IntegrityError, "does not authenticate", *OPENS)
        | refuses(errors.IntegrityError, f"altered: {head_name(2)}", "verify"),
    ),
    "a listing with a head that is not there": (
        WAREHOUSE,
        lambda _: Lists(invented=[head_name(3)]),
        refuses(errors.IntegrityError, "is missing from the store", *OPENS)
        | refuses(errors.IntegrityError, head_name(3), "verify"),
    ),
    "a listing without heads": (
        WAREHOUSE,
        lambda _: Lists(hidden=lambda name: name.startswith("heads/")),
        refuses(errors.NotFoundError, "holds no warehouse", *EVERY),
    ),
    "503 to everything": (
        WAREHOUSE,
        lambda _: Fails(),
        refuses(errors.StoreError, "503", *EVERY),
    ),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("misbehaviour", MISBEHAVIOURS)
def test_it_is_named_by_every_command(
    misbehaviour: str, command: str, hub: Hub, tmp_path: Path
) -> None:
    part, fault, named = MISBEHAVIOURS[misbehaviour]
    hub.faults[part].append(fault(hub))
    error, words = named[command]
    said = hub.cli(*COMMANDS[command](tmp_path))
    assert said.status == error.exit_status
    assert words in said.out + said.err
    assert "Traceback" not in said.err
    if command != "verify":
        assert said.out == ""


def test_rows_of_another_length_stop_a_study_and_are_named_by_verify(
    hub: Hub, made: tuple[Cli, list[Bodies], str], tmp_path: Path
) -> None:
    """Every object of the warehouse in turn: the study fails, or its result is the honest one."""
    run = ("study", "run", study_file(tmp_path))
    stopped = 0
    for name in sorted(one for one in hub.states[-1] if one.startswith("objects/")):
        hub.faults[WAREHOUSE][:] = [Changes(name, lambda body: body + body)]
        said = hub.cli(*run)
        if said.status:
            assert said.status == errors.IntegrityError.exit_status
            assert name in said.err
            assert said.out == ""
            stopped += 1
    assert stopped >= 3
    hub.faults[WAREHOUSE][:] = [Drops({hub.largest()})]
    said = hub.cli("verify")
    assert said.status == errors.IntegrityError.exit_status
    assert f"missing: {hub.largest()}" in said.out
    hub.faults[WAREHOUSE].clear()
    assert hub.cli.ok("verify")
    assert made[2].splitlines()[:2] == hub.cli.ok("status").splitlines()[:2]


@pytest.mark.parametrize("lands", [False, True], ids=["before it took effect", "after"])
def test_a_load_tried_again_after_a_503_at_any_write_is_there_once(
    lands: bool,
    hub: Hub,
    made: tuple[Cli, list[Bodies], str],
    tmp_path: Path,
) -> None:
    """What landed needs no second try; what did not is refused with the store's own words."""
    source, failed, call = another_person(tmp_path / "three"), 0, 0
    (source / "person.csv").write_text(
        (source / "person.csv").read_text(encoding="utf-8").replace("77,", "78,"), encoding="utf-8"
    )
    while True:
        cli = made[0].copy(tmp_path / f"hub-{call}")
        fault = Fails(first=call, times=1, lands=lands, calls={"create"})
        hub.faults[WAREHOUSE][:] = [fault]
        said = cli("load", "omop", source)
        if not fault.failed:
            break
        call += 1
        if said.status:
            assert not lands
            assert said.status == errors.StoreError.exit_status
            assert "503" in said.err
            cli.ok("load", "omop", source)
            failed += 1
        hub.faults[WAREHOUSE].clear()
        assert re.search(r"^ *person +6$", cli.ok("status"), re.MULTILINE)
        assert cli.ok("verify")
    assert call >= 4, "file, report, record and head are written apart"
    assert failed == (0 if lands else call)
