"""Every row of a year of the PMSI has one fate, and parts of a year make the year."""

from datetime import date, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.snds_stays import Codebook, table
from laennec.snds import stays

DAY = date(2019, 3, 1)
NUMBERS = st.sampled_from(["1", "2", "A3", "4"])
CODES = st.sampled_from(["I10", "K92.2", "Z511", None])


@st.composite
def years(draw: st.DrawFn) -> dict[str, pl.DataFrame]:
    """Draw a year: stays with and without person, date or chaining row, and details of any."""
    person = st.one_of(st.none(), st.integers(1, 3))
    day = st.one_of(st.none(), st.integers(0, 300).map(lambda days: DAY + timedelta(days=days)))

    def rows(**columns: st.SearchStrategy[object]) -> list[dict[str, object]]:
        return draw(st.lists(st.fixed_dictionaries({"RSA_NUM": NUMBERS, **columns}), max_size=6))

    return {
        "T_MCOaaB": table("T_MCOaaB", *rows(DGN_PAL=CODES, SOR_MOD=st.sampled_from(["8", "9"]))),
        "T_MCOaaC": table("T_MCOaaC", *rows(person_id=person, EXE_SOI_DTD=day, EXE_SOI_DTF=day)),
        "T_MCOaaD": table("T_MCOaaD", *rows(ASS_DGN=CODES)),
        "T_MCOaaA": table(
            "T_MCOaaA",
            *rows(CDC_ACT=st.sampled_from(["HEQE002", None]), ENT_DAT_DEL=st.integers(-5, 99)),
        ),
        "T_MCOaaE": table("T_MCOaaE", {}),
    }


@given(years())
@settings(max_examples=60, deadline=None)
def test_each_row_has_one_fate_and_a_reason_unless_it_is_kept(
    frames: dict[str, pl.DataFrame],
) -> None:
    told = stays.fates("MCO", 2019, frames)
    assert told.keys() == frames.keys()
    for family, rows in frames.items():
        assert len(told[family]) == len(rows)
        assert set(told[family]["fate"]) <= {"kept", "apart", "quarantined", "dropped"}
        kept = told[family]["fate"] == "kept"
        assert (told[family]["reason"].is_null() == kept).all()


@given(years())
@settings(max_examples=60, deadline=None)
def test_lines_are_made_of_kept_rows_alone_and_of_all_of_them(
    frames: dict[str, pl.DataFrame],
) -> None:
    told = stays.fates("MCO", 2019, frames)
    kept = {name: rows.filter(told[name]["fate"] == "kept") for name, rows in frames.items()}
    lines, again = (stays.convert("MCO", 2019, each, Codebook()) for each in (frames, kept))
    for name in lines:
        assert lines[name].sort(lines[name].columns).equals(again[name].sort(again[name].columns))
    assert len(lines["visit_occurrence"]) == len(kept["T_MCOaaB"])
    coded = kept["T_MCOaaA"]["CDC_ACT"].is_not_null().sum()
    assert len(lines["procedure_occurrence"]) == coded
    for family in ("T_MCOaaB", "T_MCOaaD"):
        column = "DGN_PAL" if family == "T_MCOaaB" else "ASS_DGN"
        codes = kept[family].drop_nulls(column).select("$stay", column).unique()
        types = ("DAS",) if family == "T_MCOaaD" else ("DP",)
        made = sum(
            lines[name].filter(pl.col(qualifier).is_in(types)).height
            for name, qualifier in (
                ("condition_occurrence", "condition_status_source_value"),
                ("observation", "qualifier_source_value"),
            )
        )
        assert made == len(codes)


@given(years())
@settings(max_examples=40, deadline=None)
def test_a_year_may_be_cut_by_stay(frames: dict[str, pl.DataFrame]) -> None:
    whole = stays.convert("MCO", 2019, frames, Codebook())
    parts = []
    for shard in range(2):
        cut = {
            name: rows.filter(pl.col("$stay") % 2 == shard)
            for name, rows in frames.items()
            if "$stay" in rows.columns
        }
        parts.append(stays.convert("MCO", 2019, cut, Codebook()))
    for name, rows in whole.items():
        both = pl.concat([part[name] for part in parts])
        assert both.sort(both.columns).equals(rows.sort(rows.columns))


def test_reasons() -> None:
    chain: dict[str, object] = {"EXE_SOI_DTD": DAY, "EXE_SOI_DTF": DAY}
    chained = table(
        "T_MCOaaC",
        chain | {"RSA_NUM": "1", "person_id": 1},
        chain | {"RSA_NUM": "1", "person_id": 1},
        chain | {"RSA_NUM": "2", "person_id": None},
        chain | {"RSA_NUM": "9", "person_id": 2},
    ).with_columns(pl.Series("reason", [None, None, "filler identifier", None], pl.String))
    frames = {
        "T_MCOaaB": table("T_MCOaaB", *({"RSA_NUM": number} for number in ("1", "2", "3", "1"))),
        "T_MCOaaC": chained,
        "T_MCOaaD": table("T_MCOaaD", *({"RSA_NUM": number} for number in ("1", "1", "2", "8"))),
    }
    told = {name: rows.rows() for name, rows in stays.fates("MCO", 2019, frames).items()}
    twice = ("dropped", "same stay transmitted twice")
    unjoined = ("quarantined", "no stay with this establishment and number")
    filler = ("apart", "filler identifier")
    assert told == {
        "T_MCOaaB": [("kept", None), filler, ("apart", "stay without a chaining row"), twice],
        "T_MCOaaC": [("kept", None), twice, filler, unjoined],
        "T_MCOaaD": [("kept", None), ("kept", None), filler, unjoined],
    }
    refused = stays.unjoined("MCO", 2019, frames)
    assert {name: rows["LINE"].to_list() for name, rows in refused.items()} == {
        "T_MCOaaC": [5],
        "T_MCOaaD": [5],
    }


def test_stays_without_their_chaining_table_are_of_nobody() -> None:
    frames = {"T_MCOaaB": table("T_MCOaaB", {"RSA_NUM": "1"})}
    told = stays.fates("MCO", 2019, frames)["T_MCOaaB"]
    assert told.rows() == [("apart", "stay without a chaining row")]
    assert stays.convert("MCO", 2019, frames, Codebook()) == {}


def test_columns_that_a_year_lacks_may_be_missing() -> None:
    chain = table("T_MCOaaC", {"RSA_NUM": "1", "person_id": 1, "SOR_MOI": "2"}, year=2006)
    bare = {
        "T_MCOaaB": table("T_MCOaaB", {"RSA_NUM": "1", "DGN_PAL": "C670"}, year=2006).select(
            "ETA_NUM", "RSA_NUM", "DGN_PAL", "$stay"
        ),
        "T_MCOaaC": chain.select("$stay", "person_id", "SOR_MOI"),
    }
    visit = stays.convert("MCO", 2006, bare, Codebook())["visit_occurrence"]
    assert visit["visit_end_date"].to_list() == [date(2006, 2, 15)]
