"""Vocabulary files: every dialect we have met, and refusals that say why."""

import gzip
import zipfile
from pathlib import Path

import polars as pl
import pytest

from laennec.core.errors import SourceError, VocabularyError
from laennec.omop.vocabulary import (
    ATHENA_DATE,
    ISO_DATE,
    TABLES,
    Dialect,
    detect_dialect,
    vocabulary_table,
    vocabulary_version,
)

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

CONCEPT = (
    "concept_id",
    "concept_name",
    "domain_id",
    "vocabulary_id",
    "concept_class_id",
    "standard_concept",
    "concept_code",
    "valid_start_date",
    "valid_end_date",
    "invalid_reason",
)
ATHENA_ROW = '44829861\tThe "big" disease\tCondition\tICD9CM\tcode\t\t1\t19700101\t20991231\t'


@pytest.mark.parametrize(
    ("file", "table"),
    [
        ("CONCEPT.csv", "concept"),
        ("vocabulary_download_v5/CONCEPT_ANCESTOR.csv", "concept_ancestor"),
        ("concept_relationship.csv.gz", "concept_relationship"),
        ("drug_strength_seed.csv.gz", "drug_strength"),
        ("Domain.TSV", "domain"),
        ("CONCEPT_CPT4.csv", None),
        ("__MACOSX/._CONCEPT.csv", None),
        ("__MACOSX/CONCEPT.csv", None),
        ("._CONCEPT.csv", None),
        ("PERSON.csv", None),
        ("concept.parquet", None),
        ("concept", None),
        ("readme.txt", None),
    ],
)
def test_tables_by_name(file: str, table: str | None) -> None:
    assert vocabulary_table(file) == table


@pytest.mark.parametrize(
    ("file", "lines", "expected"),
    [
        pytest.param(
            "CONCEPT.csv",
            ["\t".join(CONCEPT) + "\n", ATHENA_ROW + "\n"],
            Dialect("concept", "\t", None, ATHENA_DATE, None),
            id="athena",
        ),
        pytest.param(
            "CONCEPT.csv",
            ["\ufeff" + "\t".join(CONCEPT).upper() + "\r\n"],
            Dialect("concept", "\t", None, ATHENA_DATE, None),
            id="athena, no rows, upper case, byte order mark",
        ),
        pytest.param(
            "concept.csv.gz",
            [",".join(CONCEPT), '1,"a, b",Drug,ATC,5th,C,"A,1",1970-01-01,2099-12-31,'],
            Dialect("concept", ",", '"', ISO_DATE, "gzip"),
            id="comma, quoted values with commas",
        ),
        pytest.param(
            "concept.csv",
            [";".join(f'"{name}"' for name in CONCEPT), "1;a;b;c;d;;e;19700101;20991231;"],
            Dialect("concept", ";", '"', ATHENA_DATE, None),
            id="semicolon, quoted header, Athena's dates",
        ),
        pytest.param(
            "concept.tsv",
            ["\t".join(f'"{name}"' for name in CONCEPT)],
            Dialect("concept", "\t", '"', ATHENA_DATE, None),
            id="tab with quotes, as R writes it",
        ),
        pytest.param(
            "CONCEPT.csv",
            [",".join(CONCEPT), "1,a,b,c,d,,e,,,", "1,a,b,c,d,,e,1970-01-01 00:00:00,,"],
            Dialect("concept", ",", '"', ISO_DATE, None),
            id="first date late, with a time of day",
        ),
    ],
)
def test_dialects(file: str, lines: list[str], expected: Dialect) -> None:
    assert detect_dialect(file, lines) == expected


@pytest.mark.parametrize(
    ("file", "lines", "message"),
    [
        ("PERSON.csv", ["person_id"], "not named after a vocabulary table"),
        ("CONCEPT.csv", [], "is empty"),
        ("CONCEPT.csv", ["\ufeff\r\n"], "is empty"),
        ("CONCEPT.csv", ["PAR1\x15\x04"], "none of the columns"),
        ("CONCEPT.csv", [ATHENA_ROW], "none of the columns"),
        ("CONCEPT.csv", ["concept_id\tconcept_name"], "lacks domain_id, vocabulary_id"),
        ("CONCEPT.csv", ['"' + "x" * 200_000], "none of the columns"),
        ("CONCEPT.csv", [" ".join(CONCEPT)], "none of the columns"),
    ],
)
def test_refusals(file: str, lines: list[str], message: str) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        detect_dialect(file, lines)
    assert "disease" not in str(caught.value)


def first_lines() -> list[tuple[str, list[str]]]:
    """Return name and three first lines of every vocabulary file in the shared data."""
    if not DATA.exists():
        pytest.skip("the shared data are absent")
    found = []
    for folder in ("vocab-omock-default", "synthea-raw-27/vocabulary"):
        for file in sorted((DATA / folder).glob("*.csv.gz")):
            with gzip.open(file, "rt", encoding="utf-8") as text:
                found.append((file.name, [line for line, _ in zip(text, range(3), strict=False)]))
    with zipfile.ZipFile(DATA / "omop-synthea27nj" / "Synthea27Nj_5.4.zip") as archive:
        found += [
            (name, archive.read(name).decode().splitlines()[:3])
            for name in archive.namelist()
            if vocabulary_table(name)
        ]
    return found


def test_every_vocabulary_file_we_have_is_read_as_it_is() -> None:
    found = [detect_dialect(name, lines) for name, lines in first_lines()]
    assert len(found) == 24
    assert {one.table for one in found} == set(TABLES)
    assert {(one.separator, one.quote, one.date_format) for one in found} == {(",", '"', ISO_DATE)}


def rows(*pairs: tuple[str | None, str | None]) -> pl.DataFrame:
    schema = {"vocabulary_id": pl.String, "vocabulary_version": pl.String}
    return pl.DataFrame(list(pairs), schema=schema, orient="row")


def test_version_of_the_vocabulary() -> None:
    both = rows(("SNOMED", "2023-11"), ("None", "v5.0 29-FEB-24"), (None, "x"))
    assert vocabulary_version(both) == "v5.0 29-FEB-24"


@pytest.mark.parametrize(
    "vocabulary",
    [
        rows(),
        rows(("SNOMED", "1")),
        rows(("None", None)),
        rows(("None", "")),
        rows(("None", "1"), ("None", "1")),
    ],
)
def test_a_vocabulary_without_version_is_refused(vocabulary: pl.DataFrame) -> None:
    with pytest.raises(VocabularyError, match="version"):
        vocabulary_version(vocabulary)


@pytest.mark.parametrize(
    ("folder", "version"),
    [
        ("vocab-omock-default/vocabulary.csv.gz", "mock"),
        ("synthea-raw-27/vocabulary/vocabulary_seed.csv.gz", "v5.0 29-FEB-24"),
        ("omop-gibleed/vocabulary.parquet", "v5.0 18-JAN-19"),
    ],
)
def test_versions_of_the_vocabularies_we_have(folder: str, version: str) -> None:
    file = DATA / folder
    if not file.exists():
        pytest.skip(f"{folder} is absent")
    read = pl.read_parquet if file.suffix == ".parquet" else pl.read_csv
    assert vocabulary_version(read(file)) == version
