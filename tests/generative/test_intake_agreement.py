"""Random dirty data sets: intake keeps and refuses what a loader in plain Python does."""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.intake_hub import SmallHub, write_csv
from fakes.intake_naive import NaiveWarehouse
from laennec.intake import csv_blocks
from laennec.intake.rules import DROPPED, QUARANTINED, Rule

IDS = st.sampled_from(
    ["1", "2", "3", "-4", "5.0", "9223372036854775807", "9223372036854775808", "", "x", "2.5"]
)
CONCEPTS = st.sampled_from(["0", "201826", "", "NA", "y"])
DATES = st.sampled_from(
    ["2020-01-05", "20200106", "2020-02-30", "", "2020-1-1", "2020-01-05 00:00:00"]
)
NUMBERS = st.sampled_from(["1.5", "", "NaN", "inf", "2"])
TEXTS = st.sampled_from(["", "NA", "abc", "d e"])
TABLES = {
    "person": (
        "person_id,year_of_birth,gender_concept_id,race_concept_id,ethnicity_concept_id",
        (IDS, st.sampled_from(["1950", "1960", "", "z"]), CONCEPTS, st.just("0"), st.just("0")),
    ),
    "death": ("death_date,person_id", (DATES, IDS)),
    "measurement": (
        "person_id,measurement_id,measurement_concept_id,measurement_date,value_as_number,"
        "measurement_type_concept_id,value_source_value",
        (IDS, IDS, CONCEPTS, DATES, NUMBERS, st.just("32020"), TEXTS),
    ),
    "provider": ("provider_id,npi,specialty_concept_id", (IDS, TEXTS, CONCEPTS)),
    "fact_relationship": (
        "domain_concept_id_1,fact_id_1,domain_concept_id_2,fact_id_2,relationship_concept_id",
        (CONCEPTS, IDS, st.just("0"), st.just("1"), st.just("0")),
    ),
}


@st.composite
def a_table(draw: st.DrawFn, name: str) -> str:
    header, cells = TABLES[name]
    rows = draw(st.lists(st.tuples(*cells), max_size=12))
    lines = [header, *(",".join(row) for row in rows)]
    for place in draw(st.lists(st.integers(1, len(lines)), max_size=2)):
        lines.insert(place, draw(st.sampled_from(["", "1", "1,2,3,4,5,6,7,8,9"])))
    return "\n".join(lines) + "\n"


DATA_SETS = st.fixed_dictionaries(
    {"person": a_table("person")},
    optional={name: a_table(name) for name in TABLES if name != "person"},
)


def refusals(hub: SmallHub) -> Counter[tuple[object, ...]]:
    rows = hub.quarantine()
    return Counter(rows.select("line", "table", "rule", "column").rows() if len(rows) else [])


@pytest.mark.parametrize("block", [1, 40, 1 << 20])
@settings(max_examples=20, deadline=None)
@given(
    first=DATA_SETS,
    second=DATA_SETS,
    keep_repeated=st.booleans(),
    memory=st.sampled_from([1, 1 << 26]),
)
def test_intake_agrees_with_plain_python(
    block: int, first: dict[str, str], second: dict[str, str], keep_repeated: bool, memory: int
) -> None:
    naive = NaiveWarehouse()
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        defaults = {**(csv_blocks.read_records.__kwdefaults__ or {}), "block": block}
        patch.setattr(csv_blocks.read_records, "__kwdefaults__", defaults)
        hub = SmallHub(Path(folder))
        texts: set[str] = set()
        for number, data in enumerate((first, second)):
            fresh = {name: text for name, text in data.items() if text not in texts}
            texts |= set(data.values())
            before = (naive.read, naive.by_rule())
            naive.load(fresh, keep_repeated=keep_repeated)
            path = write_csv(Path(folder) / f"data{number}", data)
            report = hub.load(path, keep_repeated=keep_repeated, memory_bytes=memory)
            assert len(report.already_loaded) == len(data) - len(fresh)
            assert report.read == naive.read - before[0]
            assert report.read == report.kept + report.quarantined + report.dropped
            assert all(count.reconciles for count in report.counts)
            found = {rule.value: rows for rule, rows in report.by_rule().items()}
            assert found == dict(naive.by_rule() - before[1])
        same_rows(hub, naive)
        sealed = [one for one in naive.refused if Rule(one[1][1]) in QUARANTINED]
        assert refusals(hub) == Counter(
            (line, table, rule, column) for line, (table, rule, column) in sealed
        )
        assert {Rule(rule) for rule in naive.by_rule()} <= QUARANTINED.keys() | DROPPED.keys()


def same_rows(hub: SmallHub, naive: NaiveWarehouse) -> None:
    kept = {table: rows for table, rows in naive.rows.items() if rows}
    found = hub.tables()
    assert found.keys() == kept.keys()
    for table, rows in kept.items():
        assert Counter(found[table].rows()) == Counter(rows)
    view = hub.view()
    for bucket in view.buckets():
        persons = view.read("person", bucket, columns=["person_id"], where=None)["person_id"]
        for table, day in (("death", "death_date"), ("measurement", "measurement_date")):
            held = view.read(table, bucket, columns=["person_id", day], where=None)
            assert held["person_id"].is_in(persons.implode()).all()
            assert held.equals(held.sort("person_id", day))
