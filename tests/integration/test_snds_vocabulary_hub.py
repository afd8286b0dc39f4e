"""The French codes in a hub: loaded as a vocabulary, found whole, counted by coverage."""

from pathlib import Path
from typing import Any

import polars as pl

from fakes.intake_hub import SmallHub
from laennec.omop.cdm import CURRENT, cdm
from laennec.snds.codes import Codes
from laennec.snds.vocabulary import site_vocabulary
from laennec.warehouse.vocabulary import vocabulary_coverage, vocabulary_findings

SITE = 2_000_000_000
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


def athena(folder: Path) -> Path:
    """Write a vocabulary that knows nothing of the SNDS: one concept above another."""
    folder.mkdir()
    tables = cdm(CURRENT).tables
    from_until: dict[str, Any] = {"valid_start_date": "1970-01-01", "valid_end_date": "2099-12-31"}
    concept: dict[str, Any] = {
        "concept_id": [1, 2],
        "concept_name": ["A", "B"],
        "domain_id": "Condition",
    }
    concept |= {"vocabulary_id": "SNOMED", "concept_class_id": "Finding", "standard_concept": "S"}
    said: dict[str, dict[str, Any]] = {
        "concept": concept | {"concept_code": ["11", "22"]} | from_until,
        "concept_relationship": {"concept_id_1": [2], "concept_id_2": 1, "relationship_id": "Is a"}
        | from_until,
        "concept_ancestor": {"ancestor_concept_id": [1], "descendant_concept_id": 2}
        | {"min_levels_of_separation": 1, "max_levels_of_separation": 1},
        "vocabulary": {"vocabulary_id": ["None"], "vocabulary_name": "OMOP"}
        | {"vocabulary_version": "v5.0 29-FEB-24", "vocabulary_concept_id": 1},
        "concept_class": {"concept_class_id": ["Finding"], "concept_class_name": "Finding"}
        | {"concept_class_concept_id": 1},
    }
    for name, columns in said.items():
        frame = pl.DataFrame(columns)
        frame.select(
            pl.col(field) if field in frame.columns else pl.lit(None).alias(field)
            for field in tables[name].field_names
        ).write_csv(folder / f"{name}.csv")
    return folder


def test_site_concepts_stay_when_the_vocabulary_is_replaced(tmp_path: Path) -> None:
    bundle = tmp_path / "vocabulary"
    bundle.mkdir()
    for name, rows in site_vocabulary().items():
        rows.write_csv(bundle / f"{name}.csv")
    hub = SmallHub(tmp_path / "hub")
    hub.intake().load_vocabulary(bundle)
    hub.load(omop(tmp_path / "omop"))
    before = hub.view()
    listed = pl.col("concept_id") >= SITE
    concepts = before.read_whole("concept").filter(listed).sort("concept_id")
    hub.intake().load_vocabulary(athena(tmp_path / "athena"))
    view = hub.view()
    now = view.read_whole("concept").sort("concept_id")
    assert now.filter(listed).equals(concepts)
    assert now.filter(~listed)["concept_id"].to_list() == [1, 2]
    assert view.vocabulary_version == "v5.0 29-FEB-24"
    assert {row[0] for row in vocabulary_coverage(view).rows()} == {"(unknown)", "FR CIM10"}
    pairs = view.read_whole("concept_ancestor")
    site = pl.col("ancestor_concept_id") >= SITE
    assert pairs.filter(ancestor_concept_id=1, descendant_concept_id=2).height == 1
    both = site & (pl.col("descendant_concept_id") >= SITE)
    assert pairs.filter(both).height == before.read_whole("concept_ancestor").filter(both).height
    ids = set(view.read_whole("vocabulary")["vocabulary_id"])
    assert {"None", "FR CIM10", "FR CCAM"} <= ids
    assert "SNOMED" not in ids


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
