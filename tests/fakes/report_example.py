"""A study of the shape of the demo, answered with made-up whole numbers, some of them small."""

import math
import random
from dataclasses import replace
from datetime import UTC, date, datetime

from laennec.omop.summarised_result import ResultRow, SummarisedResult
from laennec.report import Fact, Step, StudyReport
from laennec.study.estimates import summarise
from laennec.study.model import (
    AgeBetween,
    AgeGroup,
    Characteristics,
    Cohort,
    ConceptItem,
    ConceptSet,
    Counts,
    Covariate,
    CumulativeIncidence,
    Events,
    Incidence,
    Sex,
    Study,
    Window,
)
from laennec.study.partials import Key, Partial

COHORTS = ("celecoxib_new_users", "diclofenac_new_users")
CONDITIONS = ("osteoarthritis", "gastric_ulcer", "anticoagulant", "chronic_kidney_disease")
AGES = (
    AgeGroup(minimum=0, maximum=150),
    AgeGroup(minimum=18, maximum=44),
    AgeGroup(minimum=45, maximum=64),
    AgeGroup(minimum=65, maximum=150),
)
SEXES = (Sex.BOTH, Sex.FEMALE, Sex.MALE)
YEARS = range(1985, 2019)
THRESHOLD = 11
_BLEED = Events(table="condition_occurrence", concepts="gi_bleed")


def study() -> Study:
    """New users of two drugs: sizes, attrition, Table 1, bleeding rates and curves."""
    names = ("celecoxib", "diclofenac", "gi_bleed", *CONDITIONS)
    return Study(
        name="celecoxib_bleeding",
        title="Gastrointestinal bleeding in new users of celecoxib and diclofenac",
        concept_sets={
            name: ConceptSet(items=(ConceptItem(concept_id=n),)) for n, name in enumerate(names, 1)
        },
        cohorts=tuple(
            Cohort(
                name=name,
                entry=Events(table="drug_exposure", concepts=name.split("_")[0]),
                prior_observation=365,
                criteria=(AgeBetween(name="adult", minimum=18),),
            )
            for name in COHORTS
        ),
        results=(
            Counts(name="sizes", cohorts=COHORTS),
            Characteristics(
                name="who",
                cohorts=COHORTS,
                age_groups=AGES[1:],
                covariates=tuple(
                    Covariate(
                        name=name,
                        events=Events(table="condition_occurrence", concepts=name),
                        window=Window(end=-1),
                    )
                    for name in CONDITIONS
                ),
            ),
            Incidence(name="bleeding", outcome=_BLEED, sexes=SEXES, age_groups=AGES, washout=365),
            CumulativeIncidence(
                name="bleeding_after_entry", cohorts=COHORTS, outcome=_BLEED, horizon=365, step=30
            ),
        ),
    )


def raw_result(seed: int = 1) -> SummarisedResult:
    """Return the study's result before disclosure control; equal seeds give equal results."""
    dice = random.Random(seed)  # noqa: S311 - made-up numbers, no secret
    counts: dict[Key, int] = {}
    first: dict[Key, date] = {}
    last: dict[Key, date] = {}
    for name, size, hazard in zip(COHORTS, (1844, 852), (0.0007, 0.0005), strict=True):
        _cohort(counts, dice, name, size)
        _follow(counts, dice, name, size, hazard)
    for sex in SEXES:
        for group in AGES:
            key: Key = ("incidence", "bleeding", sex.value, group.label)
            first[key], last[key] = date(YEARS[0], 1, 1), date(YEARS[-1], 12, 31)
    for sex in SEXES[1:]:
        for group, persons in zip(AGES[1:], (1900, 1500, 900), strict=True):
            _rates(counts, dice, (sex, group), persons)
    partial = Partial(counts, first, last)
    return summarise(study(), partial, cdm_name="GiBleed", settings={"snapshot_id": "3"})


