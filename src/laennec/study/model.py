"""A study as frozen values: concept sets, cohorts, and the results asked of them.

The values say *what* is asked. What it means, to the day, is ``study.reference``; how fast engines
answer is ``runs``. A study is data (TOML or JSON): a hub never runs code that a researcher wrote.

This module has the whole language; its parts are written in ``model_cohorts`` and
``model_results``.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, model_validator

from laennec.core.calendars import Interval
from laennec.study.definition import Definition
from laennec.study.definition_parts import concept_sets
from laennec.study.model_cohort_incidence import CohortIncidence, RiskBound
from laennec.study.model_cohorts import (
    MANY,
    MAX_DAYS,
    AgeBetween,
    Cohort,
    ConceptItem,
    ConceptSet,
    Criterion,
    EndOfEvent,
    EndOfObservation,
    EntryBetween,
    Events,
    Exit,
    FixedDays,
    Frozen,
    HasEvents,
    Name,
    OfCohorts,
    Sex,
    SexIs,
    Window,
    check_once,
    unknown_name,
)
from laennec.study.model_combined import Combined, DifferenceOf, IntersectionOf, UnionOf
from laennec.study.model_large_scale import LargeScaleCharacteristics
from laennec.study.model_overlap import Beside, CohortOverlap, CohortTiming
from laennec.study.model_pathways import Split, TreatmentPathways
from laennec.study.model_rates import (
    AgeGroup,
    Denominators,
    Incidence,
    Level,
    PeriodPrevalence,
    PointPrevalence,
    Prevalence,
    Stays,
    TimePoint,
)
from laennec.study.model_results import (
    Characteristics,
    Counts,
    Covariate,
    CumulativeIncidence,
    Result,
)
from laennec.study.model_strata import (
    ByAge,
    ByEvents,
    ByPeriod,
    BySex,
    Period,
    Strata,
    Stratum,
    check_strata,
    strata_of,
)

__all__ = [
    "DEFAULT_KIND",
    "MAX_DAYS",
    "AgeBetween",
    "AgeGroup",
    "AnyCohort",
    "ByAge",
    "ByEvents",
    "ByPeriod",
    "BySex",
    "Characteristics",
    "Cohort",
    "CohortIncidence",
    "CohortOverlap",
    "CohortTiming",
    "Combined",
    "ConceptItem",
    "ConceptSet",
    "Counts",
    "Covariate",
    "Criterion",
    "CumulativeIncidence",
    "Definition",
    "Denominators",
    "DifferenceOf",
    "EndOfEvent",
    "EndOfObservation",
    "EntryBetween",
    "Events",
    "Exit",
    "FixedDays",
    "Frozen",
    "HasEvents",
    "Incidence",
    "IntersectionOf",
    "Interval",
    "LargeScaleCharacteristics",
    "Level",
    "Name",
    "OfCohorts",
    "Period",
    "PeriodPrevalence",
    "PointPrevalence",
    "Prevalence",
    "Result",
    "RiskBound",
    "Sex",
    "SexIs",
    "Split",
    "Stays",
    "Strata",
    "Stratum",
    "Study",
    "TimePoint",
    "TreatmentPathways",
    "UnionOf",
    "Window",
]


_UNSEEN = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
"""Control characters and overrides of direction, which make a text look like another one."""
_TEXT = f"^[^{_UNSEEN}]*$"
_LINE = f"^[^{_UNSEEN}\\t\\n]*$"


def _kind_of_cohort(value: Any) -> str:
    """A cohort that does not say its kind is a ``Cohort``, which has no field for it."""
    found = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return DEFAULT_KIND if found is None else str(found)


DEFAULT_KIND = "cohort"
"""Kind of a cohort that does not say its kind."""

AnyCohort = Annotated[
    Annotated[Cohort, Tag(DEFAULT_KIND)]
    | Annotated[Definition, Tag("definition")]
    | Annotated[UnionOf, Tag("union")]
    | Annotated[IntersectionOf, Tag("intersection")]
    | Annotated[DifferenceOf, Tag("difference")],
    Discriminator(_kind_of_cohort),
]
"""A cohort in the words of this language, as ATLAS defines one, or made of other cohorts."""


class Study(Frozen):
    """A question: named concept sets and cohorts, and the results wanted of them."""

    name: Name
    title: Annotated[str, Field(max_length=300, pattern=_LINE)]
    description: Annotated[str, Field(max_length=20_000, pattern=_TEXT)] = ""
    concept_sets: Annotated[Mapping[Name, ConceptSet], Field(max_length=MANY)]
    cohorts: tuple[AnyCohort, ...] = Field(default=(), max_length=MANY)
    strata: tuple[Strata, ...] = Field(default=(), max_length=MANY)
    results: tuple[Result, ...] = Field(min_length=1, max_length=MANY)

    @model_validator(mode="after")
    def _names_resolve(self) -> "Study":
        check_once([one.name for one in self.cohorts], "cohort")
        check_once([one.name for one in self.results], "result")
        for place, events in self._placed_events():
            if events.concepts not in self.concept_sets:
                place = f"{place}.concepts"
                sets = self.concept_sets
                raise unknown_name("concept set", events.concepts, known=sets, place=place)
        for i, cohort in enumerate(self.cohorts):
            for name in concept_sets(cohort) if isinstance(cohort, Definition) else ():
                if name not in self.concept_sets:
                    sets, place = self.concept_sets, f"cohorts[{i}]"
                    raise unknown_name("concept set", name, known=sets, place=place)
        known = [one.name for one in self.cohorts]
        for i, made in self._combined():
            for j, name in enumerate(made.cohorts):
                if name not in known[:i]:
                    place = f"cohorts[{i}].cohorts[{j}]"
                    raise unknown_name("earlier cohort", name, known=known[:i], place=place)
        for place, name in self._placed_cohorts():
            if name not in known:
                raise unknown_name("cohort", name, known=known, place=place)
        check_strata(self.strata, self.results)
        return self

    def strata_of(self, result: OfCohorts | Denominators) -> tuple[Stratum, ...]:
        """Return each cohort of a result whole, then in every stratum asked for.

        Of a rate it is the population; everyone under observation has no name.
        """
        if isinstance(result, Denominators):
            return tuple(strata_of((result.population or "",), result.strata, self.strata))
        return tuple(strata_of(result.cohorts, result.strata, self.strata))

    def ways(self) -> Mapping[str, Strata]:
        """Return the ways to divide, by their label."""
        return {one.label: one for one in self.strata}

    def all_strata(self) -> tuple[Stratum, ...]:
        """Return every stratum of any result that is not a whole cohort, each once."""
        asked = [one for one in self.results if isinstance(one, OfCohorts)]
        found = (one for result in asked for one in self.strata_of(result) if one.levels)
        return tuple(dict.fromkeys(found))

    def _combined(self) -> Iterator[tuple[int, Combined]]:
        """Yield every cohort that is made of others, with its number."""
        for i, one in enumerate(self.cohorts):
            if not isinstance(one, Cohort | Definition):
                yield i, one

    def combined(self) -> tuple[Combined, ...]:
        """Return the cohorts that are made of other cohorts."""
        return tuple(one for _, one in self._combined())

    def cohort(self, name: str) -> AnyCohort:
        """Return the cohort of that name, which the study is known to have."""
        return next(one for one in self.cohorts if one.name == name)

    def events(self) -> tuple[Events, ...]:
        """Return every ``Events`` the study reads, each once, in order of first use."""
        return tuple(dict.fromkeys(events for _, events in self._placed_events()))

    def whole_tables(self) -> Mapping[str, bool]:
        """Return the tables of which a result reads every row, and whether by source concept."""
        found: dict[str, bool] = {}
        for result in self.results:
            if isinstance(result, LargeScaleCharacteristics):
                for table, _ in result.analyses:
                    found[table] = found.get(table, False) or result.concepts == "source"
        return found

    def definitions(self) -> tuple[Definition, ...]:
        """Return the cohorts that are defined as in ATLAS."""
        return tuple(one for one in self.cohorts if isinstance(one, Definition))

    def named_sets(self) -> frozenset[str]:
        """Return the concept sets that a cohort or a result reads."""
        read = {one.concepts for one in self.events()}
        return frozenset(read.union(*map(concept_sets, self.definitions())))

    def _placed_events(self) -> Iterator[tuple[str, Events]]:
        """Yield every ``Events`` with its place in the study, such as ``cohorts[0].entry``."""
        for i, cohort in enumerate(self.cohorts):
            if not isinstance(cohort, Cohort):
                continue
            yield f"cohorts[{i}].entry", cohort.entry
            for j, criterion in enumerate(cohort.criteria):
                if isinstance(criterion, HasEvents):
                    yield f"cohorts[{i}].criteria[{j}].events", criterion.events
        for i, one in enumerate(self.strata):
            if isinstance(one, ByEvents):
                yield f"strata[{i}].events", one.events
        for i, result in enumerate(self.results):
            if isinstance(result, Characteristics):
                for j, covariate in enumerate(result.covariates):
                    yield f"results[{i}].covariates[{j}].events", covariate.events
            for field, outcome in _outcomes(result):
                if isinstance(outcome, Events):
                    yield f"results[{i}].{field}", outcome

    def _placed_cohorts(self) -> Iterator[tuple[str, str]]:
        """Yield every name of a cohort that a result gives, with its place."""
        for i, result in enumerate(self.results):
            for place, name in _named_cohorts(result):
                yield f"results[{i}].{place}", name

    def canonical(self) -> bytes:
        """Return the study as JSON with sorted keys and no spaces: equal studies, equal bytes."""
        dumped = self.model_dump(mode="json")
        return json.dumps(dumped, sort_keys=True, separators=(",", ":")).encode()

    def digest(self) -> str:
        """Return the SHA-256 of ``canonical()`` in hexadecimal."""
        return hashlib.sha256(self.canonical()).hexdigest()


def cohorts_of(result: Result) -> tuple[str, ...]:
    """Return the cohorts that a result names, each once."""
    return tuple(dict.fromkeys(name for _, name in _named_cohorts(result)))


def _named_cohorts(result: Result) -> Iterator[tuple[str, str]]:
    """Yield every name of a cohort in a result, with its place there."""
    for field, outcome in _outcomes(result):
        if isinstance(outcome, Stays):
            yield f"{field}.cohort", outcome.cohort
    if isinstance(result, OfCohorts | Beside | LargeScaleCharacteristics | CohortIncidence):
        for j, name in enumerate(result.cohorts):
            yield f"cohorts[{j}]", name
    for field in ("exclude", "population", "censor"):
        given = getattr(result, field, None)
        if given is not None:
            yield field, given


def _outcomes(result: Result) -> Iterator[tuple[str, Events | Stays]]:
    """Yield the outcomes of a result, each with the field that gives it."""
    if isinstance(result, Denominators | CohortIncidence | CumulativeIncidence):
        yield "outcome", result.outcome
    if isinstance(result, CumulativeIncidence) and result.competing is not None:
        yield "competing", result.competing
    if isinstance(result, TreatmentPathways):
        for field, chosen in (("treatments", result.treatments), ("exits", result.exits)):
            for n, one in enumerate(chosen):
                yield f"{field}[{n}]", one
