"""What one bucket of persons answers: whole numbers that add up.

Every person is in one bucket, so a count of persons, days or events over all buckets is the sum of
the buckets' counts. A ``Partial`` holds such counts under keys, and the first and last days seen,
which merge by minimum and maximum. Merging is associative, commutative and exact: the same result
on one core, many cores, a cluster, or over several hubs. Estimates are made from the merged partial
only (``study.estimates``).

Keys (``study.reference`` gives each its meaning; ``result`` is a name in the study, ``cohort`` one
too or, but for attrition, the label of a stratum, ``model.Stratum.label``):

==================================================================  ==============================
key in ``counts``                                                   counts
==================================================================  ==============================
``("attrition", cohort, step)``                                     persons left after step 0, 1, …
``("records", cohort)``                                             stays in a definition's cohort
``("members", stratum)``                                            persons in a stratum
``("sex", result, cohort, sex)``                                    persons of a characteristics
``("age", result, cohort, years)``                                  persons
``("prior_observation", result, cohort, days)``                     persons
``("future_observation", result, cohort, days)``                    persons
``("covariate", result, cohort, covariate)``                        persons who have it
``("incidence", result, sex, age_group, interval, "persons")``      persons at risk; a rate has the
                                                                    label of a stratum before the
                                                                    interval, if it is of one
``("incidence", result, sex, age_group, interval, "days")``         days at risk
``("incidence", result, sex, age_group, interval, "events")``       outcomes
``("cohort_incidence", result, cohort, age, sex, year, what)``       ``what`` names, as published:
                                                                    persons, days or outcomes
``("rate_attrition", result, step)``                                persons left after a step common
                                                                    to all analyses of a rate
``("rate_attrition", result, sex, age_group, step)``                … after a step of one analysis
``("prevalence", result, sex, age_group, interval, what)``          ``"denominator"``: persons (or
                                                                    stretches) looked at;
                                                                    ``"outcomes"``: of these, with
                                                                    the outcome
``("survival", result, cohort, day, "events")``                     persons with outcome that day
``("survival", result, cohort, day, "competing")``                  … with a competing outcome
``("survival", result, cohort, day, "censored")``                   persons last seen that day
``("survival_left_out", result, cohort, why)``                      members who are not followed
``("overlap", result, cohort, cohort)``                              persons in both
``("timing_persons", result, cohort, cohort)``                       persons in both
``("timing", result, cohort, cohort, days)``                         pairs of entries
``("pathway", result, cohort, path)``                                persons with that pathway
``("pathway_days", result, cohort, path, days)``                    persons whose last step of the
                                                                    start of a pathway has so many
                                                                    days
``("large_scale_observed", result, cohort, window)``                persons observed in a window
``("large_scale", result, table, type, cohort, window, concept)``   persons with a record
==================================================================  ==============================

``window`` is the place of a window in its result, from 0.
``interval`` is a label of ``core.calendars``; ``sex`` and ``age_group`` are labels. ``first`` and
``last`` hold, under ``("incidence", result, sex, age_group)``, the first and last day at risk, and
likewise for ``"prevalence"`` those on which anybody is looked at. Zero counts are left out, so
equal partials compare equal.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

Key = tuple[str | int, ...]


@dataclass(frozen=True)
class Partial:
    """Counts, first days and last days, each under a key; see the module for the keys."""

    counts: Mapping[Key, int] = field(default_factory=dict)
    first: Mapping[Key, date] = field(default_factory=dict)
    last: Mapping[Key, date] = field(default_factory=dict)


def merge(partials: Iterable[Partial]) -> Partial:
    """Add counts, take the earliest first day and the latest last day; nothing gives nothing."""
    counts: Counter[Key] = Counter()
    first: dict[Key, date] = {}
    last: dict[Key, date] = {}
    for partial in partials:
        for key, number in partial.counts.items():
            counts[key] += number
        for key, day in partial.first.items():
            first[key] = min(day, first.get(key, day))
        for key, day in partial.last.items():
            last[key] = max(day, last.get(key, day))
    return Partial({key: number for key, number in counts.items() if number}, first, last)
