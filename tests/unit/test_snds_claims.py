"""A month of claims: every row has one fate, and the parts of a month make the month."""

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.snds_claims import DAY, Codebook, table
from laennec.omop.cdm import CURRENT, cdm
from laennec.snds import claims
from laennec.snds.catalogue import Kind, catalogue
from laennec.snds.claims_rows import packaged
from laennec.snds.codes import Codes
from laennec.snds.lines import FIELDS, schema

LAST = date(2019, 3, 31)
CODE = {
    "ER_PHA_F": "PHA_PRS_C13",
    "ER_UCD_F": "UCD_UCD_COD",
    "ER_CAM_F": "CAM_PRS_IDE",
    "ER_BIO_F": "BIO_PRS_IDE",
    "ER_TIP_F": "TIP_PRS_IDE",
}
TARGET = {
    "ER_PHA_F": "drug_exposure",
    "ER_UCD_F": "drug_exposure",
    "ER_CAM_F": "procedure_occurrence",
    "ER_BIO_F": "measurement",
    "ER_TIP_F": "device_exposure",
}

Frames = Mapping[str, pl.DataFrame]


@st.composite
def months(draw: st.DrawFn) -> Frames:
    """Draw a month: some claims without a date or in the future, some details without a claim."""
    count = draw(st.integers(0, 8))
    days = st.sampled_from([DAY, DAY + timedelta(1), LAST + timedelta(1), None])
    natures = st.sampled_from([1111, 3313, 1842, 6111, 2111, 3211, None])
    rows = [
        {
            "person_id": draw(st.integers(1, 3)),
            "EXE_SOI_DTD": draw(days),
            "PRS_NAT_REF": draw(natures),
            "PRS_ACT_QTE": draw(st.sampled_from([1.0, -1.0, 0.0])),
            "CPL_MAJ_TOP": draw(st.sampled_from([0, 1, 2])),
            "BEN_CMU_TOP": draw(st.sampled_from(["0", "1"])),
        }
        for _ in range(count)
    ]
    frames = {"ER_PRS_F": table("ER_PRS_F", *rows)}
    for family, column in CODE.items():
        details = draw(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["1", "0", None]))))
        frames[family] = table(family, *({"claim": claim, column: code} for claim, code in details))
    lots = draw(st.lists(st.integers(0, 9), max_size=3))
    frames["ER_LOT_F"] = table("ER_LOT_F", *({"claim": claim} for claim in lots))
    return frames


def _without(frames: Frames, gone: Frames) -> Frames:
    return {
        family: rows.join(gone[family].select("LINE"), on="LINE", how="anti")
        if family in gone
        else rows
        for family, rows in frames.items()
    }


@settings(deadline=None)
@given(months())
def test_every_row_has_one_fate(frames: Frames) -> None:
    refused = claims.refused(frames, last_day=LAST)
    left = _without(frames, refused)
    kept = _without(left, claims.unjoined(left))
    assert not claims.refused(kept, last_day=LAST)
    assert not claims.unjoined(kept)
    unused = dict(claims.unused(kept).group_by("family").agg(pl.col("rows").sum()).rows())
    made = claims.convert(kept, Codebook(), None)
    lines = dict.fromkeys(FIELDS, 0) | {name: rows.height for name, rows in made.items()}
    assert lines["visit_occurrence"] + lines["observation"] == kept["ER_PRS_F"].height
    assert lines["cost"] == lines["visit_occurrence"]
    for target in set(TARGET.values()):
        families = [family for family in TARGET if TARGET[family] == target]
        used = sum(kept[family].height - unused.get(family, 0) for family in families)
        assert lines[target] == used, target
    assert unused.get("ER_LOT_F", 0) == kept["ER_LOT_F"].height


@settings(deadline=None)
@given(months(), st.integers(1, 4))
def test_the_parts_of_a_month_make_the_month(frames: Frames, parts: int) -> None:
    whole = claims.convert(frames, Codebook(), None)
    part = pl.col("DCT_ORD_NUM") % parts
    shards = [
        claims.convert(
            {family: rows.filter(part == place) for family, rows in frames.items()},
            Codebook(),
            None,
        )
        for place in range(parts)
    ]
    for name, lines in whole.items():
        found = pl.concat([shard[name] for shard in shards if name in shard])
        if name == "payer_plan_period":
            same = [column for column in found.columns if column != "plan_source_value"]
            found = (
                found.group_by(same).agg(pl.col("plan_source_value").max()).select(found.columns)
            )
        assert found.sort(pl.all()).equals(lines.sort(pl.all())), name


