"""Files of tests of a cohort: patients and expectations in TOML, or functions in Python.

TOML is read as strictly as a study and holds data only. A Python file is run where its writer is;
every function whose name begins with ``test_`` is a test, as for pytest, which runs it too.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from laennec.core.errors import StudyError
from laennec.runs.testing import (
    Patient,
    assert_attrition,
    assert_enters,
    assert_out,
    assert_stays,
    patient,
)
from laennec.study.files import read_study, read_text, read_toml
from laennec.study.language.run import build_study, last_line, run_file
from laennec.study.model import Study
from laennec.study.positions import place_of


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class EventRead(_Read):
    """An event of a patient; ``columns`` are other columns of its row."""

    table: str
    concept: int
    start: date
    end: date | None = None
    columns: Mapping[str, int | float | str | date] = {}


class PatientRead(_Read):
    """A patient: year or day of birth, sex, periods of observation, events."""

    birth: int | date = 1970
    sex: str = "F"
    observed: list[list[date]] = []
    events: list[EventRead] = []

    @model_validator(mode="after")
    def _periods_have_two_days(self) -> "PatientRead":
        if any(len(one) != 2 for one in self.observed):
            raise ValueError("a period of observation is two days, the first and the last")
        return self


class Expectation(_Read):
    """What is expected of a patient, or of several, in a cohort: exactly one of the last four.

    Attributes:
        cohort: Its name in the study.
        patients: Names; all patients of the file by default.
        enters: Day of the first entry; ``leaves`` may say its last day.
        stays: All stays, each a first and a last day.
        fails: The step of attrition that keeps them out, or ``any``.
        attrition: Patients left after each step.
    """

    cohort: str
    patients: list[str] | None = None
    enters: date | None = None
    leaves: date | None = None
    stays: list[list[date]] | None = None
    fails: str | None = None
    attrition: list[int] | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> "Expectation":
        said = (self.enters, self.stays, self.fails, self.attrition)
        if sum(one is not None for one in said) != 1:
            raise ValueError("an expectation has one of enters, stays, fails and attrition")
        if self.leaves is not None and self.enters is None:
            raise ValueError("leaves goes with enters")
        return self


class TestsRead(_Read):
    """A file of tests: a study, patients by name, expectations."""

    study: str
    patients: Mapping[str, PatientRead] = Field(min_length=1)
    expect: list[Expectation] = Field(min_length=1)


@dataclass(frozen=True)
class Outcome:
    """One test: where it stands, and what is wrong; None when it holds."""

    line: int
    name: str
    failure: str | None


def run_tests(path: Path) -> tuple[Outcome, ...]:
    """Run the tests of a file, in its order.

    Raises:
        StudyError: the file, or the study that it names, cannot be read.
    """
    return tuple(_of_python(path) if path.suffix.lower() == ".py" else _of_toml(path))


def _of_python(path: Path) -> Iterator[Outcome]:
    for name, test in run_file(path).items():
        if name.startswith("test_") and callable(test):
            line = test.__code__.co_firstlineno if hasattr(test, "__code__") else 1
            yield _outcome(line, name, test, lambda error: last_line(error, path).line)


def _outcome(
    line: int, name: str, test: Callable[[], object], line_of: Callable[[BaseException], int]
) -> Outcome:
    try:
        test()
    except (AssertionError, StudyError) as error:
        return Outcome(line_of(error), name, str(error) or "the assertion does not hold")
    # Whatever a test raises, or an engine over a hand-written row: it says nothing of a person.
    except Exception as error:  # noqa: BLE001
        return Outcome(line_of(error), name, f"{type(error).__name__}: {error}")
    return Outcome(line, name, None)


def _of_toml(path: Path) -> Iterator[Outcome]:
    text = read_text(path)
    read = _read(text, path)
    study = _study(path.parent / read.study)
    people = {name: _patient(one) for name, one in read.patients.items()}
    for number, one in enumerate(read.expect):
        line, _ = place_of(text, ("expect", number), toml=True)
        named = list(people) if one.patients is None else one.patients
        unknown = [name for name in named if name not in people]
        if unknown:
            raise StudyError(
                f"{path}, line {line}: there is no patient named {unknown[0]!r}.",
                remedy=f"Known: {', '.join(people)}.",
            )
        chosen = {name: people[name] for name in named}
        if one.attrition is not None:
            yield _one_test(line, one.cohort, one, study, list(chosen.values()))
        else:
            for name, who in chosen.items():
                yield _one_test(line, f"{one.cohort}, {name}", one, study, [who])


def _one_test(
    line: int, name: str, asked: Expectation, study: Study, people: list[Patient]
) -> Outcome:
    return _outcome(line, name, lambda: _holds(asked, study, people), lambda _: line)


def _holds(asked: Expectation, study: Study, people: list[Patient]) -> None:
    if asked.attrition is not None:
        assert_attrition(study, asked.cohort, people, asked.attrition)
        return
    (who,) = people
    if asked.enters is not None:
        assert_enters(study, asked.cohort, who, asked.enters, asked.leaves)
    elif asked.stays is not None:
        assert_stays(study, asked.cohort, who, [(one[0], one[1]) for one in asked.stays])
    else:
        assert_out(study, asked.cohort, who, None if asked.fails == "any" else asked.fails)


def _patient(read: PatientRead) -> Patient:
    made = patient(read.birth, read.sex)
    for start, end in read.observed:
        made = made.observed(start, end)
    for one in read.events:
        made = made.has(one.table, one.concept, one.start, one.end, **one.columns)
    return made


def _study(path: Path) -> Study:
    return build_study(path) if path.suffix.lower() == ".py" else read_study(path)


def _read(text: str, path: Path) -> TestsRead:
    try:
        return TestsRead.model_validate(read_toml(text, path))
    except ValidationError as error:
        details = error.errors()[0]
        line, column = place_of(text, details["loc"], toml=True)
        place = ".".join(str(one) for one in details["loc"])
        raise StudyError(
            f"{path}, line {line}, column {column}: {place}: {details['msg']}.",
            remedy="docs/how-to/write-a-study.md shows the form of a file of tests.",
        ) from None
