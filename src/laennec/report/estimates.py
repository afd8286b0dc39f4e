"""Rows of a result, put together into families that share a section of the page."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from laennec.omop.summarised_result import JOINT, ResultRow, ResultSettings, SummarisedResult
from laennec.report.content import Value

Item = TypeVar("Item")
Label = TypeVar("Label")

RESULT_NAME = "study_result"
"""Setting with the name of a result in its study."""

SURVIVAL = "survival"
_TOGETHER = {
    f"{SURVIVAL}_{one}": SURVIVAL for one in ("estimates", "events", "summary", "attrition")
}
"""Result types that are shown together, under one name."""

_VARYING = {
    **dict.fromkeys(
        (
            "incidence",
            "incidence_attrition",
            "point_prevalence",
            "period_prevalence",
            "prevalence_attrition",
        ),
        frozenset({"denominator_sex", "denominator_age_group"}),
    ),
    SURVIVAL: frozenset({"group", "strata", "additional"}),
}
"""Settings that differ inside a family, by its type."""

_OF_SOME = {SURVIVAL: frozenset({"eventgap", "read_off", "estimates_rounded_to"})}
"""Settings that only some types of a family have, and that are said of it all the same."""


@dataclass(frozen=True)
class Estimate:
    """One row of the result, its index there, and the settings it points to."""

    index: int
    row: ResultRow
    settings: ResultSettings

    def value(self, *, as_percent: bool = False) -> Value:
        """Return what a cell shows of it."""
        return Value(self.index, self.row.estimate_value, as_percent)

    def level(self, name: str) -> str:
        """Return the level of a name in the group, strata or additional columns, or ``""``."""
        row = self.row
        for names, levels in (
            (row.group_name, row.group_level),
            (row.strata_name, row.strata_level),
            (row.additional_name, row.additional_level),
        ):
            found = dict(zip(names.split(JOINT), levels.split(JOINT), strict=False))
            if name in found:
                return found[name]
        return ""


@dataclass(frozen=True)
class Family:
    """Rows of one type, one source of data and equal settings, in the order of the result.

    Attributes:
        result_type: Of all rows, or the name under which several types are shown together.
        settings: What its rows share, without what all families share.
        cdm_name: The source of data.
    """

    result_type: str
    cdm_name: str
    settings: Mapping[str, str]
    estimates: tuple[Estimate, ...]

    @property
    def result_name(self) -> str:
        """The name of the result in its study, empty if it says none."""
        return self.estimates[0].settings.extra.get(RESULT_NAME, "")


def common_settings(result: SummarisedResult) -> dict[str, str]:
    """Return the extra settings that are the same everywhere in the result."""
    if not result.settings:
        return {}
    first, *others = (one.extra for one in result.settings)
    return {
        name: value
        for name, value in first.items()
        if all(other.get(name) == value for other in others)
    }


def families(result: SummarisedResult) -> tuple[Family, ...]:
    """Return the families of a result, in order of their first row."""
    settings = {one.result_id: one for one in result.settings}
    common = common_settings(result)
    found: dict[tuple[object, ...], list[Estimate]] = {}
    shared: dict[tuple[object, ...], dict[str, str]] = {}
    for index, row in enumerate(result.rows):
        one = settings[row.result_id]
        shown_as = _TOGETHER.get(one.result_type, one.result_type)
        varying = _VARYING.get(shown_as, frozenset())
        own = {name: value for name, value in one.extra.items() if name not in varying}
        of_some = _OF_SOME.get(shown_as, frozenset())
        alike = sorted(item for item in own.items() if item[0] not in of_some)
        key = (shown_as, row.cdm_name, *alike)
        found.setdefault(key, []).append(Estimate(index, row, one))
        said = {name: value for name, value in own.items() if common.get(name) != value}
        shared.setdefault(key, {}).update(said)
    return tuple(
        Family(str(key[0]), rows[0].row.cdm_name, shared[key], tuple(rows))
        for key, rows in found.items()
    )


def each(items: Iterable[Item], label: Callable[[Item], Label]) -> tuple[Label, ...]:
    """Return the labels of items, each once, in order of first use."""
    return tuple(dict.fromkeys(label(item) for item in items))
