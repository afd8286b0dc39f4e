"""Read what each public source says of the columns of the SNDS, in one form.

The sources are those of ``catalogue.toml``. Names are in capitals, as Oracle reads them, and a
family is a table without its year.
"""

import csv
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path
from typing import Any

CURRENT = 2013
"""First year of the tables of the DCIR that have no year in their name."""

_SCHEMA_KINDS = {
    "integer": "INTEGER",
    "number": "DECIMAL",
    "date": "DATE",
    "datetime": "DATE",
    "boolean": "BOOLEAN",
}
_PMSI = re.compile(r"T_(MCO|SSR|HAD|RIP|SUP)(?:aa|XX|xx|\d\d)(\w*)")
_YEAR = re.compile(r"(\w+)_(20\d\d)")

Place = tuple[str, str]
"""Family and column."""


@dataclass
class Said:
    """What one source says of a column.

    Attributes:
        kinds: TEXT, INTEGER, DECIMAL, DATE or BOOLEAN; several where it changed.
        sizes: Length and decimals by year; under 0 where the source gives no years.
        years: Years in which it is there, as far as the source lists them.
        still: First year of those up to now in which it is there, if it is there still.
        nomenclature: Table of its values, or "".
        label: In French, or "".
        form: How the source writes a date, else "".
    """

    kinds: set[str] = field(default_factory=set)
    sizes: dict[int, tuple[int | None, int | None]] = field(default_factory=dict)
    years: set[int] = field(default_factory=set)
    still: int | None = None
    nomenclature: str = ""
    label: str = ""
    form: str = ""

    @property
    def kind(self) -> str:
        """The one kind; TEXT where it changed, since text holds every other."""
        return self.kinds.copy().pop() if len(self.kinds) == 1 else "TEXT"

    @property
    def size(self) -> tuple[int | None, int | None]:
        """The newest length and decimals."""
        return self.sizes[max(self.sizes)] if self.sizes else (None, None)


def family(table: str, rules: Mapping[str, Any]) -> tuple[str, int | None]:
    """Return the family of a table of a source and its year."""
    for same in rules["same_family"]:
        if same["name"] == table:
            return same["family"], None
    pmsi, yearly = _PMSI.fullmatch(table), _YEAR.fullmatch(table)
    if pmsi:
        digits = re.match(r"T_...(\d\d)", table)
        return f"T_{pmsi[1]}aa{pmsi[2]}", 2000 + int(digits[1]) if digits else None
    return (yearly[1], int(yearly[2])) if yearly else (table, None)


def portal(folder: Path, rules: Mapping[str, Any]) -> dict[Place, Said]:
    """Return what the portal declares."""
    found: dict[Place, Said] = defaultdict(Said)
    for name in ("DCIR", "PMSI"):
        path = folder / "pmsi-dcir-oracle-contents" / f"{name}_raw_schema.csv"
        for row in _rows(path, ";"):
            if any(fnmatchcase(row["MEMNAME"], out["tables"]) for out in rules["left_out"]):
                continue
            table, year = family(row["MEMNAME"], rules)
            said = found[table, row["NAME"].upper()]
            decimals = int(row["FORMATD"])
            number = "DECIMAL" if decimals else "INTEGER"
            kind = "TEXT" if row["TYPE"] == "2" else number
            said.kinds.add("DATE" if row["FORMAT"] == "DATETIME" else kind)
            timed = year or (CURRENT if table.startswith("ER_") else 0)
            said.sizes[timed] = (int(row["FORMATL"]), decimals)
            if timed:
                said.years.add(timed)
            if timed == CURRENT and not year:
                said.still = CURRENT
    return found


