"""Each cleaning rule against rows it must and must not name, missing values among them."""

import csv
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from laennec.snds.catalogue import POLARS, catalogue
from laennec.snds.rules import (
    CleaningRule,
    counted_for,
    failing,
    needs,
    rules,
    rules_for,
    version,
    windows_for,
)
from laennec.snds.rules_model import APPLIED, COUNTED, MEANING, Condition, Effect, Test

SHEET = (
    Path(__file__).resolve().parents[3] / "shared" / "data" / "snds-rules" / "cleaning_rules.csv"
)
PSA = "a1B2c3D4e5F6g7H8i"
CONTROLS = ("NIR_RET", "NAI_RET", "SEX_RET", "SEJ_RET", "FHO_RET", "PMS_RET")
COHERENCE = ("COH_NAI_RET", "COH_SEX_RET")

Row = dict[str, Any]
Case = tuple[str, str, int | None, list[Row], list[Row]]


def codes(*columns: str) -> tuple[list[Row], list[Row]]:
    """Return rows that return codes take out, each code in each column, and rows they leave."""
    sound = dict.fromkeys(columns, "0")
    wrong = [{**sound, column: code} for column in columns for code in "12349"]
    missing: list[Row] = [{**sound, column: None} for column in columns]
    return wrong, [sound, *missing, dict.fromkeys(columns)]


def fillers() -> tuple[list[Row], list[Row]]:
    """Return rows with a filler for a chaining key, and rows without."""
    listed = ("x" * 17, "X" * 16 + "D", "X" * 16 + "S", "B" + "X" * 16)
    return (
        [{"NIR_ANO_17": one} for one in listed],
        [{"NIR_ANO_17": one} for one in (PSA, "X" * 15 + "AB", "", None)],
    )


