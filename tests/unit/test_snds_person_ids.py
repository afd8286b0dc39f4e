"""Numbers of persons: stable from load to load, never split, silent about pseudonyms."""

from datetime import date

import polars as pl
import pytest

from fakes.snds_beneficiaries import Row, beneficiaries
from laennec.snds import person_ids
from laennec.snds.person_ids import IDENTIFIERS, Assigned, assign_person_ids
from laennec.snds.person_keys import person_numbers
from laennec.snds.persons import resolve

KEY, OTHER = bytes(range(32)), bytes(32)
A, B, C = "NIRA", "NIRB", "NIRC"


def load(rows: list[Row], earlier: Assigned | None = None, key: bytes = KEY) -> Assigned:
    known = None if earlier is None else earlier.identifiers
    return assign_person_ids(resolve(beneficiaries(rows)), known, key=key)


def person(found: Assigned, psa: str, rng: int = 1) -> int:
    of = (pl.col("psa") == psa) & (pl.col("rng") == rng)
    return int(found.identifiers.filter(of)["person_id"].item())


def test_a_number_is_one_of_2_to_the_52_and_the_same_in_every_load_with_the_key() -> None:
    psa = pl.int_range(20_000, eager=True).cast(pl.String).str.zfill(17)
    ids = person_numbers(psa, pl.Series([1]).new_from_index(0, 20_000), attempt=0, key=KEY)
    assert ids.min() >= 1
    assert ids.max() <= 2**52
    assert len(set(ids.tolist())) == 20_000
    again = person_numbers(psa, pl.Series([1]).new_from_index(0, 20_000), attempt=0, key=KEY)
    assert (ids == again).all()


def test_numbers_are_those_of_a_mac_computed_by_hand() -> None:
    """AES-CBC-MAC of two blocks is the last block of CBC encryption from a zero vector."""
    import hashlib

    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    secret = hashlib.blake2b(digest_size=32, key=KEY, person=b"snds person_id").digest()
    message = (
        b"R6YH1H0M86RCYD544".ljust(24, b"\0") + (7).to_bytes(4, "big") + (1).to_bytes(4, "big")
    )
    encryptor = Cipher(algorithms.AES(secret), modes.CBC(bytes(16))).encryptor()
    mac = (encryptor.update(message) + encryptor.finalize())[-16:]
    expected = (int.from_bytes(mac[:8], "big") >> 12) + 1
    given = person_numbers(pl.Series(["R6YH1H0M86RCYD544"]), pl.Series([7]), attempt=1, key=KEY)
    assert given.tolist() == [expected]


