"""Random studies and random rows for Hypothesis, as plain values that any engine can take.

Few concepts, few people and a short calendar, so that edges meet: events on the day a period
starts or ends, outcomes that share a day, birthdays inside a stay, 29 February, year ends. Rows are
lists of dicts with the CDM's column names, unsorted, some twice. ``person_id`` is unique in
``person`` (the warehouse refuses repeated keys), and start dates are present, as the CDM requires.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, get_args

from hypothesis import strategies as st

from laennec.omop.events import EVENT_TABLES, EventTable
from laennec.study.model import (
    MAX_DAYS,
    AgeBetween,
    AgeGroup,
    AnyCohort,
    ByAge,
    ByEvents,
    ByPeriod,
    BySex,
    Characteristics,
    Cohort,
    CohortIncidence,
    CohortOverlap,
    CohortTiming,
    Combined,
    ConceptItem,
    ConceptSet,
    Counts,
    Covariate,
    Criterion,
    CumulativeIncidence,
    DifferenceOf,
    EndOfEvent,
    EndOfObservation,
    EntryBetween,
    Events,
    Exit,
    FixedDays,
    HasEvents,
    Incidence,
    IntersectionOf,
    Interval,
    LargeScaleCharacteristics,
    Level,
    Period,
    PeriodPrevalence,
    PointPrevalence,
    Prevalence,
    Result,
    RiskBound,
    Sex,
    SexIs,
    Split,
    Stays,
    Strata,
    Study,
    TimePoint,
    TreatmentPathways,
    UnionOf,
    Window,
)
from laennec.study.model_cohort_incidence import MAX_OFFSET
from laennec.study.model_combined import By
from laennec.study.model_results import MAX_POINTS

RowLists = dict[str, list[dict[str, Any]]]

FIRST_DAY = date(2019, 12, 1)
CALENDAR_DAYS = 500
OPEN_END = date(2023, 12, 31)
"""Some periods run on over several whole years."""

SET_NAMES = ("drug", "bleed", "both")
COHORT_NAMES = ("users", "others")
MADE_NAMES = ("made", "remade")
RESULT_NAMES = ("r1", "r2", "r3")
CONCEPTS: tuple[int, ...] = (1118084, 192671, 2_000_000_001, 0)
"""Concepts of the rows: standard ones, a site concept, and "no matching concept"."""

WINDOW_ENDS = (-1, 0, 1, -365, -MAX_DAYS, MAX_DAYS)
"""Ends of windows that matter: about entry, a year, and further than any calendar."""

PERSON_IDS: tuple[int, ...] = (1, 2, 3, -1, -(2**63), 2**63 - 1, 2**53 + 1, 0)
"""Among them the ends of the 64-bit range and one that a float would round."""

STRANGER = 4
"""A person of the event tables and periods who has no row in ``person``."""


@dataclass(frozen=True)
class Case:
    """A study, the concepts its sets resolve to, and the rows it reads."""

    study: Study
    concepts: Mapping[str, frozenset[int]]
    rows: RowLists


days = st.integers(min_value=0, max_value=CALENDAR_DAYS).map(lambda n: FIRST_DAY + timedelta(n))
edge_days = st.sampled_from(
    [date(2019, 12, 31), date(2020, 1, 1), date(2020, 2, 29), date(2020, 12, 31), date(2021, 3, 1)]
)
dates = st.one_of(edge_days, days)
spans_of_days = st.one_of(st.integers(0, 3), st.integers(0, 40), st.integers(0, CALENDAR_DAYS))


def _names(count: int) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(["a", "b", "c", "d9", "e_e"]), max_size=count, unique=True)


@st.composite
def calendar_bounds(draw: st.DrawFn) -> tuple[date | None, date | None]:
    """A first and a last day, in order, each open now and then."""
    bound = st.one_of(st.none(), st.none(), st.just(date(2020, 1, 1)), dates)
    start, end = draw(bound), draw(bound)
    if start is not None and end is not None and start > end:
        start, end = end, start
    return start, end


@st.composite
def events(draw: st.DrawFn, tables: tuple[str, ...] = tuple(EVENT_TABLES)) -> Events:
    """Records of any event table, in one of the concept sets."""
    return Events(table=draw(st.sampled_from(tables)), concepts=draw(st.sampled_from(SET_NAMES)))


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """Windows before, around and after entry, open or closed; some longer than any calendar."""
    ends = st.one_of(st.none(), st.sampled_from(WINDOW_ENDS), st.integers(-40, 40))
    start, end = draw(ends), draw(ends)
    if start is not None and end is not None and start > end:
        start, end = end, start
    return Window(start=start, end=end)


@st.composite
def has_events(draw: st.DrawFn, name: str, tables: tuple[str, ...]) -> HasEvents:
    """A number of records in a window: presence, absence, or between bounds."""
    at_least = draw(st.sampled_from([0, 1, 0, 1, 2]))
    return HasEvents(
        name=name,
        events=draw(events(tables)),
        window=draw(windows()),
        at_least=at_least,
        at_most=draw(st.sampled_from([at_least, None, at_least + 1])),
    )


@st.composite
def criteria(draw: st.DrawFn, tables: tuple[str, ...]) -> tuple[Criterion, ...]:
    """Up to three criteria of any kind, each loose enough that some persons pass."""
    made: list[Criterion] = []
    for name in draw(st.one_of(st.just([]), _names(3))):
        kind = draw(st.sampled_from(["events", "age", "sex", "entry"]))
        if kind == "events":
            made.append(draw(has_events(name, tables)))
        elif kind == "age":
            minimum = draw(st.one_of(st.integers(0, 40), st.just(18)))
            maximum = draw(st.integers(minimum, 150))
            made.append(AgeBetween(name=name, minimum=minimum, maximum=maximum))
        elif kind == "sex":
            made.append(SexIs(name=name, sex=draw(st.sampled_from([Sex.FEMALE, Sex.MALE]))))
        else:
            start, end = draw(calendar_bounds())
            made.append(EntryBetween(name=name, start=start, end=end))
    return tuple(made)


exits: st.SearchStrategy[Exit] = st.one_of(
    st.just(EndOfObservation()),
    st.builds(FixedDays, days=st.sampled_from([30, 0, 1, 7, 365, MAX_DAYS])),
    st.just(EndOfEvent()),
)
washouts = st.one_of(st.none(), st.just(0), st.integers(1, 60), st.just(MAX_DAYS))
ties = st.sampled_from(["competing", "outcome"])
short_waits = st.sampled_from([0, 0, 0, 1, 7, 30, 40])


@st.composite
def cohorts(draw: st.DrawFn, name: str, tables: tuple[str, ...]) -> Cohort:
    """A cohort with any entry, criteria and exit."""
    return Cohort(
        name=name,
        entry=draw(events(tables)),
        prior_observation=draw(short_waits),
        criteria=draw(criteria(tables)),
        exit=draw(exits),
    )


@st.composite
def combined(draw: st.DrawFn, name: str, known: tuple[str, ...]) -> Combined:
    """A cohort made of others, by any operation."""
    chosen = draw(st.lists(st.sampled_from(known), min_size=2, max_size=3, unique=True))
    by: By = draw(st.sampled_from(get_args(By)))
    kinds: list[Combined] = [
        UnionOf(name=name, cohorts=tuple(chosen)),
        IntersectionOf(name=name, cohorts=tuple(chosen), by=by),
        DifferenceOf(name=name, cohorts=tuple(chosen), by=by),
    ]
    return draw(st.sampled_from(kinds))


@st.composite
def age_groups(draw: st.DrawFn, *, apart: bool) -> tuple[AgeGroup, ...]:
    """Groups about 18 years, where the people of ``rows`` are; ``apart`` when none may overlap."""
    if apart:
        cuts = sorted(draw(st.sets(st.integers(0, 60), max_size=3)))
        return tuple(
            AgeGroup(minimum=low, maximum=high - 1) for low, high in pairwise([*cuts, 151])
        )
    groups = st.sampled_from([(0, 150), (0, 17), (18, 18), (18, 64), (19, 150), (65, 150), (0, 0)])
    lists = st.lists(groups, min_size=1, max_size=3, unique=True)
    pairs = draw(st.one_of(st.just([(0, 150)]), st.just([(0, 17), (18, 150)]), lists))
    return tuple(AgeGroup(minimum=low, maximum=high) for low, high in pairs)


@st.composite
def incidences(
    draw: st.DrawFn,
    name: str,
    known: tuple[str, ...],
    tables: tuple[str, ...],
    divided: tuple[Strata, ...] = (),
) -> Incidence:
    """Incidence in a cohort or in everyone, with every option."""
    washout = draw(washouts)
    start, end, intervals = draw(
        timed_intervals(
            st.one_of(
                st.lists(st.sampled_from(SUMMING), min_size=1, unique=True),
                st.just([Interval.WEEKS]),
                st.just([Interval.WEEKS, Interval.OVERALL]),
            )
        )
    )
    return Incidence(
        **draw(denominators(name, known, tables)),
        strata=draw(rate_divisions(divided)),
        washout=washout,
        repeated=washout is not None and draw(st.booleans()),
        censor=draw(st.one_of(st.none(), st.sampled_from(known))) if known else None,
        start=start,
        end=end,
        intervals=intervals,
        complete_intervals=draw(st.booleans()),
    )


risk_bounds = st.builds(
    RiskBound,
    after=st.sampled_from(["start", "end"]),
    days=st.one_of(st.just(0), st.integers(-40, 40), st.sampled_from([MAX_OFFSET, -MAX_OFFSET])),
)


@st.composite
def cohort_incidences(
    draw: st.DrawFn, name: str, known: tuple[str, ...], tables: tuple[str, ...]
) -> CohortIncidence:
    """Incidence in the time at risk of cohorts, divided in any way."""
    start, end = draw(calendar_bounds())
    usual = st.sampled_from([*[(RiskBound(after="start"), RiskBound(after="end"))] * 2, None])
    risk_from, risk_until = draw(usual) or (draw(risk_bounds), draw(risk_bounds))
    return CohortIncidence(
        name=name,
        cohorts=tuple(draw(st.lists(st.sampled_from(known), min_size=1, unique=True))),
        outcome=draw(outcomes(known, tables)),
        risk_from=risk_from,
        risk_until=risk_until,
        clean_window=draw(st.sampled_from([0, 1, 0, 7, 40, MAX_DAYS])),
        exclude=draw(st.one_of(st.none(), st.sampled_from(known))),
        start=start,
        end=end,
        age_groups=draw(st.one_of(st.just(()), age_groups(apart=True))),
        by_sex=draw(st.booleans()),
        by_start_year=None not in (start, end) and draw(st.booleans()),
    )


SUMMING = (Interval.OVERALL, Interval.YEARS, Interval.MONTHS, Interval.QUARTERS)
DATED: tuple[Any, ...] = tuple(one for one in Interval if one is not Interval.OVERALL)


@st.composite
def timed_intervals(
    draw: st.DrawFn, kinds: st.SearchStrategy[list[Interval]], *, dated: bool = False
) -> tuple[date | None, date | None, tuple[Interval, ...]]:
    """First day, last day and intervals; both days are there where the intervals are fine."""
    intervals = tuple(draw(kinds))
    start, end = draw(calendar_bounds())
    if dated or {*intervals} - {Interval.OVERALL, Interval.YEARS}:
        start, end = start or FIRST_DAY, end or date(2021, 6, 30)
    return (*((start, end) if start is None or end is None else sorted((start, end))), intervals)


@st.composite
def outcomes(draw: st.DrawFn, known: tuple[str, ...], tables: tuple[str, ...]) -> Events | Stays:
    """Records, or the stays of a cohort now and then."""
    if known and draw(st.integers(0, 3)) == 0:
        return Stays(cohort=draw(st.sampled_from(known)))
    return draw(events(tables))


def stays_of(known: tuple[str, ...]) -> st.SearchStrategy[Stays]:
    """The stays of any cohort."""
    return st.sampled_from(known).map(lambda name: Stays(cohort=name))


@st.composite
def denominators(
    draw: st.DrawFn, name: str, known: tuple[str, ...], tables: tuple[str, ...]
) -> dict[str, Any]:
    """The fields that incidence and prevalence share, without those of time."""
    return {
        "name": name,
        "population": draw(st.one_of(st.none(), st.sampled_from(known))) if known else None,
        "outcome": draw(outcomes(known, tables)),
        "sexes": tuple(draw(st.lists(st.sampled_from(Sex), min_size=1, unique=True))),
        "age_groups": draw(age_groups(apart=False)),
        "prior_observation": draw(short_waits),
    }


@st.composite
def prevalences(
    draw: st.DrawFn,
    name: str,
    known: tuple[str, ...],
    tables: tuple[str, ...],
    divided: tuple[Strata, ...] = (),
) -> Prevalence:
    """Prevalence on days or in intervals, with every option."""
    shared = draw(denominators(name, known, tables)) | {"strata": draw(rate_divisions(divided))}
    if draw(st.integers(0, 2)) == 0:
        some = st.lists(st.sampled_from(DATED), min_size=1, unique=True)
        kinds = st.one_of(some, st.just([Interval.YEARS]))
        start, end, intervals = draw(timed_intervals(kinds))
        point = draw(st.sampled_from(TimePoint))
        return PointPrevalence(
            **shared, start=start, end=end, intervals=intervals, time_point=point
        )
    full, complete = draw(st.integers(0, 2)) == 0, draw(st.booleans())
    every = st.lists(st.sampled_from(Interval), min_size=1, unique=True)
    kinds = st.one_of(every, st.sampled_from([[Interval.YEARS], [Interval.OVERALL]]))
    start, end, intervals = draw(timed_intervals(kinds, dated=full and draw(st.booleans())))
    if start is None or end is None:
        full = full and complete and Interval.OVERALL not in intervals
    return PeriodPrevalence(
        **shared,
        start=start,
        end=end,
        intervals=intervals,
        complete_intervals=complete,
        full_contribution=full,
        level=draw(st.sampled_from(Level)),
    )


@st.composite
def ways(draw: st.DrawFn, tables: tuple[str, ...]) -> tuple[Strata, ...]:
    """Ways to divide cohorts, each kind now and then."""
    made: list[Strata] = []
    for kind in draw(st.lists(st.sampled_from(["sex", "age", "period", "events"]), unique=True)):
        if kind == "sex":
            made.append(BySex())
        elif kind == "age":
            groups = draw(age_groups(apart=True)) or (AgeGroup(minimum=0, maximum=17),)
            made.append(ByAge(groups=groups[: draw(st.integers(1, len(groups)))]))
        elif kind == "period":
            cuts = sorted(draw(st.sets(dates, min_size=2, max_size=4)))
            periods = [Period(start=a, end=b - timedelta(1)) for a, b in pairwise(cuts)]
            made.append(ByPeriod(periods=tuple(periods)))
        else:
            asked = draw(has_events("feature", tables))
            made.append(ByEvents(**asked.model_dump(exclude={"kind"})))
    return tuple(made)


@st.composite
def divisions(draw: st.DrawFn, divided: tuple[Strata, ...]) -> tuple[tuple[str, ...], ...]:
    """Up to two divisions, by one of the ways or by two crossed."""
    if not divided:
        return ()
    labels = st.sampled_from([one.label for one in divided])
    one = st.lists(labels, min_size=1, max_size=2, unique=True).map(tuple)
    return tuple(draw(st.lists(one, max_size=2, unique_by=frozenset)))


def rate_divisions(
    divided: tuple[Strata, ...],
) -> st.SearchStrategy[tuple[tuple[str, ...], ...]]:
    """Divisions of a rate, whose sexes and age groups are fields of its own."""
    return divisions(tuple(one for one in divided if not isinstance(one, BySex | ByAge)))


@st.composite
def large_scales(
    draw: st.DrawFn, name: str, known: tuple[str, ...], tables: tuple[str, ...]
) -> LargeScaleCharacteristics:
    """Every concept of some tables, by standard or source concept, in windows that are apart."""
    concepts = draw(st.sampled_from(["standard", "source"]))
    sourced = [one for one in tables if EVENT_TABLES[one].source_concept is not None]
    concepts = concepts if sourced else "standard"
    some = st.lists(st.sampled_from(sourced if concepts == "source" else tables), unique=True)
    events = tuple(draw(some))
    episodes = tuple(draw(some)) or (() if events else (sourced or list(tables))[:1])
    cuts = sorted(draw(st.sets(st.sampled_from([-366, -31, -1, 0, 1, 30, 366]), max_size=4)))
    ends = [None, *cuts, None]
    apart = tuple(
        Window(start=start, end=None if end is None else end - 1) for start, end in pairwise(ends)
    )
    return LargeScaleCharacteristics(
        name=name,
        cohorts=tuple(draw(st.lists(st.sampled_from(known), min_size=1, unique=True))),
        event_in_window=events,
        episode_in_window=tuple(episodes),
        windows=apart[draw(st.sampled_from([0, 0, len(apart) - 1])) :],
        concepts=concepts,
        excluded=draw(st.sampled_from([(0,), (), CONCEPTS[:1]])),
        minimum_frequency=draw(st.sampled_from([0.005, 0.0, 0.5, 1.0])),
    )


@st.composite
def pathways(
    draw: st.DrawFn, name: str, known: tuple[str, ...], tables: tuple[str, ...]
) -> dict[str, Any]:
    """The fields of treatment pathways, with days near those of the rows."""
    some = st.lists(
        outcomes(known, tables), min_size=1, max_size=4, unique_by=lambda one: one.label
    )
    chosen = draw(some)
    left = draw(st.sampled_from([0, 0, 1])) if len(chosen) > 1 else 0
    treatments = chosen[left:]
    cut = [one.label for one in treatments if draw(st.integers(0, 3)) == 0]
    anchors = st.sampled_from(["start", "end"])
    opens, closes = draw(st.sampled_from([0, -30, 5])), draw(st.sampled_from([0, 60, 365]))
    start_anchor, end_anchor = draw(anchors), draw(anchors)
    few = st.sampled_from([0, 1, 3, 30])
    return {
        "name": name,
        "treatments": tuple(treatments),
        "exits": tuple(chosen[:left]),
        "start_anchor": start_anchor,
        "window_start": min(opens, closes) if start_anchor == end_anchor else opens,
        "end_anchor": end_anchor,
        "window_end": closes,
        "all_stays": draw(st.booleans()),
        "min_era_duration": draw(st.sampled_from([0, 0, 2])),
        "splits": tuple(Split(treatment=one, days=draw(st.sampled_from([1, 7]))) for one in cut),
        "era_collapse_size": draw(few),
        "combination_window": draw(few),
        "min_post_combination_duration": draw(few),
        "overlap_method": draw(st.sampled_from(["truncate", "keep"])),
        "filter_treatments": draw(st.sampled_from(["first", "changes", "all"])),
        "max_path_length": draw(st.sampled_from([1, 2, 5, 10])),
    }


@st.composite
def results(
    draw: st.DrawFn,
    name: str,
    known: tuple[str, ...],
    tables: tuple[str, ...],
    divided: tuple[Strata, ...] = (),
) -> Result:
    """A result of any kind that the cohorts allow."""
    kinds = ["incidence", "prevalence", "prevalence"]
    if known:
        kinds += [
            "cohort_incidence",
            "large_scale",
            "cohort_incidence",
            *["cumulative_incidence"] * 2,
            "characteristics",
            "counts",
        ]
        kinds += ["cumulative_incidence", "treatment_pathways", "treatment_pathways"]
    if len(known) > 1:
        kinds = ["cohort_overlap", *kinds, "cohort_timing", "cohort_overlap", "cohort_timing"]
    kind = draw(st.sampled_from(kinds))
    if kind == "large_scale":
        return draw(large_scales(name, known, tables))
    if kind == "cohort_incidence":
        return draw(cohort_incidences(name, known, tables))
    if kind == "incidence":
        return draw(incidences(name, known, tables, divided))
    if kind in ("cohort_overlap", "cohort_timing"):
        several = tuple(draw(st.lists(st.sampled_from(known), min_size=2, unique=True)))
        if kind == "cohort_overlap":
            return CohortOverlap(name=name, cohorts=several)
        return CohortTiming(name=name, cohorts=several, first_entry=draw(st.booleans()))
    if kind == "prevalence":
        return draw(prevalences(name, known, tables, divided))
    chosen = tuple(draw(st.lists(st.sampled_from(known), min_size=1, unique=True)))
    strata = draw(divisions(divided))
    if kind == "treatment_pathways":
        fields = draw(pathways(name, known, tables))
        return TreatmentPathways(cohorts=chosen, strata=strata, **fields)
    if kind == "counts":
        return Counts(name=name, cohorts=chosen, strata=strata)
    if kind == "characteristics":
        return Characteristics(
            name=name,
            cohorts=chosen,
            strata=strata,
            age_groups=draw(age_groups(apart=True)),
            covariates=tuple(
                Covariate(name=one, events=draw(events(tables)), window=draw(windows()))
                for one in draw(st.one_of(st.just(["a"]), _names(3)))
            ),
        )
    horizon = draw(st.one_of(st.integers(1, 60), st.just(MAX_DAYS)))
    outcome = draw(outcomes(known, tables))
    rival = draw(st.one_of(st.none(), outcomes(known, tables), stays_of(known)))
    rival = None if rival is None or rival.label == outcome.label else rival
    own = {} if rival is None else {"competing_washout": draw(washouts), "tie": draw(ties)}
    return CumulativeIncidence(
        name=name,
        cohorts=chosen,
        strata=strata,
        outcome=outcome,
        competing=rival,
        **own,
        washout=draw(washouts),
        censor=draw(st.one_of(st.none(), st.none(), st.sampled_from(known))),
        censor_on_exit=draw(st.booleans()),
        censor_on=draw(st.one_of(st.none(), st.none(), dates)),
        minimum_days=draw(st.sampled_from([0, 0, 1, min(20, horizon)])),
        horizon=horizon,
        step=horizon // MAX_POINTS + draw(st.integers(1, 30)),
    )


@st.composite
def concept_items(draw: st.DrawFn, *, exclude: bool) -> ConceptItem:
    """One line of a concept set."""
    return ConceptItem(
        concept_id=draw(st.sampled_from(CONCEPTS)),
        descendants=draw(st.booleans()),
        mapped=draw(st.booleans()),
        exclude=exclude,
    )


@st.composite
def concept_sets(draw: st.DrawFn) -> ConceptSet:
    """At least one inclusion; exclusions may follow. Engines get the sets resolved."""
    included = draw(st.lists(concept_items(exclude=False), min_size=1, max_size=2))
    excluded = draw(st.lists(concept_items(exclude=True), max_size=1))
    return ConceptSet(items=(*included, *excluded))


@st.composite
def studies(draw: st.DrawFn, tables: tuple[str, ...] = tuple(EVENT_TABLES)) -> Study:
    """A study over the given event tables, which uses every class of the model now and then."""
    names = draw(st.sampled_from([*[COHORT_NAMES[:1], COHORT_NAMES] * 4, ()]))
    made: tuple[AnyCohort, ...] = tuple(draw(cohorts(name, tables)) for name in names)
    for name in MADE_NAMES[: draw(st.integers(0, 2)) if len(names) > 1 else 0]:
        made = (*made, draw(combined(name, names)))
        names = (*names, name)
    divided = draw(ways(tables))
    result_names = draw(st.sampled_from([RESULT_NAMES, RESULT_NAMES[:2], RESULT_NAMES[:1]]))
    return Study(
        name="random",
        title="A random study",
        description=draw(st.sampled_from(["", "of random rows"])),
        concept_sets={name: draw(concept_sets()) for name in SET_NAMES},
        cohorts=made,
        strata=divided,
        results=tuple(draw(results(name, names, tables, divided)) for name in result_names),
    )


@st.composite
def people(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Persons near their 18th or 19th birthday; sex and parts of the birth date may be missing."""
    some = st.lists(st.sampled_from(PERSON_IDS), min_size=1, max_size=4, unique=True)
    ids = [] if draw(st.integers(0, 19)) == 19 else draw(some)
    return [
        {
            "person_id": person_id,
            "gender_concept_id": draw(st.sampled_from([8507, 8532, 8507, 8532, 8532, 0])),
            "year_of_birth": draw(st.sampled_from([2002, 2001, 2002, 2000, 1950, 2020, None])),
            "month_of_birth": draw(st.sampled_from([1, 2, 2, 6, 12, None])),
            "day_of_birth": draw(st.sampled_from([1, 28, 29, 29, None])),
        }
        for person_id in ids
    ]


