"""The French codes in a hub: loaded as a vocabulary, found whole, counted by coverage."""

from pathlib import Path

import polars as pl

from fakes.intake_hub import SmallHub
from laennec.omop.cdm import CURRENT, cdm
from laennec.snds.codes import Codes
from laennec.snds.vocabulary import site_vocabulary
from laennec.warehouse.vocabulary import vocabulary_coverage, vocabulary_findings

DIAGNOSES = ["K922", "K922", "K250", "Z999", "QQQ"]


def omop(folder: Path) -> Path:
    """Write a data set of one person whose diagnoses were coded by the site."""
    folder.mkdir()
    tables = cdm(CURRENT).tables
    person = {"person_id": [1], "gender_concept_id": [8507], "year_of_birth": [1960]}
    person |= {"race_concept_id": [0], "ethnicity_concept_id": [0]}
    rows = pl.DataFrame({"code": DIAGNOSES})
    coded = Codes.site().attach(rows, "code", "CIM10", "dgn").with_row_index("place", offset=1)
    conditions = coded.select(
        pl.col("place").alias("condition_occurrence_id"),
        pl.lit(1).alias("person_id"),
        pl.col("dgn_concept_id").alias("condition_concept_id"),
        pl.lit("2019-01-01").alias("condition_start_date"),
        pl.lit(32810).alias("condition_type_concept_id"),
        pl.col("code").alias("condition_source_value"),
        pl.col("dgn_source_concept_id").alias("condition_source_concept_id"),
    )
    for name, frame in (("person", pl.DataFrame(person)), ("condition_occurrence", conditions)):
        frame.select(
            pl.col(field) if field in frame.columns else pl.lit(None).alias(field)
            for field in tables[name].field_names
        ).write_csv(folder / f"{name}.csv")
    return folder


def test_coverage_by_vocabulary_of_the_source(tmp_path: Path) -> None:
    bundle = tmp_path / "vocabulary"
    bundle.mkdir()
    tables = site_vocabulary()
    for name, rows in tables.items():
        rows.write_csv(bundle / f"{name}.csv")
    hub = SmallHub(tmp_path / "hub")
    hub.intake().load_vocabulary(bundle)
    hub.load(omop(tmp_path / "omop"))
    view = hub.view()
    found = vocabulary_coverage(view).rows()
    assert found == [("(unknown)", 1, 0, 0.0, 1, 0, 0.0), ("FR CIM10", 3, 1, 1 / 3, 4, 2, 0.5)]
    assert vocabulary_findings(view) == ()
    order = ["ancestor_concept_id", "descendant_concept_id"]
    loaded = view.read_whole("concept_ancestor").select(tables["concept_ancestor"].columns)
    assert loaded.sort(order).equals(tables["concept_ancestor"].sort(order))
