"""Load after load: what is added, recognised, rewritten, and what stays readable."""

from pathlib import Path

import polars as pl
import pytest

from fakes.intake_hub import CONDITIONS, PERSONS, SmallHub, small_data_set, write_csv
from laennec.core.errors import FormatError
from laennec.intake import loaded_files
from laennec.intake.rules import Rule
from laennec.vault.manifest import Manifest
from laennec.warehouse.buckets import PERSONS_PER_BUCKET
from laennec.warehouse.layout import layout_of

PERSON_HEADER, CONDITION_HEADER = PERSONS.splitlines()[0], CONDITIONS.splitlines()[0]


@pytest.fixture
def hub(tmp_path: Path) -> SmallHub:
    hub = SmallHub(tmp_path / "hub")
    hub.load(small_data_set(tmp_path / "first"))
    return hub


def lines(header: str, *rows: str) -> str:
    return "\n".join((header, *rows, ""))


def concepts(hub: SmallHub, number: int) -> dict[int, int]:
    rows = hub.tables(number)["condition_occurrence"]
    return dict(rows.select("condition_occurrence_id", "condition_concept_id").rows())


def test_new_persons_new_rows_and_keys_that_come_again(hub: SmallHub, tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "second",
        {
            "person": lines(PERSON_HEADER, "5,8507,1990,0,0", "1,8507,1950,0,0", "2,8532,1961,0,0"),
            "condition_occurrence": lines(
                CONDITION_HEADER,
                "20,5,1,2023-01-01,32020",  # new person
                "21,1,2,2019-01-01,32020",  # old person
                "10,1,201826,2020-01-05,32020",  # the very row of the first load
                "11,2,999,2020-02-06,32020",  # its key, but another row
                "12,2,201826,2020-02-06,32020",  # a key of another person
                "20,5,1,2023-01-01,32020",  # twice in this file
            ),
        },
    )
    report = hub.load(path)
    counts = {count.table: count for count in report.counts}
    assert counts["person"].refused == {Rule.IDENTICAL_ROW: 1, Rule.REPEATED_KEY: 1}
    assert counts["condition_occurrence"].refused == {Rule.IDENTICAL_ROW: 2, Rule.REPEATED_KEY: 2}
    assert (report.read, report.kept) == (9, 3)
    quarantined = hub.quarantine().select("table", "line", "rule").sort("table", "line").rows()
    assert quarantined == [
        ("condition_occurrence", 5, "repeated_key"),
        ("condition_occurrence", 6, "repeated_key"),
        ("person", 4, "repeated_key"),
    ]
    assert concepts(hub, 1) == {10: 201826, 11: 201826, 12: 4329847, 13: 4329847}
    assert concepts(hub, 2) == {**concepts(hub, 1), 20: 1, 21: 2}
    assert hub.view(1).rows()["person"] == 4
    assert hub.view(2).rows()["person"] == 5


def test_a_full_export_again_adds_only_what_is_new(tmp_path: Path) -> None:
    """Also where no key tells a row from another, and for tables without persons."""
    tables = {
        "person": PERSONS,
        "condition_occurrence": CONDITIONS,
        "death": "person_id,death_date\n1,2020-01-05\n",
        "provider": "provider_id,provider_name\n1,a\n2,b\n",
        "fact_relationship": "domain_concept_id_1,fact_id_1,domain_concept_id_2,fact_id_2,"
        "relationship_concept_id\n1,2,3,4,5\n",
    }
    added = {
        "death": "2,2020-02-02\n",
        "provider": "1,changed\n3,c\n",
        "fact_relationship": "1,2,3,4,6\n",
    }
    hub = SmallHub(tmp_path / "hub")
    hub.load(write_csv(tmp_path / "one", tables))
    again = {name: tables[name] + added.get(name, "") for name in tables}
    report = hub.load(write_csv(tmp_path / "two", again))
    assert report.already_loaded == {"person.csv": 1, "condition_occurrence.csv": 1}
    assert report.by_rule() == {Rule.IDENTICAL_ROW: 4, Rule.REPEATED_KEY: 1}
    assert report.kept == 3
    found = hub.tables()
    assert sorted(found["provider"]["provider_name"]) == ["a", "b", "c"]
    assert {name: rows.height for name, rows in found.items()} == {
        "person": 4,
        "condition_occurrence": 4,
        "death": 2,
        "provider": 3,
        "fact_relationship": 2,
    }


