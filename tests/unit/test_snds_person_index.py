"""Whose a claim or a stay is: every answer that the index can give."""

import pickle
from typing import Any

import polars as pl
import pytest

from fakes.snds_beneficiaries import Row, beneficiaries
from laennec.core.errors import EngineError
from laennec.snds.person_ids import assign_person_ids
from laennec.snds.person_index import PersonIndex
from laennec.snds.person_rules import person_rules
from laennec.snds.persons import resolve

KEY = bytes(range(32))
ROWS: list[Row] = [
    {"psa": "ALONE", "nir": "N1"},
    {"psa": "TWIN", "rng": 1, "nir": "N2"},
    {"psa": "TWIN", "rng": 2, "nir": "N3"},
    {"psa": "UNSURE", "rng": 1},
    {"psa": "UNSURE", "rng": 2},
    {"psa": "RSI", "rng": 0, "nir": "N4"},
    {"psa": "RSI", "rng": 1, "nir": "N4"},
    {"psa": "RSITWIN", "rng": 0},
    {"psa": "RSITWIN", "rng": 1, "nir": "N5"},
    {"psa": "RSITWIN", "rng": 2, "nir": "N6"},
    {"psa": "FICTIVE", "cdi": "08"},
    {"psa": "MIXED", "sex": 1, "nir": "N7"},
    {"psa": "MIXED", "sex": 2, "rng": 2, "nir": "N8"},
    {"psa": "HALF", "rng": 1, "nir": "N9"},
    {"psa": "HALF", "rng": 2, "cdi": "08"},
]


class Known:
    """The rows resolved, and the index over them."""

    def __init__(self) -> None:
        found = assign_person_ids(resolve(beneficiaries(ROWS)), None, key=KEY)
        triples = found.identifiers.select("psa", "rng", "person_id").iter_rows()
        self.person = {(psa, rng): person for psa, rng, person in triples}
        self.index = PersonIndex(found.identifiers, found.resolution.nobody)


@pytest.fixture(scope="module")
def known() -> Known:
    return Known()


CLAIMS: dict[str, tuple[str | None, int | None, Any]] = {
    "a plain identifier": ("ALONE", 1, ("ALONE", 1)),
    "an unknown rank": ("ALONE", 2, "unknown rank"),
    "a rank that says nothing, of one person": ("ALONE", 0, ("ALONE", 1)),
    "a missing rank, of one person": ("ALONE", None, ("ALONE", 1)),
    "a twin": ("TWIN", 2, ("TWIN", 2)),
    "a missing rank, of twins": ("TWIN", None, "ambiguous twin"),
    "rank 0 of twins": ("TWIN", 0, "ambiguous twin"),
    "a rank that no twin has": ("TWIN", 3, "unknown rank"),
    "twins without numbers": ("UNSURE", 1, ("UNSURE", 1)),
    "both ranks of one person": ("RSI", 0, ("RSI", 1)),
    "rank 0 that is nobody's": ("RSITWIN", 0, "ambiguous twin"),
    "a fictive identifier": ("FICTIVE", 1, "fictive number"),
    "an unknown rank of a fictive identifier": ("FICTIVE", 2, "unknown rank"),
    "a person beside a fictive identifier": ("HALF", 1, ("HALF", 1)),
    "a fictive identifier beside a person": ("HALF", 2, "fictive number"),
    "nobody's": (None, 1, "no pseudonym"),
    "a filler": ("xxxxxxxxxxxxxxxxx", 1, "filler pseudonym"),
    "never delivered": ("STRANGER", 1, "unknown identifier"),
}

STAYS: dict[str, tuple[str | None, int | None, int | None, Any]] = {
    "a plain identifier": ("ALONE", 1, 1, ("ALONE", 1)),
    "a rank that is wrong, of one person": ("ALONE", 2, 1, ("ALONE", 1)),
    "a sex that is wrong, of one person": ("ALONE", 1, 2, ("ALONE", 1)),
    "several ranks of one person": ("RSI", 3, 1, ("RSI", 0)),
    "certified ranks of twins": ("TWIN", 2, 1, ("TWIN", 2)),
    "no rank of twins": ("TWIN", None, 1, "ambiguous twin"),
    "another rank of twins": ("TWIN", 3, 1, "ambiguous twin"),
    "ranks of twins that are not certified": ("UNSURE", 1, 1, "ambiguous twin"),
    "sex that decides": ("MIXED", 1, 2, ("MIXED", 2)),
    "no sex, but a rank": ("MIXED", 1, None, ("MIXED", 1)),
    "a fictive identifier": ("FICTIVE", 1, 1, "fictive number"),
    "a person beside a fictive identifier": ("HALF", 2, 1, ("HALF", 1)),
    "nobody's": (None, 1, 1, "no pseudonym"),
    "a filler": ("BXXXXXXXXXXXXXXXX", 1, 1, "filler pseudonym"),
    "never delivered": ("STRANGER", 1, 1, "unknown identifier"),
}