@st.composite
def observation_periods(draw: st.DrawFn, person_ids: list[int]) -> list[dict[str, Any]]:
    """Long, short, one-day, touching, overlapping and empty periods, and some of nobody."""
    made: list[dict[str, Any]] = []
    for person_id in [*person_ids, STRANGER]:
        for number in range(draw(st.sampled_from([1, 2, 1, 1, 2, 3, 1, 0]))):
            whole = not number and draw(st.integers(0, 3)) < 3
            start = FIRST_DAY if whole else draw(dates)
            lengths = st.one_of(st.just(CALENDAR_DAYS), spans_of_days, st.just(-1))
            length = CALENDAR_DAYS if whole else draw(lengths)
            endless = draw(st.integers(0, 15)) == 0
            made.append(
                {
                    "observation_period_id": len(made) + 1,
                    "person_id": person_id,
                    "observation_period_start_date": start,
                    "observation_period_end_date": (
                        OPEN_END if endless else start + timedelta(length)
                    ),
                }
            )
    return draw(st.permutations(made))


@st.composite
def event_rows(
    draw: st.DrawFn, table: EventTable, person_ids: list[int], anchors: list[date]
) -> list[dict[str, Any]]:
    """Rows of one event table, often on a day when something else happens; some rows twice."""
    made: list[dict[str, Any]] = []
    for _ in range(draw(st.sampled_from([8, 5, 12, 3, 1, 0]))):
        near = st.sampled_from(anchors).flatmap(
            lambda day: st.sampled_from([-1, 0, 0, 1]).map(lambda n: _shifted(day, n))
        )
        start = draw(st.one_of(near, dates) if anchors else dates)
        row: dict[str, Any] = {
            f"{table.name}_id": draw(st.sampled_from([1, 2, -(2**63), 2**63 - 1])),
            "person_id": draw(st.sampled_from([*person_ids * 4, STRANGER])),
            table.concept: draw(st.sampled_from([*CONCEPTS[:2] * 3, *CONCEPTS])),
            table.start: start,
        }
        if table.source_concept:
            row[table.source_concept] = draw(st.sampled_from([*CONCEPTS, None]))
        if table.end:
            length = draw(st.one_of(st.none(), st.integers(-3, 3), spans_of_days))
            row[table.end] = None if length is None else _shifted(start, length)
        made += [row] * draw(st.sampled_from([1, 1, 1, 2]))
    return [dict(row) for row in draw(st.permutations(made))]


