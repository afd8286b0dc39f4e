"""Make the demo's data set: the GiBleed tables that the demo needs, as one zip of Parquet files.

    python tools/demo_data.py FOLDER_OF_GIBLEED OUT.zip

GiBleed is synthetic (Synthea), OMOP CDM 5.3, from OHDSI/omock 213e3c8 (Apache-2.0). Rows and values
are unchanged, real defects included; only the compression differs, and tables without rows, the
measurements and the eras are left out. The output is the same bytes for the same input.
"""

import io
import sys
import zipfile
from pathlib import Path

import pyarrow.parquet as pq

TABLES = (
    "cdm_source",
    "concept",
    "concept_ancestor",
    "concept_relationship",
    "condition_occurrence",
    "domain",
    "drug_exposure",
    "observation",
    "observation_period",
    "person",
    "procedure_occurrence",
    "visit_occurrence",
    "vocabulary",
)


def main(source: Path, target: Path) -> None:
    """Write the zip."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for table in TABLES:
            packed = io.BytesIO()
            pq.write_table(
                pq.read_table(source / f"{table}.parquet"),
                packed,
                compression="zstd",
                compression_level=19,
            )
            entry = zipfile.ZipInfo(f"{table}.parquet", date_time=(2026, 1, 1, 0, 0, 0))
            archive.writestr(entry, packed.getvalue())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
