"""Rows of a ``summarised_result``: where an estimate stands, and how its number is written.

Numbers are text: whole numbers in digits; others rounded (half to even on the binary value, as
IEEE 754 and R do) to the decimals of their kind, without exponent and without trailing zeros.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import laennec
from laennec.omop.summarised_result import (
    JOINT,
    OVERALL,
    ResultRow,
    ResultSettings,
    SummarisedResult,
)
from laennec.study.model import Stratum

PACKAGE = "laennec"
DECIMALS = {"mean": 2, "percentage": 2, "rate": 3, "prevalence": 5, "probability": 6}
"""Decimals to which each kind of number is rounded."""


NO_NUMBER = "NaN"
"""What R writes for a share or rate of nobody."""


def number(value: float, kind: str) -> str:
    """Return ``value`` as text, rounded to the decimals of its kind."""
    text = f"{round(value, DECIMALS[kind]):.{DECIMALS[kind]}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


@dataclass(frozen=True)
class Place:
    """Where estimates stand: the columns that rows of one table share.

    Each of ``group``, ``strata`` and ``additional`` maps names to levels, in order; empty means
    ``overall``.
    """

    cdm_name: str
    group: Mapping[str, str]
    strata: Mapping[str, str]
    additional: Mapping[str, str]

    def row(
        self, variable: str, level: str | None, estimate: str, kind: str, value: str
    ) -> ResultRow:
        """Return one estimate at this place, with ``result_id`` 1."""
        return ResultRow(
            1,
            self.cdm_name,
            *_joined(self.group),
            *_joined(self.strata),
            variable,
            level,
            estimate,
            kind,
            value,
            *_joined(self.additional),
        )

    def count(self, variable: str, level: str | None, value: int) -> ResultRow:
        """Return a row named ``count``."""
        return self.row(variable, level, "count", "integer", str(value))


def place(
    cdm_name: str,
    group: Mapping[str, str],
    *,
    strata: Mapping[str, str] | None = None,
    additional: Mapping[str, str] | None = None,
) -> Place:
    """Return a place; what is not given is ``overall``."""
    return Place(cdm_name, group, strata or {}, additional or {})


def stratum_place(
    cdm_name: str,
    stratum: Stratum,
    group: Mapping[str, str] | None = None,
    *,
    additional: Mapping[str, str] | None = None,
) -> Place:
    """Return the place of a cohort or stratum; ``group`` are names after the cohort's."""
    named = {"cohort_name": stratum.cohort, **(group or {})}
    return place(cdm_name, named, strata=dict(stratum.levels), additional=additional)


def section(
    result_type: str, rows: Iterable[ResultRow], settings: Mapping[str, str]
) -> SummarisedResult:
    """Return rows with ``result_id`` 1 and their settings, to be joined with others by ``bind``."""
    version = laennec.__version__
    return SummarisedResult(
        tuple(rows), (ResultSettings(1, result_type, PACKAGE, version, dict(settings)),)
    )


def _joined(named: Mapping[str, str]) -> tuple[str, str]:
    return (JOINT.join(named), JOINT.join(named.values())) if named else (OVERALL, OVERALL)
