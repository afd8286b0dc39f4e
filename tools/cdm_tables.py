"""Make the packaged tables of the OMOP CDM from the files of OHDSI/CommonDataModel.

    python tools/cdm_tables.py FOLDER

``FOLDER`` holds ``OMOP_CDMv5.x_Field_Level.csv`` and ``OMOP_CDMv5.x_Table_Level.csv`` for 5.3 and
5.4 (``inst/csv`` of https://github.com/OHDSI/CommonDataModel, commit f853f6e, Apache-2.0). Writes
``src/laennec/omop/data/cdm_5_3.csv`` and ``cdm_5_4.csv``: facts only, one line per field, in the
order of the source; guidance text is left out. Running it again on the same input writes the same
bytes.

What is changed on the way, because the source contradicts itself or uses several spellings:

- an empty line (5.4) is skipped; ``NA`` becomes empty; names are lower case; ``"offset"`` loses its
  quotes, which belong to SQL and not to the name;
- 5.3 files ``cohort_definition`` and ``attribute_definition`` under VOCAB; they are no vocabulary
  and go to RESULTS, where 5.4 has ``cohort_definition``.
"""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

VERSIONS = ("5.3", "5.4")
COLUMNS = (
    "table",
    "schema",
    "field",
    "required",
    "datatype",
    "primary_key",
    "foreign_table",
    "foreign_field",
    "foreign_domain",
    "foreign_class",
)
RESULTS_TABLES = frozenset({"cohort_definition", "attribute_definition"})
TARGET = Path(__file__).resolve().parents[1] / "src" / "laennec" / "omop" / "data"


def main() -> None:
    """Write one file per version."""
    if len(sys.argv) != 2:
        sys.exit("usage: python tools/cdm_tables.py FOLDER")
    for version in VERSIONS:
        target = TARGET / f"cdm_{version.replace('.', '_')}.csv"
        with target.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(facts(Path(sys.argv[1]), version))


def facts(folder: Path, version: str) -> Iterator[tuple[str, ...]]:
    """Yield one line per field, in the order of ``COLUMNS``."""
    schemas = {
        row["cdmTableName"].lower(): row["schema"]
        for row in _read(folder / f"OMOP_CDMv{version}_Table_Level.csv")
    }
    for row in _read(folder / f"OMOP_CDMv{version}_Field_Level.csv"):
        table = row["cdmTableName"].lower()
        yield (
            table,
            "RESULTS" if table in RESULTS_TABLES else schemas[table],
            row["cdmFieldName"].strip('"').lower(),
            row["isRequired"].lower(),
            row["cdmDatatype"].lower(),
            row["isPrimaryKey"].lower(),
            _given(row["fkTableName"]).lower(),
            _given(row["fkFieldName"]).lower(),
            _given(row["fkDomain"]),
            _given(row["fkClass"]),
        )


def _read(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        yield from (row for row in csv.DictReader(lines) if row["cdmTableName"])


def _given(value: str) -> str:
    return "" if value == "NA" else value


if __name__ == "__main__":
    main()
