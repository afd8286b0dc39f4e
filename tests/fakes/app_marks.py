"""A data set in which every text and identifier is a mark that occurs nowhere else."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fakes.app_small import CONCEPTS
from laennec.omop.cdm import CURRENT, Field, FieldType, Table, cdm

PERSONS = 30
_DATE, _DATETIME, _CONCEPT = "2015-06-01", "2015-06-01 10:30:00", "201826"


_FIRST, _STEP = 7_190_530_000_000_017, 1_009
# Seven digits in ASCII occur in sealed bytes once in 10^17; no program writes them by itself.
_WRITTEN = re.compile(
    b"|".join(
        (
            b"ZQMARK",
            re.escape("ZQMARK".encode("utf-16-le")),
            b"7(?:,|\xe2\x80\xaf)?190(?:,|\xe2\x80\xaf)?530",
            re.escape("7190530".encode("utf-16-le")),
        )
    )
)


class Marks:
    """Gives marks, and finds them again however they were written."""

    def __init__(self) -> None:
        self._texts = self._numbers = 0

    def text(self) -> str:
        """Return a text that nobody else writes."""
        self._texts += 1
        return f"ZQMARK{self._texts:05}XV"

    def number(self) -> int:
        """Return an integer that nobody else writes, and that a float holds exactly."""
        self._numbers += 1
        return _FIRST + _STEP * self._numbers

    def found(self, body: bytes) -> bool:
        """Return whether some bytes hold a mark: as text, or as 64 bits in either order."""
        return _WRITTEN.search(body) is not None or any(
            self._among(np.frombuffer(body, dtype=kind, count=(len(body) - at) // 8, offset=at))
            for at in range(min(8, len(body)))
            for kind in ("<i8", ">i8", "<f8")
        )

    def _among(self, values: npt.NDArray[Any]) -> bool:
        last = _FIRST + _STEP * self._numbers
        near = values[(values >= _FIRST) & (values <= last)]
        return any(int(one) == one and (int(one) - _FIRST) % _STEP == 0 for one in near.tolist())


def marked_data_set(folder: Path, marks: Marks) -> Path:
    """Write a row of every clinical table for each person, then rows that break each rule."""
    folder.mkdir(parents=True)
    persons = [marks.number() for _ in range(PERSONS)]
    for table in cdm(CURRENT).tables.values():
        if table.is_vocabulary:
            continue
        rows = [_row(table, marks, {"person_id": str(one)}) for one in persons]
        wrong = [] if table.name == "person" else list(_wrong_rows(table, marks, persons[0]))
        (folder / f"{table.name}.csv").write_text(
            _csv(table, [*rows, *wrong]), encoding="utf-8", newline=""
        )
    (folder / "concept.csv").write_text(CONCEPTS, encoding="utf-8")
    return folder


def unreadable_sources(folder: Path, marks: Marks) -> Mapping[str, Path]:
    """Write sources that cannot be loaded at all, each full of marks."""
    good = _csv(
        cdm(CURRENT).tables["person"],
        [_row(cdm(CURRENT).tables["person"], marks, {}) for _ in range(3)],
    )
    lines = good.splitlines(keepends=True)
    bodies = {
        "wrong separator": good.replace(",", "~").encode(),
        "no header": "".join(lines[1:]).encode(),
        "missing column": good.replace("year_of_birth", "year").encode(),
        "latin-1": good.replace("ZQ", "é ZQ", 1).encode("latin-1"),
        "open quote": (good + '"' + marks.text()).encode(),
        "null byte": good.replace("ZQ", "\x00ZQ", 1).encode(),
        "repeated column": good.replace("year_of_birth", "person_id", 1).encode(),
    }
    sources = {}
    for name, body in bodies.items():
        sources[name] = folder / name
        sources[name].mkdir(parents=True)
        (sources[name] / "person.csv").write_bytes(body)
    for name, file in (
        ("parquet", "person.parquet"),
        ("zip", "data.zip"),
        ("gzip", "person.csv.gz"),
    ):
        sources[f"not {name}"] = folder / f"not {name}"
        sources[f"not {name}"].mkdir()
        (sources[f"not {name}"] / file).write_text(good, encoding="utf-8")
    return sources


def _wrong_rows(table: Table, marks: Marks, person: int) -> Iterator[Mapping[str, str]]:
    """Yield a row for each thing that can be wrong in this table."""
    at = {"person_id": str(person)}
    for field in table.fields:
        if field.type is not FieldType.TEXT:
            yield _row(table, marks, {**at, field.name: marks.text()})
        if field.required:
            yield _row(table, marks, {**at, field.name: ""})
    yield _row(table, marks, {"person_id": str(marks.number())})
    if table.primary_key:
        key = str(marks.number())
        for _ in range(2):
            yield _row(table, marks, {**at, table.primary_key: key})


def _row(table: Table, marks: Marks, given: Mapping[str, str]) -> Mapping[str, str]:
    return {one.name: given.get(one.name) or _value(one, marks, given) for one in table.fields}


def _value(field: Field, marks: Marks, given: Mapping[str, str]) -> str:
    if field.name in given:
        return given[field.name]
    if field.name == "year_of_birth":
        return "1950"
    if field.name.endswith("concept_id"):
        return _CONCEPT
    if field.name == "observation_period_start_date":
        return "2010-01-01"
    match field.type:
        case FieldType.INTEGER:
            return str(marks.number())
        case FieldType.TEXT:
            return marks.text()
        case FieldType.DATE:
            return _DATE
        case FieldType.DATETIME:
            return _DATETIME
        case _:
            return f"{marks.number()}"


def _csv(table: Table, rows: list[Mapping[str, str]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(table.field_names), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    lines = out.getvalue()
    # One line with too few fields, and one with too many.
    return lines + f"{rows[0][table.field_names[0]]}\n" + lines.splitlines()[1] + ",ZQMARKextra\n"
