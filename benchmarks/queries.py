"""The three questions of the benchmarks as the kernel asks them of a bucket; and a whole study.

``questions.py`` says what they are. A person's place in the bucket and the day make one ascending
number (``runs.definition_tables``), which files in order of person and day give without sorting; a
file that is not known to be is put in order first.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl

from laennec.core.progress import Quiet
from laennec.runs.definition_tables import LINE, People, changes, in_order, whole
from laennec.runs.definition_values import Whole
from laennec.runs.kernel_history import days
from laennec.runs.local import run
from laennec.runs.plan import Plan, plan_study
from laennec.runs.ports import BucketSource
from laennec.study.model import (
    AgeGroup,
    Characteristics,
    Cohort,
    ConceptItem,
    ConceptSet,
    Counts,
    Covariate,
    CumulativeIncidence,
    Events,
    HasEvents,
    Incidence,
    Sex,
    Study,
    Window,
)
from questions import DRUGS, FIRST, JOINED, OUTCOMES, PER_CONCEPT, WITHIN, Answer

BucketQuestion = Callable[[BucketSource, int], Answer]


def among(column: str, concepts: frozenset[int]) -> pl.Expr:
    """As ``laennec.runs.kernel_history`` writes it."""
    return pl.col(column).is_in(pl.lit(pl.Series([sorted(concepts)], dtype=pl.List(pl.Int64))))


def persons_per_concept(source: BucketSource, bucket: int) -> Answer:
    """Rows by concept, kept in order of person: a person counts where the person changes."""
    columns = ["person_id", "condition_concept_id"]
    rows = _by_person(source.read("condition_occurrence", bucket, columns=columns, where=None))
    concept = whole(rows["condition_concept_id"])
    lowest = int(concept.min())
    code = (concept - lowest).astype(np.uint16 if np.ptp(concept) < 2**16 else np.int64)
    order = np.argsort(code, kind="stable")
    code, person = code[order], whole(rows["person_id"])[order]
    counts = np.bincount(code[changes(code) | changes(person)])
    there = np.flatnonzero(counts)
    return {str(lowest + one): int(counts[one]) for one in there.tolist()}


def first_events(source: BucketSource, bucket: int) -> Answer:
    columns = [
        "person_id",
        "condition_start_date",
        "condition_occurrence_id",
        "condition_concept_id",
        "condition_end_date",
    ]
    rows = source.read("condition_occurrence", bucket, columns=columns, where=None)
    if not source.ordered("condition_occurrence", bucket):
        rows = rows.sort(columns[:3])
    first = rows.filter(pl.Series(changes(whole(rows["person_id"]))))
    return {
        "persons": first.height,
        "days": int(_days(first["condition_start_date"]).sum()),
        "ends": int(_days(first["condition_end_date"]).sum()),
        "concepts": int(whole(first["condition_concept_id"]).sum()),
        "identifiers": int((whole(first["condition_occurrence_id"]) & 0xFFFFF).sum()),
    }


def outcome_within_30_days(source: BucketSource, bucket: int) -> Answer:
    columns = ["person_id", "gender_concept_id", "year_of_birth"]
    persons = source.read("person", bucket, columns=columns, where=None).sort("person_id")
    people = People(whole(persons["person_id"]), persons)
    exposed, exposures = _line(source, bucket, people, "drug_exposure", "drug", DRUGS)
    _, outcomes = _line(source, bucket, people, "condition_occurrence", "condition", OUTCOMES)
    first = np.searchsorted(outcomes, exposures, side="left")
    some = np.flatnonzero(np.append(outcomes, np.iinfo(np.int64).max)[first] <= exposures + WITHIN)
    last = np.searchsorted(outcomes, exposures[some] + WITHIN, side="right")
    pairs = np.bincount(exposed[some], weights=last - first[some], minlength=people.ids.size)
    found = persons.with_columns(pairs=pl.Series(pairs.astype(np.int64))).filter(
        pl.col("pairs") > 0
    )
    by = ["gender_concept_id", pl.col("year_of_birth") // 10 * 10]
    answer: Answer = {}
    for sex, decade, total, having in found.group_by(by).agg(pl.sum("pairs"), pl.len()).iter_rows():
        answer[f"pairs {sex} {decade}"] = total
        answer[f"persons {sex} {decade}"] = having
    return answer


def _line(
    source: BucketSource,
    bucket: int,
    people: People,
    table: str,
    domain: str,
    concepts: frozenset[int],
) -> tuple[Whole, Whole]:
    """Persons and places on the line of the rows of some concepts, ascending."""
    start = f"{table.replace('_occurrence', '')}_start_date"
    where = among(f"{domain}_concept_id", concepts)
    rows = source.read(table, bucket, columns=["person_id", start], where=where)
    person = people.numbers(rows["person_id"])
    line = person * LINE + _days(rows[start])
    order = in_order(line)
    return (person, line) if order is None else (person[order], line[order])


def _by_person(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows in order of person, as they lie in a sealed file."""
    return rows if rows["person_id"].is_sorted() else rows.sort("person_id")


