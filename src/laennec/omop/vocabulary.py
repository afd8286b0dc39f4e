"""The files a vocabulary comes in, and which vocabulary it is.

Ten tables, in several dialects: an Athena bundle (upper-case ``.csv`` names, tab separated, *no*
quoting, so that a lone ``"`` is part of a name, dates as ``20991231``), and comma separated files
with quotes and ISO dates, compressed or not (omock, ``*_seed.csv.gz`` of dbt-synthea, the tables
inside a CDM export). ``intake`` reads them all; here is which file is which table.

A bundle also has files that are no table: ``CONCEPT_CPT4.csv`` (CPT4 without names, to be completed
by its owner's tool), a readme, a Mac's ``._`` shadows. They are skipped by name.
"""

import re
from pathlib import PurePosixPath

import polars as pl

from laennec.core.errors import VocabularyError
from laennec.omop.cdm import CURRENT, cdm
from laennec.omop.names import normal

TABLES: tuple[str, ...] = tuple(
    table.name for table in cdm(CURRENT).tables.values() if table.is_vocabulary
)
_ENDINGS = re.compile(r"(_seed)?\.(csv|tsv|txt)(\.gz)?$", re.IGNORECASE)


def vocabulary_table(file: str) -> str | None:
    """Return the vocabulary table that a file's name stands for, or None if it is none.

    Args:
        file: A name or a path inside a zip, with ``/``; case does not matter.
    """
    path = PurePosixPath(file)
    name = normal(_ENDINGS.sub("", path.name))
    is_text = _ENDINGS.search(path.name) is not None
    return name if is_text and "__MACOSX" not in path.parts and name in TABLES else None


def vocabulary_version(vocabulary: pl.DataFrame) -> str:
    """Return the version of the whole vocabulary, such as ``v5.0 29-FEB-24``.

    OHDSI keeps it in table ``vocabulary``, in the row whose ``vocabulary_id`` is ``None`` (text).

    Raises:
        VocabularyError: there is no such row, more than one, or its version is empty.
    """
    found = vocabulary.filter(pl.col("vocabulary_id") == "None")["vocabulary_version"].to_list()
    if len(found) != 1 or not found[0]:
        raise VocabularyError(
            "Table vocabulary does not say the version of the vocabulary: its row 'None' is "
            "missing, doubled or without version.",
            remedy="Download the vocabulary again; a result must name the version it used.",
        )
    return str(found[0])
