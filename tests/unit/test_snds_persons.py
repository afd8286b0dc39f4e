"""Who is who: each trap of the identifiers of the SNDS, in the smallest rows that show it."""

import tomllib
from datetime import date
from importlib.resources import files

import polars as pl
import pytest

from fakes.snds_beneficiaries import Row, beneficiaries, persons_of, told
from laennec.snds.person_rules import person_rules
from laennec.snds.persons import partitions, resolve

A, B, C = "NIRA", "NIRB", "NIRC"


def people(*groups: str) -> set[frozenset[str]]:
    return {frozenset(group.split()) for group in groups}


JOINED: dict[str, tuple[list[Row], set[frozenset[str]]]] = {
    "a child under both parents": (
        [{"psa": "P", "nir": A}, {"psa": "Q", "nir": A}],
        people("P/1 Q/1"),
    ),
    "strangers alike in birth and sex": (
        [{"psa": "P"}, {"psa": "Q"}],
        people("P/1", "Q/1"),
    ),
    "no number says that strangers are one": (
        [{"psa": "P", "nir": A}, {"psa": "Q"}],
        people("P/1", "Q/1"),
    ),
    "twins of one sex": (
        [{"psa": "P", "nir": A}, {"psa": "P", "rng": 2, "nir": B}],
        people("P/1", "P/2"),
    ),
    "twins without numbers": (
        [{"psa": "P"}, {"psa": "P", "rng": 2}],
        people("P/1", "P/2"),
    ),
    "one person whose rank changed": (
        [{"psa": "P", "nir": A}, {"psa": "P", "rng": 3, "nir": A}],
        people("P/1 P/3"),
    ),
    "twins under both parents": (
        [
            {"psa": "P", "nir": A},
            {"psa": "P", "rng": 2, "nir": B},
            {"psa": "Q", "nir": A},
            {"psa": "Q", "rng": 2, "nir": B},
        ],
        people("P/1 Q/1", "P/2 Q/2"),
    ),
    "rank 0 beside one rank": (
        [{"psa": "P", "rng": 0}, {"psa": "P", "nir": A}],
        people("P/0 P/1"),
    ),
    "rank 0 with the number, the other without": (
        [{"psa": "P", "rng": 0, "nir": A}, {"psa": "P"}],
        people("P/0 P/1"),
    ),
    "rank 0 alone": ([{"psa": "P", "rng": 0}], people("P/0")),
    "rank 0 with another number": (
        [{"psa": "P", "rng": 0, "nir": B}, {"psa": "P", "nir": A}],
        people("P/0", "P/1"),
    ),
    "rank 0 beside twins, with the number of one": (
        [
            {"psa": "P", "rng": 0, "nir": A},
            {"psa": "P", "nir": A},
            {"psa": "P", "rng": 2, "nir": B},
        ],
        people("P/0 P/1", "P/2"),
    ),
    "rank 0 beside twins, without a number": (
        [{"psa": "P", "rng": 0}, {"psa": "P"}, {"psa": "P", "rng": 2}],
        people("P/1", "P/2"),
    ),
    "births a month apart": (
        [
            {"psa": "P", "nir": A, "year": "1969", "month": "12"},
            {"psa": "Q", "nir": A, "year": "1970", "month": "01"},
        ],
        people("P/1 Q/1"),
    ),
    "a birth of which the month is missing": (
        [{"psa": "P", "nir": A, "month": None}, {"psa": "Q", "nir": A, "month": "11"}],
        people("P/1 Q/1"),
    ),
    "a birth of 1600 on one identifier": (
        [{"psa": "P", "nir": A, "year": "1600", "month": "01"}, {"psa": "Q", "nir": A}],
        people("P/1 Q/1"),
    ),
    "a number that changed": (
        [
            {"psa": "P", "nir": A, "updated": date(2015, 1, 1)},
            {"psa": "P", "nir": B, "updated": date(2018, 1, 1)},
            {"psa": "Q", "nir": A},
            {"psa": "R", "nir": B},
        ],
        people("P/1 Q/1 R/1"),
    ),
    "BEN_IDT_ANO that is the number": (
        [{"psa": "P", "nir": A}, {"psa": "Q", "idt": A, "top": 1}],
        people("P/1 Q/1"),
    ),
    "BEN_IDT_ANO that is not the number": (
        [{"psa": "P", "nir": A}, {"psa": "Q", "idt": A, "top": 0}],
        people("P/1", "Q/1"),
    ),
    "a filler number joins nobody": (
        [{"psa": "P", "nir": "X" * 17}, {"psa": "Q", "nir": "X" * 17}],
        people("P/1", "Q/1"),
    ),
    "a sex that is not known": (
        [{"psa": "P", "nir": A, "sex": 0}, {"psa": "Q", "nir": A, "sex": 2}],
        people("P/1 Q/1"),
    ),
}