@st.composite
def rows_of(draw: st.DrawFn, study: Study) -> RowLists:
    """Rows for the tables that the study reads, and for one that it does not."""
    persons = draw(people())
    person_ids = [one["person_id"] for one in persons]
    periods = draw(observation_periods(person_ids))
    anchors = [
        one[column]
        for one in periods
        for column in ("observation_period_start_date", "observation_period_end_date")
    ]
    made: RowLists = {"person": persons, "observation_period": periods}
    whole = set(study.whole_tables())
    read = sorted({one.table for one in study.events()} | {"observation"} | whole)
    for name in read:
        table = EVENT_TABLES[name]
        made[name] = draw(event_rows(table, person_ids, anchors))
        anchors = anchors + [row[table.start] for row in made[name]]
    return made


EMPTY: frozenset[int] = frozenset()
resolved = st.fixed_dictionaries(
    {
        "drug": st.sampled_from([frozenset({CONCEPTS[0]}), frozenset(CONCEPTS[:3])]),
        "bleed": st.sampled_from([frozenset({CONCEPTS[1]}), frozenset({CONCEPTS[1], CONCEPTS[2]})]),
        "both": st.sampled_from([*[frozenset(CONCEPTS), frozenset(CONCEPTS[:2])] * 3, EMPTY]),
    }
)
FEW_TABLES = ("condition_occurrence", "drug_exposure", "procedure_occurrence")


@st.composite
def cases(draw: st.DrawFn, tables: tuple[str, ...] | None = None) -> Case:
    """A study with its concepts and rows.

    Args:
        draw: Given by Hypothesis.
        tables: Event tables to use; by default one to three, so that the study's parts meet.
    """
    chosen = tables or tuple(
        draw(
            st.one_of(
                st.lists(st.sampled_from(FEW_TABLES), min_size=1, max_size=2, unique=True),
                st.lists(
                    st.sampled_from(sorted(EVENT_TABLES)), min_size=1, max_size=3, unique=True
                ),
            )
        )
    )
    study = draw(studies(chosen))
    return Case(study, draw(resolved), draw(rows_of(study)))


def _shifted(day: date, by: int) -> date:
    """Move a day, without leaving the calendar."""
    return date.fromordinal(min(max(day.toordinal() + by, 1), date.max.toordinal()))
