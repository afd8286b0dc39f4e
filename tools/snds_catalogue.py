"""Merge the public descriptions of the SNDS into the catalogue that Laennec ships.

    python tools/snds_catalogue.py SHARED_DATA_FOLDER

writes ``catalogue*.csv`` in ``src/laennec/snds/data`` from the folders ``snds-schema``,
``snds-kwikly`` and ``pmsi-dcir-oracle-contents``, and from ``catalogue.toml`` for all that no
source says. The same sources give the same bytes. How two sources that disagree become one column:

- *kind*: a date wherever a source says date and another keeps at least the eight characters of one;
  then the portal (what Oracle really holds), then kwikly, then schema. A number is decimal if the
  portal declares decimals, or, where the portal has no such column, another source does.
- *length*: of the portal in its years, of its nearest year in others; then kwikly; then schema.
- *years*: those of portal and kwikly together, and those of schema that neither covers. A column
  that the newest edition of a source still has has no last year.

What each source says stands in the column ``says`` wherever they disagree; the corrections of
``catalogue.toml`` come last and are named in the column ``correction``.
"""

import csv
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools.snds_merge import DATE_CHARS, Merged, merge, spans
from tools.snds_sources import Place, kwikly, labels, portal, quasi_identifiers, schema, tidy

DATA = Path(__file__).resolve().parents[1] / "src" / "laennec" / "snds" / "data"
_PRODUCTS = {
    "T_MCO": "PMSI MCO",
    "T_SUP": "PMSI MCO",
    "T_SSR": "PMSI SSR",
    "T_HAD": "PMSI HAD",
    "T_RIP": "PMSI RIM-P",
    "ER_": "DCIR",
    "IR_PHA_R": "DCIR_DCIRS",
    "IR_": "DCIR_DCIRS",
}


def correct(places: dict[Place, Merged], rules: Mapping[str, Any]) -> None:
    """Apply the corrections, in order; each must change a column or settle a disagreement.

    Raises:
        SystemExit: a correction does neither, so that its reason is gone.
    """
    for rule in rules["correction"]:
        changed = 0
        for place in [place for place in places if _concerns(rule, place)]:
            column = places[place]
            before = repr(column)
            if rule.get("absent"):
                del places[place]
            elif column.kind in rule.get("instead_of", [column.kind]):
                _change(column, rule)
            if rule.get("absent") or repr(column) != before or _settles(rule, column):
                column.corrections.append(rule["id"])
                changed += 1
        if not changed:
            raise SystemExit(f"{rule['id']} corrects nothing")


def archives(places: Mapping[Place, Merged], rules: Mapping[str, Any]) -> dict[Place, Merged]:
    """Return the columns of tables that archive another: those of the other, as corrected."""
    return {
        (rule["name"], name): column
        for rule in rules["archive"]
        for (family, name), column in places.items()
        if family == rule["family"]
    }


def _settles(rule: Mapping[str, Any], column: Merged) -> bool:
    """Whether the sources disagree on what the rule says: a kind or a length."""
    return bool(column.disputed & rule.keys()) and "instead_of" not in rule


def _change(column: Merged, rule: Mapping[str, Any]) -> None:
    column.kind = rule.get("kind", column.kind)
    if "length" in rule and any(size[0] != rule["length"] for size in column.size.values()):
        column.size = {0: (rule["length"], 0)}
    if "first_year" in rule:
        column.years, column.still = set(), rule["first_year"]
    column.quasi = rule.get("quasi_identifier", column.quasi)


def _concerns(rule: Mapping[str, Any], place: Place) -> bool:
    return any(fnmatchcase(place[0], one) for one in rule.get("families", ["*"])) and any(
        fnmatchcase(place[1], one) for one in rule["columns"]
    )


def roles(places: Mapping[Place, Merged], rules: Mapping[str, Any]) -> dict[Place, str]:
    """Return which columns are keys and which identify persons."""
    found: dict[Place, str] = {}
    for family in {place[0] for place in places}:
        for key in rules["key"]:
            there = [one for one in key["columns"] if (family, one) in places]
            enough = there if key.get("some") else len(there) == len(key["columns"])
            if enough and any(fnmatchcase(family, one) for one in key["families"]):
                found |= {(family, column): "key" for column in there}
                break
        for identifier in rules["identifier"]:
            if family in identifier["families"]:
                found |= {(family, one): "identifier" for one in identifier["columns"]}
    return {place: role for place, role in found.items() if place in places}