def test_only_touched_buckets_are_rewritten(tmp_path: Path) -> None:
    hub = SmallHub(tmp_path / "hub")
    people = [f"{one},8507,1950,0,0" for one in range(100)]
    events = [f"{one},{one},1,2020-01-05,32020" for one in range(100)]
    hub.load(
        small_data_set(
            tmp_path / "first",
            person=lines(PERSON_HEADER, *people),
            condition_occurrence=lines(CONDITION_HEADER, *events),
        )
    )
    before = hub.vault.snapshot().manifest
    touched = next(one for one in before.files if one.bucket is not None and one.table == "person")
    person = hub.vault.read(touched)["person_id"][0]
    event = lines(CONDITION_HEADER, f"1000,{person},1,2020-01-05,32020")
    hub.load(write_csv(tmp_path / "second", {"condition_occurrence": event}))
    after = hub.vault.snapshot().manifest
    old = {(file.table, file.bucket): file for file in before.files}
    new = {(file.table, file.bucket): file for file in after.files}
    assert old.keys() == new.keys()
    changed = {place for place in old if old[place].object != new[place].object}
    assert changed == {("condition_occurrence", touched.bucket)}
    assert new[changed.pop()].version == 2


def test_a_second_load_of_the_same_files_is_recognised(hub: SmallHub, tmp_path: Path) -> None:
    before = hub.vault.snapshot()
    entries = len(list(hub.ledger.entries()))
    copy = small_data_set(tmp_path / "another place")
    report = hub.load(copy)
    assert report.snapshot is None
    assert report.already_loaded == {"person.csv": 1, "condition_occurrence.csv": 1}
    assert report.counts == ()
    assert hub.vault.snapshot() == before
    assert len(list(hub.ledger.entries())) == entries


def test_a_load_is_written_in_the_ledger(hub: SmallHub) -> None:
    entry = hub.ledger.newest("intake:load:finish")
    assert entry is not None
    counts = ("rows_read", "rows_kept", "rows_quarantined", "rows_dropped", "snapshot", "files")
    assert [entry.public[name] for name in counts] == [8, 8, 0, 0, 1, 2]
    document = hub.vault.snapshot().manifest.documents[0]
    assert b'"read": 4' in hub.vault.open_document(document)


def test_persons_that_come_later_do_not_bring_back_what_was_quarantined(
    hub: SmallHub, tmp_path: Path
) -> None:
    event = lines(CONDITION_HEADER, "20,77,1,2023-01-01,32020")
    first = write_csv(tmp_path / "second", {"condition_occurrence": event})
    assert hub.load(first).by_rule() == {Rule.UNKNOWN_PERSON: 1}
    hub.load(write_csv(tmp_path / "third", {"person": lines(PERSON_HEADER, "77,8507,1950,0,0")}))
    assert hub.load(first).snapshot is None
    later = write_csv(tmp_path / "fourth", {"condition_occurrence": event + "\n"})
    assert hub.load(later).kept == 1
    assert hub.quarantine().height == 1


def test_a_vocabulary_loaded_first_does_not_fix_the_buckets(tmp_path: Path) -> None:
    hub = SmallHub(tmp_path / "hub")
    hub.intake().load_vocabulary(
        write_csv(tmp_path / "voc", {"domain": "domain_id,domain_name,domain_concept_id\nD,d,1\n"})
    )
    people = pl.DataFrame({"person_id": range(5 * PERSONS_PER_BUCKET)}).with_columns(
        pl.lit(0).alias(name) for name in PERSON_HEADER.split(",")[1:]
    )
    folder = tmp_path / "data"
    folder.mkdir()
    people.write_parquet(folder / "person.parquet")
    hub.load(folder)
    layout = layout_of(hub.vault.snapshot().manifest)
    assert layout is not None
    assert layout.buckets == 8


@pytest.mark.parametrize("value", [3, {"ab": 1}, {"ab": {"table": "person"}}])
def test_an_unknown_list_of_loaded_files_is_refused(value: object) -> None:
    manifest = Manifest(properties={loaded_files.PROPERTY: value})  # type: ignore[dict-item]
    with pytest.raises(FormatError):
        loaded_files.of(manifest)