@pytest.mark.parametrize(
    ("psa", "key", "why"),
    [("P" * 25, KEY, "24 characters"), ("é" * 20, KEY, "ASCII"), ("P", b"short", "16 bytes")],
)
def test_a_pseudonym_or_key_that_does_not_fit_is_a_mistake(psa: str, key: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        person_numbers(pl.Series([psa]), pl.Series([1]), attempt=0, key=key)


def test_another_key_gives_other_numbers() -> None:
    rows: list[Row] = [{"psa": "P"}, {"psa": "Q"}]
    here, there = load(rows), load(rows, key=OTHER)
    assert not set(here.identifiers["person_id"]) & set(there.identifiers["person_id"])


def test_a_number_that_is_taken_is_not_given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    real = person_numbers

    def few(psa: pl.Series, rng: pl.Series, *, attempt: int, key: bytes) -> object:
        return real(psa, rng, attempt=attempt, key=key) % 50 + 1

    monkeypatch.setattr(person_ids, "person_numbers", few)
    first = load([{"psa": f"P{place}"} for place in range(20)])
    assert first.persons["person_id"].n_unique() == 20
    second = load([{"psa": f"Q{place}"} for place in range(20)], first)
    assert second.persons["person_id"].n_unique() == 40
    assert person(second, "P7") == person(first, "P7")


def test_a_second_load_of_the_same_rows_changes_nothing() -> None:
    rows: list[Row] = [
        {"psa": "P", "nir": A, "updated": date(2019, 1, 1)},
        {"psa": "Q", "nir": A},
        {"psa": "R", "rng": 0},
        {"psa": "R", "nir": C},
        {"psa": "S", "nir": B, "sex": 2},
        {"psa": "T", "nir": B},
    ]
    first = load(rows)
    second = load(rows, first)
    assert second.identifiers.equals(first.identifiers)
    assert second.persons.equals(first.persons)
    assert second.merged.is_empty()
    assert second.split_refused == 0
    assert dict(first.identifiers.schema) == dict(IDENTIFIERS)


def test_who_is_not_delivered_again_is_still_there() -> None:
    first = load([{"psa": "P", "nir": A, "dead": date(2018, 3, 9)}])
    second = load([{"psa": "Q", "nir": A}], first)
    assert person(second, "P") == person(second, "Q") == person(first, "P")
    assert second.persons["death_date"].to_list() == [date(2018, 3, 9)]
    assert second.identifiers["since"].to_list() == [1, 2]


def test_two_persons_who_are_one_get_the_number_known_first() -> None:
    first = load([{"psa": "Q"}])
    second = load([{"psa": "P"}], first)
    third = load([{"psa": "P", "nir": A}, {"psa": "Q", "nir": A}], second)
    old, kept = person(second, "P"), person(first, "Q")
    assert person(third, "P") == person(third, "Q") == kept
    assert third.merged.to_dicts() == [{"person_id": kept, "old_person_id": old}]


def test_a_person_of_an_earlier_load_is_not_split() -> None:
    first = load([{"psa": "P", "nir": A}, {"psa": "Q", "nir": A}])
    rows: list[Row] = [{"psa": "P", "nir": A, "sex": 2, "updated": date(2020, 1, 1)}]
    second = load(rows, first)
    assert person(second, "P") == person(second, "Q") == person(first, "P")
    assert second.split_refused == 1
    assert set(second.identifiers["evidence"]) == {"earlier load"}
    assert set(second.identifiers["confidence"]) == {"ambiguous"}


def test_nothing_new_is_joined_through_a_person_in_dispute() -> None:
    first = load([{"psa": "P", "nir": A}, {"psa": "Q", "nir": A}, {"psa": "Z", "nir": B}])
    later = date(2020, 1, 1)
    second = load(
        [
            {"psa": "Q", "rng": 1, "nir": B, "sex": 2, "updated": later},
            {"psa": "Z", "nir": B, "sex": 2, "updated": later},
            {"psa": "N", "nir": A},
        ],
        first,
    )
    assert person(second, "P") == person(second, "Q")
    assert len({person(second, name) for name in "PNZ"}) == 3
    assert second.split_refused == 1
    refused = dict(second.resolution.refusals.select("reason", "merges").iter_rows())
    assert refused == {"two sexes": 1, "earlier persons disagree": 2}


def test_a_former_number_is_remembered() -> None:
    first = load([{"psa": "P", "nir": A, "updated": date(2015, 1, 1)}])
    second = load([{"psa": "P", "nir": B, "updated": date(2018, 1, 1)}], first)
    third = load([{"psa": "Q", "nir": A}], second)
    assert person(third, "Q") == person(first, "P")
    fourth = load([{"psa": "R", "nir": B}], third)
    assert person(fourth, "R") == person(first, "P")
    assert fourth.split_refused == 0


def test_rank_0_that_was_a_persons_stays_with_him_when_a_twin_appears() -> None:
    first = load([{"psa": "P", "rng": 0}, {"psa": "P"}])
    second = load([{"psa": "P", "rng": 2}], first)
    assert person(second, "P", 0) == person(second, "P", 1) == person(first, "P")
    assert person(second, "P", 2) != person(first, "P")
    assert second.resolution.nobody.is_empty()


def test_a_birth_year_that_is_missing_now_is_known_from_before() -> None:
    first = load([{"psa": "P", "nir": A}])
    second = load([{"psa": "Q", "nir": A, "year": "1600"}], first)
    assert person(second, "Q") == person(first, "P")
    assert second.resolution.apart.is_empty()
