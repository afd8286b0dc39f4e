"""Reference page of what a study means by example: the cases of ``tests/spec``, laid out.

Every case shown here is a test that runs on every engine; the page cannot say anything else.
"""

from collections.abc import Iterator, Mapping, Set
from datetime import date

from tools.markdown import code, generated, table
from tools.study_toml import block

from laennec.study.estimates_cohorts import step_reasons
from laennec.study.model import AnyCohort, Cohort, Frozen
from spec import pathway_cases
from spec.spec_case import CONCEPTS, Row, SpecCase, users
from spec.test_study_spec import CHAPTERS

_HEAD = """\
The rules of the [study language](study-language.md), each with small tables in and the numbers
that must come out, worked out by hand. Each case is a test that runs on every engine. The rules in
words, and where they come from, are in [what a study means](study-semantics.md). What the parts of
definitions mean is shown in the same way in [a page of their own](circe-semantics.md#examples). A
test holds that every field, kind and operation of the language has a case.

In every case the concept sets are {concepts}. The cohort `users`, unless shown otherwise, is

```toml
{users}
```

A field that is not shown has its default. An empty cell is a missing value.
"""

_STEPS = ("has an entry event", "is observed on the entry day", "has the prior observation")
_MEASURES = {
    "incidence": ("persons", "days", "events"),
    "cohort_incidence": (
        "persons_at_risk_pe",
        "persons_at_risk",
        "persons_excluded_days",
        "person_days_pe",
        "person_days",
        "person_outcomes_pe",
        "person_outcomes",
        "outcomes_pe",
        "outcomes",
    ),
    "prevalence": ("denominator", "outcomes"),
    "survival": ("events", "competing", "censored"),
}
_COLUMNS = {
    "incidence": ("sex", "age group", "interval"),
    "cohort_incidence": ("cohort", "age group", "sex", "start year"),
    "prevalence": ("sex", "age group", "interval"),
    "rate_attrition": ("sex", "age group", "step"),
    "survival": ("day",),
    "survival_left_out": ("left out for",),
    "members": (),
    "records": (),
    "sex": ("sex",),
    "age": ("age",),
    "prior_observation": ("days of prior observation",),
    "future_observation": ("days of future observation",),
    "covariate": ("covariate",),
    "large_scale": ("table", "type", "cohort", "window", "concept"),
    "large_scale_observed": ("cohort", "window"),
    "overlap": ("cohort", "other cohort"),
    "timing": ("cohort", "other cohort", "days between entries"),
    "timing_persons": ("cohort", "other cohort"),
    "pathway": ("pathway",),
    "pathway_days": ("start of pathway", "days of its last step"),
}
# Parts of a key after its kind that name results and cohorts, the same all through a case.
_NAMES = {
    "incidence": 1,
    "cohort_incidence": 1,
    "prevalence": 1,
    "members": 1,
    "rate_attrition": 1,
    "records": 1,
    "large_scale": 1,
    "large_scale_observed": 1,
    "overlap": 1,
    "timing": 1,
    "timing_persons": 1,
}
_NAMES_OTHERWISE = 2
_OF_STRATA = frozenset(
    {
        "members",
        "survival",
        "survival_left_out",
        "sex",
        "age",
        "covariate",
        "pathway",
        "pathway_days",
    }
)
_RATES = ("incidence", "prevalence")
"""Kinds of which a stratum stands before the interval, and the whole has none."""
_SHARED = {"Treatment pathways": pathway_cases.COHORTS}
"""Cohorts that every case of a chapter takes; they are shown once, at its start."""
_ESTIMATES = {
    len(heads): heads
    for heads in (
        ("group level", "variable", "estimate"),
        ("variable", "level", "estimate", "additional level"),
        ("stratum", "variable", "level", "estimate", "additional level"),
    )
}
"""What the parts of a place are, by their number."""


def cases_page() -> str:
    """Return the page of all cases, chapter by chapter."""
    sets = ", ".join(
        f"`{name}` ({', '.join(str(one) for one in sorted(ids))})" for name, ids in CONCEPTS.items()
    )
    head = _HEAD.format(concepts=sets, users=block("cohorts", users()))
    parts = [generated("Study cases", "tests/spec"), head]
    for chapter, cases in CHAPTERS.items():
        parts.append(f"## {chapter}\n")
        shared = _SHARED.get(chapter, ())
        if shared:
            written = "\n\n".join(block("cohorts", one) for one in shared)
            parts.append(f"These cohorts are in every case:\n\n```toml\n{written}\n```\n")
        parts += [_case(case, {one.name for one in shared}) for case in cases]
    return "\n".join(parts)


