"""A year of MCO becomes lines: visits, units, diagnoses, acts, drugs, deaths."""

from datetime import date

import polars as pl
import pytest

from fakes.snds_stays import SITE, Codebook, table
from laennec.omop.cdm import CURRENT, cdm
from laennec.snds import stays
from laennec.snds.catalogue import catalogue
from laennec.snds.codes import Codes
from laennec.snds.lines import FIELDS, schema
from laennec.snds.stays_facts import acts, diagnoses

IN, OUT = date(2019, 3, 1), date(2019, 3, 4)
STAY: dict[str, object] = {
    "RSA_NUM": "1",
    "DGN_PAL": "K922",
    "GRG_GHM": "06M031",
    "ENT_MOD": "8",
    "SOR_MOD": "8",
    "SEJ_NBJ": 3,
    "SOR_ANN": "2019",
    "SOR_MOI": "03",
}
CHAIN: dict[str, object] = {
    "RSA_NUM": "1",
    "person_id": 1,
    "EXE_SOI_DTD": IN,
    "EXE_SOI_DTF": OUT,
}


def one_stay(
    stay: dict[str, object] | None = None, chain: dict[str, object] | None = None
) -> dict[str, pl.DataFrame]:
    return {
        "T_MCOaaB": table("T_MCOaaB", STAY | (stay or {})),
        "T_MCOaaC": table("T_MCOaaC", CHAIN | (chain or {})),
    }


def converted(frames: dict[str, pl.DataFrame], field: str = "MCO") -> dict[str, pl.DataFrame]:
    return stays.convert(field, 2019, frames, Codebook())


def test_a_stay_is_a_visit_named_by_its_key() -> None:
    frames = one_stay()
    visit = converted(frames)["visit_occurrence"].row(0, named=True)
    assert visit["visit_key"] == frames["T_MCOaaC"]["$stay"].item()
    assert (visit["visit_start_date"], visit["visit_end_date"]) == (IN, OUT)
    assert (visit["person_id"], visit["visit_concept_id"]) == (1, 9201)
    assert (visit["visit_source_value"], visit["care_site_key"]) == ("MCO 06M031", SITE)
    assert visit["units"] is None


@pytest.mark.parametrize(
    ("stay", "chain", "concept"),
    [
        ({}, {}, 9201),
        ({"ENT_PRV": "5"}, {}, 262),
        ({"ENT_PRV": "5"}, {"EXE_SOI_DTF": IN}, 9203),
        ({}, {"EXE_SOI_DTF": IN}, 9202),
        ({"SOR_MOD": "9"}, {"EXE_SOI_DTF": IN}, 9201),
        ({"SOR_MOD": "7", "ENT_PRV": "5"}, {"EXE_SOI_DTF": IN}, 262),
        ({"GRG_GHM": "28Z07Z"}, {"EXE_SOI_DTF": IN}, 9202),
        ({"NBR_SEA": 1}, {}, 9202),
        ({"GRG_GHM": None}, {}, 9201),
    ],
)
def test_nights_emergencies_and_sessions_make_the_kind_of_visit(
    stay: dict[str, object], chain: dict[str, object], concept: int
) -> None:
    visits = converted(one_stay(stay, chain))["visit_occurrence"]
    assert visits["visit_concept_id"].to_list() == [concept]


@pytest.mark.parametrize(
    ("mode", "place", "concept", "source"),
    [
        ("8", None, 0, "8"),
        ("8", "7", 8827, "8-7"),
        ("7", "2", 8920, "7-2"),
        ("6", "4", 8971, "6-4"),
        ("7", "9", 8717, "7-9"),
        ("9", None, 4216643, "9"),
        ("Q", "1", 0, "Q-1"),
        (None, "1", 0, None),
    ],
)
def test_modes_and_places_keep_what_the_source_says(
    mode: str | None, place: str | None, concept: int, source: str | None
) -> None:
    visit = converted(one_stay({"SOR_MOD": mode, "SOR_DES": place}))["visit_occurrence"]
    assert visit["discharged_to_concept_id"].to_list() == [concept]
    assert visit["discharged_to_source_value"].to_list() == [source]
    assert visit["admitted_from_concept_id"].to_list() == [0]