@pytest.mark.parametrize("trap", JOINED)
def test_identifiers_are_joined_as_far_as_the_data_say(trap: str) -> None:
    rows, expected = JOINED[trap]
    assert persons_of(resolve(beneficiaries(rows))) == expected


REFUSED: dict[str, tuple[str, list[Row], set[frozenset[str]]]] = {
    "two sexes": (
        "two sexes",
        [{"psa": "P", "nir": A}, {"psa": "Q", "nir": A, "sex": 2}],
        people("P/1", "Q/1"),
    ),
    "two sexes, one of them twice": (
        "two sexes",
        [{"psa": "P", "nir": A}, {"psa": "Q", "nir": A, "sex": 2}, {"psa": "R", "nir": A}],
        people("P/1 R/1", "Q/1"),
    ),
    "births two months apart": (
        "births apart",
        [{"psa": "P", "nir": A, "month": "05"}, {"psa": "Q", "nir": A, "month": "07"}],
        people("P/1", "Q/1"),
    ),
    "a chain of births, each a month from the next": (
        "births apart",
        [
            {"psa": name, "nir": A, "month": f"0{m}"}
            for name, m in zip("PQRS", (5, 6, 7, 7), strict=True)
        ],
        people("P/1", "Q/1", "R/1 S/1"),
    ),
    "births of other years": (
        "births apart",
        [{"psa": "P", "nir": A}, {"psa": "Q", "nir": A, "year": "1985"}],
        people("P/1", "Q/1"),
    ),
    "an unknown sex in a dispute": (
        "two sexes",
        [
            {"psa": "P", "nir": A},
            {"psa": "Q", "nir": A, "sex": 2},
            {"psa": "R", "nir": A, "sex": 0},
        ],
        people("P/1", "Q/1", "R/1"),
    ),
    "deaths apart": (
        "deaths apart",
        [
            {"psa": "P", "nir": A, "dead": date(2015, 3, 1)},
            {"psa": "Q", "nir": A, "dead": date(2018, 3, 1)},
        ],
        people("P/1", "Q/1"),
    ),
    "care long after the other's death": (
        "care after death",
        [
            {"psa": "P", "nir": A, "dead": date(2015, 3, 1)},
            {"psa": "Q", "nir": A, "care": date(2018, 3, 1)},
        ],
        people("P/1", "Q/1"),
    ),
    "one number of seventeen identifiers": (
        "too many identifiers",
        [{"psa": f"P{place}", "nir": A} for place in range(17)],
        people(*(f"P{place}/1" for place in range(17))),
    ),
    "rank 0 beside twins": (
        "rank without meaning",
        [{"psa": "P", "rng": 0}, {"psa": "P"}, {"psa": "P", "rng": 2}],
        people("P/1", "P/2"),
    ),
    "rank 0 with another number": (
        "two numbers",
        [{"psa": "P", "rng": 0, "nir": B}, {"psa": "P", "nir": A}],
        people("P/0", "P/1"),
    ),
    "a former number of the other twin": (
        "ranks of twins",
        [
            {"psa": "P", "nir": B, "updated": date(2015, 1, 1)},
            {"psa": "P", "nir": A, "updated": date(2018, 1, 1)},
            {"psa": "P", "rng": 2, "nir": B},
        ],
        people("P/1", "P/2"),
    ),
    "rank 0 that would chain two numbers": (
        "two numbers",
        [
            {"psa": "P", "nir": A},
            {"psa": "P", "rng": 0, "nir": C},
            {"psa": "Q", "rng": 0, "nir": C},
            {"psa": "Q", "nir": B},
        ],
        people("P/1", "P/0 Q/0", "Q/1"),
    ),
}


@pytest.mark.parametrize("trap", REFUSED)
def test_what_cannot_be_one_person_is_not_joined_and_says_why(trap: str) -> None:
    reason, rows, expected = REFUSED[trap]
    resolution = resolve(beneficiaries(rows))
    assert persons_of(resolution) == expected
    assert resolution.refusals["reason"].to_list() == [reason]
    assert resolution.refusals["merges"].to_list() == [1]


def test_every_reason_to_refuse_has_a_case() -> None:
    shown = {reason for reason, _, _ in REFUSED.values()}
    later = {"earlier persons disagree"}
    assert shown | later == set(person_rules().refusals)


