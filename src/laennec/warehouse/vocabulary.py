"""Questions about the vocabulary in a warehouse: is it sound, and how much of the data does it map?

Counts of rows and codes; no count of persons, and no code of a row leaves these functions.
"""

import polars as pl

from laennec.omop.checks import SITE_MINIMUM, Finding, check_site_concepts, check_vocabulary
from laennec.omop.coverage import COUNTS_SCHEMA, coverage
from laennec.omop.events import EVENT_TABLES, EventTable
from laennec.omop.vocabulary import TABLES
from laennec.warehouse.service import View


def vocabulary_findings(view: View) -> tuple[Finding, ...]:
    """Return what is wrong with the vocabulary; it is read whole.

    Raises:
        IntegrityError: a file is not what was sealed.
    """
    loaded = [name for name in TABLES if view.files(name)]
    tables = {name: view.read_whole(name) for name in loaded}
    found = check_vocabulary(tables)
    if "concept" in tables and "domain" in tables:
        concepts = tables["concept"]
        site = concepts.filter(pl.col("concept_id") >= SITE_MINIMUM)
        found += check_site_concepts(site, concepts=concepts, domains=tables["domain"])
    return found


def vocabulary_coverage(view: View) -> pl.DataFrame:
    """Return rows and codes by source vocabulary, and how many are mapped to a standard concept.

    Returns:
        Columns of ``omop.coverage.COVERAGE_SCHEMA``.

    Raises:
        IntegrityError: a file is not what was sealed.
    """
    counts = [
        _counts(view, table, bucket)
        for table in EVENT_TABLES.values()
        if table.source_concept is not None and view.files(table.name)
        for bucket in view.buckets()
    ]
    source = view.read_whole("concept", columns=["concept_id", "vocabulary_id"]).rename(
        {"concept_id": "source"}
    )
    empty = pl.DataFrame(schema={"source": pl.Int64(), **COUNTS_SCHEMA}).drop("vocabulary_id")
    # Source concept 0 is a code that nobody knows: of no vocabulary, not of the one named "None".
    known = source.filter(pl.col("source") != 0)
    joined = pl.concat([empty, *counts]).join(known, on="source", how="left")
    return coverage(joined.select(list(COUNTS_SCHEMA)))


def _counts(view: View, table: EventTable, bucket: int) -> pl.DataFrame:
    """Return rows by source concept, source code and standard concept of one bucket."""
    code = table.concept.replace("_concept_id", "_source_value")
    rows = view.read(
        table.name, bucket, columns=[str(table.source_concept), code, table.concept], where=None
    )
    grouped = rows.rename(
        {str(table.source_concept): "source", code: "source_code", table.concept: "concept_id"}
    ).group_by("source", "source_code", "concept_id")
    counted = grouped.agg(pl.len().cast(pl.Int64).alias("rows"))
    return counted.select("source", "source_code", "concept_id", "rows")
