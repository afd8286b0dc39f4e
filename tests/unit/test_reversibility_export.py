"""What an export writes, where it may write it, and that it appears whole or not at all."""

import hashlib
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest

from fakes.export_hub import by_duckdb, export, exporter, manifest, multiset, rows_of
from fakes.intake_hub import CONDITIONS, PERSONS, SmallHub, small_data_set, write_csv
from laennec import __version__
from laennec.core.errors import (
    AlreadyExistsError,
    LedgerError,
    NotFoundError,
    SettingsError,
    StoreError,
    StoreFullError,
)
from laennec.core.progress import Quiet
from laennec.omop.cdm import CURRENT, cdm
from laennec.omop.ddl import SQL_TYPES
from laennec.reversibility import export_sinks
from laennec.reversibility.export_model import Form, Sheet
from laennec.warehouse.rebucket import rebucket

FORMS = pytest.mark.parametrize("form", list(Form))
REPEATED = CONDITIONS + "10,2,201826,2021-01-05,32020\n" + "11,1,0,2021-01-05,32020\n"


@pytest.fixture
def hub(tmp_path: Path) -> SmallHub:
    made = SmallHub(tmp_path)
    made.load(small_data_set(tmp_path / "data"))
    return made


def events(hub: SmallHub) -> list[str]:
    return [one.name for one in hub.ledger.entries() if "export" in one.name]


@FORMS
def test_every_row_and_column_is_there(hub: SmallHub, tmp_path: Path, form: Form) -> None:
    report = export(hub, tmp_path / "out", form)
    held = hub.tables()
    assert [one.sheet.name for one in report.tables] == list(held)
    with by_duckdb(tmp_path / "out") as engine:
        for table, rows in held.items():
            assert rows_of(engine, table).columns == list(cdm(CURRENT).tables[table].field_names)
            assert multiset(rows_of(engine, table)).equals(multiset(rows))


@FORMS
def test_rows_come_bucket_by_bucket_as_stored(hub: SmallHub, tmp_path: Path, form: Form) -> None:
    # The salt of a hub is random: in few buckets, all its persons may meet in one.
    rebucket(
        hub.vault,
        buckets=1 << 14,
        scratch=tmp_path / "scratch",
        memory_bytes=1 << 20,
        workers=1,
        reporter=Quiet(),
    )
    export(hub, tmp_path / "out", form)
    files = sorted(hub.view().files("person"), key=lambda one: one.bucket or 0)
    assert len(files) > 1
    with by_duckdb(tmp_path / "out") as engine:
        assert rows_of(engine, "person").equals(hub.vault.read(files))


@FORMS
def test_only_the_owner_may_read_it(hub: SmallHub, tmp_path: Path, form: Form) -> None:
    export(hub, tmp_path / "out", form, with_quarantine=True)
    for one in [tmp_path / "out", *(tmp_path / "out").rglob("*")]:
        assert one.stat().st_mode & 0o777 == (0o700 if one.is_dir() else 0o600)


@FORMS
def test_sums_are_those_of_the_files(hub: SmallHub, tmp_path: Path, form: Form) -> None:
    out = tmp_path / "out"
    report = export(hub, out, form, with_quarantine=True)
    done = subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=out, check=False)
    assert done.returncode == 0
    listed = {one["name"]: (one["bytes"], one["sha256"]) for one in manifest(out)["files"]}
    found = {str(one.relative_to(out)): one.read_bytes() for one in out.rglob("*") if one.is_file()}
    assert hashlib.sha256(found.pop("manifest.json")).hexdigest() == report.manifest_sha256
    assert found.pop("SHA256SUMS").count(b"\n") == len(listed)
    assert listed == {
        name: (len(body), hashlib.sha256(body).hexdigest()) for name, body in found.items()
    }


