"""Output kinds: what each result type may hold, as packaged data; all else is refused.

``read`` turns a result into ``Entry`` values whose role is known and whose value parses, or raises.
Nothing after it meets an unknown name. Messages name types, variables and estimates, never values.

Pure: no I/O beyond its own packaged data.
"""

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files

from laennec.core.errors import PolicyError
from laennec.omop.summarised_result import ResultRow, ResultSettings, SummarisedResult

HIDDEN = "-"
"""How omopgenerics writes a suppressed estimate."""


class Role(StrEnum):
    """What an estimate is, as far as disclosure is concerned; ``kinds.toml`` explains each."""

    PERSONS = "persons"
    RECORDS = "records"
    DAYS = "days"
    SHARE = "share"
    RATE = "rate"
    EXTREME = "extreme"
    Q25 = "q25"
    MEDIAN = "median"
    Q75 = "q75"
    MOMENT = "moment"
    AT_RISK = "at_risk"
    EVENTS = "events"
    COMPETING = "competing"
    CENSORED = "censored"
    CURVE = "curve"
    CURVE_QUANTILE = "curve_quantile"
    CURVE_MEAN = "curve_mean"


NO_NUMBER = frozenset({"NA", "NaN", "Inf"})
"""How R writes an estimate that does not exist."""

MAX_ROWS = 200_000
"""Rows that are judged together; the time to judge them grows faster than their number."""

MAX_CELLS = 2_000_000
"""Rows of kinds whose cells are judged one by one, in a time that grows with their number."""

WHOLE = frozenset(
    {Role.PERSONS, Role.RECORDS, Role.AT_RISK, Role.EVENTS, Role.COMPETING, Role.CENSORED}
)
"""Roles whose values are whole numbers of persons, or of their records."""


@dataclass(frozen=True)
class Kind:
    """One result type; see ``kinds.toml``."""

    group: tuple[str, ...]
    strata: tuple[str, ...]
    additional: tuple[str, ...]
    variables: Mapping[str, Mapping[str, Role]]
    family: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    divided: bool = False
    one_by_one: bool = False
    others: Mapping[str, Role] = field(default_factory=dict)

    def roles(self, variable: str) -> Mapping[str, Role] | None:
        """Return the role of each estimate of a variable; None when the variable is unknown."""
        return self.variables.get(variable, self.others or None)


@dataclass(frozen=True)
class Entry:
    """A row whose meaning is known.

    Attributes:
        index: Its place among the rows of the result, from 0.
        role: What the estimate is.
        count: Persons, for roles that count them; None when the input had hidden the value.
    """

    index: int
    row: ResultRow
    settings: ResultSettings
    role: Role
    count: int | None

    @property
    def group(self) -> tuple[str, ...]:
        """The levels of the group column."""
        return tuple(self.row.group_level.split(" &&& "))


@cache
def kinds() -> Mapping[str, Kind]:
    """Return every output kind by its result type."""
    text = files("laennec.disclosure").joinpath("data", "kinds.toml").read_text("utf-8")
    return {name: _kind(read) for name, read in tomllib.loads(text).items()}


def _kind(read: Mapping[str, object]) -> Kind:
    names = {key: tuple(value) for key, value in read.items() if isinstance(value, list)}
    variables = read["variables"]
    if not isinstance(variables, dict):
        raise TypeError("variables is a table")
    roles = {
        variable: {estimate: Role(role) for estimate, role in estimates.items()}
        for variable, estimates in variables.items()
    }
    others = read.get("others", {})
    if not isinstance(others, dict):
        raise TypeError("others is a table")
    by_name = {estimate: Role(role) for estimate, role in others.items()}
    divided, one_by_one = bool(read.get("divided")), bool(read.get("one_by_one"))
    return Kind(variables=roles, divided=divided, one_by_one=one_by_one, others=by_name, **names)


def read(result: SummarisedResult) -> tuple[Entry, ...]:
    """Return the rows in order, each with its role and, where it counts persons, its count.

    Raises:
        PolicyError: there are more than ``MAX_ROWS`` rows, a result type, group, stratum, variable
            or estimate is unknown, or a value does not parse. Nothing of the result may be
            published then.
    """
    settings = {one.result_id: one for one in result.settings}
    for one in result.settings:
        if one.result_type not in kinds():
            raise PolicyError(
                f"No disclosure rule knows results of type {one.result_type!r}.",
                remedy="Ask only for: " + ", ".join(kinds()) + ".",
            )
    one_by_one = {one.result_id for one in result.settings if kinds()[one.result_type].one_by_one}
    cells = sum(row.result_id in one_by_one for row in result.rows)
    for rows, most in ((len(result.rows) - cells, MAX_ROWS), (cells, MAX_CELLS)):
        if rows > most:
            raise PolicyError(
                f"The result has {rows} estimates, more than can be judged together.",
                remedy=f"Ask for fewer results, groups, points or concepts: at most {most}.",
            )
    return tuple(_entry(n, row, settings[row.result_id]) for n, row in enumerate(result.rows))


def _entry(index: int, row: ResultRow, settings: ResultSettings) -> Entry:
    kind = kinds()[settings.result_type]
    where = f"Row {index + 1} of type {settings.result_type!r}"
    for column, name, allowed in (
        ("group_name", row.group_name, kind.group),
        ("strata_name", row.strata_name, kind.strata),
        ("additional_name", row.additional_name, kind.additional),
    ):
        named = column == "strata_name" and kind.divided
        if name not in allowed and not named:
            raise _unknown(where, column, allowed)
    for names, levels in (
        (row.group_name, row.group_level),
        (row.additional_name, row.additional_level),
    ):
        if len(names.split(" &&& ")) != len(levels.split(" &&& ")):
            raise _unknown(where, "number of levels", [names])
    estimates = kind.roles(row.variable_name)
    if estimates is None:
        raise _unknown(where, "variable_name", kind.variables)
    role = estimates.get(row.estimate_name)
    if role is None:
        raise _unknown(where, "estimate_name", estimates)
    return Entry(index, row, settings, role, _parse(row, role, where))


def _parse(row: ResultRow, role: Role, where: str) -> int | None:
    """Return the count, or None for a hidden value or one that is no count."""
    value = row.estimate_value
    if value == HIDDEN:
        return None
    if role in WHOLE:
        # A count of more digits is no count of persons, and int() of it could be made slow.
        if re.fullmatch(r"[0-9]{1,12}", value, re.ASCII):
            return int(value)
    elif value in NO_NUMBER or (
        re.fullmatch(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?", value, re.ASCII)
        and math.isfinite(float(value))
    ):
        return None
    raise PolicyError(
        f"{where}: the value of {row.estimate_name!r} of {row.variable_name!r} cannot be read.",
        remedy="Run the study again; a value that cannot be read cannot be judged.",
    )


def _unknown(where: str, column: str, allowed: object) -> PolicyError:
    known = ", ".join(repr(one) for one in allowed) if hasattr(allowed, "__iter__") else ""
    return PolicyError(
        f"{where}: its {column} is not one that a disclosure rule knows.",
        remedy=f"Known here: {known}.",
    )
