"""Studies on a real Spark cluster, a master and two workers: the same results, whatever happens."""

import os
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from fakes.cli_shell import Cli, packaged
from fakes.compute_tasks import SECRET, TEST_KEY, Question, Steps, ask_all, leak
from fakes.spark_runs import BUCKETS, run_here, run_there
from generative.definition_strategies import DefinitionCase, definition_cases
from generative.study_strategies import Case, cases
from generative.test_runs_definitions import study_of
from laennec.app.hub import open_hub
from laennec.app.study_runs import remote_engine
from laennec.compute.spark import SparkExecutor
from laennec.core.clock import system_clock
from laennec.core.errors import EngineError, IntegrityError
from laennec.core.progress import Quiet
from laennec.runs.partial_arrow import from_arrow
from laennec.runs.plan import plan_study
from laennec.runs.remote import _place
from laennec.study.files import read_study
from laennec.study.model import ConceptItem, ConceptSet, Result
from laennec.study.partials import Partial, merge
from laennec.study.reference import evaluate
from laennec.vault.sealed_bytes import open_sealed
from parts.spark import Cluster
from spec.spec_case import CONCEPTS
from spec.test_study_spec import CASES

# py4j leaves its sockets to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

TIMES = int(os.environ.get("LAENNEC_EXAMPLES", "1"))


def test_the_result_that_is_kept_is_the_same(
    spark: tuple[Cluster, SparkExecutor], stocked: Cli, tmp_path: Path
) -> None:
    cli = stocked.copy(tmp_path / "hub")
    study = packaged("celecoxib.toml", tmp_path)
    here = cli.ok("study", "run", study, quiet=True).strip()
    with open_hub(cli.folder, clock=system_clock, reporter=Quiet()) as hub:
        engine = remote_engine(hub, cli.folder, spark[1])
        there = hub.runs().run(read_study(study), engine=engine).run
        results = [hub.runs().result(run)[2] for run in (here, there)]
    assert results[0].rows == results[1].rows
    assert results[0].settings == results[1].settings


def test_a_set_without_a_concept_in_the_vocabulary_finds_nothing_there_either(
    spark: tuple[Cluster, SparkExecutor], stocked: Cli, tmp_path: Path
) -> None:
    cli = stocked.copy(tmp_path / "hub")
    asked = read_study(packaged("celecoxib.toml", tmp_path))
    unknown = ConceptSet(items=(ConceptItem(concept_id=1_999_999_001, descendants=True),))
    name = asked.events()[-1].concepts
    study = asked.model_copy(update={"concept_sets": {**asked.concept_sets, name: unknown}})
    with open_hub(cli.folder, clock=system_clock, reporter=Quiet()) as hub:
        engine = remote_engine(hub, cli.folder, spark[1])
        records = [hub.runs().run(study), hub.runs().run(study, engine=engine)]
        here, there = (hub.runs().result(one.run)[2] for one in records)
    assert [one.unknown_sets for one in records] == [(name,), (name,)]
    assert here == there


def test_every_bucket_is_counted(spark: tuple[Cluster, SparkExecutor], stocked: Cli) -> None:
    steps = Steps()
    there = run_there(stocked, spark[1], steps)
    assert there == run_here(stocked)
    assert there.counts
    assert steps.done == BUCKETS


def _random(strategy: Any, count: int) -> list[Any]:
    found: list[Any] = []

    @settings(
        max_examples=count * TIMES,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(strategy)
    def collect(case: Any) -> None:
        found.append(case)

    collect()
    return found


def _question(case: Case) -> Question:
    return Question(case.study, case.rows, case.concepts)


def _of_definition(case: DefinitionCase) -> Question:
    return Question(study_of(case), case.rows, case.concepts)


def _opened(question: Question, answers: list[tuple[tuple[int, ...], bytes]]) -> Partial:
    plan = plan_study(question.study, question.concepts).to_json()
    return merge(
        from_arrow(
            open_sealed(sealed, key=TEST_KEY.key, place=_place(plan, buckets), name="answer")
        )
        for buckets, sealed in answers
    )


def test_studies_agree_with_the_reference(spark: tuple[Cluster, SparkExecutor]) -> None:
    """Every case of the spec, random studies and random definitions, inside Python workers."""
    questions = [
        *(Question(case.study, case.rows, CONCEPTS) for case in CASES),
        *map(_question, _random(cases(), 60)),
        *map(_of_definition, _random(definition_cases(ties=True), 30)),
    ]
    parts = [questions[start::8] for start in range(8)]
    found = dict(spark[1].map(ask_all, list(enumerate(parts))))
    for number, part in enumerate(parts):
        for question, answers in zip(part, found[number], strict=True):
            concepts = plan_study(question.study, question.concepts).concepts
            expected = evaluate(question.study, question.rows, concepts)
            assert _opened(question, answers) == expected, question.study
    kinds = {one.kind for question in questions for one in question.study.results}
    known = {one.model_fields["kind"].default for one in get_args(get_args(Result)[0])}
    assert kinds == known


def test_an_interrupted_run_leaves_nothing_running(
    spark: tuple[Cluster, SparkExecutor], stocked: Cli
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_there(stocked, spark[1], Steps(interrupt))
    assert _active_jobs(spark[1]) == []
    assert run_there(stocked, spark[1], Steps()) == run_here(stocked)


def test_an_altered_bucket_is_told_as_ours_and_stops_the_job(
    spark: tuple[Cluster, SparkExecutor], stocked: Cli, tmp_path: Path
) -> None:
    cli = stocked.copy(tmp_path / "hub")
    packaged("celecoxib.toml", tmp_path)
    with open_hub(cli.folder, clock=system_clock, reporter=Quiet()) as hub:
        file = hub.warehouse.view().files("person")[BUCKETS // 2]
    sealed = cli.folder / "store" / "warehouse" / file.object
    body = bytearray(sealed.read_bytes())
    body[-20] ^= 1  # of the footer, which every read needs
    sealed.write_bytes(body)
    steps = Steps()
    with pytest.raises(IntegrityError, match=file.object):
        run_there(cli, spark[1], steps)
    assert 0 < steps.done < BUCKETS
    assert _active_jobs(spark[1]) == []


def test_what_a_library_says_goes_nowhere(spark: tuple[Cluster, SparkExecutor]) -> None:
    with pytest.raises(EngineError, match="KeyError") as caught:
        list(spark[1].map(leak, [0, 1]))
    assert SECRET not in str(caught.value)
    said = spark[0].said()
    assert b"Running task" in said
    assert SECRET.encode() not in said


def _active_jobs(executor: SparkExecutor) -> list[int]:
    return list(executor._context.statusTracker().getActiveJobsIds())
