"""Passed, failed, error or not applicable: thresholds, and what a check cannot be asked of. Pure.

Source: Data Quality Dashboard 2.8, which decides these two steps in this order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from laennec.quality.checks import Check, Level
from laennec.quality.outcomes import Outcome


class Status(StrEnum):
    """What became of a check."""

    FAILED = "failed"
    ERROR = "error"
    PASSED = "passed"
    NOT_APPLICABLE = "not applicable"


class Reason(StrEnum):
    """Why a check is not applicable, or an error; ``REASONS`` has the sentences."""

    NO_TABLE = "no_table"
    NO_FIELD = "no_field"
    EMPTY_TABLE = "empty_table"
    EMPTY_FIELD = "empty_field"
    NO_CONCEPT = "no_concept"
    NO_CONDITIONS = "no_conditions"


REASONS: Mapping[Reason, str] = {
    Reason.NO_TABLE: "There is no table {table}.",
    Reason.NO_FIELD: "There is no field {table}.{field}.",
    Reason.EMPTY_TABLE: "Table {table} has no rows.",
    Reason.EMPTY_FIELD: "Field {table}.{field} never has a value.",
    Reason.NO_CONCEPT: "Table {table} has no row with {field} {concept}.",
    Reason.NO_CONDITIONS: "Table CONDITION_OCCURRENCE has no rows.",
}


@dataclass(frozen=True)
class Result:
    """A check, what it found and what became of it.

    Attributes:
        check: The check.
        outcome: What it found.
        status: What became of it.
        reason: Why it is not applicable, or an error; None otherwise.
    """

    check: Check
    outcome: Outcome
    status: Status
    reason: Reason | None = None

    @property
    def share(self) -> float:
        """Violated rows by denominator; 0 when the denominator is."""
        found = self.outcome
        return found.violated / found.denominator if found.denominator else 0.0

    @property
    def sentence(self) -> str | None:
        """Why it is not applicable, or an error, in English."""
        return None if self.reason is None else REASONS[self.reason].format(**self.places)

    @property
    def places(self) -> Mapping[str, str]:
        """The names for the places of ``REASONS``."""
        table, field = self.outcome.absent or (self.check.table, self.check.field)
        return {
            "table": table.upper(),
            "field": field.upper(),
            "concept": self.check.concept_id,
        }


def exceeds(outcome: Outcome, threshold: float | None) -> bool:
    """Whether more rows are violated than a threshold in percent allows; none or 0 allows none."""
    if not threshold:
        return outcome.violated > 0
    return outcome.violated * 100 > threshold * outcome.denominator


def judge(outcomes: Sequence[tuple[Check, Outcome]]) -> tuple[Result, ...]:
    """Return the result of each check, in the order given.

    Args:
        outcomes: Of every check on one data set: whether others apply follows from some of them.
    """
    facts = _Facts(outcomes)
    return tuple(Result(check, found, *facts.judged(check, found)) for check, found in outcomes)


class _Facts:
    """Which tables and fields are missing or empty, as the checks themselves tell it."""

    def __init__(self, outcomes: Sequence[tuple[Check, Outcome]]) -> None:
        complete = [pair for pair in outcomes if pair[0].name == "measureValueCompleteness"]
        self._no_table = {
            check.table for check, found in outcomes if check.name == "cdmTable" and found.absent
        }
        self._no_field = {
            (check.table, check.field)
            for check, found in outcomes
            if check.name == "cdmField" and found.absent
        }
        there = [pair for pair in complete if not pair[1].absent]
        self._empty_table = {check.table for check, found in there if not found.denominator}
        self._empty_field = {
            (check.table, check.field)
            for check, found in there
            if found.violated == found.denominator
        }

    def judged(self, check: Check, found: Outcome) -> tuple[Status, Reason | None]:
        """Return what became of a check, and why if it was not asked."""
        reason = self._not_applicable(check, found)
        if reason is not None:
            return Status.NOT_APPLICABLE, reason
        if found.absent and check.name in {"cdmTable", "cdmField"}:
            return Status.FAILED, None
        if found.absent:
            return Status.ERROR, Reason.NO_FIELD if found.absent[1] else Reason.NO_TABLE
        failed = exceeds(found, check.threshold)
        return Status.FAILED if failed else Status.PASSED, None

    def _not_applicable(self, check: Check, found: Outcome) -> Reason | None:
        conditions = "condition_occurrence"
        if check.name == "measureConditionEraCompleteness":
            gone = conditions in self._no_table or conditions in self._empty_table
            return Reason.NO_CONDITIONS if gone else None
        if check.name == "cdmTable":
            return None
        no_table = check.table in self._no_table
        if check.name in {"measurePersonCompleteness", "cdmField"} or no_table:
            return Reason.NO_TABLE if no_table else None
        if (check.table, check.field) in self._no_field:
            return Reason.NO_FIELD
        return None if found.absent else self._nothing_to_ask(check, found)

    def _nothing_to_ask(self, check: Check, found: Outcome) -> Reason | None:
        if check.table in self._empty_table:
            return Reason.EMPTY_TABLE
        if check.name == "measureValueCompleteness":
            return None
        if (check.table, check.field) in self._empty_field:
            return Reason.EMPTY_FIELD
        nothing = check.type.level is Level.CONCEPT and not found.denominator
        return Reason.NO_CONCEPT if nothing else None
