"""Deaths: whose a certificate is, what becomes of its causes, and which source counts."""

from datetime import date

import polars as pl
import pytest

from fakes.snds_stays import Codebook
from laennec.snds import deaths
from laennec.snds.catalogue import catalogue
from laennec.snds.lines import schema

DAY = date(2016, 5, 3)
TYPES = {"cépidc": 32815, "ir_ben_r": 32813, "pmsi": 32810}
IDENTIFIERS = pl.DataFrame(
    {
        "psa": ["A" * 17, "A" * 17, "B" * 17, "C" * 17],
        "rng": [1, 2, 1, 1],
        "nir_ano": ["N" * 17, None, "M" * 17, "M" * 17],
        "person_id": [1, 2, 3, 4],
    }
)


def certificates(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(
        [{"DCD_IDT_ENC": f"D{place}", **row} for place, row in enumerate(rows)],
        schema={
            "DCD_IDT_ENC": pl.String,
            "BEN_IDT_ANO": pl.String,
            "BEN_DCD_DTE": pl.Date,
            "BEN_DCD_AME": pl.String,
            "DCD_CIM_COD": pl.String,
            "person_id": pl.Int64,
        },
    )


def causes(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(
        rows,
        schema={
            "DCD_IDT_ENC": pl.String,
            "CER_LIG_NUM": pl.Int64,
            "ECD_CAU_RNG": pl.Int64,
            "ECD_CIM_COD": pl.String,
        },
    )


def line(person: int, day: date, kind: str, cause: str | None = None) -> dict[str, object]:
    return {
        "person_id": person,
        "death_date": day,
        "death_type_concept_id": TYPES[kind],
        "cause_source_value": cause,
    }


def lines(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema("death"))


def test_a_certificate_is_found_by_its_own_number_or_by_pseudonym_and_rank() -> None:
    keys = ["N" * 17, "A" * 17 + "2", "M" * 17, "Z" * 17, None, "A" * 17]
    found = deaths.persons_of(pl.DataFrame({"BEN_IDT_ANO": keys}), IDENTIFIERS)
    assert found.rows() == [
        (1, None),
        (2, None),
        (None, deaths.SHARED),
        (None, deaths.UNKNOWN),
        (None, deaths.UNMATCHED),
        (None, deaths.UNKNOWN),
    ]


def test_the_underlying_cause_is_that_of_death_and_all_causes_are_conditions() -> None:
    frames = {
        "KI_CCI_R": certificates({"person_id": 1, "BEN_DCD_DTE": DAY, "DCD_CIM_COD": "I21.9"}),
        "KI_ECD_R": causes(
            {"DCD_IDT_ENC": "D0", "CER_LIG_NUM": 1, "ECD_CAU_RNG": 2, "ECD_CIM_COD": "R570"},
            {"DCD_IDT_ENC": "D0", "CER_LIG_NUM": 6, "ECD_CAU_RNG": 1, "ECD_CIM_COD": "Z950"},
            {"DCD_IDT_ENC": "D9", "ECD_CIM_COD": "C349"},
        ),
    }
    made = deaths.convert(frames, Codebook())
    death = made["death"].row(0, named=True)
    assert (death["death_date"], death["death_type_concept_id"]) == (DAY, 32815)
    assert (death["cause_source_value"], death["cause_concept_id"]) == ("I219", 7)
    condition = made["condition_occurrence"].row(0, named=True)
    assert condition["condition_source_value"] == "R570"
    assert condition["condition_type_concept_id"] == 32815
    assert condition["condition_status_source_value"] == "cause of death 1.2"
    assert (condition["visit_key"], condition["units"]) == (None, None)
    assert made["observation"]["observation_source_value"].to_list() == ["Z950"]
    assert all(rows.schema == pl.Schema(schema(name)) for name, rows in made.items())


@pytest.mark.parametrize(
    ("month", "day"),
    [
        ("201602", date(2016, 2, 29)),
        ("160001", None),
        ("000101", None),
        ("201613", None),
        (None, None),
    ],
)
def test_a_month_alone_is_its_last_day(month: str | None, day: date | None) -> None:
    frames = {"KI_CCI_R": certificates({"person_id": 1, "BEN_DCD_AME": month})}
    assert deaths.convert(frames, Codebook())["death"]["death_date"].to_list() == (
        [] if day is None else [day]
    )
    fate = "quarantined" if day is None else "kept"
    assert deaths.fates(frames)["KI_CCI_R"]["fate"].to_list() == [fate]


def test_every_row_has_a_fate() -> None:
    frames = {
        "KI_CCI_R": certificates(
            {"person_id": 1, "BEN_DCD_DTE": DAY},
            {"person_id": None, "BEN_DCD_DTE": DAY},
            {"person_id": 2},
        ).with_columns(pl.Series("reason", [None, "identifier of several persons", None])),
        "KI_ECD_R": causes(
            {"DCD_IDT_ENC": "D0", "ECD_CIM_COD": "R570"},
            {"DCD_IDT_ENC": "D0", "ECD_CIM_COD": None},
            {"DCD_IDT_ENC": "D1", "ECD_CIM_COD": "R570"},
            {"DCD_IDT_ENC": "D2", "ECD_CIM_COD": "R570"},
            {"DCD_IDT_ENC": "D9", "ECD_CIM_COD": "R570"},
        ),
    }
    shared, undated = ("apart", deaths.SHARED), ("quarantined", deaths.UNDATED)
    assert {name: told.rows() for name, told in deaths.fates(frames).items()} == {
        "KI_CCI_R": [("kept", None), shared, undated],
        "KI_ECD_R": [
            ("kept", None),
            ("dropped", deaths.UNCODED),
            shared,
            undated,
            ("quarantined", deaths.UNJOINED),
        ],
    }


def test_the_certificate_counts_before_the_insurer_and_that_before_the_hospital() -> None:
    early, late = date(2016, 5, 1), date(2016, 5, 9)
    found = deaths.one_per_person(
        lines(
            line(1, early, "pmsi"),
            line(1, late, "ir_ben_r"),
            line(2, early, "pmsi"),
            line(2, late, "cépidc", "C349"),
            line(3, late, "pmsi"),
            line(3, early, "pmsi"),
            line(4, late, "cépidc"),
            line(4, late, "cépidc", "I219"),
        )
    )
    assert found.select("person_id", "death_date", "death_type_concept_id").rows() == [
        (1, late, TYPES["ir_ben_r"]),
        (2, late, TYPES["cépidc"]),
        (3, early, TYPES["pmsi"]),
        (4, late, TYPES["cépidc"]),
    ]
    assert found["cause_source_value"].to_list() == [None, "C349", None, "I219"]


def test_the_order_of_lines_changes_nothing() -> None:
    rows = [line(1, date(2016, 1, day), kind) for day in (3, 1, 2) for kind in TYPES]
    assert deaths.one_per_person(lines(*rows)).equals(deaths.one_per_person(lines(*reversed(rows))))


def test_impossible_deaths_are_named() -> None:
    born = pl.DataFrame({"person_id": [1, 2], "year_of_birth": [1950, 2016]})
    told = deaths.impossible(
        lines(
            line(1, DAY, "pmsi"),
            line(2, date(2015, 12, 31), "ir_ben_r"),
            line(1, date(2020, 1, 1), "cépidc"),
            line(3, DAY, "pmsi"),
        ),
        born,
        last=date(2019, 12, 31),
    )
    assert told.to_list() == [None, deaths.BEFORE_BIRTH, deaths.AFTER_BASE, None]


def test_what_insurers_know_is_a_line_for_each_death() -> None:
    known = pl.DataFrame({"person_id": [1, 2], "death_date": [DAY, None]})
    assert deaths.of_persons(known).select("person_id", "death_type_concept_id").rows() == [
        (1, TYPES["ir_ben_r"])
    ]


def test_what_is_read_is_in_the_catalogue() -> None:
    for family, columns in deaths.NEEDS.items():
        known = {column.name for column in catalogue().tables[family].columns}
        assert set(columns) <= known, family