def _case(case: SpecCase, shared: Set[str]) -> str:
    parts = [f"### {case.name}\n"]
    parts += [_rows(name, rows) for name, rows in case.rows.items()]
    asked: list[tuple[str, Frozen]] = [("cohorts", one) for one in _special(case, shared)]
    asked += [("strata", one) for one in case.study.strata]
    asked += [("results", one) for one in case.study.results]
    written = "\n\n".join(block(kind, one) for kind, one in asked)
    parts.append(f"```toml\n{written}\n```\n")
    parts += list(_outcome(case))
    return "\n".join(parts)


def _special(case: SpecCase, shared: Set[str]) -> list[AnyCohort]:
    """The cohorts that the head of the page, or of the chapter, does not show."""
    known = [one for one in case.study.cohorts if one.name not in shared]
    return [one for one in known if one != users()]


def _rows(name: str, rows: tuple[Row, ...]) -> str:
    heads = (f"`{name}`", *list(rows[0])[1:])
    first = next(iter(rows[0]))
    lines = [[_cell(row[column]) for column in (first, *heads[1:])] for row in rows]
    return table((f"`{name}`: {first}", *heads[1:]), lines)


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _outcome(case: SpecCase) -> Iterator[str]:
    for kind in sorted(case.all_kinds()):
        counts = {key[1:]: n for key, n in case.expected.items() if key[0] == kind}
        if kind == "attrition":
            yield _attrition(case, counts)
        elif counts:
            yield _counts(kind, counts)
        else:
            yield f"Result: nobody is counted ({kind.replace('_', ' ')}).\n"
    for name, days in (("First", case.first), ("Last", case.last)):
        yield from (f"{name} day at risk: {day.isoformat()}.\n" for day in _days(days))
    if case.estimates:
        yield table(
            (*_ESTIMATES[len(next(iter(case.estimates)))], "value"),
            [
                (*(_cell(part) for part in place), "no such row" if value is None else value)
                for place, value in case.estimates.items()
            ],
        )


def _days(days: Mapping[tuple[str | int, ...], date]) -> list[date]:
    return list(days.values())


def _cohorts(case: SpecCase) -> tuple[Cohort, ...]:
    """The cohorts of a case; those defined as in ATLAS have a page of their own."""
    return tuple(one for one in case.study.cohorts if isinstance(one, Cohort))


def _attrition(case: SpecCase, counts: Mapping[tuple[str | int, ...], int]) -> str:
    lines = []
    for cohort in _cohorts(case):
        criteria = [f"meets {code([one.name])}" for one in cohort.criteria]
        for step, meaning in enumerate([*_STEPS, *criteria]):
            lines.append((step, meaning, counts.get((cohort.name, step), 0)))
    for one in case.study.definitions():
        lines += [
            (step, reason.lower(), counts.get((one.name, step), 0))
            for step, reason in enumerate(step_reasons(one))
        ]
    lines += [
        (0, f"stays in {code([made.name])}", counts.get((made.name, 0), 0))
        for made in case.study.combined()
    ]
    return table(("step", "who", "persons left"), lines)


def _counts(kind: str, counts: Mapping[tuple[str | int, ...], int]) -> str:
    """Return counts of one kind; those that differ in the last part only stand side by side."""
    columns, measures = _COLUMNS[kind], _MEASURES.get(kind)
    skip = _NAMES.get(kind, _NAMES_OTHERWISE)
    if kind in _OF_STRATA and any("|" in str(key[skip - 1]) for key in counts):
        columns, skip = ("cohort or stratum", *columns), skip - 1
    of_rate = kind in _RATES and any("|" in str(key[3]) for key in counts)
    if of_rate:
        columns = (*columns[:2], "stratum", *columns[2:])
    lines: dict[tuple[str | int, ...], dict[str | int, int]] = {}
    for key, number in counts.items():
        place, measure = (key[skip:-1], key[-1]) if measures else (key[skip:], "persons")
        if of_rate and len(place) < len(columns):
            place = (*place[:2], "", *place[2:])
        # Steps of a rate that are common to all analyses have no sex and no age group.
        place = (*[""] * (len(columns) - len(place)), *place)
        lines.setdefault(place, {})[measure] = number
    heads = measures or ("persons",)
    return table(
        (*columns, *heads),
        [
            (*(str(one).replace("|", ", ") for one in place), *(found.get(one, 0) for one in heads))
            for place, found in lines.items()
        ],
    )
