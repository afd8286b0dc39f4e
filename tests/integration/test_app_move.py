"""Moves between folders: beside studies and loads, to other keys, and erasing what was left."""

import json
import shutil
import threading
from pathlib import Path

import pytest

from fakes.app_small import another_person, small_hub, study_file
from fakes.cli_shell import PASSPHRASE, Cli, run, tree
from fakes.move_hub import contents, move_to, opened, store_settings
from laennec.app import moves
from laennec.app.hub import open_ledger
from laennec.core import errors
from laennec.core.clock import system_clock
from laennec.core.progress import Quiet
from laennec.core.settings import StoreSettings
from laennec.reversibility.move_model import Phase
from laennec.study.files import read_study
from laennec.vault.passphrase import PassphraseKeyring


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    return small_hub(tmp_path_factory.mktemp("move"))


@pytest.fixture
def hub(made: Cli, tmp_path: Path) -> Cli:
    return made.copy(tmp_path / "hub")


def events(hub: Cli) -> list[str]:
    return [one.name for one in open_ledger(hub.folder, clock=system_clock).entries()]


def certificate(hub: Cli) -> Path:
    return max((hub.folder / "move" / "certificates").glob("*.json"))


def keys_file(folder: Path, name: str = "keys2") -> Path:
    """Write the sections of other keyrings under another passphrase."""
    secret = folder / "other-passphrase"
    secret.touch(mode=0o600)
    secret.write_text("another passphrase of several words\n", encoding="utf-8")
    path = folder / "keys.toml"
    path.write_text(f'[keys]\nfolder = "{name}"\npassphrase_file = {json.dumps(str(secret))}\n')
    return path


def largest_object(store: Path) -> Path:
    objects = sorted((store / "warehouse" / "objects").rglob("*"))
    return max((one for one in objects if one.is_file()), key=lambda one: one.stat().st_size)


def test_a_move_copies_everything_and_leaves_the_source(hub: Cli, tmp_path: Path) -> None:
    source, target = store_settings(hub.folder), tmp_path / "a new place"
    before, settings = tree(source.folder), (hub.folder / "laennec.toml").read_text("utf-8")
    said = hub.ok("move", "--to", target, "--reason", "end of contract")
    assert f"The hub is at {target} now." in said
    assert tree(source.folder) == before
    assert contents(store_settings(hub.folder)) == contents(source)
    after = (hub.folder / "laennec.toml").read_text("utf-8")
    assert after == settings.replace('folder = "store"', f'folder = "{target}"')
    assert "Everything is what was sealed and logged." in hub.ok("verify")
    assert events(hub)[-1] == "vault:store:move"
    assert "end of contract" not in str(list(open_ledger(hub.folder, clock=system_clock).entries()))


def test_the_certificate_proves_itself_without_the_hub(hub: Cli, tmp_path: Path) -> None:
    hub.ok("move", "--to", tmp_path / "target")
    file = certificate(hub)
    key = open_ledger(hub.folder, clock=system_clock).verifier_key
    said = run("--hub", tmp_path / "no-hub", "log", "verify", "--file", file, "--key", key)
    assert said.status == 0, said.err
    file.write_text(file.read_text("utf-8").replace('"left_objects": 0', '"left_objects": 1'))
    said = run("--hub", tmp_path / "no-hub", "log", "verify", "--file", file, "--key", key)
    assert said.status == errors.ProofError.exit_status


def test_status_and_certificates(hub: Cli, tmp_path: Path) -> None:
    assert hub.ok("move", "--status") == "No move is under way.\n"
    hub.ok("move", "--to", tmp_path / "target")
    shown = hub.ok("move", "--status")
    assert str(tmp_path / "target") in shown
    assert shown.rstrip().endswith("no")


def test_studies_on_the_source_return_the_same_meanwhile(hub: Cli, tmp_path: Path) -> None:
    """A study runs in a loop beside the move, over the switch; each result is the same."""
    study = read_study(study_file(tmp_path))
    with opened(hub.folder) as one:
        first = one.runs().run(study)
        expected = one.runs().result(first.run)[2]
    results, refused, over = [], [], threading.Event()
    began = threading.Event()

    def study_on_and_on() -> None:
        while not over.is_set():
            with opened(hub.folder) as one:
                try:
                    record = one.runs().run(study)
                except errors.ConflictError as error:
                    refused.append(error.happened)
                    continue
                results.append(one.runs().result(record.run)[2])
            began.set()

    thread = threading.Thread(target=study_on_and_on)
    thread.start()

    def watch(phase: Phase) -> None:
        if phase is Phase.BEGUN:
            assert began.wait(60)

    try:
        move_to(hub.folder, StoreSettings(folder=tmp_path / "target"), watch=watch)
    finally:
        over.set()
        thread.join()
    assert results
    assert all(one.rows == expected.rows for one in results)
    assert all("has moved" in one for one in refused)
    assert "Everything is what was sealed and logged." in hub.ok("verify")


