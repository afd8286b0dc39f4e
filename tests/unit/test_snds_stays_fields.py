"""Stays told in weeks (SSR), sub-sequences (HAD) and sequences (RIM-P)."""

from datetime import date, timedelta

import polars as pl
import pytest

from fakes.snds_stays import Codebook, table
from laennec.snds import stays

IN, OUT = date(2019, 3, 6), date(2019, 3, 22)
CHAIN: dict[str, object] = {"person_id": 1, "EXE_SOI_DTD": IN, "EXE_SOI_DTF": OUT}


def rehab(*, kind: str = "1") -> dict[str, pl.DataFrame]:
    week: dict[str, object] = {"RHA_NUM": "1", "HOS_TYP_UM": kind, "MOR_PRP": "I639"}
    return {
        "T_SSRaaC": table("T_SSRaaC", CHAIN | {"RHA_NUM": "1"}),
        "T_SSRaaB": table(
            "T_SSRaaB",
            week | {"RHS_NUM": "2", "RHS_ANT_SEJ_ENT": 5, "SEJ_ANT": 5, "FP_PEC": "Z501"},
            week
            | {"RHS_NUM": "1", "RHS_ANT_SEJ_ENT": 0, "SEJ_ANT": 0, "ENT_MOD": "6", "ENT_PRV": "1"},
            week | {"RHS_NUM": "3", "RHS_ANT_SEJ_ENT": 12, "SEJ_ANT": 2, "SOR_MOD": "8"},
        ),
    }