@pytest.mark.parametrize(
    ("stay", "chain", "dates", "rule"),
    [
        ({}, {}, (IN, OUT), "dates as transmitted"),
        (
            {},
            {"EXE_SOI_DTD": None, "EXE_SOI_DTF": None, "ENT_DAT": IN, "SOR_DAT": OUT},
            (IN, OUT),
            "dates as transmitted",
        ),
        ({}, {"EXE_SOI_DTF": None}, (IN, OUT), "one date and the length of the stay"),
        ({}, {"EXE_SOI_DTD": None}, (IN, OUT), "one date and the length of the stay"),
        ({"SEJ_NBJ": None}, {"EXE_SOI_DTF": None}, (IN, IN), "one date and the length of the stay"),
        (
            {},
            {"EXE_SOI_DTD": None, "EXE_SOI_DTF": None},
            (date(2019, 3, 12), date(2019, 3, 15)),
            "month of discharge, taken as its 15th",
        ),
        (
            {"SOR_ANN": None},
            {"EXE_SOI_DTD": None, "EXE_SOI_DTF": None},
            (date(2019, 3, 12), date(2019, 3, 15)),
            "month of discharge, taken as its 15th",
        ),
        ({}, {"EXE_SOI_DTD": OUT, "EXE_SOI_DTF": IN}, (OUT, OUT), "dates as transmitted"),
    ],
)
def test_dates_come_by_a_named_rule(
    stay: dict[str, object],
    chain: dict[str, object],
    dates: tuple[date, date],
    rule: str,
) -> None:
    frames = one_stay(stay, chain)
    visit = converted(frames)["visit_occurrence"].row(0, named=True)
    assert (visit["visit_start_date"], visit["visit_end_date"]) == dates
    assert stays.date_rules("MCO", 2019, frames) == {rule: 1}


@pytest.mark.parametrize("month", ["00", "13", None, "XX"])
def test_a_stay_without_any_date_makes_no_line_and_goes_to_quarantine(month: str | None) -> None:
    frames = one_stay({"SOR_MOI": month}, {"EXE_SOI_DTD": None, "EXE_SOI_DTF": None})
    assert all(lines.is_empty() for lines in converted(frames).values())
    refused = stays.unjoined("MCO", 2019, frames)
    assert {name: rows["reason"].to_list() for name, rows in refused.items()} == {
        "T_MCOaaB": ["stay without a date"],
        "T_MCOaaC": ["stay without a date"],
    }


def test_a_stay_that_ended_by_death_is_evidence_of_it_on_the_day_of_discharge() -> None:
    deaths = converted(one_stay({"SOR_MOD": "9"}))["death"]
    assert deaths.select("person_id", "death_date", "death_type_concept_id").rows() == [
        (1, OUT, 32810)
    ]
    assert converted(one_stay())["death"].is_empty()


def test_a_code_is_one_line_for_its_group_and_the_weightiest_type_stays() -> None:
    frames = one_stay({"DGN_REL": "i10"}) | {
        "T_MCOaaD": table(
            "T_MCOaaD",
            {"RSA_NUM": "1", "ASS_DGN": "I10"},
            {"RSA_NUM": "1", "ASS_DGN": "I 10"},
            {"RSA_NUM": "1", "ASS_DGN": "E11.9+"},
            {"RSA_NUM": "1", "ASS_DGN": None},
        ),
        "T_MCOaaUM": table(
            "T_MCOaaUM",
            {"RSA_NUM": "1", "UM_ORD_NUM": 1, "PAR_DUR_SEJ": 1, "DGN_PAL": "R104"},
            {"RSA_NUM": "1", "UM_ORD_NUM": 2, "PAR_DUR_SEJ": 2, "DGN_PAL": "K922"},
            {"RSA_NUM": "1", "UM_ORD_NUM": 3, "PAR_DUR_SEJ": 0, "DGN_PAL": "R104"},
        ),
    }
    rows = converted(frames)["condition_occurrence"]
    told = rows.select(
        "condition_source_value",
        "condition_status_source_value",
        "condition_status_concept_id",
        "condition_start_date",
    ).rows()
    assert sorted(told) == [
        ("E119", "DAS", 32908, IN),
        ("I10", "DAS", 32908, IN),
        ("I10", "DR", 32908, IN),
        ("K922", "DP", 32902, IN),
        ("R104", "DP_RUM", 32908, IN),
    ]


