"""GiBleed out and in again: the same rows, and the same answers."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from fakes.cli_shell import Cli, new_hub, packaged
from fakes.export_hub import by_duckdb, manifest, multiset, rows_of
from laennec.app.hub import open_hub
from laennec.core.clock import system_clock
from laennec.core.progress import Quiet
from laennec.reversibility.export_model import Form


@pytest.fixture(scope="module")
def gibleed(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    folder = tmp_path_factory.mktemp("gibleed")
    cli = new_hub(folder)
    cli.ok("load", "omop", packaged("gibleed.zip", folder))
    for form in Form:
        cli.ok("export", folder / form.value, "--format", form.value, "--yes")
    return cli


def held_by(cli: Cli) -> dict[str, pl.DataFrame]:
    with open_hub(cli.folder, clock=system_clock, reporter=Quiet()) as hub:
        view = hub.warehouse.view()
        return {name: hub.warehouse.vault.read(view.files(name)) for name in view.rows()}


def answer(cli: Cli, folder: Path) -> bytes:
    """Return what is released of the demo's study, apart from the digest of the snapshot."""
    study = packaged("celecoxib.toml", folder)
    run = cli.ok("study", "run", study, quiet=True).strip()
    cli.ok("release", run)
    (found,) = (cli.folder / "releases" / run).glob("celecoxib*.csv")
    lines = found.read_bytes().splitlines()
    return b"\n".join(sorted(one for one in lines if b"snapshot_sha256" not in one))


@pytest.mark.parametrize("form", list(Form))
def test_another_engine_reads_the_same_rows(gibleed: Cli, form: Form) -> None:
    held = held_by(gibleed)
    folder = gibleed.folder.parent / form.value
    assert [one["table"] for one in manifest(folder)["tables"]] == list(held)
    with by_duckdb(folder) as engine:
        for table, rows in held.items():
            assert multiset(rows_of(engine, table)).equals(multiset(rows)), table


@pytest.mark.parametrize("form", [Form.PARQUET, Form.CSV])
def test_a_new_hub_holds_the_same_and_answers_the_same(
    gibleed: Cli, form: Form, tmp_path: Path
) -> None:
    again = new_hub(tmp_path)
    again.ok("load", "omop", gibleed.folder.parent / form.value)
    mine, theirs = held_by(gibleed), held_by(again)
    assert mine.keys() == theirs.keys()
    assert all(multiset(mine[name]).equals(multiset(theirs[name])) for name in mine)
    original = gibleed.copy(tmp_path / "original")
    assert answer(again, tmp_path) == answer(original, tmp_path)


def test_constraints_hold_where_the_manifest_says_so(gibleed: Cli) -> None:
    folder = gibleed.folder.parent / Form.PARQUET.value
    missing = {
        (one["table"], column)
        for one in manifest(folder)["tables"]
        for column in one["missing_required"]
    }
    # The row that describes a data set of CDM 5.3 cannot say what only 5.4 asks.
    assert missing == {("cdm_source", "cdm_version_concept_id")}
    assert not any(one["repeated_keys"] for one in manifest(folder)["tables"])
    with by_duckdb(folder) as engine:
        engine.execute((folder / "ddl" / "3-primary-keys.sql").read_text())
        for line in (folder / "ddl" / "2-required.sql").read_text().splitlines()[1:]:
            _, table, _, column, _ = line.split('"')
            if (table, column) in missing:
                with pytest.raises(duckdb.ConstraintException):
                    engine.execute(line)
            else:
                engine.execute(line)
        engine.execute((folder / "ddl" / "4-indices.sql").read_text())