def converted(field: str, frames: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    return stays.convert(field, 2019, frames, Codebook())


def days(rows: pl.DataFrame) -> list[tuple[int, int]]:
    """Return start and end of parts in days after the entry, in order."""
    found = zip(rows["visit_detail_start_date"], rows["visit_detail_end_date"], strict=True)
    return sorted(((start - IN).days, (end - IN).days) for start, end in found)


def test_a_stay_of_weeks_comes_in_by_the_first_and_goes_out_by_the_last() -> None:
    visit = converted("SSR", rehab())["visit_occurrence"].row(0, named=True)
    assert (visit["admitted_from_source_value"], visit["discharged_to_source_value"]) == (
        "6-1",
        "8",
    )
    assert (visit["visit_start_date"], visit["visit_end_date"]) == (IN, OUT)
    assert visit["visit_concept_id"] == 9201


def test_what_is_said_of_the_whole_stay_counts_before_what_weeks_say() -> None:
    whole = table("T_SSRaaS", {"RHA_NUM": "1", "SOR_MOD": "9", "ACT_TYP": "1"})
    lines = converted("SSR", rehab(kind="2") | {"T_SSRaaS": whole})
    assert lines["visit_occurrence"]["visit_concept_id"].to_list() == [9201]
    assert lines["death"]["death_date"].to_list() == [OUT]


@pytest.mark.parametrize(("kind", "concept"), [("1", 9201), ("3", 9201), ("2", 9202), ("4", 9202)])
def test_care_by_day_is_no_inpatient_visit(kind: str, concept: int) -> None:
    visits = converted("SSR", rehab(kind=kind))["visit_occurrence"]
    assert visits["visit_concept_id"].to_list() == [concept]


def test_weeks_are_parts_of_the_stay() -> None:
    assert days(converted("SSR", rehab())["visit_detail"]) == [(0, 6), (5, 11), (12, 16)]


def test_a_disease_of_several_weeks_is_dated_on_the_first_of_them() -> None:
    lines = converted("SSR", rehab())
    told = lines["condition_occurrence"].select("condition_source_value", "condition_start_date")
    assert told.rows() == [("I639", IN)]
    assert lines["observation"]["observation_date"].to_list() == [IN + timedelta(days=5)]


def test_an_act_is_counted_from_the_entry_into_the_unit_of_its_week() -> None:
    act = {"RHA_NUM": "1", "CCAM_ACT": "AHQP001", "CCAM_DEL_ENT_UM": 3, "CCAM_NBR_REA": 1}
    frames = rehab() | {
        "T_SSRaaCCAM": table("T_SSRaaCCAM", act | {"RHS_NUM": "1"}, act | {"RHS_NUM": "3"}),
        "T_SSRaaCSARR": table(
            "T_SSRaaCSARR", {"RHA_NUM": "1", "RHS_NUM": "2", "CSARR_COD": "BLR+156"}
        ),
    }
    rows = converted("SSR", frames)["procedure_occurrence"]
    told = rows.select("procedure_source_value", "procedure_date", "procedure_concept_id").rows()
    assert told == [
        ("AHQP001", IN + timedelta(days=3), 7),
        ("AHQP001", IN + timedelta(days=13), 7),
        ("BLR+156", IN, 0),
    ]


def home(*, known: bool = True) -> dict[str, pl.DataFrame]:
    part: dict[str, object] = {"RHAD_NUM": "1", "DGN_PAL": "C189", "PEC_PAL": "04"}
    return {
        "T_HADaaC": table("T_HADaaC", CHAIN | {"RHAD_NUM": "1"}),
        "T_HADaaB": table(
            "T_HADaaB",
            part | {"SSEQ_NUM": "0002", "SSEQ_NBJ": 9, "SOR_MOD": "9"},
            part | {"SSEQ_NUM": "0001", "SSEQ_NBJ": 8 if known else None, "ENT_MOD": "8"},
        ),
        "T_HADaaA": table(
            "T_HADaaA",
            {"RHAD_NUM": "1", "SSEQ_NUM": "0002", "CCAM_COD": "ABCD001", "DEL_DEB_SSEQ": 2},
        ),
    }


def test_hospital_at_home_is_a_home_visit_and_its_parts_follow_each_other() -> None:
    lines = converted("HAD", home())
    visit = lines["visit_occurrence"].row(0, named=True)
    assert (visit["visit_concept_id"], visit["visit_source_value"]) == (581476, "HAD 04")
    assert days(lines["visit_detail"]) == [(0, 7), (8, 16)]
    assert lines["procedure_occurrence"]["procedure_date"].to_list() == [IN + timedelta(days=10)]
    assert lines["death"]["death_date"].to_list() == [OUT]


def test_parts_of_unknown_length_have_the_dates_of_the_stay() -> None:
    assert days(converted("HAD", home(known=False))["visit_detail"]) == [(0, 16), (0, 16)]


def psychiatry(*, full_days: int) -> dict[str, pl.DataFrame]:
    part: dict[str, object] = {"RIP_NUM": "1", "DGN_PAL": "F200", "PRE_DEM_JOU_NBJ": 4}
    return {
        "T_RIPaaC": table("T_RIPaaC", CHAIN | {"RIP_NUM": "1"}),
        "T_RIPaaRSA": table(
            "T_RIPaaRSA",
            part | {"SEQ_SEQ_NUM": "001", "DEL_DAT": 0, "SEQ_COU_NBJ": 5, "PRE_JOU_NBJ": full_days},
            part | {"SEQ_SEQ_NUM": "002", "DEL_DAT": 10, "SEQ_COU_NBJ": 3, "PRE_JOU_NBJ": 0},
        ),
        "T_RIPaaRSAD": table(
            "T_RIPaaRSAD", {"RIP_NUM": "1", "SEQ_SEQ_NUM": "002", "ASS_DGN": "F101"}
        ),
    }


@pytest.mark.parametrize(("full_days", "concept"), [(5, 9201), (0, 9202)])
def test_half_days_alone_are_day_care(full_days: int, concept: int) -> None:
    visits = converted("RIP", psychiatry(full_days=full_days))["visit_occurrence"]
    assert visits["visit_concept_id"].to_list() == [concept]


def test_sequences_are_parts_and_date_their_diagnoses() -> None:
    lines = converted("RIP", psychiatry(full_days=5))
    assert days(lines["visit_detail"]) == [(0, 4), (10, 12)]
    rows = lines["condition_occurrence"]
    assert dict(rows.select("condition_source_value", "condition_start_date").iter_rows()) == {
        "F200": IN,
        "F101": IN + timedelta(days=10),
    }