def test_the_manifest_says_what_it_is(hub: SmallHub, tmp_path: Path) -> None:
    export(hub, tmp_path / "out", Form.PARQUET)
    told, snapshot = manifest(tmp_path / "out"), hub.view().snapshot
    person = cdm(CURRENT).tables["person"]
    assert {name: told[name] for name in told if name not in ("tables", "files")} == {
        "format": "laennec-export/1",
        "hub": "hub.example/ledger",
        "warehouse": hub.vault.warehouse_id,
        "snapshot": snapshot.number,
        "snapshot_created_at": snapshot.created_at,
        "head_sha256": snapshot.digest,
        "cdm_version": "5.4",
        "vocabulary_version": "none",
        "program_version": __version__,
        "made_at": snapshot.created_at,
        "target_format": "parquet",
        "rows_quarantined": 0,
    }
    assert told["tables"][0] == {
        "table": "person",
        "file": "person.parquet",
        "rows": 4,
        "columns": [{"name": one.name, "type": SQL_TYPES[one.type]} for one in person.fields],
        "primary_key": "person_id",
        "repeated_keys": 0,
        "missing_required": {},
    }


def test_an_older_snapshot(hub: SmallHub, tmp_path: Path) -> None:
    write_csv(tmp_path / "more", {"person": PERSONS.splitlines()[0] + "\n77,8507,1950,0,0\n"})
    hub.load(tmp_path / "more")
    for number, persons in ((1, 4), (2, 5)):
        out = tmp_path / f"out{number}"
        plan = exporter(hub).plan(out, form=Form.CSV, snapshot=number)
        assert (plan.persons, plan.sheets[0].rows) == (persons, persons)
        exporter(hub).write(plan)
        assert manifest(out)["head_sha256"] == hub.view(number).snapshot.digest
        assert len((out / "person.csv").read_text().splitlines()) == 1 + persons


@FORMS
def test_chosen_tables_with_or_without_rows(hub: SmallHub, tmp_path: Path, form: Form) -> None:
    report = export(hub, tmp_path / "out", form, tables=("Death", "person", "death"))
    assert [(one.sheet.name, one.sheet.rows) for one in report.tables] == [
        ("person", 4),
        ("death", 0),
    ]
    with by_duckdb(tmp_path / "out") as engine:
        assert rows_of(engine, "death").columns == list(cdm(CURRENT).tables["death"].field_names)


@FORMS
def test_rows_in_quarantine_have_a_folder_of_their_own(tmp_path: Path, form: Form) -> None:
    hub = SmallHub(tmp_path)
    hub.load(
        small_data_set(tmp_path / "data", condition_occurrence=CONDITIONS + "14,x,0,2020-1-1,0\n")
    )
    plan = exporter(hub).plan(tmp_path / "out", form=form)
    assert (plan.quarantine, plan.rows_quarantined) == (None, 1)
    exporter(hub).write(plan)
    assert not (tmp_path / "out" / "quarantine").exists()
    assert manifest(tmp_path / "out")["rows_quarantined"] == 1
    export(hub, tmp_path / "with", form, with_quarantine=True)
    name = "quarantine.csv" if form is Form.CSV else "quarantine.parquet"
    path = tmp_path / "with" / "quarantine" / name
    read = pl.read_csv(path) if form is Form.CSV else pl.read_parquet(path)
    assert read.equals(hub.quarantine())


@FORMS
def test_broken_rules_are_counted_and_their_scripts_fail(tmp_path: Path, form: Form) -> None:
    hub = SmallHub(tmp_path)
    hub.load(small_data_set(tmp_path / "data", condition_occurrence=REPEATED), keep_repeated=True)
    report = export(hub, tmp_path / "out", form)
    assert {one.sheet.name: one.repeated for one in report.tables} == {
        "person": 0,
        "condition_occurrence": 2,
    }
    told = {one["table"]: one["repeated_keys"] for one in manifest(tmp_path / "out")["tables"]}
    assert told == {"person": 0, "condition_occurrence": 2}
    script = (tmp_path / "out" / "ddl" / "3-primary-keys.sql").read_text()
    with by_duckdb(tmp_path / "out") as engine:
        for line in script.splitlines()[1:]:
            if '"condition_occurrence"' in line:
                with pytest.raises(duckdb.ConstraintException):
                    engine.execute(line)
            else:
                engine.execute(line)


