"""A vocabulary of a few concepts with known rates, and of some that nobody gave a rate."""

from pathlib import Path

import polars as pl

ASTHMA, VASECTOMY, HAEMOGLOBIN = 317009, 4330583, 3000963
COUGH_SYRUP, INGREDIENT = 19_999_001, 19_999_000


def write_vocabulary(folder: Path) -> Path:
    """Write it into a new folder, and return that."""
    folder.mkdir(parents=True)
    unknown = [
        (900_000 + 1_000 * place + one, domain, "S", domain)
        for place, domain in enumerate(("Condition", "Drug", "Procedure", "Observation", "Device"))
        for one in range(40)
    ]
    concepts = [
        (ASTHMA, "Condition", "S", "Clinical Finding"),
        (VASECTOMY, "Procedure", "S", "Procedure"),
        (HAEMOGLOBIN, "Measurement", "S", "Lab Test"),
        (COUGH_SYRUP, "Drug", "S", "Clinical Drug"),
        (INGREDIENT, "Drug", "S", "Ingredient"),
        (999_999, "Condition", None, "ICD code"),
        *unknown,
    ]
    frame = pl.DataFrame(
        concepts,
        schema=["concept_id", "domain_id", "standard_concept", "concept_class_id"],
        orient="row",
    )
    frame = frame.with_columns(invalid_reason=pl.lit(None, pl.String))
    frame.write_parquet(folder / "concept.parquet")
    pairs = {
        "ancestor_concept_id": [INGREDIENT, INGREDIENT],
        "descendant_concept_id": [INGREDIENT, COUGH_SYRUP],
    }
    pl.DataFrame(pairs).write_parquet(folder / "concept_ancestor.parquet")
    return folder
