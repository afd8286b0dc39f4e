"""A loader in plain Python, one value and one row at a time: what intake must agree with.

It follows ``docs/explanation/intake.md`` and shares no code with ``laennec.intake``.
"""

import csv
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time

from laennec.omop.cdm import FieldType, Table, cdm

WRONG = object()
Naive = Callable[[str], object]


def naive_integer(text: str) -> object:
    if not re.fullmatch(r"[+-]?[0-9]+(\.0*)?", text):
        return WRONG
    value = int(text.partition(".")[0])
    return value if -(2**63) <= value < 2**63 else WRONG


def naive_float(text: str) -> object:
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text):
        return WRONG
    value = float(text)
    return value if math.isfinite(value) else WRONG


def naive_date(text: str) -> object:
    day, rest = _naive_day(text)
    return day if re.fullmatch(r"([ T]00:00(:00(\.0{1,9})?)?Z?)?", rest) else WRONG


def naive_datetime(text: str) -> object:
    day, rest = _naive_day(text)
    clock = re.fullmatch(r"([ T](\d\d):(\d\d)(:(\d\d)(\.(\d{1,6})0{0,3})?)?Z?)?", rest)
    if clock is None or not isinstance(day, date):
        return WRONG
    hour, minute, second, fraction = (clock.group(n) or "0" for n in (2, 3, 5, 7))
    if int(hour) > 23 or int(minute) > 59 or int(second) > 59:
        return WRONG
    moment = time(int(hour), int(minute), int(second), int(fraction.ljust(6, "0")))
    return datetime.combine(day, moment)


def _naive_day(text: str) -> tuple[object, str]:
    found = re.match(r"(\d{4})-(\d\d)-(\d\d)|(\d{4})(\d\d)(\d\d)", text, re.ASCII)
    if found is None:
        return WRONG, "?"
    parts = [int(part) for part in found.groups() if part is not None]
    try:
        return date(*parts), text[found.end() :]
    except ValueError:
        return WRONG, "?"


NAIVE: dict[FieldType, Naive] = {
    FieldType.INTEGER: naive_integer,
    FieldType.FLOAT: naive_float,
    FieldType.DATE: naive_date,
    FieldType.DATETIME: naive_datetime,
}


MISSING = ("", "NA", "NaN", "nan")
RULES = {
    FieldType.INTEGER: "not_an_integer",
    FieldType.FLOAT: "not_a_number",
    FieldType.DATE: "not_a_date",
    FieldType.DATETIME: "not_a_datetime",
}
Row = tuple[object, ...]
Fault = tuple[str, str, str | None]
"""Table, rule and column."""


def naive_value(kind: FieldType, text: str) -> object:
    """Return the value of a text of a CSV file, None if it is missing, or WRONG."""
    if kind is FieldType.TEXT:
        return text or None
    stripped = text.strip()
    return None if stripped in MISSING else NAIVE[kind](stripped)


@dataclass
class NaiveWarehouse:
    """Rows by table and what was refused, by line."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    refused: list[tuple[int, Fault]] = field(default_factory=list)
    read: int = 0

    def load(self, texts: Mapping[str, str], *, keep_repeated: bool = False) -> None:
        """Load CSV files by table name, in CDM 5.4; persons first."""
        for name in sorted(texts, key=lambda one: one != "person"):
            table = cdm("5.4").tables[name]
            good = list(self._checked(table, texts[name]))
            self._keep(table, good, keep_repeated=keep_repeated)

    def by_rule(self) -> Counter[str]:
        """Return refused rows per rule."""
        return Counter(rule for _, (_, rule, _) in self.refused)

    def _checked(self, table: Table, text: str) -> Iterable[tuple[int, Row]]:
        """Yield rows that stand alone, with their line."""
        reader = csv.reader(text.splitlines())
        header = next(reader)
        for line, record in enumerate(reader, start=2):
            if not record:
                continue
            self.read += 1
            fault = self._fault(table, header, record)
            if fault is not None:
                self.refused.append((line, (table.name, *fault)))
                continue
            held = dict(zip(header, record, strict=True))
            yield line, tuple(naive_value(one.type, held.get(one.name, "")) for one in table.fields)

    def _fault(
        self, table: Table, header: list[str], record: list[str]
    ) -> tuple[str, str | None] | None:
        if len(record) != len(header):
            return "wrong_field_count", None
        held = dict(zip(header, record, strict=True))
        for one in table.fields:
            if one.name in held:
                value = naive_value(one.type, held[one.name])
                if value is WRONG:
                    return RULES[one.type], one.name
                if value is None and one.required:
                    return "required_missing", one.name
        person = table.person_field
        if person is not None and table.name != "person":
            known = {row[0] for row in self.rows.get("person", [])}
            if naive_value(FieldType.INTEGER, held[person]) not in known:
                return "unknown_person", person
        return None

    def _keep(self, table: Table, good: Iterable[tuple[int, Row]], *, keep_repeated: bool) -> None:
        kept = self.rows.setdefault(table.name, [])
        key = table.primary_key
        place = table.field_names.index(key) if key else None
        seen = list(kept)
        for line, row in good:
            repeats = place is not None and row[place] in {one[place] for one in seen}
            if row in seen and (repeats or place is None):
                self.refused.append((line, (table.name, "identical_row", None)))
            elif repeats and not keep_repeated:
                self.refused.append((line, (table.name, "repeated_key", key)))
            else:
                kept.append(row)
            seen.append(row)