def test_a_plus_within_a_code_is_part_of_it() -> None:
    rows = converted(one_stay({"DGN_PAL": "B24+1"}))["condition_occurrence"]
    assert rows["condition_source_value"].to_list() == ["B24+1"]


def test_a_code_of_the_domain_observation_goes_there_with_its_type() -> None:
    lines = converted(one_stay({"DGN_PAL": "Z511", "DGN_REL": "C189"}))
    told = lines["observation"].select("observation_source_value", "qualifier_source_value")
    assert told.rows() == [("Z511", "DP")]
    assert lines["condition_occurrence"]["condition_source_value"].to_list() == ["C189"]


def test_units_follow_each_other_within_the_stay() -> None:
    unit = {"RSA_NUM": "1", "AUT_TYP1_UM": "07A"}
    frames = one_stay() | {
        "T_MCOaaUM": table(
            "T_MCOaaUM",
            unit | {"UM_ORD_NUM": 2, "PAR_DUR_SEJ": 9, "ETA_NUM_GEO": "750000002"},
            unit | {"UM_ORD_NUM": 1, "PAR_DUR_SEJ": 1},
        )
    }
    rows = converted(frames)["visit_detail"].sort("visit_detail_start_date")
    assert rows.select(
        "visit_detail_start_date",
        "visit_detail_end_date",
        "visit_detail_source_value",
        "care_site_key",
    ).rows() == [
        (IN, date(2019, 3, 2), "07A", SITE),
        (date(2019, 3, 2), OUT, "07A", "750000002"),
    ]
    assert rows["visit_key"].unique().to_list() == frames["T_MCOaaB"]["$stay"].to_list()


def test_units_of_years_that_tell_no_days_have_the_dates_of_the_stay() -> None:
    frames = one_stay() | {
        "T_MCOaaUM": table("T_MCOaaUM", {"RSA_NUM": "1"}, {"RSA_NUM": "1", "PAR_DUR_SEJ": 1})
    }
    rows = converted(frames)["visit_detail"]
    assert set(
        zip(rows["visit_detail_start_date"], rows["visit_detail_end_date"], strict=True)
    ) == {(IN, OUT)}


@pytest.mark.parametrize(("delay", "day"), [(1, date(2019, 3, 2)), (None, IN), (-2, IN), (61, OUT)])
def test_an_act_is_dated_within_its_stay(delay: int | None, day: date) -> None:
    act = {"RSA_NUM": "1", "CDC_ACT": "HEQE002", "ENT_DAT_DEL": delay, "ACV_ACT": "1"}
    frames = one_stay() | {"T_MCOaaA": table("T_MCOaaA", act | {"NBR_EXE_ACT": 2, "PHA_ACT": "0"})}
    row = converted(frames)["procedure_occurrence"].row(0, named=True)
    assert (row["procedure_date"], row["units"], row["modifier_source_value"]) == (day, 2.0, "1/0")


@pytest.mark.parametrize(
    ("codes", "ucd"),
    [
        ({"UCD_UCD_COD": "3400892747622"}, "9274762"),
        ({"UCD_UCD_COD": "0000009274762"}, "9274762"),
        ({"UCD_COD": "9274762"}, "9274762"),
        ({"UCD_UCD_COD": "0000000000000", "UCD_COD": "009274762"}, "9274762"),
    ],
)
def test_a_drug_beside_the_stay_has_its_unit_code_however_it_is_spelt(
    codes: dict[str, object], ucd: str
) -> None:
    drug = {"RSA_NUM": "1", "ADM_NBR": 0.5, "DAT_ADM_ANN": "2019", "ADM_MOIS": "03"}
    frames = one_stay() | {"T_MCOaaMED": table("T_MCOaaMED", drug | codes)}
    row = converted(frames)["drug_exposure"].row(0, named=True)
    assert (row["drug_source_value"], row["units"], row["days_supply"]) == (ucd, 0.5, None)
    # The 15th of the month is after the stay: its last day.
    assert (row["drug_exposure_start_date"], row["drug_exposure_end_date"]) == (OUT, OUT)


def test_an_implanted_device_is_a_device() -> None:
    device = {"RSA_NUM": "1", "TIP_PRS_IDE": "3101402", "DELAI": 1}
    frames = one_stay() | {"T_MCOaaDMIP": table("T_MCOaaDMIP", device)}
    row = converted(frames)["device_exposure"].row(0, named=True)
    assert (row["device_source_value"], row["units"]) == ("3101402", 1.0)
    assert row["device_exposure_start_date"] == date(2019, 3, 2)


