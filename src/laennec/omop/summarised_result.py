"""The DARWIN ``summarised_result``: the one shape in which results leave an engine.

Thirteen columns in a fixed order plus a settings table, as omopgenerics 1.3.6 defines them. All
values are text; only ``variable_level`` may be missing. This module holds the shape and its CSV
form. It does not decide what may be published: that is ``disclosure``.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace

from laennec.core.errors import SourceError

OVERALL = "overall"
JOINT = " &&& "
"""Joins several names, or several levels, in one name or level column."""

ESTIMATE_TYPES = frozenset(
    {"numeric", "integer", "date", "character", "proportion", "percentage", "logical"}
)


@dataclass(frozen=True)
class ResultRow:
    """One estimate, in the thirteen columns of ``summarised_result``."""

    result_id: int
    cdm_name: str
    group_name: str
    group_level: str
    strata_name: str
    strata_level: str
    variable_name: str
    variable_level: str | None
    estimate_name: str
    estimate_type: str
    estimate_value: str
    additional_name: str = OVERALL
    additional_level: str = OVERALL


@dataclass(frozen=True)
class ResultSettings:
    """What is true of all rows with one ``result_id``.

    Attributes:
        result_id: The number its rows carry.
        result_type: Kind of output; a disclosure profile refuses kinds it does not know.
        package_name: What computed it.
        package_version: In which version.
        extra: Further settings, all text, such as ``snapshot_id`` or ``study_hash``.
    """

    result_id: int
    result_type: str
    package_name: str
    package_version: str
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SummarisedResult:
    """Rows and the settings they point to.

    Raises:
        ValueError: a row has no settings, two settings share an id, or an estimate type is unknown.
    """

    rows: tuple[ResultRow, ...]
    settings: tuple[ResultSettings, ...]

    def __post_init__(self) -> None:
        """Refuse rows without settings and unknown estimate types."""
        ids = [one.result_id for one in self.settings]
        if len(set(ids)) != len(ids):
            raise ValueError("two settings share a result_id")
        if {row.result_id for row in self.rows} - set(ids):
            raise ValueError("a row points to settings that do not exist")
        if {row.estimate_type for row in self.rows} - ESTIMATE_TYPES:
            raise ValueError("a row has an unknown estimate type")

    def type_of(self, row: ResultRow) -> str:
        """Return the ``result_type`` of ``row``."""
        return next(one.result_type for one in self.settings if one.result_id == row.result_id)


COLUMNS: tuple[str, ...] = tuple(one.name for one in fields(ResultRow))


def bind(results: Sequence[SummarisedResult]) -> SummarisedResult:
    """Join results into one; ``result_id`` is numbered anew from 1, in the order given."""
    rows: list[ResultRow] = []
    settings: list[ResultSettings] = []
    for result in results:
        new = {one.result_id: len(settings) + n for n, one in enumerate(result.settings, start=1)}
        settings += [
            ResultSettings(
                new[one.result_id],
                one.result_type,
                one.package_name,
                one.package_version,
                one.extra,
            )
            for one in result.settings
        ]
        rows += [replace(row, result_id=new[row.result_id]) for row in result.rows]
    return SummarisedResult(tuple(rows), tuple(settings))


def to_csv(result: SummarisedResult) -> str:
    """Return rows, then settings as rows named ``settings``, as omopgenerics exports them.

    A missing ``variable_level`` is written ``NA``. Lines end with LF; rows keep their order.
    """
    out = io.StringIO()
    # Quoting all text also covers a bare CR, which minimal quoting leaves open.
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(COLUMNS)
    for row in result.rows:
        writer.writerow("NA" if cell is None else cell for cell in asdict(row).values())
    for one in result.settings:
        named = {
            "result_type": one.result_type,
            "package_name": one.package_name,
            "package_version": one.package_version,
            **one.extra,
        }
        for name, value in named.items():
            writer.writerow(
                (
                    one.result_id,
                    "NA",
                    OVERALL,
                    OVERALL,
                    OVERALL,
                    OVERALL,
                    "settings",
                    "NA",
                    name,
                    "character",
                    value,
                    OVERALL,
                    OVERALL,
                )
            )
    return out.getvalue()


def from_csv(text: str, *, name: str) -> SummarisedResult:
    """Read what ``to_csv`` writes.

    Args:
        text: The CSV.
        name: Name of the file, for messages.

    Raises:
        SourceError: a column is missing or a line cannot be read; the message names the line.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise SourceError(
            f"{name}, line 1: the columns are not those of a summarised_result.",
            remedy="Expected, in this order: " + ", ".join(COLUMNS) + ".",
        )
    rows: list[ResultRow] = []
    named: dict[int, dict[str, str]] = {}
    for line in _lines(reader, name):
        try:
            result_id = int(line["result_id"])
        except (TypeError, ValueError):
            raise SourceError(
                f"{name}, line {reader.line_num}: result_id is not a whole number.",
                remedy="Export the result again.",
            ) from None
        if None in line or None in line.values():
            raise SourceError(
                f"{name}, line {reader.line_num}: the line has not thirteen fields.",
                remedy="Export the result again.",
            )
        if line["variable_name"] == "settings":
            named.setdefault(result_id, {})[line["estimate_name"]] = line["estimate_value"]
            continue
        level = None if line["variable_level"] == "NA" else line["variable_level"]
        rows.append(
            ResultRow(**{**line, "result_id": result_id, "variable_level": level})  # type: ignore[arg-type]
        )
    settings = tuple(
        ResultSettings(
            result_id,
            values.pop("result_type", ""),
            values.pop("package_name", ""),
            values.pop("package_version", ""),
            values,
        )
        for result_id, values in named.items()
    )
    try:
        return SummarisedResult(tuple(rows), settings)
    except ValueError as error:
        raise SourceError(f"{name}: {error}.", remedy="Export the result again.") from None


def _lines(reader: "csv.DictReader[str]", name: str) -> Iterator[dict[str, str]]:
    try:
        yield from reader
    except csv.Error:
        raise SourceError(
            f"{name}, line {reader.line_num}: this is not CSV.", remedy="Export the result again."
        ) from None
