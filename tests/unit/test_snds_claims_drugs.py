"""Boxes and units become drug lines with the days that one of them lasts."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.snds_claims import DAY, Codebook, table
from laennec.snds import claims, claims_drugs

REFERENCE = (
    Path(__file__).resolve().parents[3]
    / "shared/data/pmsi-dcir-oracle-contents/IR_PHA_R_With_molecules.parquet"
)
LONG, SHORT = "3400935418487", "3541848"
PRODUCT = {
    "PHA_CIP_C13": LONG,
    "PHA_PRS_IDE": SHORT,
    "PHA_ATC_C07": "A10BB09",
    "PHA_UNT_NBR_DSES": "28",
    "PHA_DOS_PRA_DSES": "30",
    "PHA_DOS_UNT_DSES": "MG",
    "PHA_CND_TOP": "NGC",
    "PHA_GRD_CND": None,
}


def _drugs(**changes: str | None) -> pl.DataFrame:
    return pl.DataFrame([{**PRODUCT, **changes}], schema=dict.fromkeys(PRODUCT, pl.String()))


def _lines(
    row: Mapping[str, object],
    *,
    family: str = "ER_PHA_F",
    claim: Mapping[str, object] | None = None,
    drugs: pl.DataFrame | None = None,
) -> pl.DataFrame:
    frames = {
        "ER_PRS_F": table("ER_PRS_F", {"PRS_NAT_REF": 3313, **(claim or {})}),
        family: table(family, {"claim": 0, **row}),
    }
    return claims.convert(frames, Codebook(), drugs)["drug_exposure"]


def test_a_box_takes_person_day_and_visit_from_its_claim() -> None:
    frames = {
        "ER_PRS_F": table("ER_PRS_F", {"PRS_NAT_REF": 3313}),
        "ER_PHA_F": table("ER_PHA_F", {"claim": 0, "PHA_PRS_C13": LONG, "PHA_ACT_QSN": 2}),
    }
    made = claims.convert(frames, Codebook(), None)
    line = made["drug_exposure"].row(0, named=True)
    assert line["person_id"] == 1
    assert line["drug_exposure_start_date"] == DAY
    assert line["visit_key"] == made["visit_occurrence"]["visit_key"][0]
    assert (line["units"], line["days_supply"], line["drug_source_value"]) == (2.0, 30, LONG)
    assert line["drug_source_concept_id"] > 2_000_000_000


@pytest.mark.parametrize(
    ("changes", "rule", "days"),
    [
        ({}, "one_a_day", 28),
        ({"PHA_CND_TOP": "GC", "PHA_UNT_NBR_DSES": "84"}, "large_pack", 90),
        ({"PHA_GRD_CND": "O"}, "large_pack", 90),
        (
            {
                "PHA_ATC_C07": "N02BE01",
                "PHA_DOS_PRA_DSES": "1",
                "PHA_DOS_UNT_DSES": "G",
                "PHA_UNT_NBR_DSES": "8",
            },
            "daily_dose",
            3,
        ),
        (
            {"PHA_ATC_C07": "A10BA02", "PHA_DOS_PRA_DSES": "850", "PHA_UNT_NBR_DSES": "30"},
            "daily_dose",
            13,
        ),
        ({"PHA_UNT_NBR_DSES": "1/60 ML", "PHA_DOS_UNT_DSES": "MG/5 ML"}, "default", 30),
        ({"PHA_UNT_NBR_DSES": "7"}, "default", 30),
        ({"PHA_UNT_NBR_DSES": None}, "default", 30),
    ],
)
def test_the_first_rule_that_knows_a_box_gives_its_days(
    changes: Mapping[str, str | None], rule: str, days: int
) -> None:
    known = claims_drugs.products(_drugs(**changes))
    assert known.select("rule", "days").rows() == [(rule, days)]
    line = _lines({"PHA_PRS_C13": LONG, "PHA_ACT_QSN": 3}, drugs=_drugs(**changes))
    assert line.select("days_supply", "units").rows() == [(days, 3.0)]


def test_seven_digits_find_their_thirteen() -> None:
    assert _lines({"PHA_PRS_IDE": SHORT}, drugs=_drugs())["drug_source_value"].to_list() == [LONG]
    assert _lines({"PHA_PRS_IDE": SHORT})["drug_source_value"].to_list() == [SHORT]
    both = _lines({"PHA_PRS_C13": "3400900000000", "PHA_PRS_IDE": SHORT}, drugs=_drugs())
    assert both["drug_source_value"].to_list() == ["3400900000000"]


def test_a_split_box_counts_as_its_share() -> None:
    row = {"PHA_PRS_C13": LONG, "PHA_ACT_QSN": 1, "PHA_DEC_TOP": "D", "PHA_DEC_QSU": 7}
    assert _lines(row, drugs=_drugs())["units"].to_list() == [0.25]
    assert _lines(row)["units"].to_list() == [1.0]


@pytest.mark.parametrize(
    ("row", "claim", "units"),
    [
        ({"PHA_ACT_QSN": -2}, {"PRS_ACT_QTE": -2.0}, -2.0),
        ({"PHA_ACT_QSN": None}, {"PRS_ACT_QTE": -2.0}, -1.0),
        ({"PHA_ACT_QSN": 2}, {"CPL_MAJ_TOP": 2}, 0.0),
    ],
)
def test_boxes_are_signed(
    row: Mapping[str, object], claim: Mapping[str, object], units: float
) -> None:
    assert _lines({"PHA_PRS_C13": LONG, **row}, claim=claim)["units"].to_list() == [units]


@pytest.mark.parametrize(
    ("row", "claim", "units"),
    [
        ({"UCD_DLV_NBR": 30}, {}, 30.0),
        ({"UCD_DLV_NBR": 30}, {"PRS_ACT_QTE": -1.0}, -30.0),
        ({"UCD_DLV_NBR": -30}, {"PRS_ACT_QTE": -1.0}, -30.0),
        ({"UCD_DLV_NBR": 4, "UCD_FRC_COE": 0.25}, {}, 1.0),
        ({"UCD_DLV_NBR": 4, "UCD_FRC_COE": 0.0}, {}, 4.0),
    ],
)
def test_hospital_units_take_sign_and_fraction(
    row: Mapping[str, object], claim: Mapping[str, object], units: float
) -> None:
    line = _lines({"UCD_UCD_COD": "0000009221470", **row}, family="ER_UCD_F", claim=claim)
    assert line.select("drug_source_value", "units", "days_supply").rows() == [
        ("9221470", units, 1)
    ]


@given(st.floats(0.01, 1e4), st.integers(1, 365), st.floats(0.01, 1e4))
def test_days_are_bounded_and_grow_with_the_units(units: float, days: int, more: float) -> None:
    frame = pl.DataFrame({"units": [units, units + more], "days": [days, days]})
    first, second = frame.select(
        claims_drugs.exposure_days(pl.col("units"), pl.col("days"))
    ).to_series()
    assert 1 <= first <= second <= claims_drugs.LONGEST_DAYS


def test_days_are_units_times_days_of_a_unit() -> None:
    frame = pl.DataFrame({"units": [3.0, 0.1, 20.0, 2.0], "days": [28, 1, 30, None]})
    days = frame.select(claims_drugs.exposure_days(pl.col("units"), pl.col("days"))).to_series()
    assert days.to_list() == [84, 1, 365, None]


def test_a_reference_without_its_columns_knows_nothing() -> None:
    assert claims_drugs.products(pl.DataFrame({"PHA_MED_NOM": ["X"]})).is_empty()
    bare = claims_drugs.products(pl.DataFrame({"PHA_CIP_C13": [LONG]}))
    assert bare.select("rule", "days").rows() == [("default", 30)]


def test_the_reference_of_the_cnam_is_understood() -> None:
    if not REFERENCE.exists():
        pytest.skip("shared/data/pmsi-dcir-oracle-contents is absent")
    known = claims_drugs.products(pl.read_parquet(REFERENCE))
    shares = dict(known["rule"].value_counts(normalize=True).rows())
    assert known["cip13"].n_unique() == known.height > 23_000
    assert known["days"].is_between(1, claims_drugs.LONGEST_DAYS).all()
    assert shares["one_a_day"] > 0.3
    assert 0.1 < shares["large_pack"] < 0.2
    assert shares["daily_dose"] > 0.01
