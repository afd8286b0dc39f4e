"""Vocabulary files by name, and the version of a vocabulary."""

from pathlib import Path

import polars as pl
import pytest

from laennec.core.errors import VocabularyError
from laennec.omop.vocabulary import vocabulary_table, vocabulary_version

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


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
