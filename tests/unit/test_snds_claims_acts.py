"""Acts, laboratory tests and devices become lines; a box of a claim that is not there does not."""

from collections.abc import Mapping
from datetime import timedelta

import polars as pl
import pytest

from fakes.snds_claims import DAY, Codebook, table
from laennec.snds import claims


def _lines(
    target: str, family: str, row: Mapping[str, object], claim: Mapping[str, object] | None = None
) -> pl.DataFrame:
    frames = {
        "ER_PRS_F": table("ER_PRS_F", {"PRS_NAT_REF": 1352, **(claim or {})}),
        family: table(family, {"claim": 0, **row}),
    }
    return claims.convert(frames, Codebook(), None)[target]


def test_activity_phase_and_modifiers_stay_with_the_act() -> None:
    row = {"CAM_PRS_IDE": "DEQP003", "CAM_ACT_COD": "1", "CAM_TRT_PHA": 0, "CAM_MOD_COD": "AZ"}
    claim = {"EXE_SOI_DTF": DAY + timedelta(2)}
    line = _lines("procedure_occurrence", "ER_CAM_F", row, claim).row(0, named=True)
    assert line["modifier_source_value"] == "1/0/AZ"
    assert line["procedure_source_value"] == "DEQP003"
    assert (line["procedure_date"], line["procedure_end_date"]) == (DAY, DAY + timedelta(2))
    assert line["units"] == 1.0


def test_an_act_without_modifiers_still_tells_its_activity() -> None:
    row = {"CAM_PRS_IDE": "DEQP003", "CAM_ACT_COD": "4"}
    lines = _lines("procedure_occurrence", "ER_CAM_F", row)
    assert lines["modifier_source_value"].to_list() == ["4//"]


@pytest.mark.parametrize("last", [None, DAY - timedelta(1)])
def test_an_end_before_the_start_is_the_start(last: object) -> None:
    row = {"CAM_PRS_IDE": "DEQP003"}
    lines = _lines("procedure_occurrence", "ER_CAM_F", row, {"EXE_SOI_DTF": last})
    assert lines["procedure_end_date"].to_list() == [DAY]


@pytest.mark.parametrize(
    ("claim", "units"), [({"PRS_ACT_QTE": -1.0}, -1.0), ({"CPL_MAJ_TOP": 2}, 0.0)]
)
def test_an_act_follows_the_direction_of_its_claim(
    claim: Mapping[str, object], units: float
) -> None:
    row = {"CAM_PRS_IDE": "DEQP003"}
    assert _lines("procedure_occurrence", "ER_CAM_F", row, claim)["units"].to_list() == [units]


@pytest.mark.parametrize(
    ("quantity", "claim", "units"),
    [(2, {}, 2.0), (-2, {}, -2.0), (None, {"PRS_ACT_QTE": -1.0}, -1.0), (2, {"CPL_MAJ_TOP": 2}, 0)],
)
def test_a_test_has_a_signed_quantity_and_no_value(
    quantity: int | None, claim: Mapping[str, object], units: float
) -> None:
    row = {"BIO_PRS_IDE": "1104", "BIO_ACT_QSN": quantity}
    line = _lines("measurement", "ER_BIO_F", row, claim).row(0, named=True)
    assert (line["measurement_source_value"], line["units"]) == ("1104", units)
    assert line["measurement_date"] == DAY


@pytest.mark.parametrize(
    ("first", "last", "start", "end"),
    [
        (None, None, 0, 0),
        (1, 7, 1, 7),
        (1, None, 1, 1),
        (5, 2, 5, 5),
    ],
)
def test_a_hired_device_has_its_own_dates(
    first: int | None, last: int | None, start: int, end: int
) -> None:
    row = {
        "TIP_PRS_IDE": "1136581",
        "TIP_ACT_QSN": 1,
        "TIP_ACL_DTD": None if first is None else DAY + timedelta(first),
        "TIP_ACL_DTF": None if last is None else DAY + timedelta(last),
    }
    line = _lines("device_exposure", "ER_TIP_F", row).row(0, named=True)
    assert line["device_exposure_start_date"] == DAY + timedelta(start)
    assert line["device_exposure_end_date"] == DAY + timedelta(end)


def test_a_row_without_its_claim_makes_no_line() -> None:
    row = {"claim": 5, "CAM_PRS_IDE": "DEQP003"}
    frames = {"ER_PRS_F": table("ER_PRS_F", {}), "ER_CAM_F": table("ER_CAM_F", row)}
    assert "procedure_occurrence" not in claims.convert(frames, Codebook(), None)


def test_a_claim_that_is_there_twice_does_not_double_its_acts() -> None:
    frames = {
        "ER_PRS_F": table("ER_PRS_F", {"claim": 0}, {"claim": 0}),
        "ER_CAM_F": table("ER_CAM_F", {"claim": 0, "CAM_PRS_IDE": "DEQP003"}),
    }
    assert claims.convert(frames, Codebook(), None)["procedure_occurrence"].height == 1


def test_two_claims_of_one_hash_are_told_apart_by_their_numbers() -> None:
    rows = table("ER_PRS_F", {"person_id": 1}, {"person_id": 2})
    acts = table("ER_CAM_F", {"claim": 1, "CAM_PRS_IDE": "DEQP003"})
    same = pl.lit(7, pl.UInt64).alias("$claim")
    frames = {"ER_PRS_F": rows.with_columns(same), "ER_CAM_F": acts.with_columns(same)}
    made = claims.convert(frames, Codebook(), None)["procedure_occurrence"]
    assert made["person_id"].to_list() == [2]