NOT_CERTIFIED: tuple[list[Row], list[Row]] = (
    [{"BEN_CDI_NIR": one} for one in ("01", "05", "15", "99", "")],
    [{"BEN_CDI_NIR": one} for one in ("00", "03", "04", None)],
)
NO_BIRTH_OR_SEX: tuple[list[Row], list[Row]] = (
    [
        {"BEN_NAI_ANN": "1600", "BEN_SEX_COD": 1},
        {"BEN_NAI_ANN": "0001", "BEN_SEX_COD": None},
        {"BEN_NAI_ANN": "1980", "BEN_SEX_COD": 0},
        {"BEN_NAI_ANN": None, "BEN_SEX_COD": 0},
    ],
    [
        {"BEN_NAI_ANN": "1980", "BEN_SEX_COD": 2},
        {"BEN_NAI_ANN": None, "BEN_SEX_COD": None},
    ],
)
CASES: tuple[Case, ...] = (
    ("ben-number-not-certified", "IR_BEN_R", None, *NOT_CERTIFIED),
    ("ben-number-not-certified", "IR_BEN_R_ARC", None, *NOT_CERTIFIED),
    ("ben-birth-or-sex-missing", "IR_BEN_R", None, *NO_BIRTH_OR_SEX),
    ("ben-birth-or-sex-missing", "IR_BEN_R_ARC", None, *NO_BIRTH_OR_SEX),
    (
        "claim-for-information",
        "ER_PRS_F",
        2018,
        [
            {"DPN_QLF": 71, "PRS_DPN_QLP": 0},
            {"DPN_QLF": 0, "PRS_DPN_QLP": 72},
            {"DPN_QLF": None, "PRS_DPN_QLP": 71},
            {"DPN_QLF": 72, "PRS_DPN_QLP": None},
        ],
        [
            {"DPN_QLF": 0, "PRS_DPN_QLP": 0},
            {"DPN_QLF": 7, "PRS_DPN_QLP": 710},
            {"DPN_QLF": None, "PRS_DPN_QLP": None},
        ],
    ),
    (
        "claim-of-a-hospital-billing-directly",
        "ER_ETE_F",
        2018,
        [{"ETE_IND_TAA": 1}],
        [{"ETE_IND_TAA": one} for one in (0, 2, 9, None)],
    ),
    (
        "claim-is-a-complement",
        "ER_PRS_F",
        2018,
        [{"CPL_MAJ_TOP": 2}],
        [{"CPL_MAJ_TOP": one} for one in (0, 1, 22, None)],
    ),
    (
        "mco-sent-twice",
        "T_MCOaaB",
        2016,
        [{"ETA_NUM": one} for one in ("130780521", "690783154", "950100016")],
        [{"ETA_NUM": one} for one in ("690787478", "940100019", "750712184", "13078052", None)],
    ),
    (
        "mco-grouping-error",
        "T_MCOaaB",
        2018,
        [{"GRG_GHM": one} for one in ("90Z00Z", "90H01Z", "90")],
        [{"GRG_GHM": one} for one in ("09C02J", "19Z90T", "9", "", None)],
    ),
    (
        "mco-service-for-another-hospital",
        "T_MCOaaB",
        2018,
        [{"SEJ_TYP": "B"}],
        [{"SEJ_TYP": one} for one in ("A", "b", "", None)],
    ),
    ("mco-chaining-error", "T_MCOaaC", 2018, *codes(*CONTROLS)),
    ("mco-chaining-date-error", "T_MCOaaC", 2018, *codes("DAT_RET")),
    ("mco-chaining-incoherent", "T_MCOaaC", 2018, *codes(*COHERENCE)),
    (
        "mco-external-chaining-error",
        "T_MCOaaCSTC",
        2018,
        *codes("NIR_RET", "NAI_RET", "SEX_RET", "IAS_RET"),
    ),
    ("mco-external-date-error", "T_MCOaaCSTC", 2018, *codes("ENT_DAT_RET")),
    (
        "had-grouping-error",
        "T_HADaaGRP",
        2018,
        [{"GHT_NUM": "99"}],
        [{"GHT_NUM": one} for one in ("09", "9", "990", "", None)],
    ),
    ("had-chaining-error", "T_HADaaC", 2018, *codes(*CONTROLS, "DAT_RET", *COHERENCE)),
    (
        "ssr-grouping-error",
        "T_SSRaaB",
        2018,
        [{"GRG_GME": "9001A0"}, {"GRG_GME": "90"}],
        [{"GRG_GME": one} for one in ("0901A0", "0190A0", "", None)],
    ),
    (
        "ssr-made-up-week",
        "T_SSRaaB",
        2018,
        [{"TYP_GEN_RHA": one} for one in ("1", "2", "3", "5")],
        [{"TYP_GEN_RHA": one} for one in ("0", "4", None)],
    ),
    (
        "ssr-week-of-another-year",
        "T_SSRaaB",
        2018,
        [{"MOI_ANN": one} for one in ("122017", "012019", "201801")],
        [{"MOI_ANN": one} for one in ("012018", "122018", None)],
    ),
    ("ssr-chaining-error", "T_SSRaaC", 2018, *codes(*CONTROLS, "DAT_RET", *COHERENCE)),
    (
        "ssr-external-chaining-error",
        "T_SSRaaCSTC",
        2018,
        *codes("NIR_RET", "NAI_RET", "SEX_RET", "IAS_RET", "ENT_DAT_RET"),
    ),
    (
        "psy-trial-discharge",
        "T_RIPaaRSA",
        2016,
        [{"SEQ_IND": "E"}],
        [{"SEQ_IND": one} for one in ("e", "A", "", None)],
    ),
    (
        "psy-made-up-summary",
        "T_RIPaaRSA",
        2018,
        [{"TYP_GEN_RSA": one} for one in ("1", "4")],
        [{"TYP_GEN_RSA": one} for one in ("0", None)],
    ),
    ("psy-chaining-error", "T_RIPaaC", 2018, *codes(*CONTROLS, "DAT_RET", *COHERENCE)),
    *(
        ("filler-chaining-id", f"T_{family}", 2018, *fillers())
        for family in ("MCOaaC", "MCOaaCSTC", "SSRaaC", "SSRaaCSTC", "HADaaC", "RIPaaC")
    ),
)


def bound(name: str, family: str, year: int | None) -> CleaningRule:
    """Return the one rule of that id for a table."""
    every = (*rules_for(family, year), *counted_for(family, year))
    (found,) = [rule for rule in every if rule.id == name]
    return found


def frame(family: str, year: int | None, rows: list[Row]) -> pl.DataFrame:
    """Return rows typed as the catalogue types them."""
    there = catalogue().tables[family].in_year(year)
    return pl.DataFrame(
        rows, schema={name: POLARS[there[name].kind] for name in rows[0]}, orient="row"
    )


def named(rule: CleaningRule, rows: pl.DataFrame) -> list[bool | None]:
    """Return what the rule says of each row."""
    return rows.select(failing(rule, rows).alias("named"))["named"].to_list()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}/{case[1]}")
def test_rule_names_the_rows_it_is_about_and_no_others(case: Case) -> None:
    name, family, year, must, must_not = case
    rule = bound(name, family, year)
    assert named(rule, frame(family, year, must)) == [True] * len(must)
    assert named(rule, frame(family, year, must_not)) == [False] * len(must_not)


def test_every_rule_has_a_case() -> None:
    asked = {(rule.id, rule.family) for rule in rules() if rule.effect is not Effect.WINDOW}
    assert asked == {(case[0], case[1]) for case in CASES}


