"""Journeys of a hub whose sealed objects lie at a host: S3 (moto and Ceph) and Azure Blob."""

import csv
import shutil
from pathlib import Path

import pytest

from fakes.cli_shell import PASSPHRASE, Cli, new_hub, packaged, passphrase_file
from laennec.app import create
from laennec.app.stores import PARTS, WAREHOUSE, store_of
from laennec.core import errors
from laennec.core.errors import StoreFullError
from laennec.core.settings import read_settings
from parts.faulty_proxy import faulty_line
from parts.hosts import Host
from parts.s3rver import s3rver


def released(cli: Cli, folder: Path) -> list[tuple[str, ...]]:
    """Run and release the demo's study; return every row that does not name the snapshot."""
    run = cli.ok("study", "run", packaged("celecoxib.toml", folder), quiet=True).strip()
    cli.ok("release", run)
    (table,) = (cli.folder / "releases" / run).glob("*.csv")
    with table.open(newline="", encoding="utf-8") as rows:
        return sorted(tuple(row) for row in csv.reader(rows) if "snapshot_sha256" not in row)


def test_a_hub_at_a_host_answers_as_one_in_a_folder(
    any_host: Host, loaded: Cli, tmp_path: Path
) -> None:
    cli = new_hub(tmp_path / "remote", *any_host.init_options(tmp_path))
    assert not (cli.folder / "store").exists()
    cli.ok("load", "omop", packaged("gibleed.zip", tmp_path))
    expected = released(loaded.copy(tmp_path / "local"), tmp_path)
    assert len(expected) > 500
    assert released(cli, tmp_path) == expected
    assert "Everything is what was sealed" in cli.ok("verify")
    cli.ok("rebucket", 8)
    cli.ok("keys", "rotate")
    cli.ok("sweep", "--keep", 1)
    cli.ok("shred", "--before", 1, "--yes")
    assert "Everything is what was sealed" in cli.ok("verify")
    assert PASSPHRASE not in (cli.folder / "laennec.toml").read_text()


def test_a_study_run_again_fetches_nothing_again(azurite_host: Host, tmp_path: Path) -> None:
    with faulty_line(azurite_host.endpoint) as line:
        cli = new_hub(tmp_path / "hub", *azurite_host.at(line.endpoint).init_options(tmp_path))
        cli.ok("load", "omop", packaged("gibleed.zip", tmp_path))
        study = packaged("celecoxib.toml", tmp_path)
        copies = cli.folder / "cache"
        for warm in (True, False, True):
            if not warm:
                for copy in copies.rglob("*"):
                    if copy.is_file():
                        copy.unlink()
            line.requests.clear()
            cli.ok("study", "run", study)
            fetched = [path for method, path in line.requests if "/warehouse/objects/" in path]
            assert bool(fetched) is not warm
            assert len(fetched) == len(set(fetched))


def test_copies_do_not_hide_what_the_host_did(moto_host: Host, tmp_path: Path) -> None:
    cli = new_hub(tmp_path / "hub", *moto_host.init_options(tmp_path))
    cli.ok("load", "omop", packaged("gibleed.zip", tmp_path))
    store = store_of(read_settings(cli.folder).store, WAREHOUSE, cached=False)
    # The two largest are data files: below a record that is lost, nothing tells what it named.
    *_, first, second = (one.name for one in sorted(store.list("objects/"), key=lambda o: o.size))
    body = store.get(second)
    store.delete([first, second])
    store.create(second, body[:-1] + bytes([body[-1] ^ 1]))
    cli.ok("study", "run", packaged("celecoxib.toml", tmp_path))
    said = cli("verify")
    assert said.status == errors.IntegrityError.exit_status
    assert first in said.out
    assert second in said.out


def test_a_copy_of_what_a_host_once_served_wrong_goes_when_it_is_verified(
    moto_host: Host, tmp_path: Path
) -> None:
    cli = new_hub(tmp_path / "hub", *moto_host.init_options(tmp_path))
    cli.ok("load", "omop", packaged("gibleed.zip", tmp_path))
    settings, study = read_settings(cli.folder).store, packaged("celecoxib.toml", tmp_path)
    store = store_of(settings, WAREHOUSE, cached=False)
    sound = {one.name: store.get(one.name) for one in store.list("objects/")}
    for name, body in sound.items():
        store.delete([name])
        store.create(name, body[:-1] + bytes([body[-1] ^ 1]))
    shutil.rmtree(settings.cache)
    assert cli("study", "run", study).status == errors.IntegrityError.exit_status
    store.delete(list(sound))
    for name, body in sound.items():
        store.create(name, body)
    assert "Everything is what was sealed" in cli.ok("verify")
    cli.ok("study", "run", study)


def test_a_store_that_ignores_conditions_is_refused(tmp_path: Path) -> None:
    with s3rver(tmp_path) as host:
        cli, secret = Cli(tmp_path / "hub"), passphrase_file(tmp_path)
        options = host.init_options(tmp_path, prefix="hub")
        said = cli("init", "--name", "x", "--passphrase-file", secret, *options)
        assert said.status == errors.StoreError.exit_status
        assert "replaces an object" in said.err
        assert not (cli.folder / "laennec.toml").exists()
        given = host.settings(tmp_path, prefix="hub")
        assert [list(store_of(given, part, cached=False).list()) for part in PARTS] == [[], []]


def test_a_place_that_holds_a_hub_is_refused_and_left_alone(
    moto_host: Host, tmp_path: Path
) -> None:
    first = new_hub(tmp_path / "one", *moto_host.init_options(tmp_path, prefix="taken"))
    second = Cli(tmp_path / "two")
    options = moto_host.init_options(tmp_path, prefix="taken")
    said = second("init", "--name", "x", "--passphrase-file", passphrase_file(tmp_path), *options)
    assert said.status == errors.AlreadyExistsError.exit_status
    assert "holds something already" in said.err
    assert "Everything is what was sealed" in first.ok("verify")


@pytest.mark.parametrize("step", ["create_signing_key", "_write_settings"])
def test_a_hub_that_could_not_be_made_leaves_nothing_at_the_host(
    step: str, azurite_host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StoreFullError("Full.", remedy="")

    given, secret = azurite_host.settings(tmp_path, prefix=f"made{step}"), passphrase_file(tmp_path)
    options = azurite_host.init_options(tmp_path, prefix=f"made{step}")
    cli = Cli(tmp_path / "hub")
    with monkeypatch.context() as broken:
        broken.setattr(create, step, fail)
        said = cli("init", "--name", "x", "--passphrase-file", secret, *options)
    assert said.status == StoreFullError.exit_status
    assert [list(store_of(given, part, cached=False).list()) for part in PARTS] == [[], []]
    cli.ok("init", "--name", "x", "--passphrase-file", secret, *options)


def test_options_of_a_store_are_checked(tmp_path: Path) -> None:
    cli, secret = Cli(tmp_path / "hub"), passphrase_file(tmp_path)
    start = ("init", "--name", "x", "--passphrase-file", secret)
    said = cli(*start, "--store-region", "here", lang="fr")
    assert said.status == 2
    assert "demandent --store-url" in said.err
    said = cli(*start, "--store-url", "ftp://host/x")
    assert said.status == errors.SettingsError.exit_status
    assert "store.url" in said.err
    said = cli(*start, "--store-url", "s3://b/x", "--store-endpoint", "http://127.0.0.1:9")
    assert said.status == errors.SettingsError.exit_status
    assert "store.insecure_http" in said.err
    assert not (cli.folder / "laennec.toml").exists()
