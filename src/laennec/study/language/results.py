"""Results asked of cohorts, and the strata into which they divide them."""

from collections.abc import Sequence
from typing import Any, get_args

from laennec.study.definition import EventQuery
from laennec.study.language.cohorts import Cohort
from laennec.study.language.events import Day, asked_day, plain
from laennec.study.language.places import Place, here, in_words, made
from laennec.study.language.values import Said, all_sets
from laennec.study.model import (
    AgeGroup,
    ByAge,
    ByEvents,
    ByPeriod,
    BySex,
    Covariate,
    Definition,
    DifferenceOf,
    IntersectionOf,
    Period,
    Result,
    RiskBound,
    Split,
    Stays,
    Strata,
    UnionOf,
    Window,
)

Ages = tuple[int, int]
Division = Said[Strata] | Sequence[Said[Strata]]
"""One way to divide cohorts, or several crossed."""

KINDS = {one.model_fields["kind"].default: one for one in get_args(get_args(Result)[0])}
"""Every kind of result that the study language has."""


COHORTS = (Definition, UnionOf, IntersectionOf, DifferenceOf)
WAYS = (BySex, ByAge, ByPeriod, ByEvents)


@in_words
def days(start: int | None = None, end: int | None = None) -> Window:
    """Days relative to entry, both included; None leaves an end open."""
    return made(Window, here(), start=start, end=end)


@in_words
def covariate(name: str, events: Said[EventQuery], window: Window) -> Said[Covariate]:
    """Ask who has an event that starts in the window."""
    read = plain(events, what="a covariate")
    return Said(made(Covariate, here(), name=name, events=read, window=window), here(), events.sets)


@in_words
def by_sex() -> Said[Strata]:
    """Divide into women and men."""
    return Said(BySex(), here())


@in_words
def by_age(*groups: Ages) -> Said[Strata]:
    """Divide by age at entry, such as ``by_age((0, 17), (18, 64), (65, 150))``."""
    return Said(made(ByAge, here(), groups=_ages(groups, here())), here())


@in_words
def by_period(*periods: tuple[Day, Day]) -> Said[Strata]:
    """Divide by calendar period of entry, given by first and last days."""
    place = here()
    found = tuple(
        made(Period, place, start=asked_day(start, place), end=asked_day(end, place))
        for start, end in periods
    )
    return Said(made(ByPeriod, place, periods=found), place)


@in_words
def by_year(first: int, last: int) -> Said[Strata]:
    """Divide by calendar year of entry, both years included."""
    years = range(first, last + 1)
    return by_period(*((f"{year:04d}-01-01", f"{year:04d}-12-31") for year in years))


@in_words
def by_events(
    name: str,
    events: Said[EventQuery],
    window: Window,
    *,
    at_least: int = 1,
    at_most: int | None = None,
) -> Said[Strata]:
    """Divide by whether a person has as many events in the window: ``yes`` or ``no``."""
    fields = {"events": plain(events, what="a stratum"), "window": window}
    way = made(ByEvents, here(), name=name, at_least=at_least, at_most=at_most, **fields)
    return Said(way, here(), events.sets)


@in_words
def result(kind: str, name: str, *cohorts: Cohort, **fields: Any) -> Said[Result]:
    """Ask for a result of any kind that the study language has.

    Args:
        kind: Such as ``counts``.
        name: Lower-case letters, digits and underscores.
        cohorts: The cohorts it is asked of.
        fields: Fields of the kind, as ``docs/reference/study-language.md`` lists them; cohorts,
            events, covariates, strata and pairs of ages stand for themselves.
    """
    place = here()
    if kind not in KINDS:
        raise ValueError(f"there is no result {kind!r}; known: {', '.join(KINDS)}")
    met: list[Said[Any]] = list(cohorts)
    given = {field: _plain(field, one, met) for field, one in fields.items()}
    if cohorts:
        given["cohorts"] = tuple(one.value.name for one in cohorts)
    value = made(KINDS[kind], place, name=name, **given)
    parts = [part for one in met if isinstance(one.value, COHORTS) for part in (*one.cohorts, one)]
    ways = tuple(one for one in met if isinstance(one.value, WAYS))
    return Said(value, place, all_sets(met), tuple(parts), ways)


