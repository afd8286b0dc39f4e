"""What was charged, and who paid."""

from collections.abc import Mapping

import polars as pl
import pytest

from fakes.snds_claims import Codebook, table
from laennec.snds import claims


def _costs(*rows: Mapping[str, object], other: pl.DataFrame | None = None) -> pl.DataFrame:
    frames = {"ER_PRS_F": table("ER_PRS_F", *rows)}
    if other is not None:
        frames["ER_ARO_F"] = other
    return claims.convert(frames, Codebook(), None)["cost"]


def test_what_nobody_else_pays_is_the_patients() -> None:
    line = _costs({"CPL_REM_MNT": 2.0}).row(0, named=True)
    assert line["total_charge"] == line["total_paid"] == 25.0
    assert (line["paid_by_payer"], line["paid_by_patient"]) == (18.5, 6.5)
    assert (line["cost_domain_id"], line["currency_concept_id"]) == ("Visit", 44818568)


def test_the_cover_that_the_scheme_manages_is_paid_by_the_payer() -> None:
    other = table(
        "ER_ARO_F",
        {"claim": 1, "ARO_REM_MNT": 7.0},
        {"claim": 1, "ARO_REM_MNT": 1.5, "ARO_REM_SGN": 1},
        {"claim": 9, "ARO_REM_MNT": 100.0},
    )
    lines = _costs({}, {}, other=other)
    assert lines["paid_by_payer"].to_list() == [16.5, 25.0]
    assert lines["paid_by_patient"].to_list() == [8.5, 0.0]


def test_a_claim_that_is_there_twice_is_paid_by_others_once() -> None:
    other = table("ER_ARO_F", {"claim": 0, "ARO_REM_MNT": 7.0})
    lines = _costs({"claim": 0}, {"claim": 0}, other=other)
    assert lines["paid_by_payer"].to_list() == [23.5, 16.5]


@pytest.mark.parametrize("amount", [16.5, -16.5])
def test_a_negative_sign_makes_an_amount_negative_once(amount: float) -> None:
    row = {"PRS_PAI_MNT": -25.0, "PRS_ACT_QTE": -1.0, "BSE_REM_MNT": amount, "BSE_REM_SGN": 2}
    lines = _costs({}, row)
    for name in ("total_charge", "paid_by_payer", "paid_by_patient"):
        assert lines[name].sum() == 0
    assert lines["visit_key"].n_unique() == 1


def test_missing_amounts_are_nought() -> None:
    line = _costs({"PRS_PAI_MNT": None, "BSE_REM_MNT": None}).row(0, named=True)
    assert (line["total_charge"], line["paid_by_payer"], line["paid_by_patient"]) == (0, 0, 0)
