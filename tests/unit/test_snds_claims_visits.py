"""Claims become visits, benefits, periods of a scheme and professionals."""

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl
import pytest

from fakes.snds_claims import DAY, Codebook, table
from laennec.snds import claims
from laennec.snds.claims_rows import natures, packaged


def _made(*rows: Mapping[str, object], **details: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
    return claims.convert({"ER_PRS_F": table("ER_PRS_F", *rows), **details}, Codebook(), None)


def _visits(*rows: Mapping[str, object]) -> pl.DataFrame:
    return _made(*rows)["visit_occurrence"]


def test_same_person_day_provider_and_kind_are_one_visit() -> None:
    visits = _visits({}, {"PRS_NAT_REF": 1112})
    assert visits["visit_key"].n_unique() == 1
    assert visits["visit_source_value"].to_list() == ["1111", "1112"]
    assert visits["visit_start_date"].to_list() == [DAY, DAY]


@pytest.mark.parametrize(
    "other",
    [
        {"person_id": 2},
        {"EXE_SOI_DTD": DAY + timedelta(1)},
        {"PFS_EXE_NUM": "99999999"},
        {"PFS_EXE_NUM": None},
        {"PRS_NAT_REF": 3313},
    ],
)
def test_anything_else_is_another_visit(other: Mapping[str, object]) -> None:
    assert _visits({}, other)["visit_key"].n_unique() == 2


def test_zeros_are_no_professional() -> None:
    visits = _visits({"PFS_EXE_NUM": "00000000"}, {"PFS_EXE_NUM": None}, {"PFS_EXE_NUM": "0" * 17})
    assert visits["provider_key"].to_list() == [None, None, None]
    assert visits["visit_key"].n_unique() == 1


@pytest.mark.parametrize(
    ("nature", "concept"), [(1111, 9202), (3313, 581458), (3211, 32036), (1098, 9202)]
)
def test_the_nature_of_a_benefit_gives_the_concept(nature: int, concept: int) -> None:
    assert _visits({"PRS_NAT_REF": nature})["visit_concept_id"].to_list() == [concept]


def test_a_regularisation_takes_its_visit_back() -> None:
    visits = _visits({}, {"PRS_ACT_QTE": -1.0, "PRS_PAI_MNT": -25.0})
    assert visits["units"].sum() == 0
    assert visits["visit_key"].n_unique() == 1


@pytest.mark.parametrize(
    ("quantity", "charge", "units"),
    [(3.0, 75.0, 3.0), (0.0, 25.0, 1.0), (None, 25.0, 1.0), (0.0, -25.0, -1.0), (-2.0, 5.0, -2.0)],
)
def test_units_are_the_signed_quantity(quantity: float | None, charge: float, units: float) -> None:
    row = {"PRS_ACT_QTE": quantity, "PRS_PAI_MNT": charge}
    assert _visits(row)["units"].to_list() == [units]


@pytest.mark.parametrize("row", [{"PRS_NAT_REF": 1842}, {"CPL_MAJ_TOP": 2}])
def test_surcharges_and_travel_cost_but_are_no_visit(row: Mapping[str, object]) -> None:
    made = _made({}, row)
    assert made["visit_occurrence"]["units"].to_list() == [1.0, 0.0]
    assert made["visit_occurrence"]["visit_source_value"].to_list() == ["1111", None]
    assert made["visit_occurrence"]["visit_key"].n_unique() == 1
    assert made["cost"].height == 2


@pytest.mark.parametrize("nature", [6111, 4214, 8111, 2111, 0, 9999, 7777, None])
def test_money_without_care_is_an_observation(nature: int | None) -> None:
    made = _made({"PRS_NAT_REF": nature})
    assert set(made) == {"observation", "payer_plan_period"}
    assert made["observation"]["observation_date"].to_list() == [DAY]
    assert made["observation"]["visit_key"].to_list() == [None]


def test_the_establishment_of_the_claim_is_the_care_site() -> None:
    sites = table("ER_ETE_F", {"claim": 1, "ETB_EXE_FIN": "010000024"})
    visits = _made({}, {}, ER_ETE_F=sites)["visit_occurrence"]
    assert visits["care_site_key"].to_list() == [None, "010000024"]


def test_care_sites_are_named_once_without_zeros() -> None:
    rows = ({"ETB_EXE_FIN": value} for value in ("02", "01", "02", "00000000", None))
    assert claims.care_sites({"ER_ETE_F": table("ER_ETE_F", *rows)})["care_site_key"].to_list() == [
        "01",
        "02",
    ]


def test_a_month_of_care_is_a_period_of_the_scheme() -> None:
    periods = _made({}, {"BEN_CMU_TOP": "1"}, {"RGM_GRG_COD": 2, "BEN_ACS_TOP": "1"})
    rows = periods["payer_plan_period"].sort("payer_source_value")
    assert rows["payer_source_value"].to_list() == ["1", "2"]
    assert rows["plan_source_value"].to_list() == ["CMU-C", "ACS"]
    assert rows["payer_plan_period_start_date"].to_list() == [date(2019, 3, 1)] * 2
    assert rows["payer_plan_period_end_date"].to_list() == [date(2019, 3, 31)] * 2


def test_an_unknown_scheme_is_none() -> None:
    assert "payer_plan_period" not in _made({"RGM_GRG_COD": 99}, {"RGM_GRG_COD": None})


def test_a_professional_has_the_specialty_of_most_claims() -> None:
    rows: tuple[Mapping[str, object], ...] = (
        {},
        {"PSE_SPE_COD": 3},
        {"PSE_SPE_COD": 3},
        {"PFS_EXE_NUM": "2", "PSE_SPE_COD": 0, "PSE_ACT_NAT": 24},
        {"PFS_EXE_NUM": "3", "PSE_SPE_COD": 99, "PSE_ACT_NAT": None},
        {"PFS_EXE_NUM": None},
    )
    found = claims.providers({"ER_PRS_F": table("ER_PRS_F", *rows)})
    assert found.rows() == [
        ("01234567", "S3", 38004451),
        ("2", "A24", 38003716),
        ("3", None, 0),
    ]


def test_every_nature_has_one_role_and_a_concept_that_fits() -> None:
    rows = packaged("visits.csv")
    assert len({row["prs_nat_ref"] for row in rows}) == len(rows) == natures().height
    for row in rows:
        has_visit = row["role"] in {"contact", "accessory"}
        assert (row["visit_concept_id"] != "0") == has_visit, row["prs_nat_ref"]
        assert bool(row["reason"]) == (row["role"] != "contact"), row["prs_nat_ref"]
        if has_visit and row["hdh_concept_id"]:
            assert row["visit_concept_id"] == row["hdh_concept_id"]