def _days(dates: pl.Series) -> Whole:
    return whole(dates.to_frame().select(days(dates.name)).to_series())


QUESTIONS: Mapping[str, BucketQuestion] = {
    PER_CONCEPT: persons_per_concept,
    FIRST: first_events,
    JOINED: outcome_within_30_days,
}


def over_buckets(question: BucketQuestion, source: BucketSource, workers: int) -> Answer:
    """Ask every bucket and add the answers."""
    total: Counter[str] = Counter()
    with ThreadPoolExecutor(workers) as pool:
        for answer in pool.map(lambda bucket: question(source, bucket), source.buckets()):
            total.update(answer)
    return dict(total)


def whole_study(plan: Plan, source: BucketSource, workers: int) -> Answer:
    """Run a product study; the answer is its counts."""
    with Quiet().task("buckets") as progress:
        partial = run(plan, source, workers=workers, progress=progress)
    return {repr(key): number for key, number in partial.counts.items()}


def example_plan() -> Plan:
    """New users of the drugs: attrition, characteristics, incidence by age and sex, survival."""
    drug = Events(table="drug_exposure", concepts="drug")
    outcome = Events(table="condition_occurrence", concepts="outcome")
    before, year_before = Window(end=-1), Window(start=-365, end=-1)
    ages = tuple(AgeGroup(minimum=a, maximum=b) for a, b in ((0, 17), (18, 64), (65, 150)))
    study = Study(
        name="benchmark",
        title="New users and their outcomes",
        concept_sets={
            name: ConceptSet(items=(ConceptItem(concept_id=1),)) for name in ("drug", "outcome")
        },
        cohorts=(
            Cohort(
                name="new_users",
                entry=drug,
                prior_observation=365,
                criteria=(
                    HasEvents(
                        name="no_outcome", events=outcome, window=year_before, at_least=0, at_most=0
                    ),
                ),
            ),
        ),
        results=(
            Counts(name="flow", cohorts=("new_users",)),
            Characteristics(
                name="baseline",
                cohorts=("new_users",),
                age_groups=ages,
                covariates=(Covariate(name="ever_before", events=outcome, window=before),),
            ),
            Incidence(
                name="rates",
                outcome=outcome,
                washout=365,
                repeated=True,
                sexes=(Sex.BOTH, Sex.FEMALE, Sex.MALE),
                age_groups=(AgeGroup(minimum=0, maximum=150), *ages),
                prior_observation=365,
            ),
            CumulativeIncidence(
                name="curve",
                cohorts=("new_users",),
                outcome=outcome,
                washout=365,
                horizon=365,
                step=30,
            ),
        ),
    )
    return plan_study(study, {"drug": DRUGS, "outcome": OUTCOMES})
