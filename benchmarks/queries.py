"""The three questions of the benchmarks, per bucket in Polars, and one whole study.

Each question answers with whole numbers, so that two engines or two kinds of file can be compared
to the last person.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import polars as pl

from buckets import FIRST_CONDITION, FIRST_DRUG
from laennec.core.progress import Quiet
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

Answer = dict[str, int]
BucketQuestion = Callable[[BucketSource, int], Answer]

OUTCOMES = frozenset(range(FIRST_CONDITION + 3, FIRST_CONDITION + 43))
"""About an eighth of the rows of ``condition_occurrence``."""
DRUGS = frozenset(range(FIRST_DRUG + 1, FIRST_DRUG + 21))
"""About a third of the rows of ``drug_exposure``."""


def among(column: str, concepts: frozenset[int]) -> pl.Expr:
    """As ``laennec.runs.kernel_history`` writes it."""
    return pl.col(column).is_in(pl.lit(pl.Series([sorted(concepts)], dtype=pl.List(pl.Int64))))


def outcomes(source: BucketSource, bucket: int) -> pl.DataFrame:
    where = among("condition_concept_id", OUTCOMES)
    columns = ["person_id", "condition_start_date"]
    return source.read("condition_occurrence", bucket, columns=columns, where=where)


def exposures(source: BucketSource, bucket: int) -> pl.DataFrame:
    where = among("drug_concept_id", DRUGS)
    columns = ["person_id", "drug_exposure_start_date"]
    return source.read("drug_exposure", bucket, columns=columns, where=where)


def persons_per_concept(source: BucketSource, bucket: int) -> Answer:
    columns = ["person_id", "condition_concept_id"]
    rows = source.read("condition_occurrence", bucket, columns=columns, where=None)
    found = rows.group_by("condition_concept_id").agg(pl.col("person_id").n_unique())
    return {str(concept): persons for concept, persons in found.iter_rows()}


def first_events(source: BucketSource, bucket: int) -> Answer:
    first = outcomes(source, bucket).group_by("person_id").agg(pl.col("condition_start_date").min())
    days = first["condition_start_date"].to_physical().cast(pl.Int64)
    return {"persons": first.height, "days": int(days.sum())}


def outcome_within_90_days(source: BucketSource, bucket: int) -> Answer:
    day = pl.col("drug_exposure_start_date")
    users = exposures(source, bucket).group_by("person_id").agg(day.min())
    after = (pl.col("condition_start_date") - day).dt.total_days()
    found = outcomes(source, bucket).join(users, on="person_id").filter(after.is_between(0, 90))
    return {"users": users.height, "with outcome": found["person_id"].n_unique()}


QUESTIONS: Mapping[str, BucketQuestion] = {
    "distinct persons per concept": persons_per_concept,
    "first event per person": first_events,
    "outcome within 90 days of new use": outcome_within_90_days,
}

SQL: Mapping[str, str] = {
    "distinct persons per concept": """
        SELECT condition_concept_id::VARCHAR, count(DISTINCT person_id)
        FROM condition_occurrence GROUP BY 1""",
    "first event per person": """
        WITH first AS (SELECT person_id, min(condition_start_date) AS day
                       FROM condition_occurrence WHERE condition_concept_id IN {outcomes}
                       GROUP BY 1)
        SELECT unnest(['persons', 'days']), unnest([count(*), sum(day - DATE '1970-01-01')])
        FROM first""",
    "outcome within 90 days of new use": """
        WITH users AS (SELECT person_id, min(drug_exposure_start_date) AS day
                       FROM drug_exposure WHERE drug_concept_id IN {drugs} GROUP BY 1),
             hits AS (SELECT DISTINCT person_id FROM users JOIN condition_occurrence
                      USING (person_id)
                      WHERE condition_concept_id IN {outcomes}
                      AND condition_start_date BETWEEN day AND day + 90)
        SELECT unnest(['users', 'with outcome']),
               unnest([(SELECT count(*) FROM users), (SELECT count(*) FROM hits)])""",
}
"""The same questions for DuckDB over whole tables; one row per name and number."""


def sql(question: str) -> str:
    return SQL[question].format(outcomes=tuple(sorted(OUTCOMES)), drugs=tuple(sorted(DRUGS)))


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
