"""Running a study: resolve its concepts, plan, evaluate every bucket, and keep the result sealed.

What a run computes is not yet fit to leave: it holds small counts. It is kept in a vault of its
own, apart from the warehouse, until ``airlock`` releases what disclosure control lets through.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from laennec import __version__
from laennec.core.clock import Clock, timestamp
from laennec.core.errors import ConflictError, NotFoundError
from laennec.core.log import Message, say
from laennec.core.progress import Reporter
from laennec.ledger.service import Ledger
from laennec.omop.summarised_result import SummarisedResult, from_csv, to_csv
from laennec.runs.engines import Engine, LocalEngine
from laennec.runs.explain import Explanation, explain
from laennec.runs.plan import Plan, plan_study
from laennec.study.estimates import NO_NAMES, summarise
from laennec.study.estimates_large_scale import large_scale_concepts
from laennec.study.model import Study
from laennec.vault.manifest import SealedDocument
from laennec.vault.service import Vault
from laennec.warehouse.service import View, Warehouse

RUN_FINISHED = "study:run:finish"
"""Event of a run whose result is kept."""

UNKNOWN_SETS = "concept_sets_unknown"
"""Setting of a result that names the concept sets of which the vocabulary had no concept."""

_KIND = "run:"
_ATTEMPTS = 20


@dataclass(frozen=True)
class RunRecord:
    """One finished run.

    Attributes:
        run: Its name.
        study: Name of the study.
        study_sha256: Digest of the study's canonical form.
        snapshot: Snapshot of the warehouse it read.
        made_at: RFC 3339.
        rows: Estimates computed.
        unknown_sets: Concept sets of which the vocabulary had no concept.
    """

    run: str
    study: str
    study_sha256: str
    snapshot: int
    made_at: str
    rows: int
    unknown_sets: tuple[str, ...] = ()


@dataclass(frozen=True)
class StudyCheck:
    """What a study would read.

    Attributes:
        concepts: Number of concepts of each concept set in this vocabulary.
        plan: The plan, for printing.
        snapshot: The snapshot it was checked against.
        unknown_sets: Concept sets of which the vocabulary has no concept.
    """

    concepts: Mapping[str, int]
    plan: Plan
    snapshot: int
    unknown_sets: tuple[str, ...] = ()


class Runs:
    """Checks and runs studies on one warehouse, and keeps their results."""

    def __init__(
        self,
        warehouse: Warehouse,
        results: Vault,
        ledger: Ledger,
        *,
        cdm_name: str,
        workers: int,
        clock: Clock,
        reporter: Reporter,
    ) -> None:
        self._warehouse, self._results, self._ledger = warehouse, results, ledger
        self._cdm_name, self._workers = cdm_name, workers
        self._clock, self._reporter = clock, reporter

    def check(self, study: Study, *, snapshot: int | None = None) -> StudyCheck:
        """Resolve and plan a study without reading a person's row.

        Raises:
            NotFoundError: the warehouse has no persons, or no such snapshot.
            VocabularyError: the warehouse has no vocabulary, or one without a concept of any set.
        """
        view = self._warehouse.loaded_view(snapshot)
        concepts, unknown = _resolve(study, view)
        sizes = {name: len(ids) for name, ids in concepts.items()}
        return StudyCheck(sizes, plan_study(study, concepts), view.snapshot.number, unknown)

    def explain(self, study: Study, *, snapshot: int | None = None) -> Explanation:
        """Tell what a run of a study would do, without opening a file of persons.

        Raises:
            NotFoundError, VocabularyError: as ``check``.
        """
        view = self._warehouse.loaded_view(snapshot)
        concepts, unknown = _resolve(study, view)
        return explain(
            plan_study(study, concepts),
            snapshot=view.snapshot.number,
            buckets=len(view.buckets()),
            files=view.snapshot.manifest.files,
            unknown_sets=unknown,
        )

    def run(
        self, study: Study, *, snapshot: int | None = None, engine: Engine | None = None
    ) -> RunRecord:
        """Run a study and keep its result.

        Args:
            study: What is asked.
            snapshot: Which to read; the newest by default.
            engine: What computes; threads of this process by default.

        Raises:
            NotFoundError, VocabularyError: as ``check``.
            EngineError: the computation failed.
            IntegrityError: the warehouse is not what was sealed.
        """
        view = self._warehouse.loaded_view(snapshot)
        concepts, unknown = _resolve(study, view)
        plan = plan_study(study, concepts)
        engine = engine or LocalEngine(self._workers)
        with self._reporter.task(f"running {study.name}", total=len(view.buckets())) as task:
            partial = engine.evaluate(plan, view, progress=task)
        counted = large_scale_concepts(partial)
        result = summarise(
            study,
            partial,
            cdm_name=self._cdm_name,
            names=view.concept_names(counted) if counted else NO_NAMES,
            settings={
                "snapshot_id": str(view.snapshot.number),
                "snapshot_sha256": view.snapshot.digest,
                "vocabulary_version": view.vocabulary_version,
                **({UNKNOWN_SETS: "; ".join(unknown)} if unknown else {}),
            },
        )
        record = RunRecord(
            run=f"run-{secrets.token_hex(4)}",
            study=study.name,
            study_sha256=study.digest(),
            snapshot=view.snapshot.number,
            made_at=timestamp(self._clock()),
            rows=len(result.rows),
            unknown_sets=unknown,
        )
        self._keep(record, study, result)
        say(Message.RAN, run=record.run, snapshot=record.snapshot, estimates=record.rows)
        return record

    def names(self) -> frozenset[str]:
        """Return the name of every run whose result is kept."""
        return run_names(self._results)

    def records(self) -> tuple[RunRecord, ...]:
        """Return every run, the oldest first."""
        found = [self._open(one)[0] for one in self._documents().values()]
        return tuple(sorted(found, key=lambda one: (one.made_at, one.run)))

    def result(self, run: str) -> tuple[RunRecord, Study, SummarisedResult]:
        """Return a run with its study and its result, small counts included.

        Raises:
            NotFoundError: there is no such run.
            IntegrityError: it is not what was sealed.
        """
        document = self._documents().get(run)
        if document is None:
            raise NotFoundError(
                f"There is no run {run}.",
                remedy="`laennec status` lists the runs; `laennec study run` makes one.",
            )
        return self._open(document)

    def _keep(self, record: RunRecord, study: Study, result: SummarisedResult) -> None:
        body = json.dumps(
            {
                "record": asdict(record),
                "study": study.model_dump(mode="json"),
                "result": to_csv(result),
            }
        ).encode()
        document = self._results.seal_document(body, kind=_KIND + record.run)
        for attempt in range(_ATTEMPTS):
            base = self._results.snapshot()
            manifest = base.manifest.replace(documents=(*base.manifest.documents, document))
            try:
                self._results.commit(base, manifest)
                break
            except ConflictError:
                if attempt == _ATTEMPTS - 1:
                    raise
        self._ledger.append(
            RUN_FINISHED,
            public={
                "run": record.run,
                "snapshot": record.snapshot,
                "study": record.study,
                "study_sha256": record.study_sha256,
                "program_version": __version__,
            },
            private={"result": body},
        )

    def _documents(self) -> Mapping[str, SealedDocument]:
        return _kept(self._results)

    def _open(self, document: SealedDocument) -> tuple[RunRecord, Study, SummarisedResult]:
        body = json.loads(self._results.open_document(document))
        told = body["record"]
        record = RunRecord(**{**told, "unknown_sets": tuple(told.get("unknown_sets", ()))})
        study = Study.model_validate(body["study"])
        return record, study, from_csv(body["result"], name=record.run)


def run_names(results: Vault) -> frozenset[str]:
    """Return the name of every run whose result is kept in this vault."""
    return frozenset(_kept(results))


def _kept(results: Vault) -> Mapping[str, SealedDocument]:
    documents = results.snapshot().manifest.documents
    return {one.kind.removeprefix(_KIND): one for one in documents if one.kind.startswith(_KIND)}


def _resolve(study: Study, view: View) -> tuple[Mapping[str, frozenset[int]], tuple[str, ...]]:
    """Return the concepts of each set, and the sets of which the vocabulary has none."""
    sets = {name: one.items for name, one in study.concept_sets.items()}
    unknown = view.unknown_sets(sets)
    return view.concepts(sets), unknown
