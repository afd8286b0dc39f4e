"""The French codes that Laennec ships, and the concept that each of them is, for ever.

One vocabulary of ``data/codes_index.csv`` is one list ``data/codes_*.csv.gz``: number, code, label,
parent. The concept id of a code is the vocabulary's ``first_id`` plus the code's number, from
2,000,000,000 on and below 2**31. Numbers are never given twice nor changed: either the code itself
is the number (CIP, UCD, LPP, NABM, PRS_NAT, ALD), so that a code of a later edition has its concept
id before anybody lists it, or ``tools/snds_codes.py`` hands out the next free ones.

The lists are public reference data; nothing here is about a person. Pure, but for packaged files.
"""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import polars as pl

CIM10, CCAM, ATC, ALD, PRS_NAT = "CIM10", "CCAM", "ATC", "ALD", "PRS_NAT"
NABM, CIP13, LPP, UCD = "NABM", "CIP13", "LPP", "UCD"

CODE_SCHEMA: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "name": pl.String(),
        "code": pl.String(),
        "source_concept_id": pl.Int64(),
        "label": pl.String(),
        "parent": pl.String(),
        "domain": pl.String(),
    }
)
"""Columns of a list of codes; ``label`` and ``parent`` may be null."""

_DATA = files("laennec.snds") / "data"
_LIST = {"number": pl.Int64(), "code": pl.String(), "label": pl.String(), "parent": pl.String()}
_OBSERVED = ("V", "W", "X", "Y", "Z")
"""CIM-10 letters that tell why or how, not what: external causes and reasons for contact."""
_EAN_PREFIX, _EAN_LENGTH = "3400", 13


@dataclass(frozen=True)
class Vocabulary:
    """One line of ``codes_index.csv``.

    Attributes:
        name: As converters call it.
        vocabulary_id: As OMOP's table ``vocabulary`` has it.
        title: In French.
        domain_id: Domain of its codes, unless ``domain_of`` says another.
        first_id: Concept id of number 0.
        last_id: The largest id it may use.
        numbering: ``code`` or ``place``; see the module.
        edition: What the list was made from.
        source: Where those are.
        licence: Under which terms.
    """

    name: str
    vocabulary_id: str
    title: str
    domain_id: str
    first_id: int
    last_id: int
    numbering: str
    edition: str
    source: str
    licence: str


@cache
def vocabularies() -> Mapping[str, Vocabulary]:
    """Return the vocabularies by name, in the order of their ids."""
    rows = packaged("codes_index.csv").iter_rows(named=True)
    found = (
        Vocabulary(**{**row, "first_id": int(row["first_id"]), "last_id": int(row["last_id"])})
        for row in rows
    )
    return MappingProxyType({one.name: one for one in found})


@cache
def listed() -> pl.DataFrame:
    """Return all shipped codes: columns of ``CODE_SCHEMA``, a vocabulary after the other."""
    return pl.concat(_list(one) for one in vocabularies().values())


def packaged(file: str) -> pl.DataFrame:
    """Return a packaged table, all text, empty as null."""
    content = (_DATA / file).read_bytes()
    return pl.read_csv(content, infer_schema=False)


def rows_of(vocabulary: Vocabulary, codes: pl.DataFrame) -> pl.DataFrame:
    """Return codes as rows of a list.

    Args:
        vocabulary: Whose codes they are.
        codes: ``number`` (Int64), ``code``, ``label`` and ``parent``.
    """
    return codes.select(
        pl.lit(vocabulary.name).alias("name"),
        "code",
        (pl.col("number") + vocabulary.first_id).alias("source_concept_id"),
        "label",
        "parent",
        domain_of(vocabulary).alias("domain"),
    )


def domain_of(vocabulary: Vocabulary) -> pl.Expr:
    """Return the domain of the codes in column ``code``.

    CIM-10 is one vocabulary of several domains: reasons for contact (Z) and external causes (V to
    Y) are observations, as in OHDSI's ICD10.
    """
    usual = pl.lit(vocabulary.domain_id)
    if vocabulary.name != CIM10:
        return usual
    is_observed = pl.col("code").str.slice(0, 1).is_in(list(_OBSERVED))
    return pl.when(is_observed).then(pl.lit("Observation")).otherwise(usual)


def normal_code(name: str, code: pl.Expr) -> pl.Expr:
    """Return codes as the list of their vocabulary spells them; never fails, null stays null.

    CIM-10 without point and dagger; CCAM as its seven characters, without activity or extension;
    CIP and UCD as seven digits, taken out of thirteen; numbers without leading zeros.

    Args:
        name: A vocabulary.
        code: Text or integers, as in a file.

    Raises:
        KeyError: there is no such vocabulary; the caller is wrong.
    """
    vocabularies()[name]
    text = code.cast(pl.String).str.strip_chars().str.to_uppercase()
    if name == CIM10:
        return text.str.replace_all(r"[.*†]", "")
    if name == CCAM:
        return text.str.slice(0, 7)
    if name == ATC:
        return text
    number = text.str.replace(r"\.0$", "")
    if name in (CIP13, UCD):
        is_long = (number.str.len_chars() == _EAN_LENGTH) & number.str.starts_with(_EAN_PREFIX)
        number = pl.when(is_long).then(number.str.slice(5, 7)).otherwise(number)
    return number.str.replace(r"^0+(\d)", "${1}")


def _list(vocabulary: Vocabulary) -> pl.DataFrame:
    content = (_DATA / f"codes_{vocabulary.name.lower()}.csv.gz").read_bytes()
    return rows_of(vocabulary, pl.read_csv(gzip.decompress(content), schema=_LIST))