def test_a_rule_is_known_by_id_and_family() -> None:
    names = [(rule.id, rule.family) for rule in rules()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: f"{rule.id}/{rule.family}")
def test_rule_is_about_columns_of_its_family_and_values_of_their_kind(rule: CleaningRule) -> None:
    columns = catalogue().tables[rule.family].in_year(None)
    assert rule.reason.endswith(".")
    assert rule.source_date.year >= 2020
    for reading in (rule.reading, *rule.alternatives):
        assert bool(reading.takes_out) != (reading.months is not None)
        for condition in reading.takes_out:
            number = columns[condition.column].kind == "INTEGER"
            assert all(isinstance(one, int) is number for one in condition.values)
    if rule.alternatives:
        assert all(reading.why for reading in (rule.reading, *rule.alternatives))


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: f"{rule.id}/{rule.family}")
def test_no_condition_is_lost_in_the_newest_year_of_the_rule(rule: CleaningRule) -> None:
    year = None if rule.family.startswith("IR_") else (rule.last_year or 2019)
    if rule.effect is not Effect.WINDOW:
        assert len(bound(rule.id, rule.family, year).predicate) == len(rule.predicate)


@pytest.mark.parametrize(
    ("name", "family", "before", "first", "last", "after"),
    [
        ("mco-sent-twice", "T_MCOaaB", 2004, 2005, 2017, 2018),
        ("mco-chaining-date-error", "T_MCOaaC", 2005, 2006, 2030, None),
        ("mco-chaining-incoherent", "T_MCOaaC", 2012, 2013, 2030, None),
        ("mco-external-chaining-error", "T_MCOaaCSTC", 2007, 2008, 2030, None),
        ("mco-external-date-error", "T_MCOaaCSTC", 2008, 2009, 2030, None),
        ("ssr-grouping-error", "T_SSRaaB", 2012, 2013, 2030, None),
        ("ssr-made-up-week", "T_SSRaaB", 2014, 2015, 2030, None),
        ("psy-trial-discharge", "T_RIPaaRSA", 2006, 2007, 2016, 2017),
        ("psy-made-up-summary", "T_RIPaaRSA", 2014, 2015, 2030, None),
    ],
)
def test_rule_holds_in_its_years_only(
    name: str, family: str, before: int, first: int, last: int, after: int | None
) -> None:
    def holds(year: int) -> bool:
        return any(rule.id == name for rule in rules_for(family, year))

    assert [holds(before), holds(first), holds(last)] == [False, True, True]
    assert after is None or not holds(after)


def test_conditions_on_columns_that_the_year_lacks_are_left_out() -> None:
    def columns(year: int) -> set[str]:
        return {one.column for one in bound("ssr-chaining-error", "T_SSRaaC", year).predicate}

    assert columns(2005) == set(CONTROLS)
    assert columns(2012) == {*CONTROLS, "DAT_RET"}
    assert columns(2013) == {*CONTROLS, "DAT_RET", *COHERENCE}


def test_a_rule_bound_to_years_is_not_asked_of_a_table_of_no_year() -> None:
    assert not [rule for rule in rules_for("T_MCOaaB", None) if rule.id == "mco-sent-twice"]
    assert [rule.id for rule in rules_for("ER_PRS_F", None)] == ["claim-for-information"]
    assert not rules_for("ER_BIO_F", 2018)
    assert not rules_for("no such family", 2018)


READINGS = {
    "table": {2005: 41, 2010: 40, 2011: 46, 2014: 46, 2016: 45, 2017: 44},
    "text": {2005: 41, 2009: 40, 2010: 46, 2014: 46, 2015: 46, 2017: 45},
    "flat": {2005: 46, 2010: 46, 2014: 46, 2017: 46},
}


@pytest.mark.parametrize("reading", READINGS)
def test_each_reading_of_the_double_transmissions_lists_its_numbers_by_year(reading: str) -> None:
    for year, numbers in READINGS[reading].items():
        (condition,) = bound("mco-sent-twice", "T_MCOaaB", year).under(reading).predicate
        assert len(set(condition.values)) == len(condition.values) == numbers


def test_the_readings_differ_in_the_rows_that_the_sources_disagree_on() -> None:
    rows = frame("T_MCOaaB", 2010, [{"ETA_NUM": one} for one in ("690783154", "130780521")])
    rule = bound("mco-sent-twice", "T_MCOaaB", 2010)
    assert named(rule, rows) == [False, True]
    assert named(rule.under("text"), rows) == [True, True]
    early = bound("mco-sent-twice", "T_MCOaaB", 2005)
    odd = frame("T_MCOaaB", 2005, [{"ETA_NUM": "940100019"}])
    assert named(early, odd) == [True]
    assert named(early.under("flat"), odd) == [False]


