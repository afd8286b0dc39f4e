"""Properties of the reference engine, and a second reading of incidence, day by day."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generative.study_strategies import Case, cases
from laennec.core.calendars import label_of
from laennec.omop.events import EVENT_TABLES
from laennec.study.model import ByEvents, Denominators, Events, Incidence, Sex
from laennec.study.partials import Key, Partial, merge
from laennec.study.reference import evaluate

QUICK = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


OF_DAYS_AND_OUTCOMES = frozenset(
    {"days", "events", "person_days_pe", "person_days", "outcomes_pe", "outcomes"}
)
"""What is no number of persons, and may exceed it."""


@QUICK
@given(case=cases(), randomness=st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(case: Case, randomness: Any) -> None:
    shuffled = {table: randomness.sample(rows, len(rows)) for table, rows in case.rows.items()}
    assert evaluate(case.study, shuffled, case.concepts) == evaluate(
        case.study, case.rows, case.concepts
    )


@QUICK
@given(case=cases())
def test_persons_in_separate_buckets_add_up(case: Case) -> None:
    ids = [row["person_id"] for row in case.rows["person"]]
    buckets = [
        {
            table: [row for row in rows if row["person_id"] == person_id]
            for table, rows in case.rows.items()
        }
        for person_id in ids
    ]
    parts = [evaluate(case.study, bucket, case.concepts) for bucket in buckets]
    assert merge(parts) == evaluate(case.study, case.rows, case.concepts)


@QUICK
@given(case=cases())
def test_counts_hang_together(case: Case) -> None:
    partial = evaluate(case.study, case.rows, case.concepts)
    assert all(number > 0 for number in partial.counts.values())
    persons = len(case.rows["person"])
    for key, number in partial.counts.items():
        if key[0] == "attrition" and isinstance(key[2], int) and key[2] > 0:
            assert number <= partial.counts["attrition", key[1], key[2] - 1]
        if key[-1] not in OF_DAYS_AND_OUTCOMES:
            assert number <= persons
        if key[0] == "incidence" and key[-1] == "persons":
            assert number <= partial.counts[(*key[:-1], "days")]
            assert (
                partial.counts.get((*key[:-1], "events"), 0) <= partial.counts[(*key[:-1], "days")]
            )


@QUICK
@given(case=cases())
def test_incidence_day_by_day(case: Case) -> None:
    results = [one for one in case.study.results if isinstance(one, Incidence)]
    wanted = [one for one in results if isinstance(one.outcome, Events) and one.censor is None]
    partial = evaluate(case.study, case.rows, case.concepts)
    for result in wanted:
        if result.population is None:
            mine = merge(_day_by_day(result, person, case) for person in case.rows["person"])
            theirs = {
                key: n
                for key, n in partial.counts.items()
                if key[:2] == ("incidence", result.name) and "|" not in str(key[4])
            }
            assert theirs == mine.counts
            assert {k: d for k, d in partial.first.items() if k[1] == result.name} == mine.first
            assert {k: d for k, d in partial.last.items() if k[1] == result.name} == mine.last


@QUICK
@given(case=cases())
def test_strata_of_rates_add_up_to_the_whole(case: Case) -> None:
    """Features are told of everybody; who enters in no period is in the whole only."""
    partial = evaluate(case.study, case.rows, case.concepts)
    features = {one.label for one in case.study.strata if isinstance(one, ByEvents)}
    for result in (one for one in case.study.results if isinstance(one, Denominators)):
        for names in result.strata:
            strata = [
                one.label
                for one in case.study.strata_of(result)
                if tuple(name for name, _ in one.levels) == names
            ]
            for (*start, interval, what), number in _of_whole(result, partial):
                told = sum(
                    partial.counts.get((*start, stratum, interval, what), 0) for stratum in strata
                )
                assert told == number if {*names} <= features else told <= number


def _of_whole(asked: Denominators, partial: Partial) -> list[tuple[Key, int]]:
    """The counts of a rate that are of no stratum."""
    kind = "incidence" if isinstance(asked, Incidence) else "prevalence"
    return [
        (key, number)
        for key, number in partial.counts.items()
        if key[:2] == (kind, asked.name) and "|" not in str(key[4])
    ]


def _day_by_day(asked: Incidence, person: dict[str, Any], case: Case) -> Partial:
    """Walk the calendar: on each day, ask whether the person is at risk and has an outcome."""
    if person["gender_concept_id"] not in (8507, 8532) or person["year_of_birth"] is None:
        return Partial()
    sex = Sex.MALE if person["gender_concept_id"] == 8507 else Sex.FEMALE
    observed, began = _observed_days(person, case)
    outcome_days, starts = _outcome_days(asked, person, case, observed, began)
    counts: Counter[Key] = Counter()
    first: dict[Key, date] = {}
    last: dict[Key, date] = {}
    for group in asked.age_groups:
        last_outcome: date | None = None
        had_event = False
        for day in sorted(observed | set(outcome_days)):
            clean = last_outcome is None or (
                asked.washout is not None and (day - last_outcome).days > asked.washout
            )
            eligible = (
                day in observed
                and (day not in outcome_days or day in starts)
                and (day - began[day]).days >= asked.prior_observation
                and (asked.start is None or asked.start <= day)
                and (asked.end is None or day <= asked.end)
                and group.minimum <= _age(person, day) <= group.maximum
            )
            if eligible and clean and not had_event:
                event = day in starts
                had_event = event and not asked.repeated
                for label in (Sex.BOTH, sex):
                    if label in asked.sexes:
                        key: Key = ("incidence", asked.name, label.value, group.label)
                        first[key] = min(first.get(key, day), day)
                        last[key] = max(last.get(key, day), day)
                        for interval in asked.intervals:
                            at = label_of(interval, day)
                            counts[(*key, at, "persons")] = 1
                            counts[(*key, at, "days")] += 1
                            counts[(*key, at, "events")] += event
            if day in outcome_days:
                last_outcome = day
    return Partial({key: n for key, n in counts.items() if n}, first, last)


def _age(person: dict[str, Any], day: date) -> int:
    birthday = (person["month_of_birth"] or 1, person["day_of_birth"] or 1)
    return int(day.year - person["year_of_birth"] - ((day.month, day.day) < birthday))


def _days(start: date, end: date) -> list[date]:
    return [start + timedelta(n) for n in range((end - start).days + 1)]


def _observed_days(person: dict[str, Any], case: Case) -> tuple[set[date], dict[date, date]]:
    """Every observed day, and the first day of the period it lies in."""
    began: dict[date, date] = {}
    rows: list[tuple[date, date]] = [
        (row["observation_period_start_date"], row["observation_period_end_date"])
        for row in case.rows["observation_period"]
        if row["person_id"] == person["person_id"]
    ]
    for start, end in sorted(row for row in rows if row[0] <= row[1]):
        origin = began.get(start, start)
        for day in _days(start, end):
            began.setdefault(day, origin)
    return set(began), began


def _outcome_days(
    asked: Incidence,
    person: dict[str, Any],
    case: Case,
    observed: set[date],
    began: dict[date, date],
) -> tuple[set[date], set[date]]:
    """Days on which an outcome is present, and those on which one begins."""
    assert isinstance(asked.outcome, Events)
    table = EVENT_TABLES[asked.outcome.table]
    concepts = case.concepts[asked.outcome.concepts]
    spans = []
    for row in case.rows[table.name]:
        if row["person_id"] == person["person_id"] and row[table.concept] in concepts:
            start = row[table.start]
            end = (row[table.end] if table.end else None) or start
            if start in observed:
                day = start
                while day < end and began.get(day + timedelta(1)) == began[start]:
                    day += timedelta(1)
                spans.append((start, day))
    present = {day for start, end in spans for day in _days(start, end)}
    starts = {start for start, _ in spans if not any(s < start <= e for s, e in spans)}
    return present, starts