def expected(known: Known, answers: list[Any]) -> pl.DataFrame:
    rows = [
        (None, answer) if isinstance(answer, str) else (known.person[answer], None)
        for answer in answers
    ]
    return pl.DataFrame(rows, schema={"person_id": pl.Int64, "reason": pl.String}, orient="row")


def test_every_claim_has_a_person_or_a_reason(known: Known) -> None:
    psa, rng, answers = (list(column) for column in zip(*CLAIMS.values(), strict=True))
    told = known.index.of_claims(pl.Series(psa, dtype=pl.String), pl.Series(rng, dtype=pl.Int64))
    assert told.rows() == expected(known, answers).rows()


def test_every_stay_has_a_person_or_a_reason(known: Known) -> None:
    psa, rng, sex, answers = (list(column) for column in zip(*STAYS.values(), strict=True))
    ranks, sexes = (pl.Series(some, dtype=pl.Int64) for some in (rng, sex))
    told = known.index.of_stays(pl.Series(psa, dtype=pl.String), ranks, sexes)
    assert told.rows() == expected(known, answers).rows()


def test_every_reason_is_listed() -> None:
    given = {answer[-1] for some in (CLAIMS, STAYS) for answer in some.values()}
    assert {reason for reason in given if isinstance(reason, str)} <= set(person_rules().apart)


def test_no_rows_are_no_answers(known: Known) -> None:
    nothing, ranks = pl.Series([], dtype=pl.String), pl.Series([], dtype=pl.Int64)
    assert known.index.of_claims(nothing, ranks).is_empty()
    assert known.index.of_stays(nothing, ranks, ranks).schema == {
        "person_id": pl.Int64(),
        "reason": pl.String(),
    }


def test_an_empty_index_knows_nobody() -> None:
    empty = assign_person_ids(resolve(beneficiaries([])), None, key=KEY)
    index = PersonIndex(empty.identifiers)
    told = index.of_claims(pl.Series(["P"]), pl.Series([1]))
    assert told.rows() == [(None, "unknown identifier")]
    assert len(index) == 0


def test_an_index_travels_to_another_process(known: Known) -> None:
    there = pickle.loads(pickle.dumps(known.index))  # noqa: S301
    psa, rng = pl.Series(["TWIN", "ALONE"]), pl.Series([2, 1])
    assert there.of_claims(psa, rng).equals(known.index.of_claims(psa, rng))


def test_an_index_refuses_a_process_that_hashes_otherwise(known: Known) -> None:
    state = dict(known.index.__dict__) | {"_proof": 0}
    with pytest.raises(EngineError, match="hash text in different ways"):
        PersonIndex.__new__(PersonIndex).__setstate__(state)


def test_an_index_takes_24_bytes_a_pseudonym() -> None:
    size = 100_000
    identifiers = pl.DataFrame(
        {"psa": pl.int_range(size, eager=True).cast(pl.String), "rng": 1, "sex": 1}
    ).with_columns(person_id=pl.int_range(1, size + 1), confidence=pl.lit("certified"))
    index = PersonIndex(identifiers)
    assert len(index) == size
    assert index.nbytes <= 24 * size + 16
    told = index.of_claims(identifiers["psa"], identifiers["rng"].cast(pl.Int64))
    assert told["person_id"].equals(identifiers["person_id"])


def test_a_rank_out_of_range_is_a_mistake_of_the_program(known: Known) -> None:
    wrong = pl.DataFrame({"psa": ["P"], "rng": [256], "person_id": [1], "sex": [1]})
    with pytest.raises(ValueError, match="rank"):
        PersonIndex(wrong.with_columns(confidence=pl.lit("certified")))
