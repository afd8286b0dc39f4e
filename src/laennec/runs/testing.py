"""Unit tests of cohorts: patients written by hand, and what is expected of them.

    from laennec.runs.testing import assert_enters, assert_out, patient

    ann = (
        patient(birth=1960, sex="F")
        .observed("2018-01-01", "2021-12-31")
        .has("drug_exposure", 1118084, "2020-01-05")
    )

    def test_a_first_use_enters() -> None:
        assert_enters(asked, "users", ann, "2020-01-05")

Every expectation is asked of the reference engine and of the kernel that hubs run. Concept sets
stand for themselves: write concepts as they are in the sets, not below them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from laennec.core.errors import StudyError
from laennec.omop.cdm import CURRENT, FieldType, cdm
from laennec.runs.definition_columns import concept_columns
from laennec.runs.kernel import enrol_all
from laennec.runs.kernel_history import load
from laennec.runs.made_rows import concepts_themselves
from laennec.runs.memory import RowsSource
from laennec.runs.plan import plan_study
from laennec.study.estimates_cohorts import step_reasons
from laennec.study.model import Study
from laennec.study.reference_cohorts import Enrolment
from laennec.study.reference_enrolment import enrol_any
from laennec.study.reference_history import read_histories

Day = date | str
Stays = tuple[tuple[date, date], ...]

SEXES = {"F": 8532, "M": 8507, "?": 0}
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Patient:
    """A person written by hand; every method returns another one with more."""

    row: Mapping[str, Any]
    periods: tuple[tuple[date, date], ...] = ()
    events: tuple[tuple[str, Mapping[str, Any]], ...] = field(default=())

    def observed(self, start: Day, end: Day) -> "Patient":
        """Add a period of observation."""
        return replace(self, periods=(*self.periods, (_day(start), _day(end))))

    def has(
        self, table: str, concept: int, start: Day, end: Day | None = None, **columns: Any
    ) -> "Patient":
        """Add an event.

        Args:
            table: A table of CDM 5.4 with events.
            concept: Its standard concept.
            start: First day.
            end: Last day; None where the row says none.
            columns: Other columns of the row, such as ``value_as_number=7.1``.

        Raises:
            StudyError: there is no such table, or no such column in it.
        """
        tables = cdm(CURRENT).tables
        if table not in tables or table in ("person", "observation_period"):
            raise StudyError(
                f"There is no table of events named {table!r}.",
                remedy="Name one of CDM 5.4, such as condition_occurrence.",
            )
        dates = [one.name for one in tables[table].fields if one.type is FieldType.DATE]
        if not dates:
            raise StudyError(f"{table!r} holds no events.", remedy="Name a table with dates.")
        unknown = sorted(columns.keys() - set(tables[table].field_names))
        if unknown:
            raise StudyError(
                f"The table {table!r} has no column {unknown[0]!r}.",
                remedy="Name a column of CDM 5.4.",
            )
        first = next(one for one in dates if not one.endswith("end_date"))
        row = {concept_columns(table)[0]: concept, first: _day(start)}
        last = next((one for one in dates if one.endswith("end_date")), None)
        if last is not None:
            row[last] = None if end is None else _day(end)
        return replace(self, events=(*self.events, (table, {**row, **columns})))


def patient(birth: int | Day = 1970, sex: str = "F") -> Patient:
    """Return a person without a history.

    Args:
        birth: Year, or day, of birth.
        sex: ``F``, ``M``, or ``?`` for unknown.

    Raises:
        StudyError: the sex or the day is none of these.
    """
    if sex not in SEXES:
        raise StudyError(f"{sex!r} is no sex.", remedy="Write F, M or ?.")
    born: dict[str, Any] = {"year_of_birth": birth, "month_of_birth": None, "day_of_birth": None}
    if not isinstance(birth, int):
        day = _day(birth)
        born = {"year_of_birth": day.year, "month_of_birth": day.month, "day_of_birth": day.day}
    concepts = {"gender_concept_id": SEXES[sex], "race_concept_id": 0, "ethnicity_concept_id": 0}
    return Patient({**born, **concepts})


def assert_enters(
    study: Study, cohort: str, who: Patient, day: Day, leaves: Day | None = None
) -> None:
    """Expect that a patient's first stay in a cohort begins on a day, and ends on one.

    Raises:
        AssertionError: it does not, on one of the engines; the message says what is true.
        StudyError: the study has no such cohort.
    """
    first = stays_of(study, cohort, who)[:1]
    entry = [start for start, _ in first]
    told = _told(study, cohort, who)
    expected = _day(day)
    assert entry == [expected], f"{cohort}: expected entry on {expected}, found {told}"  # noqa: S101
    left = [end for _, end in first]
    assert leaves is None or left == [_day(leaves)], (  # noqa: S101
        f"{cohort}: expected to leave on {leaves}, found {told}"
    )


def assert_stays(study: Study, cohort: str, who: Patient, stays: Sequence[tuple[Day, Day]]) -> None:
    """Expect all stays of a patient in a cohort, in order.

    Raises:
        AssertionError, StudyError: as ``assert_enters``.
    """
    expected = tuple((_day(start), _day(end)) for start, end in stays)
    assert stays_of(study, cohort, who) == expected, (  # noqa: S101
        f"{cohort}: expected {_days(expected)}, found {_told(study, cohort, who)}"
    )


def assert_out(study: Study, cohort: str, who: Patient, step: str | None = None) -> None:
    """Expect that a patient is not in a cohort, and which step of its attrition they fail.

    Raises:
        AssertionError, StudyError: as ``assert_enters``.
    """
    assert not stays_of(study, cohort, who), (  # noqa: S101
        f"{cohort}: expected nobody, found {_told(study, cohort, who)}"
    )
    failed = _failed(study, cohort, who)
    assert step is None or failed == step, (  # noqa: S101
        f"{cohort}: expected to fail {step!r}, failed {failed!r}"
    )


def assert_attrition(
    study: Study, cohort: str, people: Sequence[Patient], left: Sequence[int]
) -> None:
    """Expect how many of some patients each step of a cohort's attrition leaves.

    Raises:
        AssertionError, StudyError: as ``assert_enters``.
    """
    steps = len(step_reasons(_known(study, cohort)))
    passed = [_by_reference(study, cohort, one).steps_passed for one in people]
    found = [sum(one > step for one in passed) for step in range(steps)]
    for one in people:
        stays_of(study, cohort, one)
    assert found == list(left), f"{cohort}: expected {list(left)}, found {found}"  # noqa: S101


def stays_of(study: Study, cohort: str, who: Patient) -> Stays:
    """Return a patient's stays in a cohort, in order, as both engines find them.

    Raises:
        AssertionError: the engines differ, which is a fault of the program.
        StudyError: the study has no such cohort.
    """
    _known(study, cohort)
    reference = tuple(
        (date.fromordinal(one.start), date.fromordinal(one.end))
        for one in _by_reference(study, cohort, who).stays
    )
    concepts = concepts_themselves(study)
    source = RowsSource(_rows(who))
    plan = plan_study(study, concepts)
    kernel = enrol_all(plan, source, 0, load(plan, source, 0))[cohort]
    found = tuple(
        (_EPOCH + timedelta(start), _EPOCH + timedelta(end))
        for _, start, end in kernel.stays.iter_rows()
    )
    assert found == reference, (  # noqa: S101
        f"{cohort}: the kernel finds {_days(found)}, the reference engine {_days(reference)}"
    )
    return reference


def _by_reference(study: Study, cohort: str, who: Patient) -> Enrolment:
    (history,) = read_histories(_rows(who))
    found: dict[str, Enrolment] = {}
    for one in study.cohorts:
        found[one.name] = enrol_any(one, history, concepts_themselves(study), found)
    return found[cohort]


def _failed(study: Study, cohort: str, who: Patient) -> str | None:
    reasons = step_reasons(_known(study, cohort))
    passed = _by_reference(study, cohort, who).steps_passed
    return reasons[passed] if passed < len(reasons) else None


def _known(study: Study, cohort: str) -> Any:
    names = [one.name for one in study.cohorts]
    if cohort not in names:
        raise StudyError(
            f"There is no cohort named {cohort!r}.", remedy=f"Known: {', '.join(names)}."
        )
    return study.cohort(cohort)


def _rows(who: Patient) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = {"person": [{"person_id": 1, **who.row}]}
    rows["observation_period"] = [
        {
            "observation_period_id": n,
            "person_id": 1,
            "observation_period_start_date": start,
            "observation_period_end_date": end,
            "period_type_concept_id": 0,
        }
        for n, (start, end) in enumerate(who.periods, start=1)
    ]
    for n, (table, columns) in enumerate(who.events, start=1):
        key = cdm(CURRENT).tables[table].primary_key
        keyed = {} if key is None else {key: n}
        rows.setdefault(table, []).append({**keyed, "person_id": 1, **columns})
    return rows


def _told(study: Study, cohort: str, who: Patient) -> str:
    stays = stays_of(study, cohort, who)
    return _days(stays) if stays else f"nobody (fails {_failed(study, cohort, who)!r})"


def _days(stays: Stays) -> str:
    return ", ".join(f"{start} to {end}" for start, end in stays) or "no stay"


def _day(day: Day) -> date:
    """Return a day.

    Raises:
        StudyError: the text is none.
    """
    try:
        return date.fromisoformat(day) if isinstance(day, str) else day
    except ValueError:
        raise StudyError(f"{day!r} is no day.", remedy='Write a day as "2020-01-31".') from None