@in_words
def counts(name: str, *cohorts: Cohort, strata: Sequence[Division] = ()) -> Said[Result]:
    """Ask how many persons each cohort has, and how many each step leaves."""
    return result("counts", name, *cohorts, strata=strata)


@in_words
def characteristics(
    name: str,
    *cohorts: Cohort,
    age_groups: Sequence[Ages] = (),
    covariates: Sequence[Said[Covariate]] = (),
    strata: Sequence[Division] = (),
) -> Said[Result]:
    """Ask for age, sex, observation and covariates of each cohort at entry."""
    fields = {"age_groups": age_groups, "covariates": covariates, "strata": strata}
    return result("characteristics", name, *cohorts, **fields)


@in_words
def incidence(name: str, outcome: Said[EventQuery] | Cohort, **fields: Any) -> Said[Result]:
    """Ask for the incidence rate of an outcome.

    Args:
        name: Lower-case letters, digits and underscores.
        outcome: Events of a concept set, or a cohort, whose stays they are.
        fields: ``population`` (a cohort), ``washout``, ``repeated``, ``sexes``, ``age_groups``
            (pairs of ages), ``prior_observation``, ``start``, ``end``, ``intervals``,
            ``complete_intervals``, ``censor`` (a cohort), ``strata`` (``by_events``,
            ``by_period``, ``by_year``).
    """
    return result("incidence", name, outcome=outcome, **fields)


@in_words
def cohort_incidence(
    name: str, *cohorts: Cohort, outcome: Said[EventQuery], **fields: Any
) -> Said[Result]:
    """Ask for incidence proportion and rate in the time at risk of cohorts (CohortIncidence).

    Args:
        name: Lower-case letters, digits and underscores.
        cohorts: The targets.
        outcome: Events of a concept set.
        fields: ``risk_from`` and ``risk_until`` (``risk_bound``), ``clean_window``, ``exclude`` (a
            cohort), ``start``, ``end``, ``age_groups`` (pairs of ages), ``by_sex``,
            ``by_start_year``.
    """
    return result("cohort_incidence", name, *cohorts, outcome=outcome, **fields)


@in_words
def risk_bound(after: str, days: int = 0) -> RiskBound:
    """A day that many days after the ``start`` or the ``end`` of a stay."""
    return made(RiskBound, here(), after=after, days=days)


@in_words
def cumulative_incidence(
    name: str,
    *cohorts: Cohort,
    outcome: Said[EventQuery] | Cohort,
    horizon: int,
    step: int,
    **fields: Any,
) -> Said[Result]:
    """Ask how long members of each cohort go without the outcome (survival).

    Args:
        name: Lower-case letters, digits and underscores.
        cohorts: The cohorts whose members are followed.
        outcome: Events of a concept set.
        horizon: Last day of follow-up, in days from entry.
        step: Days between two points of the curve.
        fields: ``competing`` (events), ``competing_washout``, ``tie``, ``washout``, ``censor`` (a
            cohort), ``censor_on_exit``, ``censor_on``, ``minimum_days``, ``strata``.
    """
    fields |= {"outcome": outcome, "horizon": horizon, "step": step}
    return result("cumulative_incidence", name, *cohorts, **fields)


@in_words
def point_prevalence(name: str, outcome: Said[EventQuery], **fields: Any) -> Said[Result]:
    """Ask for the share of persons who have an outcome on one day of each interval.

    Args:
        name: Lower-case letters, digits and underscores.
        outcome: Events of a concept set.
        fields: ``population`` (a cohort), ``sexes``, ``age_groups`` (pairs of ages),
            ``prior_observation``, ``start``, ``end``, ``intervals``, ``time_point``, ``strata``
            (``by_events``, ``by_period``, ``by_year``).
    """
    return result("point_prevalence", name, outcome=outcome, **fields)