def test_a_load_during_the_move_is_at_the_destination(hub: Cli, tmp_path: Path) -> None:
    data = another_person(tmp_path / "data")

    def watch(phase: Phase) -> None:
        if phase is Phase.COPIED:
            with opened(hub.folder) as one:
                one.intake().load_omop(data)

    move_to(hub.folder, StoreSettings(folder=tmp_path / "target"), watch=watch)
    with opened(hub.folder) as one:
        assert one.warehouse.view().rows()["person"] == 5
    assert "Everything is what was sealed and logged." in hub.ok("verify")


def test_what_a_sweep_took_meanwhile_is_not_at_the_destination(hub: Cli, tmp_path: Path) -> None:
    hub.ok("keys", "rotate")

    def watch(phase: Phase) -> None:
        if phase is Phase.COPIED:
            with opened(hub.folder) as one:
                one.warehouse.vault.sweep(keep=1)

    move_to(hub.folder, StoreSettings(folder=tmp_path / "target"), watch=watch)
    names = set(contents(store_settings(hub.folder)))
    assert names == set(contents(StoreSettings(folder=hub.folder / "store")))


def test_a_loader_that_loses_at_the_switch_is_told_and_can_repeat(hub: Cli, tmp_path: Path) -> None:
    data = another_person(tmp_path / "data")
    with opened(hub.folder) as late:
        move_to(hub.folder, StoreSettings(folder=tmp_path / "target"))
        before = contents(StoreSettings(folder=hub.folder / "store"))
        with pytest.raises(errors.ConflictError, match="has moved while this command worked"):
            late.intake().load_omop(data)
    heads = {name for name in before if "/heads/" in name}
    assert heads == {
        name for name in contents(StoreSettings(folder=hub.folder / "store")) if "/heads/" in name
    }
    hub.ok("load", "omop", data)
    assert "person                   5" in hub.ok("status")


def test_a_change_under_way_is_waited_for(hub: Cli, tmp_path: Path) -> None:
    """The mover says that it waits while another command holds the gate, and waits."""
    held, phases, release = threading.Event(), list[Phase](), threading.Event()

    def hold() -> None:
        with opened(hub.folder) as one, one.results._gate():
            held.set()
            assert release.wait(60)

    thread = threading.Thread(target=hold)

    def watch(phase: Phase) -> None:
        phases.append(phase)
        if phase is Phase.COPIED:
            thread.start()
            assert held.wait(60)
        if phase is Phase.WAITING:
            release.set()

    move_to(hub.folder, StoreSettings(folder=tmp_path / "target"), watch=watch)
    thread.join()
    assert phases[1:4] == [Phase.COPIED, Phase.WAITING, Phase.HELD]


def test_keys_go_to_another_holder_and_the_former_opens_nothing(hub: Cli, tmp_path: Path) -> None:
    source = store_settings(hub.folder)
    stolen = contents(source)
    hub.ok("move", "--to", tmp_path / "target", "--keys-to", keys_file(tmp_path))
    assert events(hub)[-3:] == [
        "vault:snapshot:commit",
        "vault:key:rotate",
        "vault:store:move",
    ]
    assert 'folder = "keys2"' in (hub.folder / "laennec.toml").read_text("utf-8")
    assert "Everything is what was sealed and logged." in hub.ok("verify")
    said = hub.ok("move", "--erase-source", "--yes", "--destroy-keys")
    assert "2 root keys" in said
    assert events(hub)[-3:] == ["vault:store:erase", "vault:key:destroy", "vault:key:destroy"]
    assert stolen
    with pytest.raises(errors.KeyDestroyedError):
        PassphraseKeyring.open(hub.folder / "keys" / "warehouse.json", PASSPHRASE)
    hub.ok("load", "omop", another_person(tmp_path / "data"))
    hub.ok("verify")