def rows(places: Mapping[Place, Merged], role: Mapping[Place, str]) -> Iterator[list[Any]]:
    """Yield the rows of ``catalogue.csv``: one for each run of years of one size."""
    for place in sorted(places):
        column = places[place]
        timeless = not column.years and column.still is None
        runs = [(None, None)] if timeless else spans(column.years, column.still)
        for first, last in runs:
            for start, end, (length, decimals) in _sized(first, last, column.size):
                if column.kind == "DATE" and length != DATE_CHARS:
                    length = None
                yield [
                    *(*place, start, end, column.kind, length, decimals or None, role.get(place)),
                    *(column.nomenclature, "yes" if column.quasi else None, column.says),
                    *(" ".join(column.corrections), column.label),
                ]


def _sized(
    first: int | None, last: int | None, sizes: Mapping[int, tuple[int | None, int | None]]
) -> Iterator[tuple[int | None, int | None, tuple[int | None, int | None]]]:
    """Cut a run of years where the size changes."""
    if first is None or len(set(sizes.values())) == 1:
        yield first, last, sizes[max(sizes)]
        return
    nearest = []
    for year in range(first, (last or max(*sizes, first)) + 1):
        away = {abs(told - year): told for told in sizes}
        nearest.append(sizes[away[min(away)]])
    start = 0
    for place, size in enumerate(nearest):
        ends = place + 1 == len(nearest)
        if ends or nearest[place + 1] != size:
            yield first + start, last if ends else first + place, size
            start = place + 1


def main(arguments: list[str]) -> int:
    """Write the files; returns the exit status."""
    if len(arguments) != 1:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    folder = Path(arguments[0])
    rules = tomllib.loads((DATA / "catalogue.toml").read_text(encoding="utf-8"))
    schema_says, tables = schema(folder)
    said = {"portal": portal(folder, rules), "kwikly": kwikly(folder, rules), "schema": schema_says}
    places = {
        place: merge({name: source[place] for name, source in said.items() if place in source})
        for place in sorted(set().union(*said.values()))
    }
    for place in quasi_identifiers(folder):
        if place in places:
            places[place].quasi = True
    _fill_years(places)
    correct(places, rules)
    places |= archives(places, rules)
    names = "family column first_year last_year kind length decimals role nomenclature"
    header = [*names.split(), "quasi_identifier", "says", "correction", "label"]
    _write("catalogue.csv", header, rows(places, roles(places, rules)))
    named = labels(folder, rules) | {one["name"]: one["label"] for one in rules["archive"]}
    archived = {one["name"]: one["family"] for one in rules["archive"]}
    _write(
        "catalogue_tables.csv",
        ["family", "product", "label"],
        _tables(places, tables, named, archived),
    )
    _write(
        "catalogue_references.csv",
        ["family", "columns", "of_family", "of_columns"],
        _references(places, tables),
    )
    return 0


def _fill_years(places: Mapping[Place, Merged]) -> None:
    """Give a column of which no source tells years those of its table, if that has any."""
    for family in {place[0] for place in places}:
        columns = [column for place, column in places.items() if place[0] == family]
        years = set().union(*(one.years for one in columns))
        stills = {one.still for one in columns if one.still}
        for column in columns:
            if not column.years and column.still is None and (years or stills):
                column.years = set(range(min(years | stills), max(years | stills) + 1))
                column.still = min(years | stills) if stills else None


def _tables(
    places: Mapping[Place, Merged],
    tables: list[dict[str, Any]],
    named: Mapping[str, str],
    archived: Mapping[str, str],
) -> Iterator[list[str]]:
    known = {table["name"]: table for table in tables}
    for family in sorted({place[0] for place in places}):
        table = known.get(family, {})
        guess = next((p for start, p in _PRODUCTS.items() if family.startswith(start)), "")
        product = known.get(archived.get(family, family), {}).get("produit", guess)
        yield [
            family,
            product,
            tidy(table.get("title", "")) or named.get(family, ""),
        ]


def _references(
    places: Mapping[Place, Merged], tables: list[dict[str, Any]]
) -> Iterator[list[str]]:
    """Yield the references of schema whose columns exist on both sides and identify a row."""
    for table in sorted(tables, key=lambda one: one["name"]):
        for reference in table.get("foreignKeys", []):
            to = reference["reference"]
            ours, theirs = _names(reference["fields"]), _names(to["fields"])
            sides = [(table["name"], one) for one in ours]
            sides += [(to["resource"], one) for one in theirs]
            shared_by_twins = to["resource"] == "IR_BEN_R" and theirs == ["BEN_NIR_PSA"]
            if all(side in places for side in sides) and not shared_by_twins:
                yield [table["name"], " ".join(ours), to["resource"], " ".join(theirs)]


def _names(fields: str | list[str]) -> list[str]:
    return [one.upper() for one in ([fields] if isinstance(fields, str) else fields)]


def _write(name: str, header: list[str], lines: Iterable[list[Any]]) -> None:
    with (DATA / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
