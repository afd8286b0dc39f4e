"""What ``omopgenerics::importSummarisedResult`` asks of a CSV, told again without our own code.

Rules of omopgenerics 1.3: how readr reads the file (empty and ``NA`` are missing, blanks around a
field are cut), the thirteen columns, which may be missing, pairs of names and levels, settings, and
that no estimate stands twice. What it only warns of counts as broken here too, and so does a value
that R could not read as its ``estimate_type``.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date

COLUMNS = [
    "result_id",
    "cdm_name",
    "group_name",
    "group_level",
    "strata_name",
    "strata_level",
    "variable_name",
    "variable_level",
    "estimate_name",
    "estimate_type",
    "estimate_value",
    "additional_name",
    "additional_level",
]
MAY_BE_MISSING = {"variable_level", "estimate_value"}
PAIRS = ("group", "strata", "additional")
COMPULSORY = {"result_type", "package_name", "package_version"}
GROUP_COUNTS = {"number subjects", "number records"}
SNAKE = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")
NUMBER = r"-?[0-9]+(\.[0-9]+)?"
VALUES: Mapping[str, str] = {
    "integer": r"-?[0-9]{1,9}",
    "numeric": f"{NUMBER}|NaN",
    "percentage": NUMBER,
    "proportion": NUMBER,
    "date": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "logical": r"TRUE|FALSE",
    "character": r".*",
}
HIDDEN = "-"

Line = dict[str, str | None]


def broken_rules(text: str) -> list[str]:
    """Return what keeps a CSV from being a ``summarised_result``; nothing when it is one."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = next(reader, [])
    if header != COLUMNS:
        return ["the columns are not the thirteen ones in order"]
    lines: list[Line] = []
    for fields in reader:
        if len(fields) != len(COLUMNS):
            return [f"line {reader.line_num} has not thirteen fields"]
        lines.append(dict(zip(COLUMNS, map(_as_readr, fields), strict=True)))
    rows = [line for line in lines if line["variable_name"] != "settings"]
    settings = [line for line in lines if line["variable_name"] == "settings"]
    return [*_of_rows(rows), *_of_settings(settings, rows)]


def _as_readr(field: str) -> str | None:
    cut = field.strip(" \t")
    return None if cut in {"", "NA"} else cut


def _of_rows(rows: list[Line]) -> Iterator[str]:
    for column in COLUMNS:
        if column not in MAY_BE_MISSING and any(row[column] is None for row in rows):
            yield f"{column} is missing in a row"
            return
    if any(not re.fullmatch(r"[1-9][0-9]{0,8}", row["result_id"] or "") for row in rows):
        yield "result_id is no whole number"
    for kind in {str(row["estimate_type"]) for row in rows}:
        values = {row["estimate_value"] for row in rows if row["estimate_type"] == kind}
        if kind not in VALUES:
            yield f"the estimate_type {kind} is unknown"
        elif not all(_readable(value, kind) for value in values):
            yield f"a value is not of its estimate_type {kind}"
    for name in {str(row["estimate_name"]) for row in rows}:
        if not SNAKE.fullmatch(name.lower()):
            yield f"the estimate_name {name} is not in snake case"
    yield from _of_pairs(rows)
    places = Counter(tuple(row[one] for one in COLUMNS if one != "estimate_value") for row in rows)
    if max(places.values(), default=1) > 1:
        yield "an estimate stands twice"
    yield from _of_group_counts(rows)


def _readable(value: str | None, kind: str) -> bool:
    if value in {None, HIDDEN}:
        return True
    if not re.fullmatch(VALUES[kind], str(value), re.ASCII | re.DOTALL):
        return False
    if kind == "date":
        date.fromisoformat(str(value))
    limits = {"proportion": (0, 1), "percentage": (0, 100)}.get(kind)
    return limits is None or limits[0] <= float(str(value)) <= limits[1]


def _of_pairs(rows: list[Line]) -> Iterator[str]:
    for pair in PAIRS:
        found = {(str(row[f"{pair}_name"]), str(row[f"{pair}_level"])) for row in rows}
        for names, levels in found:
            if len(names.split(" &&& ")) != len(levels.split(" &&& ")):
                yield f"{pair}: there are not as many levels as names in {names}"
            if any(not SNAKE.fullmatch(name) for name in names.split(" &&& ")):
                yield f"{pair}: a name in {names} is not in snake case"
            if (names == "overall") != (levels == "overall"):
                yield f"{pair}: overall stands on one side only of {names}"


def _of_group_counts(rows: list[Line]) -> Iterator[str]:
    """Suppression needs one count of persons and one of records in each group."""
    places = [one for one in COLUMNS if one.startswith(("result_id", "cdm_name", *PAIRS))]
    counts = Counter(
        (str(row["variable_name"]).replace("_", " ").lower(), *(row[one] for one in places))
        for row in rows
        if "count" in str(row["estimate_name"])
    )
    for (variable, *_), times in counts.items():
        if variable in GROUP_COUNTS and times > 1:
            yield f"{variable} stands twice in a group"


def _of_settings(lines: list[Line], rows: list[Line]) -> Iterator[str]:
    if any(line["estimate_type"] != "character" for line in lines):
        yield "a setting is not of type character"
    places = Counter((line["result_id"], line["estimate_name"]) for line in lines)
    if max(places.values(), default=1) > 1:
        yield "a setting stands twice"
    wide: dict[str, dict[str, str | None]] = {}
    for line in lines:
        one = wide.setdefault(str(line["result_id"]), {})
        one[str(line["estimate_name"])] = line["estimate_value"]
    if {str(row["result_id"]) for row in rows} - wide.keys():
        yield "a row has no settings"
    for one in wide.values():
        if any(not one.get(name) for name in COMPULSORY):
            yield "a compulsory setting is missing"
    if len({tuple(sorted(one.items(), key=str)) for one in wide.values()}) != len(wide):
        yield "two results have the same settings"
    for result_id, one in wide.items():
        yield from _of_names(one, [row for row in rows if row["result_id"] == result_id])


def _of_names(settings: Mapping[str, str | None], rows: list[Line]) -> Iterator[str]:
    """A name means one thing: a column of groups, of strata, of additional, or a setting."""
    used = {
        pair: {
            name
            for names in {str(row[f"{pair}_name"]) for row in rows}
            for name in names.split(" &&& ")
        }
        - {"overall"}
        for pair in PAIRS
    }
    for pair, names in used.items():
        said = settings.get(pair)
        # A stratum may be asked for of which there are no rows, not the other way round.
        if said is not None and not names <= set(said.split(" &&& ")):
            yield f"the setting {pair} does not name the columns of its rows"
    everything = [*used.values(), set(settings), set(COLUMNS)]
    for name, times in Counter(name for names in everything for name in names).items():
        if times > 1:
            yield f"{name} is the name of two things"
