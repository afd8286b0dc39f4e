"""Make ``src/laennec/quality/data`` from the check files of the Data Quality Dashboard.

    .venv/bin/python tools/dqd_checks.py ../shared/data/dqd

Source: OHDSI/DataQualityDashboard 2f81ca9, ``inst/csv`` (Apache-2.0). One row a check is written,
with the one threshold and the parameters that its type needs; names are lower case. Nothing else is
changed.
"""

import csv
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

Row = Mapping[str, str]

OUT = Path(__file__).parent.parent / "src" / "laennec" / "quality" / "data"
VERSIONS = ("5.3", "5.4")
COLUMNS = (
    "check",
    "table",
    "field",
    "concept_id",
    "concept_name",
    "threshold",
    "value",
    "other_table",
    "other_field",
    "datatype",
)
VALUES = {
    "fkDomain": "fkDomain",
    "fkClass": "fkClass",
    "plausibleValueLow": "plausibleValueLow",
    "plausibleValueHigh": "plausibleValueHigh",
    "plausibleGender": "plausibleGender",
    "plausibleGenderUseDescendants": "plausibleGenderUseDescendants",
    "plausibleUnitConceptIds": "plausibleUnitConceptIds",
}
"""Column that holds the parameter of a check type."""

OTHERS = {
    "isForeignKey": ("fkTableName", "fkFieldName"),
    "sourceValueCompleteness": ("cdmTableName", "standardConceptFieldName"),
    "plausibleTemporalAfter": (
        "plausibleTemporalAfterTableName",
        "plausibleTemporalAfterFieldName",
    ),
    "plausibleStartBeforeEnd": ("cdmTableName", "plausibleStartBeforeEndFieldName"),
}
"""Columns that name the other field of a check type."""

TERM = re.compile(r"(\w+)\s*(==|!=)\s*'(.*)'")


def read(folder: Path, version: str, name: str) -> list[dict[str, str]]:
    """Return the rows of one of the Dashboard's files."""
    path = folder / f"OMOP_CDMv{version}_{name}.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def applies(rule: str, row: Row) -> bool:
    """Whether a row passes the filter of a check type, such as ``isForeignKey=='Yes'``."""
    for term in rule.split("&"):
        found = TERM.fullmatch(term.strip())
        if found is None:
            raise SystemExit(f"not understood: {term}")
        column, sign, wanted = found.groups()
        if (row[column].strip() == wanted) != (sign == "=="):
            return False
    return True


def checks(kind: Row, rows: list[dict[str, str]]) -> Iterator[tuple[str, ...]]:
    """Return a row for each check of a type."""
    name = kind["checkName"]
    other_table, other_field = OTHERS.get(name, ("", ""))
    for row in rows:
        if applies(kind["evaluationFilter"], row):
            yield (
                name,
                row["cdmTableName"].lower(),
                row.get("cdmFieldName", "").lower(),
                row.get("conceptId", "").strip(),
                row.get("conceptName", "").strip(),
                row.get(f"{name}Threshold", "").strip(),
                row[VALUES[name]].strip() if name in VALUES else "",
                row[other_table].lower() if other_table else "",
                row[other_field].lower() if other_field else "",
                row.get("cdmDatatype", "").lower(),
            )


def write(path: Path, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Write a file with a header."""
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(head)
        out.writerows(rows)


def main(folder: Path) -> None:
    """Write the types, and the checks on each version."""
    kinds = {version: read(folder, version, "Check_Descriptions") for version in VERSIONS}
    head = ("check", "level", "context", "category", "subcategory", "severity", "sql_file", "says")
    described = [
        (
            one["checkName"],
            one["checkLevel"],
            one["kahnContext"],
            one["kahnCategory"],
            one["kahnSubcategory"],
            one["severity"],
            one["sqlFile"],
            " ".join(one["checkDescription"].split()),
        )
        for one in kinds["5.4"]
    ]
    write(OUT / "check_types.csv", head, described)
    for version in VERSIONS:
        rows = {
            "TABLE": read(folder, version, "Table_Level"),
            "FIELD": read(folder, version, "Field_Level"),
            "CONCEPT": read(folder, version, "Concept_Level"),
        }
        found = [row for kind in kinds[version] for row in checks(kind, rows[kind["checkLevel"]])]
        name = f"checks_{version.replace('.', '_')}.csv"
        write(OUT / name, COLUMNS, found)
        print(name, len(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
