"""A synthetic delivery through the whole load: sums, months, kills, what lies on the disk."""

import csv
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from fakes.snds_hub import SndsHub, Stopping, content, delivery, part_of
from laennec.core.errors import ConflictError, SourceError
from laennec.intake.snds.load_folder import NAME
from laennec.intake.snds.report import SndsReport
from laennec.omop.cdm import CURRENT, cdm
from laennec.snds.person_metrics import compare
from laennec.vault.verify import FindingKind
from laennec.warehouse.layout import sort_keys


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return delivery(tmp_path_factory.mktemp("snds") / "delivery")


@pytest.fixture(scope="module")
def loaded(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[SndsHub, SndsReport]:
    hub = SndsHub(tmp_path_factory.mktemp("loaded") / "hub")
    return hub, hub.load(whole)


def is_late(name: str) -> bool:
    """Tell the files of the second year's flux and later, stays and deaths included."""
    return any(f"_{year}" in name for year in (2019, 2020)) or (
        name.startswith("T_") and "19" in name
    )


def test_every_row_of_every_file_has_one_fate(
    loaded: tuple[SndsHub, SndsReport], whole: Path
) -> None:
    _, report = loaded
    told = {one.file: one.read for one in report.files}
    rows = {one.name: one.read_bytes().count(b"\n") - 1 for one in whole.glob("*.csv")}
    assert told == {name: rows[name] for name in told}
    assert set(rows) - set(told) == set(report.unread)
    assert all(one.reconciles for one in report.files)
    assert all(one.reconciles for one in report.lines.values())
    assert report.read == report.kept + report.quarantined + report.dropped + report.apart


def test_rows_set_aside_are_sealed_with_their_place(loaded: tuple[SndsHub, SndsReport]) -> None:
    hub, report = loaded
    quarantine, apart = hub.sealed("quarantine"), hub.sealed("snds_apart")
    assert quarantine.height == report.quarantined > 0
    assert apart.height == report.apart > 0
    told: Counter[tuple[str, str]] = Counter()
    for one in report.files:
        for reason, rows in one.apart.items():
            told[one.file, reason] += rows
    found = {
        (file, reason): rows
        for file, reason, rows in apart.group_by("file", "reason").len().iter_rows()
    }
    assert found == told
    assert not apart.select("file", "line").is_duplicated().any()


def test_omop_rows_are_those_that_lines_came_to(loaded: tuple[SndsHub, SndsReport]) -> None:
    hub, report = loaded
    tables = hub.tables()
    for table, count in report.lines.items():
        assert tables[table].height == count.rows, table


def test_tables_are_sorted_and_keys_are_unique(loaded: tuple[SndsHub, SndsReport]) -> None:
    hub, _ = loaded
    view = hub.view()
    for name, table in cdm(CURRENT).tables.items():
        if table.is_vocabulary or not view.files(name):
            continue
        rows = hub.vault.read(view.files(name))
        if table.primary_key is not None:
            assert rows[table.primary_key].is_unique().all(), name
        if table.person_field is not None:
            for file in view.files(name):
                part = hub.vault.read(file)
                assert part.equals(part.sort(sort_keys(table), nulls_last=True)), name


def test_every_reference_leads_somewhere(loaded: tuple[SndsHub, SndsReport]) -> None:
    hub, _ = loaded
    tables = hub.tables()
    for table in ("drug_exposure", "procedure_occurrence", "measurement", "visit_detail"):
        for field, target in (
            ("person_id", "person"),
            ("visit_occurrence_id", "visit_occurrence"),
            ("provider_id", "provider"),
        ):
            named = tables[table][field].drop_nulls()
            assert named.is_in(tables[target][field].implode()).all(), (table, field)
    visits = tables["visit_occurrence"]
    assert tables["cost"]["cost_event_id"].is_in(visits["visit_occurrence_id"].implode()).all()
    assert (
        visits["care_site_id"]
        .drop_nulls()
        .is_in(tables["care_site"]["care_site_id"].implode())
        .all()
    )


def test_persons_are_those_of_the_truth(loaded: tuple[SndsHub, SndsReport], whole: Path) -> None:
    hub, _ = loaded
    truth = pl.read_csv(
        whole / "truth" / "identifiers.csv",
        separator=";",
        schema_overrides={"BEN_NIR_PSA": pl.String},
    )
    counts = compare(hub.sealed("snds_identifier"), truth)
    assert counts.precision >= 0.9999
    assert counts.recall >= 0.99


def test_nothing_is_left_readable(loaded: tuple[SndsHub, SndsReport], whole: Path) -> None:
    hub, _ = loaded
    assert not (hub.folder / "scratch" / NAME).exists()
    with (whole / "IR_BEN_R.csv").open(newline="") as file:
        row = next(csv.DictReader(file, delimiter=";"))
    canary = row["BEN_NIR_PSA"].encode()
    assert len(canary) == 17
    for path in hub.folder.rglob("*"):
        assert not path.is_file() or canary not in path.read_bytes()
    assert hub.vault.verify().ok


def test_the_ledger_tells_counts_only(loaded: tuple[SndsHub, SndsReport]) -> None:
    hub, report = loaded
    entry = hub.ledger.newest("intake:snds:load")
    assert entry is not None
    assert entry.public["rows_read"] == report.read
    assert entry.public["rows_apart"] == report.apart


def charges(tables: dict[str, pl.DataFrame]) -> pl.Series:
    """Return what was charged for each visit; visits that went leave costs behind."""
    there = tables["visit_occurrence"].select(cost_event_id="visit_occurrence_id")
    costs = tables["cost"].join(there, on="cost_event_id", how="semi").group_by("cost_event_id")
    whole = costs.agg(pl.col("total_charge").sum().round(2)).filter(pl.col("total_charge") != 0)
    return whole["total_charge"].sort()


def test_month_by_month_comes_to_the_same_as_at_once(
    loaded: tuple[SndsHub, SndsReport], whole: Path, tmp_path: Path
) -> None:
    hub = SndsHub(tmp_path / "hub")
    hub.load(part_of(whole, tmp_path / "first", lambda name: not is_late(name)))
    report = hub.load(part_of(whole, tmp_path / "second", is_late))
    assert report.missing_months == ()
    found, expected = hub.tables(), loaded[0].tables()
    assert found.keys() == expected.keys()
    for table in expected.keys() - {"cost"}:
        assert content(found[table]).equals(content(expected[table])), table
    assert charges(found).equals(charges(expected))
    again = hub.load(whole)
    assert again.snapshot is None
    assert len(again.already_loaded) == len({*report.already_loaded, *again.already_loaded})


def test_a_small_memory_changes_nothing(
    loaded: tuple[SndsHub, SndsReport], whole: Path, tmp_path: Path
) -> None:
    hub = SndsHub(tmp_path / "hub")
    hub.load(whole, memory_bytes=400_000)
    expected = loaded[0].tables()
    for table, rows in hub.tables().items():
        assert content(rows).equals(content(expected[table])), table


@pytest.mark.parametrize("after", [1, 20, 48])
def test_a_load_that_ends_early_goes_on(
    loaded: tuple[SndsHub, SndsReport], whole: Path, tmp_path: Path, after: int
) -> None:
    hub = SndsHub(tmp_path / "hub")
    with pytest.raises(KeyboardInterrupt):
        hub.load(whole, executor=Stopping(after))
    assert hub.vault.snapshot().number == 0
    report = SndsHub(hub.folder).load(whole)
    assert 0 < report.resumed <= after
    expected = loaded[0].tables()
    for table, rows in hub.tables().items():
        assert content(rows).equals(content(expected[table])), table
    kinds = {finding.kind for finding in hub.vault.verify().findings}
    assert kinds <= {FindingKind.UNREFERENCED}


def test_a_changed_file_is_read_again(whole: Path, tmp_path: Path) -> None:
    folder = part_of(whole, tmp_path / "delivery", lambda _: True)
    hub = SndsHub(tmp_path / "hub")
    with pytest.raises(KeyboardInterrupt):
        hub.load(folder, executor=Stopping(3))
    for link in folder.glob("ER_PRS_F_20180[23].csv"):
        body = link.read_bytes()
        link.unlink()
        link.write_bytes(body)
    report = SndsHub(hub.folder).load(folder)
    assert report.resumed == 1
    assert report.snapshot == 1


def test_one_process_loads_at_a_time(whole: Path, tmp_path: Path) -> None:
    hub = SndsHub(tmp_path / "hub")

    class Meanwhile(Stopping):
        def map(self, task, items):  # type: ignore[no-untyped-def]
            with pytest.raises(ConflictError, match="Another process"):
                SndsHub(hub.folder).load(whole)
            return super().map(task, items)

    with pytest.raises(KeyboardInterrupt):
        hub.load(whole, executor=Meanwhile(1))


def test_a_month_loaded_twice_is_refused(
    loaded: tuple[SndsHub, SndsReport], whole: Path, tmp_path: Path
) -> None:
    hub, _ = loaded
    again = tmp_path / "again"
    again.mkdir()
    body = (whole / "ER_PRS_F_201905.csv").read_bytes()
    lines = body.split(b"\n")
    (again / "ER_PRS_F_201905.csv").write_bytes(b"\n".join(lines[:-2]) + b"\n")
    before = hub.vault.snapshot()
    with pytest.raises(SourceError, match="claims 2019-05 was loaded in snapshot 1"):
        hub.load(again)
    assert hub.vault.snapshot() == before


def test_a_missing_month_is_reported(whole: Path, tmp_path: Path) -> None:
    folder = part_of(whole, tmp_path / "delivery", lambda name: "_201807" not in name)
    report = SndsHub(tmp_path / "hub").load(folder)
    assert report.missing_months == ("2018-07",)
    assert report.snapshot == 1


def test_details_without_their_claims_are_refused(whole: Path, tmp_path: Path) -> None:
    folder = part_of(whole, tmp_path / "delivery", lambda name: name != "ER_PRS_F_201807.csv")
    with pytest.raises(SourceError, match="ER_PRS_F of 2018-07"):
        SndsHub(tmp_path / "hub").load(folder)


def test_without_beneficiaries_nothing_is_loaded(whole: Path, tmp_path: Path) -> None:
    folder = part_of(whole, tmp_path / "delivery", lambda name: not name.startswith("IR_BEN_R"))
    with pytest.raises(SourceError, match="IR_BEN_R"):
        SndsHub(tmp_path / "hub").load(folder)