def test_the_reversed_return_code_is_known_and_not_chosen() -> None:
    rule = bound("mco-chaining-error", "T_MCOaaC", 2018)
    rows = frame("T_MCOaaC", 2018, [{**dict.fromkeys(CONTROLS, "0"), "NIR_RET": c} for c in "01"])
    assert named(rule, rows) == [False, True]
    assert named(rule.under("reversed"), rows) == [True, False]
    assert named(rule.under("reversed").under("zero-is-sound"), rows) == [False, True]


def test_sql_s_own_reading_takes_missing_values_out() -> None:
    rule = bound("claim-for-information", "ER_PRS_F", 2018)
    rows = frame("ER_PRS_F", 2018, [{"DPN_QLF": None, "PRS_DPN_QLP": 0}])
    assert named(rule, rows) == [False]
    assert named(rule.under("as-sql-reads-it"), rows) == [True]


def test_a_reading_nobody_knows_is_refused() -> None:
    with pytest.raises(KeyError):
        rules()[0].under("no such reading")


def test_each_effect_is_explained_and_has_one_use() -> None:
    assert set(MEANING) == set(Effect) == {*APPLIED, *COUNTED, Effect.WINDOW}


def test_rows_of_a_counted_rule_are_not_taken_out() -> None:
    applied = {rule.id for rule in rules_for("ER_PRS_F", 2018)}
    counted = {rule.id for rule in counted_for("ER_PRS_F", 2018)}
    assert counted == {"claim-is-a-complement"}
    assert not applied & counted
    assert not rules_for("IR_BEN_R", None)


def test_return_codes_keep_stays_apart_and_drop_none() -> None:
    chaining = [rule for rule in rules() if "_RET" in str(rule.predicate)]
    assert len(chaining) == 9
    assert {rule.effect for rule in chaining} == {Effect.UNCHAIN}


def test_needs_are_the_columns_of_applied_and_counted_rules() -> None:
    assert needs("ER_PRS_F", 2018) == {"DPN_QLF", "PRS_DPN_QLP", "CPL_MAJ_TOP"}
    assert needs("T_MCOaaB", 2018) == {"GRG_GHM", "SEJ_TYP"}
    assert needs("ER_BIO_F", 2018) == frozenset()


def test_the_window_of_flux_is_twelve_months() -> None:
    (window,) = windows_for("ER_PRS_F", 2018)
    assert (window.reading.months, window.under("six-months").reading.months) == (12, 6)
    assert not windows_for("ER_PHA_F", 2018)


def test_rows_without_a_column_of_the_rule_are_refused() -> None:
    rows = pl.DataFrame({"DPN_QLF": [71]})
    with pytest.raises(ValueError, match="PRS_DPN_QLP"):
        failing(bound("claim-for-information", "ER_PRS_F", 2018), rows)


def test_a_rule_without_a_year_or_without_rows_is_refused() -> None:
    unbound = next(rule for rule in rules() if rule.id == "mco-sent-twice")
    with pytest.raises(ValueError, match="mco-sent-twice"):
        failing(unbound, pl.DataFrame({"ETA_NUM": ["130780521"]}))
    (window,) = windows_for("ER_PRS_F", 2018)
    with pytest.raises(ValueError, match="flux-window"):
        failing(window, pl.DataFrame({"DPN_QLF": [71]}))


def test_no_rows_are_asked_without_a_fault() -> None:
    for case in CASES:
        rule = bound(*case[:3])
        rows = frame(case[1], case[2], case[3]).clear()
        assert named(rule, rows) == []


def test_a_condition_reads_in_one_line() -> None:
    assert str(Condition("DPN_QLF", Test.IN, (71, 72), null=True)) == "DPN_QLF in 71, 72 or missing"


def test_the_data_have_a_version() -> None:
    assert version().startswith("20")


def test_every_line_of_the_sheet_is_a_rule_for_its_table_and_years() -> None:
    if not SHEET.exists():
        pytest.skip("shared/data/snds-rules is absent")
    with SHEET.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    named = [rule for rule in rules() if rule.family != "IR_BEN_R_ARC"]
    found = {line: rule for rule in named for line in rule.sheet}
    assert sorted(found) == list(range(1, len(lines) + 1)) == list(range(1, 24))
    for number, line in enumerate(lines, start=1):
        rule = found[number]
        assert rule.family == line["table"]
        first, _, last = line["years"].partition("-")
        assert (rule.first_year or "", rule.last_year or "") == (
            int(first) if first else "",
            int(last) if last else "",
        )
        assert all(
            condition.column in line["condition_sql"] or ".." in line["condition_sql"]
            for condition in rule.predicate
        )