def test_a_handed_over_move_killed_before_the_switch_goes_on(hub: Cli, tmp_path: Path) -> None:
    """Heads committed under the new keys are taken back, and the source may go on meanwhile."""
    destination = moves.Destination(
        StoreSettings(folder=tmp_path / "target"),
        {
            "keys": {
                "folder": "keys2",
                "passphrase_file": str(keys_file(tmp_path).parent / "other-passphrase"),
            }
        },
    )

    class _KilledError(BaseException):
        pass

    for last in (Phase.REWRAPPED, Phase.SIGNED, None):

        def watch(phase: Phase, last: Phase | None = last) -> None:
            if phase is last:
                raise _KilledError

        def go(watch: object = watch) -> None:
            moves.move(hub.folder, destination, clock=system_clock, reporter=Quiet(), watch=watch)  # type: ignore[arg-type]

        if last is None:
            go()
        else:
            with pytest.raises(_KilledError):
                go()
            hub.ok("keys", "rotate")
    assert "Everything is what was sealed and logged." in hub.ok("verify")
    assert hub.ok("status", "--history").count("  yes  ") == 5


def test_erasing_empties_the_source_and_says_what_it_cannot_prove(hub: Cli, tmp_path: Path) -> None:
    source = store_settings(hub.folder)
    names = len(contents(source))
    assert hub("move", "--erase-source", "--yes").status == errors.NotFoundError.exit_status
    hub.ok("move", "--to", tmp_path / "target")
    said = hub.ok("move", "--erase-source", "--yes")
    assert f"it says of {names} names that there is nothing" in said
    assert "Deletion cannot prove" in said
    assert contents(source) == {}
    assert events(hub)[-1] == "vault:store:erase"
    assert hub("move", "--erase-source", "--yes").status == errors.NotFoundError.exit_status
    assert hub.ok("move", "--status").rstrip().endswith("yes")


def test_nothing_is_erased_while_the_destination_does_not_verify(hub: Cli, tmp_path: Path) -> None:
    source, target = store_settings(hub.folder), tmp_path / "target"
    hub.ok("move", "--to", target)
    victim = next(
        one for one in sorted((target / "warehouse" / "objects").rglob("*")) if one.is_file()
    )
    victim.write_bytes(victim.read_bytes()[:-1])
    before = contents(source)
    said = hub("move", "--erase-source", "--yes")
    assert said.status == errors.IntegrityError.exit_status
    assert contents(source) == before


def test_nothing_is_erased_by_a_certificate_that_is_not_in_the_ledger(
    hub: Cli, tmp_path: Path
) -> None:
    source = store_settings(hub.folder)
    hub.ok("move", "--to", tmp_path / "target")
    file = certificate(hub)
    file.write_text(file.read_text("utf-8").replace('"left_objects": 0', '"left_objects": 1'))
    before = contents(source)
    assert hub("move", "--erase-source", "--yes").status == errors.ProofError.exit_status
    assert contents(source) == before


def test_erasing_asks_first(hub: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = store_settings(hub.folder)
    hub.ok("move", "--to", tmp_path / "target")
    before = contents(source)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "n")
    said = hub("move", "--erase-source")
    assert said.status == 130
    assert said.out.endswith("Nothing was deleted.\n")
    assert contents(source) == before


def test_there_and_back_again(hub: Cli, tmp_path: Path) -> None:
    source, target = store_settings(hub.folder), tmp_path / "target"
    hub.ok("move", "--to", target)
    hub.ok("load", "omop", another_person(tmp_path / "data"))
    hub.ok("move", "--to", source.folder)
    assert contents(store_settings(hub.folder)) == contents(StoreSettings(folder=target))
    hub.ok("verify")
    hub.ok("move", "--erase-source", "--yes")
    assert contents(StoreSettings(folder=target)) == {}
    hub.ok("verify")


def test_an_altered_object_at_the_source_is_named_and_the_hub_stays(
    hub: Cli, tmp_path: Path
) -> None:
    source = store_settings(hub.folder)
    victim = largest_object(source.folder)
    whole = victim.read_bytes()
    victim.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    said = hub("move", "--to", tmp_path / "target")
    assert said.status == errors.IntegrityError.exit_status
    assert victim.name in said.err
    assert store_settings(hub.folder) == source
    assert not any(
        victim.name in name for name in contents(StoreSettings(folder=tmp_path / "target"))
    )
    victim.write_bytes(whole)
    hub.ok("move", "--to", tmp_path / "target")
    hub.ok("verify")


def test_a_missing_object_at_the_source_is_named(hub: Cli, tmp_path: Path) -> None:
    source = store_settings(hub.folder)
    victim = largest_object(source.folder)
    victim.unlink()
    said = hub("move", "--to", tmp_path / "target")
    assert said.status == errors.NotFoundError.exit_status
    assert victim.name in said.err
    assert store_settings(hub.folder) == source