def test_external_care_is_a_visit_and_an_emergency_where_it_was_billed() -> None:
    chain = {"person_id": 1, "EXE_SOI_DTD": IN}
    frames = {
        "T_MCOaaCSTC": table("T_MCOaaCSTC", chain | {"SEQ_NUM": "1"}, chain | {"SEQ_NUM": "2"}),
        "T_MCOaaFBSTC": table("T_MCOaaFBSTC", {"SEQ_NUM": "1", "ACT_COD": "ATU"}),
        "T_MCOaaFCSTC": table(
            "T_MCOaaFCSTC", {"SEQ_NUM": "2", "ACT_COD": "CS", "EXE_SPE": "03", "DEL_DAT_ENT": 0}
        ),
        "T_MCOaaFMSTC": table("T_MCOaaFMSTC", {"SEQ_NUM": "2", "CCAM_COD": "DEQP003"}),
    }
    lines = converted(frames)
    concept = dict(lines["visit_occurrence"].select("visit_key", "visit_concept_id").iter_rows())
    first, second = frames["T_MCOaaCSTC"]["$stay"]
    assert concept == {first: 9203, second: 9202}
    assert lines["procedure_occurrence"]["visit_key"].to_list() == [second]
    assert lines["observation"].select(
        "visit_key", "observation_source_value", "qualifier_source_value"
    ).rows() == [(first, "ATU", "FB"), (second, "CS", "FC 03")]


def test_a_stay_and_external_care_of_one_number_are_two_things() -> None:
    stay, visit = stays.key("T_MCOaaB", 2019), stays.key("T_MCOaaCSTC", 2019)
    rows = pl.DataFrame({"ETA_NUM": [SITE], "RSA_NUM": ["1"], "SEQ_NUM": ["1"]})
    assert stay is not None
    assert visit is not None
    assert rows.select(stay).item() != rows.select(visit).item()
    with pytest.raises(KeyError):
        stays.key("ER_PRS_F", 2019)


def test_sites_have_the_name_of_their_table() -> None:
    frames = one_stay() | {
        "T_MCOaaE": table("T_MCOaaE", {"SOC_RAI": "CH D'ICI", "ETB_EXE_FIN": "75000000"}),
        "T_MCOaaUM": table("T_MCOaaUM", {"RSA_NUM": "1", "ETA_NUM_GEO": "750000002"}),
    }
    assert stays.care_sites("MCO", frames).rows() == [
        ("75000000", "CH D'ICI"),
        (SITE, "CH D'ICI"),
        ("750000002", None),
    ]


def test_what_is_read_is_in_the_catalogue() -> None:
    for family, columns in stays.NEEDS.items():
        known = {column.name for column in catalogue().tables[family].columns}
        assert set(columns) <= known, family


def test_every_concept_of_a_fact_is_positive_and_every_target_has_lines() -> None:
    for field in ("MCO", "SSR", "HAD", "RIP"):
        assert all(one.status_concept_id > 0 for one in diagnoses(field))
        assert {one.target for one in acts(field)} <= FIELDS.keys()


def test_lines_fit_their_tables_with_the_shipped_codes() -> None:
    frames = one_stay({"SOR_MOD": "9", "DGN_REL": "Z511"}) | {
        "T_MCOaaA": table("T_MCOaaA", {"RSA_NUM": "1", "CDC_ACT": "HEQE002"}),
        "T_MCOaaUM": table("T_MCOaaUM", {"RSA_NUM": "1", "UM_ORD_NUM": 1, "PAR_DUR_SEJ": 3}),
    }
    lines = stays.convert("MCO", 2019, frames, Codes.site())
    for name, rows in lines.items():
        assert rows.schema == pl.Schema(schema(name))
        required = {
            field.name
            for field in cdm(CURRENT).tables[name].fields
            if field.required and field.name in FIELDS[name]
        }
        assert rows.select(sorted(required)).null_count().sum_horizontal().item() == 0, name
    numbers = lines["condition_occurrence"]["condition_source_concept_id"]
    assert (numbers >= 2_000_000_000).all()