def _cohort(counts: dict[Key, int], dice: random.Random, name: str, size: int) -> None:
    for step, left in enumerate((size + 231, size + 109, size + 7, size)):
        counts[("attrition", name, step)] = left
    for sex, n in (("Female", size * 11 // 20), ("Male", size - size * 11 // 20 - 4), ("None", 4)):
        counts[("sex", "who", name, sex)] = n
    for _ in range(size):
        for kind, middle, spread in (
            ("age", 58, 11),
            ("prior_observation", 9000, 2500),
            ("future_observation", 3600, 900),
        ):
            value = max(18, round(dice.gauss(middle, spread)))
            key = (kind, "who", name, value)
            counts[key] = counts.get(key, 0) + 1
    for condition, share in zip(CONDITIONS, (0.62, 0.11, 0.003, 0.05), strict=True):
        counts[("covariate", "who", name, condition)] = int(size * share)


def _follow(
    counts: dict[Key, int], dice: random.Random, name: str, size: int, hazard: float
) -> None:
    for _ in range(size):
        event = -math.log(1 - dice.random()) / hazard
        gone = -math.log(1 - dice.random()) / 0.0015
        day = int(min(event, gone, 365))
        what = "events" if event < min(gone, 365) else "censored"
        key = ("survival", "bleeding_after_entry", name, day, what)
        counts[key] = counts.get(key, 0) + 1


def _rates(
    counts: dict[Key, int], dice: random.Random, who: tuple[Sex, AgeGroup], persons: int
) -> None:
    """Add one sex and age group to itself and to the totals it is part of."""
    everyone = {"persons": persons + 200, "days": 0, "events": 0}
    places = [(sex.value, ages.label) for sex in (SEXES[0], who[0]) for ages in (AGES[0], who[1])]
    for n, year in enumerate(YEARS):
        events = int(persons * dice.uniform(0.004, 0.008) * (0.4 + 3 * n / len(YEARS)))
        found = {"persons": persons + 3 * n, "days": 350 * persons + 11 * n, "events": events}
        everyone["days"] += found["days"]
        everyone["events"] += events
        for place in places:
            _add(counts, ("incidence", "bleeding", *place, year), found)
    for place in places:
        _add(counts, ("incidence", "bleeding", *place, "overall"), everyone)


def _add(counts: dict[Key, int], key: Key, found: dict[str, int]) -> None:
    for what, n in found.items():
        counts[(*key, what)] = counts.get((*key, what), 0) + n


def masked(result: SummarisedResult) -> SummarisedResult:
    """Hide small counts, and the estimates that share a place with one; not a real protection."""
    small = {
        _place(row)
        for row in result.rows
        if row.estimate_type == "integer"
        and row.estimate_name in {"count", "outcome_count", "n_events"}
        and 0 < int(row.estimate_value) < THRESHOLD
    }
    rows = tuple(
        replace(row, estimate_value="-")
        if row.variable_name not in {"Denominator", "Number at risk"}
        and (_place(row) in small or row.estimate_name in {"min", "max"})
        else row
        for row in result.rows
    )
    return SummarisedResult(rows, result.settings)


def short(result: SummarisedResult) -> SummarisedResult:
    """Return the result with two analyses of incidence only, which draws faster."""
    rates = [one.result_id for one in result.settings if one.result_type == "incidence"]
    settings = tuple(one for one in result.settings if one.result_id not in rates[2:])
    kept = {one.result_id for one in settings}
    return SummarisedResult(tuple(row for row in result.rows if row.result_id in kept), settings)


def _place(row: ResultRow) -> tuple[object, ...]:
    level = None if row.variable_name == "Cumulative incidence" else row.variable_level
    variable = "" if row.additional_name == "time" else row.variable_name
    return (row.result_id, row.group_level, variable, level, row.additional_level)


def report(result: SummarisedResult | None = None, *, title: str = "") -> StudyReport:
    """Return a report with a story and provenance around a result."""
    shown = masked(raw_result()) if result is None else result
    return StudyReport(
        title=title or study().title,
        description=(
            "In adults who start one of two anti-inflammatory drugs, how often does "
            "gastrointestinal bleeding follow, and who are they?"
        ),
        hub="Laennec demonstration hub",
        made_at=datetime(2026, 11, 23, 17, 53, tzinfo=UTC),
        result=shown,
        hidden=sum(row.estimate_value == "-" for row in shown.rows),
        steps=STEPS,
        provenance=PROVENANCE,
        threshold=THRESHOLD,
    )


STEPS = (
    Step(
        "Loaded",
        "The OMOP data set was read, checked field by field and cut into person buckets.",
        (Fact("Persons", "2,694"), Fact("Rows kept", "366,312"), Fact("Rows quarantined", "17")),
        good=True,
    ),
    Step(
        "Sealed",
        "Every file is encrypted; the host sees opaque objects.",
        (Fact("Objects", "214"), Fact("Readable bytes found", "0")),
        good=True,
    ),
    Step(
        "Computed",
        "The study ran bucket by bucket on two cores.",
        (Fact("Buckets", "16"), Fact("Estimates", "3,127")),
        good=True,
    ),
    Step(
        "Checked",
        "The disclosure profile france-11 hid what could point to few persons.",
        (Fact("Profile", "france-11 version 1"), Fact("Hidden", "412")),
        good=True,
    ),
    Step(
        "Released",
        "The checked result left the hub with an entry in the ledger.",
        (Fact("Ledger entry", "12"),),
        good=True,
    ),
    Step(
        "Proven",
        "Store, ledger and proof were verified again from their bytes.",
        (Fact("Objects verified", "214"), Fact("Witness", "none configured")),
        good=False,
    ),
)
PROVENANCE = (
    Fact("Snapshot", "3"),
    Fact("Study hash", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
    Fact("Vocabulary", "v5.0 18-JAN-19"),
    Fact("Disclosure profile", "france-11 version 1"),
    Fact("Ledger entry", "12"),
    Fact("Proof file", "celecoxib_bleeding.csv.tlog-proof"),
)