@settings(deadline=None)
@given(months())
def test_lines_have_the_shape_of_their_table(frames: Frames) -> None:
    for name, lines in claims.convert(frames, Codebook(), None).items():
        assert dict(lines.schema) == schema(name)
        assert lines["person_id"].null_count() == 0


def test_claims_without_a_day_or_from_the_future_are_refused_with_their_details() -> None:
    frames = {
        "ER_PRS_F": table(
            "ER_PRS_F", {}, {"EXE_SOI_DTD": None}, {"EXE_SOI_DTD": LAST + timedelta(1)}
        ),
        "ER_PHA_F": table("ER_PHA_F", {"claim": 0}, {"claim": 1}, {"claim": 7}),
    }
    found = claims.refused(frames, last_day=LAST)
    assert found["ER_PRS_F"].select("LINE", "rule").rows() == [
        (3, claims.NO_DATE),
        (4, claims.FUTURE),
    ]
    assert found["ER_PHA_F"].select("LINE", "rule").rows() == [(3, claims.REFUSED_CLAIM)]
    assert claims.unjoined(frames)["ER_PHA_F"]["LINE"].to_list() == [4]
    assert claims.refused(frames, last_day=None)["ER_PRS_F"]["LINE"].to_list() == [3]


def test_details_without_a_table_of_claims_are_all_unjoined() -> None:
    frames = {"ER_PHA_F": table("ER_PHA_F", {"claim": 0, "PHA_PRS_C13": "1"})}
    assert claims.unjoined(frames)["ER_PHA_F"].height == 1
    assert claims.convert(frames, Codebook(), None) == {}


def test_rows_without_a_code_or_a_target_are_counted_by_name() -> None:
    frames = {
        "ER_PHA_F": table("ER_PHA_F", {"PHA_PRS_C13": "0000000000000"}, {"PHA_PRS_IDE": "3541848"}),
        "ER_TRS_F": table("ER_TRS_F", {}, {}),
    }
    assert claims.unused(frames).rows() == [
        ("ER_PHA_F", claims.NO_CODE, 1),
        ("ER_TRS_F", f"{claims.NO_TARGET}: journeys of a patient: hours and places", 2),
    ]


def test_every_table_of_claims_has_a_target_or_a_reason() -> None:
    rows = {row["family"]: row for row in packaged("claims_targets.csv")}
    assert set(rows) == set(claims.NEEDS)
    for row in rows.values():
        assert bool(row["target"]) != bool(row["reason"]), row["family"]
    assert set(rows) <= set(catalogue().tables)


@pytest.mark.parametrize("family", sorted(claims.NEEDS))
def test_every_column_that_is_needed_is_in_the_catalogue(family: str) -> None:
    known = catalogue().tables[family].in_year(None)
    assert set(claims.NEEDS[family]) <= set(known)
    for name in claims.NEEDS[family]:
        if name.endswith(("_MNT", "_COE")):
            assert known[name].kind is Kind.DECIMAL
        if name in CODE.values():
            assert known[name].kind is Kind.TEXT


def test_the_mapping_reference_names_every_field_and_only_known_columns() -> None:
    rows = packaged("omop_mapping_dcir.csv")
    told = {(row["target_table"], row["target_field"]) for row in rows}
    for target in {name for name, _ in told} & set(FIELDS) - {"visit_occurrence"}:
        own = set(schema(target)) & {field.name for field in cdm(CURRENT).tables[target].fields}
        missing = {name for name in own if (target, name) not in told}
        assert missing <= {"qualifier_source_value"}, target
    for row in rows:
        family = catalogue().tables.get(row["source_table"])
        assert row["rule"], row
        assert row["source"], row
        if family is not None:
            assert set(row["source_field"].split()) <= set(family.in_year(None)), row
    without = {row["source_table"]: row["lost"] for row in rows if not row["target_table"]}
    assert without == dict(claims.untargeted())


def test_the_shipped_codes_name_what_a_month_has() -> None:
    frames = {
        "ER_PRS_F": table("ER_PRS_F", {}, {"PRS_NAT_REF": 6111}),
        "ER_BIO_F": table("ER_BIO_F", {"claim": 0, "BIO_PRS_IDE": "1104"}),
        "ER_CAM_F": table("ER_CAM_F", {"claim": 0, "CAM_PRS_IDE": "DEQP003"}),
    }
    made = claims.convert(frames, Codes.site(), None)
    for name, column in (
        ("visit_occurrence", "visit_source_concept_id"),
        ("observation", "observation_source_concept_id"),
        ("measurement", "measurement_source_concept_id"),
        ("procedure_occurrence", "procedure_source_concept_id"),
    ):
        assert (made[name][column] >= 2_000_000_000).all(), name