@in_words
def period_prevalence(name: str, outcome: Said[EventQuery], **fields: Any) -> Said[Result]:
    """Ask for the share of those seen in an interval who have an outcome in it.

    Args:
        name: Lower-case letters, digits and underscores.
        outcome: Events of a concept set.
        fields: ``population`` (a cohort), ``sexes``, ``age_groups`` (pairs of ages),
            ``prior_observation``, ``start``, ``end``, ``intervals``, ``complete_intervals``,
            ``full_contribution``, ``level``, ``strata`` (``by_events``, ``by_period``,
            ``by_year``).
    """
    return result("period_prevalence", name, outcome=outcome, **fields)


@in_words
def cohort_overlap(name: str, *cohorts: Cohort) -> Said[Result]:
    """Ask how many persons any two of the cohorts share, and how many are in one of them only."""
    return result("cohort_overlap", name, *cohorts)


@in_words
def cohort_timing(name: str, *cohorts: Cohort, first_entry: bool = True) -> Said[Result]:
    """Ask for the days from entry into one cohort to entry into another.

    Args:
        name: Lower-case letters, digits and underscores.
        cohorts: Any two of them are compared.
        first_entry: Take each person's first entries only.
    """
    return result("cohort_timing", name, *cohorts, first_entry=first_entry)


@in_words
def large_scale_characteristics(name: str, *cohorts: Cohort, **fields: Any) -> Said[Result]:
    """Ask how many of each cohort have a record of each concept, in windows about entry.

    Args:
        name: Lower-case letters, digits and underscores.
        cohorts: Members are taken at their first stay.
        fields: ``event_in_window`` and ``episode_in_window`` (names of tables), ``windows`` (of
            ``days``), ``concepts``, ``excluded``, ``minimum_frequency``.
    """
    return result("large_scale_characteristics", name, *cohorts, **fields)


@in_words
def treatment_pathways(
    name: str,
    *cohorts: Cohort,
    treatments: Sequence[Cohort | Said[EventQuery]],
    exits: Sequence[Cohort | Said[EventQuery]] = (),
    strata: Sequence[Division] = (),
    **fields: Any,
) -> Said[Result]:
    """Ask in which order each cohort receives treatments, alone or combined.

    Args:
        name: Lower-case letters, digits and underscores.
        cohorts: Whose pathways.
        treatments: Cohorts, whose stays count, or events of concept sets.
        exits: What may end a pathway, given likewise.
        strata: Divisions of the cohorts.
        fields: Such as ``combination_window`` and ``splits`` (made by ``split``), as
            ``docs/reference/study-language.md`` lists them.
    """
    fields |= {"treatments": treatments, "exits": exits}
    return result("treatment_pathways", name, *cohorts, strata=strata, **fields)


@in_words
def split(treatment: Said[Any], at: int) -> Split:
    """Tell eras of a treatment of fewer days than ``at`` (acute) from the others (therapy).

    Args:
        treatment: The cohort or the events, as given to ``treatment_pathways``.
        at: Days.
    """
    named = isinstance(treatment.value, COHORTS)
    label = treatment.value.name if named else plain(treatment, what="a split").label
    return made(Split, here(), treatment=label, days=at)


OUTCOMES = ("outcome", "competing", "treatments", "exits")
"""Fields in which a cohort stands for its stays."""


def _plain(field: str, given: Any, met: list[Said[Any]]) -> Any:
    """What the model takes for what is given; the values of the language in it go to ``met``."""
    match given:
        case Said():
            met.append(given)
            if isinstance(given.value, COHORTS):
                name = given.value.name
                return Stays(cohort=name) if field in OUTCOMES else name
            if isinstance(given.value, WAYS):
                return (given.value.label,) if field == "strata" else given.value.label
            events = isinstance(given.value, EventQuery)
            return plain(given, what=f"the field {field}") if events else given.value
        case (int(), int()) if field == "age_groups":
            return made(AgeGroup, here(), minimum=given[0], maximum=given[1])
        case list() | tuple():
            inner = "crossed" if field == "strata" else field
            return tuple(
                _plain(field if isinstance(one, Said) else inner, one, met) for one in given
            )
    return given


def _ages(groups: Sequence[Ages], place: Place) -> tuple[AgeGroup, ...]:
    return tuple(made(AgeGroup, place, minimum=low, maximum=high) for low, high in groups)