APART: dict[str, Row] = {
    "no pseudonym": {"psa": None},
    "malformed pseudonym": {"psa": "p" * 25},
    "filler pseudonym": {"psa": "XXXXXXXXXXXXXXXXD"},
    "no rank": {"psa": "P", "rng": None},
    "fictive number": {"psa": "P", "cdi": "08", "year": "1955"},
    "no birth year": {"psa": "P", "year": "0001", "month": "01"},
}


@pytest.mark.parametrize("reason", APART)
def test_rows_of_nobody_are_set_apart_with_their_line(reason: str) -> None:
    plain: Row = {"psa": "KNOWN"}
    resolution = resolve(beneficiaries([plain, APART[reason]]))
    assert resolution.apart.rows() == [(3, reason)]
    assert persons_of(resolution) == people("KNOWN/1")
    assert resolution.counts["rows"] == 2
    assert resolution.counts["rows apart"] == 1


@pytest.mark.parametrize(
    "filler",
    tomllib.loads((files("laennec.snds") / "data" / "persons.toml").read_text())["fillers"][
        "listed"
    ],
)
def test_every_listed_filler_is_known_as_one(filler: str) -> None:
    resolution = resolve(beneficiaries([{"psa": filler, "nir": A}, {"psa": "P", "nir": A}]))
    assert resolution.apart["reason"].to_list() == ["filler pseudonym"]


@pytest.mark.parametrize(
    "code", [code for code, kind in person_rules().quality.items() if kind == "fictive"]
)
def test_a_fictive_number_is_nobodys(code: str) -> None:
    resolution = resolve(beneficiaries([{"psa": "P", "cdi": code}, {"psa": "Q"}]))
    assert resolution.nobody.rows() == [("P", 1, "fictive number")]


def test_an_identifier_delivered_both_as_fictive_and_not_is_a_persons() -> None:
    resolution = resolve(beneficiaries([{"psa": "P", "cdi": "01"}, {"psa": "P"}]))
    assert persons_of(resolution) == people("P/1")
    assert resolution.apart["reason"].to_list() == ["fictive number"]
    assert resolution.nobody.is_empty()


def test_rank_0_of_either_twin_is_nobodys() -> None:
    rows: list[Row] = [{"psa": "P", "rng": 0}, {"psa": "P"}, {"psa": "P", "rng": 2}]
    resolution = resolve(beneficiaries(rows))
    assert resolution.nobody.rows() == [("P", 0, "ambiguous twin")]
    assert resolution.apart.rows() == [(2, "ambiguous twin")]


CONFIDENCE: dict[str, tuple[list[Row], str, str]] = {
    "certified": ([{"psa": "P", "nir": A}], "certified", "number"),
    "pseudonym only": ([{"psa": "P"}], "pseudonym only", "pseudonym"),
    "provisional": ([{"psa": "P", "cdi": "03"}], "provisional", "pseudonym"),
    "provisional insured, own number": (
        [{"psa": "P", "cdi": "04", "nir": A}],
        "certified",
        "number",
    ),
    "unheard-of code": ([{"psa": "P", "cdi": "42"}], "pseudonym only", "pseudonym"),
    "joined by rank": (
        [{"psa": "P"}, {"psa": "P", "rng": 0, "nir": A}],
        "probable",
        "rank without meaning",
    ),
    "joined by a former number": (
        [
            {"psa": "P", "nir": A, "updated": date(2015, 1, 1)},
            {"psa": "P", "nir": B, "updated": date(2018, 1, 1)},
            {"psa": "Q", "nir": A},
        ],
        "probable",
        "former number",
    ),
    "number in dispute": (
        [{"psa": "P", "nir": A}, {"psa": "Q", "nir": A, "sex": 2}],
        "ambiguous",
        "number",
    ),
    "two births": (
        [{"psa": "P", "nir": A}, {"psa": "P", "nir": A, "month": "09"}],
        "ambiguous",
        "number",
    ),
    "two sexes": ([{"psa": "P"}, {"psa": "P", "sex": 2}], "ambiguous", "pseudonym"),
}


@pytest.mark.parametrize("case", CONFIDENCE)
def test_each_identifier_says_how_sure_it_is_and_why(case: str) -> None:
    rows, confidence, kind = CONFIDENCE[case]
    resolution = resolve(beneficiaries(rows))
    assert told(resolution, "confidence")["P/1"] == confidence
    assert told(resolution, "evidence")["P/1"] == kind


def test_the_number_of_one_twin_on_rank_0_leaves_it_ambiguous() -> None:
    rows, _ = JOINED["rank 0 beside twins, with the number of one"]
    confidence = told(resolve(beneficiaries(rows)), "confidence")
    assert confidence == {"P/0": "ambiguous", "P/1": "certified", "P/2": "certified"}