def test_a_destination_with_another_warehouse_is_refused(
    hub: Cli, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = small_hub(tmp_path_factory.mktemp("other"))
    before = contents(store_settings(other.folder))
    said = hub("move", "--to", other.folder / "store")
    assert said.status == errors.AlreadyExistsError.exit_status
    assert contents(store_settings(other.folder)) == before


def test_another_destination_is_refused_while_a_move_is_under_way(hub: Cli, tmp_path: Path) -> None:
    def watch(phase: Phase) -> None:
        if phase is Phase.COPIED:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        move_to(hub.folder, StoreSettings(folder=tmp_path / "target"), watch=watch)
    assert f"A move to {tmp_path / 'target'} is under way" in hub.ok("move", "--status")
    said = hub("move", "--to", tmp_path / "other")
    assert said.status == errors.AlreadyExistsError.exit_status
    assert "laennec move --abandon" in said.err
    hub.ok("move", "--abandon")
    assert hub("move", "--abandon").status == errors.NotFoundError.exit_status
    hub.ok("move", "--to", tmp_path / "other")


@pytest.mark.parametrize("inside", ["store", "store/warehouse", "."])
def test_a_destination_inside_the_store_or_around_it_is_refused(hub: Cli, inside: str) -> None:
    said = hub("move", "--to", (hub.folder / inside).resolve())
    assert said.status == errors.AlreadyExistsError.exit_status


def test_a_store_under_another_name_is_no_destination(hub: Cli, tmp_path: Path) -> None:
    """Else the move would seem whole, and erasing the source would delete the only copy."""
    source = store_settings(hub.folder)
    (tmp_path / "alias").symlink_to(source.folder)
    before = tree(source.folder)
    said = hub("move", "--to", tmp_path / "alias")
    assert said.status == errors.AlreadyExistsError.exit_status
    assert "lead to one store" in said.err
    assert tree(source.folder) == before


def test_a_former_store_that_became_the_present_one_is_not_erased(hub: Cli, tmp_path: Path) -> None:
    source, target = store_settings(hub.folder), tmp_path / "target"
    hub.ok("move", "--to", target)
    for part in ("warehouse", "results"):
        shutil.rmtree(source.folder / part)
        (source.folder / part).symlink_to(target / part)
    before = tree(target)
    said = hub("move", "--erase-source", "--yes")
    assert said.status == errors.AlreadyExistsError.exit_status
    assert tree(target) == before


def test_a_draft_of_another_place_is_not_taken_for_a_move(hub: Cli, tmp_path: Path) -> None:
    """Killed between certificate and switch, the hub has not moved, whatever is asked next."""

    def watch(phase: Phase) -> None:
        if phase is Phase.SIGNED:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        move_to(hub.folder, StoreSettings(folder=tmp_path / "target"), watch=watch)
    said = hub("move", "--to", hub.folder / "store")
    assert said.status == errors.AlreadyExistsError.exit_status
    assert "vault:store:move" not in events(hub)
    hub.ok("move", "--to", tmp_path / "target")


def test_limits_may_change_while_a_move_is_under_way(hub: Cli, tmp_path: Path) -> None:
    def watch(phase: Phase) -> None:
        if phase is Phase.COPIED:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        move_to(hub.folder, StoreSettings(folder=tmp_path / "target"), watch=watch)
    file = hub.folder / "laennec.toml"
    text = file.read_text("utf-8")
    file.write_text(text.replace('folder = "store"', 'folder = "store"\nparallel = 2'))
    hub.ok("move", "--to", tmp_path / "target")
    assert "parallel = 2" in file.read_text("utf-8")


def test_wrong_credentials_leave_the_hub_where_it_is(hub: Cli, tmp_path: Path) -> None:
    file = tmp_path / "s3.toml"
    file.touch(mode=0o644)
    said = hub("move", "--to", "s3://bucket/x", "--endpoint", "http://127.0.0.1:9",
               "--insecure-http", "--credentials-file", file)  # fmt: skip
    assert said.status in {errors.SettingsError.exit_status, errors.StoreError.exit_status}
    assert store_settings(hub.folder).url is None
    hub.ok("verify")


def test_what_one_does_with_move_is_one_thing(hub: Cli) -> None:
    assert hub("move").status == 2
    assert hub("move", "--status", "--abandon").status == 2


def test_the_present_key_holder_is_no_new_one(hub: Cli, tmp_path: Path) -> None:
    said = hub("move", "--to", tmp_path / "target", "--keys-to", keys_file(tmp_path, "keys"))
    assert said.status in {
        errors.SettingsError.exit_status,
        errors.AlreadyExistsError.exit_status,
    }
    assert store_settings(hub.folder).folder == hub.folder / "store"
    hub.ok("verify")