def test_missing_required_values_are_counted(tmp_path: Path) -> None:
    """CDM 5.3 does not require what 5.4 does: such rows are kept, and 2-required.sql fails."""
    hub = SmallHub(tmp_path)
    source = "cdm_source_name,source_release_date\nx,2020-01-01\n"
    hub.load(small_data_set(tmp_path / "data", cdm_source=source))
    export(hub, tmp_path / "out", Form.DUCKDB)
    told = next(one for one in manifest(tmp_path / "out")["tables"] if one["table"] == "cdm_source")
    required = [one.name for one in cdm(CURRENT).tables["cdm_source"].fields if one.required]
    present = ("cdm_source_name", "source_release_date")
    assert told["missing_required"] == {name: 1 for name in required if name not in present}
    assert told["missing_required"]
    script = (tmp_path / "out" / "ddl" / "2-required.sql").read_text().splitlines()[1:]
    with by_duckdb(tmp_path / "out") as engine:
        failed = []
        for line in script:
            try:
                engine.execute(line)
            except duckdb.ConstraintException:
                failed.append(line.split('"')[3])
    assert failed == list(told["missing_required"])


def test_small_buckets_share_a_row_group(
    hub: SmallHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(hub, tmp_path / "one", Form.PARQUET)
    assert pq.ParquetFile(tmp_path / "one" / "person.parquet").num_row_groups == 1
    monkeypatch.setattr(export_sinks, "ROWS_PER_GROUP", 1)
    export(hub, tmp_path / "many", Form.PARQUET)
    assert pq.ParquetFile(tmp_path / "many" / "person.parquet").num_row_groups > 1


def test_parquet_is_plain(hub: SmallHub, tmp_path: Path) -> None:
    export(hub, tmp_path / "out", Form.PARQUET)
    file = pq.ParquetFile(tmp_path / "out" / "person.parquet")
    assert not file.metadata.metadata
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"


@FORMS
def test_the_ledger_says_it_before_and_after(hub: SmallHub, tmp_path: Path, form: Form) -> None:
    report = export(hub, tmp_path / "out", form)
    begun, written = (one for one in hub.ledger.entries() if "export" in one.name)
    facts = {
        "snapshot": 1,
        "head_sha256": hub.view().snapshot.digest,
        "target_format": form.value,
        "tables": 2,
        "rows": 8,
        "rows_quarantined": 0,
    }
    assert (begun.name, dict(begun.public)) == ("vault:export:begin", facts)
    assert (written.name, dict(written.public)) == (
        "vault:warehouse:export",
        facts | {"files": len(report.files), "bytes": report.size},
    )


def test_what_cannot_be_logged_is_not_written(
    hub: SmallHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str, **_: object) -> None:
        raise LedgerError(f"No {name}.", remedy="None.")

    plan = exporter(hub).plan(tmp_path / "out", form=Form.CSV)
    monkeypatch.setattr(hub.ledger, "append", refuse)
    with pytest.raises(LedgerError, match="vault:export:begin"):
        exporter(hub).write(plan)
    assert not [one for one in tmp_path.iterdir() if one.name.startswith("out")]


def test_what_cannot_be_logged_in_the_end_does_not_appear(
    hub: SmallHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = hub.ledger.append

    def refuse(name: str, **facts: object) -> object:
        if name == "vault:warehouse:export":
            assert (tmp_path / "out.partial" / "manifest.json").exists()
            raise LedgerError("No.", remedy="None.")
        return append(name, **facts)  # type: ignore[arg-type]

    plan = exporter(hub).plan(tmp_path / "out", form=Form.CSV)
    monkeypatch.setattr(hub.ledger, "append", refuse)
    with pytest.raises(LedgerError):
        exporter(hub).write(plan)
    assert not [one for one in tmp_path.iterdir() if one.name.startswith("out")]


@pytest.mark.parametrize("inside", ["ledger", "ledger/deeper", "store/x"])
def test_no_folder_of_the_hub(hub: SmallHub, tmp_path: Path, inside: str) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / inside.partition("/")[0])
    ways = [tmp_path / inside, tmp_path / "link" / "y", tmp_path / "store" / ".." / inside]
    for folder in ways:
        with pytest.raises(StoreError, match="belongs to the hub"):
            export(hub, folder, Form.CSV)
    assert events(hub) == []


def test_an_empty_folder_is_taken_and_a_full_one_refused(hub: SmallHub, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir(mode=0o755)
    export(hub, out, Form.CSV)
    assert out.stat().st_mode & 0o777 == 0o700
    (tmp_path / "file").write_text("x")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere" / "x")
    for folder in (out, tmp_path / "file"):
        with pytest.raises(AlreadyExistsError):
            export(hub, folder, Form.CSV)
    for folder in (tmp_path / "dangling", tmp_path / "absent" / "out"):
        with pytest.raises(StoreError, match="is not a folder"):
            export(hub, folder, Form.CSV)


def test_what_a_killed_export_left_is_named(hub: SmallHub, tmp_path: Path) -> None:
    (tmp_path / "out.partial").mkdir()
    with pytest.raises(AlreadyExistsError, match=r"out\.partial"):
        export(hub, tmp_path / "out", Form.CSV)
    assert (tmp_path / "out.partial").exists()


def test_a_folder_that_was_filled_meanwhile_is_not_replaced(
    hub: SmallHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = exporter(hub)
    plan = made.plan(tmp_path / "out", form=Form.CSV)
    file_of = export_sinks.CsvSink.file_of

    def meddle(sink: export_sinks.CsvSink, sheet: Sheet) -> str:
        (tmp_path / "out").mkdir(exist_ok=True)
        (tmp_path / "out" / "mine").touch()
        return file_of(sink, sheet)

    monkeypatch.setattr(export_sinks.CsvSink, "file_of", meddle)
    with pytest.raises(StoreError):
        made.write(plan)
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["mine"]
    assert not (tmp_path / "out.partial").exists()


@contextmanager
def files_at_most(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@FORMS
def test_a_full_disk_is_said_and_nothing_stays(tmp_path: Path, form: Form) -> None:
    hub, draw = SmallHub(tmp_path), hashlib.sha256
    places = "".join(f"{number},{draw(b'%d' % number).hexdigest()}\n" for number in range(2_000))
    hub.load(small_data_set(tmp_path / "data", location=f"location_id,city\n{places}"))
    plan = exporter(hub).plan(tmp_path / "out", form=form)
    stays = {one.name for one in tmp_path.iterdir()}
    expected = StoreError if form is Form.DUCKDB else StoreFullError
    # What the ledger writes is smaller, and the table larger.
    with files_at_most(8_000), pytest.raises(expected, match="removed"):
        exporter(hub).write(plan)
    assert {one.name for one in tmp_path.iterdir()} == stays
    assert events(hub) == ["vault:export:begin"]


def test_nothing_to_export(tmp_path: Path) -> None:
    hub = SmallHub(tmp_path)
    with pytest.raises(NotFoundError, match="no rows"):
        export(hub, tmp_path / "out", Form.CSV)
    with pytest.raises(NotFoundError, match="no snapshot 7"):
        export(hub, tmp_path / "out", Form.CSV, snapshot=7)
    with pytest.raises(NotFoundError, match="Did you mean person"):
        export(hub, tmp_path / "out", Form.CSV, tables=("persons",))


def test_without_duckdb_the_format_says_what_to_install(
    hub: SmallHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"laennec\[duckdb\]"):
        exporter(hub).plan(tmp_path / "out", form=Form.DUCKDB)
    exporter(hub).plan(tmp_path / "out", form=Form.PARQUET)