def test_counts_name_every_class_and_add_up() -> None:
    rows = [row for some, _ in JOINED.values() for row in some]
    resolution = resolve(beneficiaries(rows))
    rules, counts = person_rules(), resolution.counts
    for kind, names in (("confidence", rules.confidence), ("evidence", rules.evidence)):
        assert sum(counts[f"{kind}: {name}"] for name in names) == counts["identifiers"]
    assert counts["rows"] == len(rows)
    kept = counts["identifiers"] + counts["identifiers of nobody"] + counts["rows repeated"]
    assert kept + resolution.apart.filter(pl.col("reason").str.contains("filler")).height == len(
        rows
    )


def the_person(*rows: Row) -> dict[str, object]:
    resolution = resolve(beneficiaries(rows))
    assert resolution.persons.height == 1
    return resolution.persons.row(0, named=True)


def test_a_death_on_one_identifier_is_the_persons() -> None:
    person = the_person({"psa": "P", "nir": A}, {"psa": "Q", "nir": A, "dead": date(2018, 3, 9)})
    assert (person["death_date"], person["death_evidence"]) == (date(2018, 3, 9), "day")


def test_a_death_of_which_only_the_month_is_known_is_its_last_day() -> None:
    person = the_person({"psa": "P", "dead_month": "201802"})
    assert (person["death_date"], person["death_evidence"]) == (date(2018, 2, 28), "month")


def test_the_day_of_a_death_is_better_than_its_month() -> None:
    person = the_person(
        {"psa": "P", "nir": A, "dead": date(2018, 2, 9), "updated": date(2018, 3, 1)},
        {"psa": "Q", "nir": A, "dead_month": "201802", "updated": date(2019, 3, 1)},
    )
    assert (person["death_date"], person["death_evidence"]) == (date(2018, 2, 9), "day")


@pytest.mark.parametrize("month", ["160001", "000101", "", None, "201899", "196001"])
def test_no_death_is_made_of_a_missing_date_or_one_before_birth(month: str | None) -> None:
    person = the_person({"psa": "P", "dead_month": month})
    assert (person["death_date"], person["death_evidence"]) == (None, None)


def test_the_last_update_says_where_a_person_lives() -> None:
    person = the_person(
        {"psa": "P", "nir": A, "dpt": "075", "com": "056", "updated": date(2019, 1, 1)},
        {"psa": "Q", "nir": A, "dpt": "069", "com": "123", "updated": date(2016, 1, 1)},
        {"psa": "R", "nir": A, "dpt": "999", "com": "001", "updated": date(2020, 1, 1)},
    )
    assert (person["department"], person["commune"]) == ("075", "056")
    assert person["identifiers"] == 3


def test_a_department_known_last_takes_no_commune_of_another() -> None:
    person = the_person(
        {"psa": "P", "dpt": "075", "com": "056", "updated": date(2016, 1, 1)},
        {"psa": "P", "dpt": "069", "com": None, "updated": date(2019, 1, 1)},
    )
    assert (person["department"], person["commune"]) == ("069", None)


def test_a_birth_with_its_month_is_better_than_one_without() -> None:
    person = the_person(
        {"psa": "P", "nir": A, "year": "1969", "month": "12", "updated": date(2016, 1, 1)},
        {"psa": "Q", "nir": A, "year": "1970", "month": None, "updated": date(2019, 1, 1)},
    )
    assert (person["birth_year"], person["birth_month"]) == (1969, 12)


def test_a_person_is_as_sure_as_the_least_sure_identifier() -> None:
    person = the_person({"psa": "P", "nir": A}, {"psa": "P", "rng": 0})
    assert person["confidence"] == "probable"


def test_a_repeated_row_has_the_last_known_of_each_fact() -> None:
    resolution = resolve(
        beneficiaries(
            [
                {"psa": "P", "nir": A, "sex": 0, "updated": date(2019, 1, 1)},
                {"psa": "P", "nir": None, "sex": 2, "updated": date(2015, 1, 1)},
            ]
        )
    )
    assert told(resolution, "nir_ano") == {"P/1": A}
    assert told(resolution, "sex") == {"P/1": 2}
    assert resolution.counts["rows repeated"] == 1


def test_no_rows_are_no_persons() -> None:
    resolution = resolve(beneficiaries([]))
    assert resolution.counts["rows"] == 0
    assert resolution.persons.is_empty()
    assert partitions(beneficiaries([]), 4).is_empty()
