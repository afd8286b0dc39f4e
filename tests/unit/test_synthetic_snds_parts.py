"""The parts of the generator: what may be ordered, text by look-up, layouts, codes that exist."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laennec.core.errors import SettingsError
from laennec.snds.code_lists import listed, normal_code
from laennec.synthetic.snds import Format, Order, frequencies, layout, span, texts
from laennec.synthetic.snds.order import month_of, year_of

DAYS = st.lists(st.integers(-25_000, 25_000), min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("text", "years"), [("2015-2019", (2015, 2019)), ("2016", (2016, 2016)), ("9", (9, 9))]
)
def test_years_are_read(text: str, years: tuple[int, int]) -> None:
    assert span(text) == years


@pytest.mark.parametrize("text", ["", "2015-", "-2015", "2015-19-20", "2015 - 2019", "²", "x"])
def test_other_years_are_refused(text: str) -> None:
    with pytest.raises(SettingsError):
        span(text)


@pytest.mark.parametrize(
    ("persons", "seed", "first", "last", "lines"),
    [
        (0, 1, 2015, 2019, 8.0),
        (100_000_001, 1, 2015, 2019, 8.0),
        (1, -1, 2015, 2019, 8.0),
        (1, 1, 2008, 2019, 8.0),
        (1, 1, 2019, 2018, 8.0),
        (1, 1, 2019, 2021, 8.0),
        (1, 1, 2015, 2019, 0.5),
        (1, 1, 2015, 2019, 101.0),
        (1, 1, 2015, 2019, float("nan")),
    ],
)
def test_an_order_out_of_range_is_refused(
    persons: int, seed: int, first: int, last: int, lines: float
) -> None:
    with pytest.raises(SettingsError):
        Order(persons, seed, first, last, lines)


def test_flux_lasts_from_the_second_month_to_a_year_after_the_last() -> None:
    months = Order(1, 1, 2015, 2019).flux_months
    assert (months[0], months[-1]) == ((2015 - 1970) * 12 + 1, (2020 - 1970) * 12 + 11)


@settings(deadline=None)  # the first call makes the look-up
@given(DAYS)
def test_days_are_written_as_dates(numbers: list[int]) -> None:
    days = np.array(numbers)
    dates = [date(1970, 1, 1) + timedelta(days=one) for one in numbers]
    assert texts.days(days).to_list() == [f"{one:%d/%m/%Y}" for one in dates]
    assert texts.days(days, "%d%m%Y", "").to_list() == [f"{one:%d%m%Y}" for one in dates]
    assert month_of(days).tolist() == [(one.year - 1970) * 12 + one.month - 1 for one in dates]
    assert year_of(days).tolist() == [one.year for one in dates]


def test_no_day_is_1600() -> None:
    assert texts.days(np.array([texts.NO_DAY, 1_000_000])).to_list() == [texts.NO_DATE] * 2
    assert texts.days(np.array([texts.NO_DAY]), "%d%m%Y", "").to_list() == [""]


@settings(deadline=None)  # the first call makes the look-up
@given(st.lists(st.integers(-200_000, 200_000), min_size=1, max_size=20))
def test_sums_are_written_in_euros(cents: list[int]) -> None:
    written = texts.euros(np.array(cents)).to_list()
    assert written == [f"{'-' * (one < 0)}{abs(one) // 100}.{abs(one) % 100:02d}" for one in cents]


def test_pseudonyms_have_17_characters_and_do_not_meet() -> None:
    hashes = texts.mixed(7, np.arange(200_000))
    names = texts.pseudonyms(hashes)
    assert names.n_unique() == 200_000
    assert names.str.contains(r"^[A-Za-z0-9]{17}$").all()
    assert names.str.slice(0, 1).n_unique() == 32


def test_each_part_of_a_hash_counts() -> None:
    assert len({int(texts.mixed(*parts)[0]) for parts in ((1, 2), (2, 1), (1, 3), (1, 2, 0))}) == 4


CELLS: layout.Cells = {
    "IMB_ALD_DTD": pl.Series(["01/02/2016", "01/01/1600"]),
    "IMB_ALD_NUM": pl.Series(["8", "30"]),
    "MED_NCL_IDT": "CIM10",
    "BEN_RNG_GEM": "1",
    "OF_NO_TABLE": "x",
}


def test_runs_of_constants_are_written_as_their_columns() -> None:
    names = layout.columns("IR_IMB_R", None)
    text = layout.as_text("IR_IMB_R", None, CELLS, 2).write_csv(
        separator=";", include_header=False, quote_style="never"
    )
    rows = [dict(zip(names, line.split(";"), strict=True)) for line in text.splitlines()]
    expected = [
        {"IMB_ALD_DTD": day, "IMB_ALD_NUM": number, "MED_NCL_IDT": "CIM10", "BEN_RNG_GEM": "1"}
        for day, number in (("01/02/2016", "8"), ("01/01/1600", "30"))
    ]
    assert rows == [dict.fromkeys(names, "") | one for one in expected]
    assert layout.header("IR_IMB_R", None).rstrip("\n").split(";") == list(names)


def test_parquet_is_typed_by_the_catalogue() -> None:
    rows = layout.as_typed("IR_IMB_R", None, CELLS, 2)
    assert rows["IMB_ALD_DTD"].to_list() == [date(2016, 2, 1), date(1600, 1, 1)]
    assert rows["IMB_ALD_NUM"].to_list() == [8, 30]
    assert rows["BEN_NIR_PSA"].to_list() == [None, None]
    assert rows.columns == list(layout.columns("IR_IMB_R", None))


@pytest.mark.parametrize(
    ("table", "column", "vocabulary"),
    [
        ("products", "PHA_CIP_C13", "CIP13"),
        ("products", "PHA_ATC_C07", "ATC"),
        ("acts", "CAM_PRS_IDE", "CCAM"),
        ("stays", "CDC_ACT", "CCAM"),
        ("rehabilitation", "CCAM_ACT", "CCAM"),
        ("tests", "BIO_PRS_IDE", "NABM"),
        ("devices", "TIP_PRS_IDE", "LPP"),
        ("stays", "DGN_PAL", "CIM10"),
        ("conditions", "MED_MTF_COD", "CIM10"),
        ("rehabilitation", "DGN_PAL", "CIM10"),
        ("conditions", "IMB_ALD_NUM", "ALD"),
        ("claims", "PRS_NAT_REF", "PRS_NAT"),
    ],
)
def test_codes_are_of_their_nomenclature(table: str, column: str, vocabulary: str) -> None:
    known = listed().filter(pl.col("name") == vocabulary)["code"]
    column_of = frequencies.table(table).filter(pl.col(column).str.len_chars() > 0)
    used = column_of.select(normal_code(vocabulary, pl.col(column))).to_series()
    assert set(used)
    assert set(used) - set(known) == set()


def test_the_signal_has_its_two_drugs() -> None:
    atc = frequencies.table("products")["PHA_ATC_C07"].to_numpy()
    assert set(atc[frequencies.products_of("celecoxib")]) == {"M01AH01"}
    assert set(atc[frequencies.products_of("diclofenac")]) == {"M01AB05"}


def test_error_rates_are_those_published_and_the_last_one_goes_on() -> None:
    assert frequencies.error_rate("MCO", "NIR_RET", 2016) == pytest.approx(0.0130)
    assert frequencies.error_rate("MCO", "NIR_RET", 2020) == pytest.approx(0.0128)
    assert frequencies.error_rate("HAD", "FHO_RET", 2010) == pytest.approx(0.3420)


def test_formats_are_their_own_endings() -> None:
    assert [one.value for one in Format] == ["csv", "csv.gz", "parquet"]
