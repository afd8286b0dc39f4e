"""The cases of ``docs/reference/circe-semantics.md``, read from the page itself.

A case is a third-level heading with Markdown tables and one block of TOML under it. A table whose
first head is a name in code and a column is rows of that CDM table; ``cohort`` and ``inclusion``
are what must come out. Cells are read by the type that CDM 5.4 gives the column, an empty one is a
missing value. A case without ``person`` has the person of ``PERSON``, likewise for observation.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from laennec.omop.cdm import CURRENT, FieldType, cdm
from laennec.study.definition import Definition

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "circe-semantics.md"
EXAMPLES = "## Examples"

Row = dict[str, Any]
Entry = tuple[int, date, date]
Readers = Mapping[str, Callable[[str], Any]]

PERSON: Row = {"person_id": 1, "gender_concept_id": 8532, "year_of_birth": 1970}
OBSERVED: Row = {
    "observation_period_id": 1,
    "person_id": 1,
    "observation_period_start_date": date(2020, 1, 1),
    "observation_period_end_date": date(2020, 12, 31),
}

_TABLE = re.compile(r"^\| `(\w+)`: (.*) \|\n\|[-| ]+\|\n((?:\|.*\|\n)*)", re.MULTILINE)
_TOML = re.compile(r"^```toml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_RESULTS: Mapping[str, Readers] = {
    "cohort": {"person_id": int, "start": date.fromisoformat, "end": date.fromisoformat},
    "inclusion": {"mode": str, "mask": int, "count": int},
}
_READ: Mapping[FieldType, Callable[[str], Any]] = {
    FieldType.INTEGER: int,
    FieldType.FLOAT: float,
    FieldType.DATE: date.fromisoformat,
    FieldType.TEXT: str,
}


@dataclass(frozen=True)
class DefinitionCase:
    """One rule by example.

    Attributes:
        name: The rule in one sentence.
        rows: Tables in.
        definition: The cohort asked for; its concept sets resolve to ``concept_sets()``.
        cohort: Entries out, in any order: person, first and last day.
        inclusion: Attrition out, by mode and mask; None where the case does not show it.
    """

    name: str
    rows: Mapping[str, list[Row]]
    definition: Definition
    cohort: list[Entry]
    inclusion: dict[tuple[str, int], int] | None


def read_cases() -> list[DefinitionCase]:
    """Return the cases of the page, in its order."""
    examples = PAGE.read_text(encoding="utf-8").partition(EXAMPLES)[2]
    return [_case(part) for part in re.split(r"^### ", examples, flags=re.MULTILINE)[1:]]


def concept_sets() -> dict[str, frozenset[int]]:
    """Return the concept sets that the page says all its cases have."""
    head = PAGE.read_text(encoding="utf-8").partition(EXAMPLES)[2].partition("### ")[0]
    found = re.findall(r"`(\w+)` \(([\d, ]+)\)", head)
    return {name: frozenset(int(one) for one in ids.split(",")) for name, ids in found}


def _case(text: str) -> DefinitionCase:
    tables = {name: list(_rows(name, heads, lines)) for name, heads, lines in _TABLE.findall(text)}
    cohort = [(row["person_id"], row["start"], row["end"]) for row in tables.pop("cohort")]
    shown = tables.pop("inclusion", None)
    (written,) = _TOML.findall(text)
    return DefinitionCase(
        name=text.partition("\n")[0],
        rows={"person": [PERSON], "observation_period": [OBSERVED], **tables},
        definition=Definition.model_validate({"name": "case", **tomllib.loads(written)}),
        cohort=sorted(cohort),
        inclusion=None
        if shown is None
        else {(row["mode"], row["mask"]): row["count"] for row in shown},
    )


def _rows(name: str, heads: str, lines: str) -> Iterator[Row]:
    columns = [one.strip() for one in heads.split("|")]
    readers: Readers = _RESULTS.get(name) or {
        column: _READ[cdm(CURRENT).tables[name].field(column).type] for column in columns
    }
    for line in lines.splitlines():
        cells = [one.strip() for one in line.strip("|").split("|")]
        yield {
            column: readers[column](cell) if cell else None
            for column, cell in zip(columns, cells, strict=True)
        }