def kwikly(folder: Path, rules: Mapping[str, Any]) -> dict[Place, Said]:
    """Return what kwikly lists."""
    found: dict[Place, Said] = defaultdict(Said)
    for row in _rows(folder / "snds-kwikly" / "kwikly_2022-1_variables.csv"):
        table, _ = family(row["sheet"], rules)
        said = found[table, row["variable"].upper()]
        size = _size(row["size"])
        number = "DECIMAL" if size[1] else "INTEGER"
        kinds = {"char": "TEXT", "num": number, "date": "DATE"}
        said.kinds |= {kinds[row["type"].lower()]} if row["type"] else set()
        said.sizes[0] = size
        said.years |= {int(year.strip("*")) for year in row["years"].split()}
        said.label = said.label or tidy(row["label"])
        said.nomenclature = said.nomenclature or row["value_table"].strip()
        last = next((y for start, y in rules["known_until"].items() if table.startswith(start)), 0)
        if row["current_table_flag"] and table.startswith("ER_"):
            said.still = CURRENT
        elif last in said.years:
            said.still = last
    return found


def schema(folder: Path) -> tuple[dict[Place, Said], list[dict[str, Any]]]:
    """Return what schema-snds says, and its tables without their fields."""
    found: dict[Place, Said] = {}
    tables = []
    for path in sorted((folder / "snds-schema").rglob("*.json")):
        table = json.loads(path.read_text(encoding="utf-8"))
        for column in table.pop("fields"):
            found[table["name"], column["name"].upper()] = _of_schema(column)
        tables.append(table)
    return found, tables


def quasi_identifiers(folder: Path) -> Iterator[Place]:
    """Yield the columns that the sheets of kwikly call potential identifiers."""
    for path in sorted((folder / "snds-kwikly").glob("*_sheet_id_potentiel_*.csv")):
        group = tables = column = ""
        with path.open(encoding="utf-8", newline="") as lines:
            for cells in list(csv.reader(lines))[3:]:
                _, kind, _, name, _, where, *_ = [*cells, *[""] * 6]
                group, column, tables = kind or group, name or column, where or tables
                if group == "Identifiant potentiel":
                    for table in tables.split():
                        yield re.sub(r"_aaaa$", "", re.sub(r"xx", "aa", table)), column


def labels(folder: Path, rules: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels of families on the sheets of kwikly that list tables: a cell, its label."""
    found: dict[str, str] = {}
    for path in sorted((folder / "snds-kwikly").glob("*_sheet_[A-Z]*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            for cells in csv.reader(lines):
                for cell, after in pairwise(cells):
                    found.setdefault(family(cell.strip(), rules)[0], tidy(after))
    return found


def tidy(text: str) -> str:
    """Return text on one line, without what an editor of another system left in it."""
    return re.sub(r"\s+", " ", text.replace("\x85", "…").replace("\x92", "’")).strip()


def _of_schema(column: Mapping[str, Any]) -> Said:
    size = _size(str(column["length"] or ""))
    kind = _SCHEMA_KINDS.get(column["type"], "TEXT")
    if column["format"] == "%m":
        kind = "TEXT"
    years, still = _life(column)
    named = column["nomenclature"].split(":")[0]
    return Said(
        kinds={kind},
        sizes={0: size},
        years=years,
        still=still,
        nomenclature="" if named == "-" else named,
        label=tidy(column["description"] or ""),
        form=column["format"] if kind == "DATE" else "",
    )


def _life(column: Mapping[str, Any]) -> tuple[set[int], int | None]:
    """Return the years that schema-snds gives; ``dateDeleted`` is the first without the column."""
    if not column["dateCreated"]:
        return set(), None
    first, missing = int(column["dateCreated"]), {int(year) for year in column["dateMissing"]}
    if column["dateDeleted"]:
        return {first, *range(first, int(column["dateDeleted"]))} - missing, None
    back = max(missing, default=first - 1) + 1
    return set(range(first, back + 1)) - missing, back


def _size(text: str) -> tuple[int | None, int | None]:
    whole, _, decimals = text.replace(",", ".").partition(".")
    return (int(whole), int(decimals or 0)) if whole.isdigit() else (None, None)


def _rows(path: Path, separator: str = ",") -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines, delimiter=separator)
