"""What a run of a plan will do, told before it does it: steps in each bucket, and files it touches.

Nothing is opened: numbers of rows and bytes come from the manifest. What is told names tables,
columns, cohorts and results, and how many files of each table are read. It names no object of the
store, no key and no bucket. Where few files are read, their number is nearly that of the persons
with the concepts, and disclosure control has not seen it: an explanation is no output of the hub.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from laennec.runs.plan import Plan
from laennec.runs.scans import TableScan
from laennec.runs.skips import Skipped, skipped
from laennec.study.definition import Definition
from laennec.study.definition_parts import queries
from laennec.study.model import AnyCohort, Cohort, Combined, Result, cohorts_of
from laennec.vault.manifest import SealedFile


@dataclass(frozen=True)
class ReadTable:
    """One table of a plan, over all buckets.

    Attributes:
        table: CDM table.
        columns: Columns that are read.
        concepts: How many concepts are asked for; None when every row is.
        readers: How many queries of cohorts and results read it; none is what every study reads.
        files, bytes: Sealed files that are read, and what they hold in the store.
        skipped_files, skipped_bytes: Files that are not, since statistics tell that no row is asked
            for.
    """

    table: str
    columns: tuple[str, ...]
    concepts: int | None
    readers: int
    files: int
    bytes: int
    skipped_files: int
    skipped_bytes: int


@dataclass(frozen=True)
class Step:
    """What the kernel does in each bucket, in order.

    Attributes:
        kind: ``cohort``, or the kind of a result.
        name: Of the cohort or result.
        finds: Queries for events that this step is the first to need.
        reuses: Queries that an earlier step has answered.
        cohorts: Cohorts found before that it takes.
    """

    kind: str
    name: str
    finds: int
    reuses: int
    cohorts: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """A plan on one snapshot.

    Attributes:
        study: Name of the study.
        study_sha256: Digest of its canonical form.
        snapshot: Number of the snapshot.
        buckets: How many person buckets are evaluated.
        tables: What is read of each.
        steps: What is done in each bucket.
        unknown_sets: Concept sets of which the vocabulary has no concept.
    """

    study: str
    study_sha256: str
    snapshot: int
    buckets: int
    tables: tuple[ReadTable, ...]
    steps: tuple[Step, ...]
    unknown_sets: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the explanation as JSON values."""
        return asdict(self)


def explain(
    plan: Plan,
    *,
    snapshot: int,
    buckets: int,
    files: Sequence[SealedFile],
    unknown_sets: tuple[str, ...] = (),
) -> Explanation:
    """Tell what a run of a plan will do.

    Args:
        plan: The plan.
        snapshot: Number of the snapshot that it will read.
        buckets: How many buckets that has.
        files: Its sealed files.
        unknown_sets: Concept sets of which its vocabulary has no concept.
    """
    useless = skipped(plan.table_scans, files)
    asked = _queries(plan)
    readers = frozenset[_Query]().union(*asked.values())
    return Explanation(
        study=plan.study.name,
        study_sha256=plan.study.digest(),
        snapshot=snapshot,
        buckets=buckets,
        tables=tuple(_read(one, files, useless, readers) for one in plan.table_scans),
        steps=tuple(_steps(plan, asked)),
        unknown_sets=unknown_sets,
    )


def _read(
    scan: TableScan,
    files: Iterable[SealedFile],
    useless: Skipped,
    readers: Iterable["_Query"],
) -> ReadTable:
    own = [one for one in files if one.table == scan.table]
    left = [one.size for one in own if (one.table, one.bucket) in useless]
    concepts = None if scan.concepts is None else frozenset[int]().union(*scan.concepts.values())
    return ReadTable(
        table=scan.table,
        columns=scan.columns,
        concepts=None if concepts is None else len(concepts),
        readers=sum(one.table == scan.table for one in readers),
        files=len(own) - len(left),
        bytes=sum(one.size for one in own) - sum(left),
        skipped_files=len(left),
        skipped_bytes=sum(left),
    )


@dataclass(frozen=True)
class _Query:
    """A query for events, however it was written; equal ones are answered once."""

    table: str
    what: Hashable


def _queries(plan: Plan) -> Mapping[tuple[str, str], frozenset[_Query]]:
    """The queries for events of each cohort and each result, by kind of step and name."""
    defined = {one.name: one for one in plan.definitions.definitions}
    found = {}
    for one in plan.study.cohorts:
        definition = defined.get(one.name)
        found["cohort", one.name] = frozenset(
            _events(one.model_dump())
            if definition is None
            else (_Query(query.table, query) for query, _ in queries(definition))
        )
    for result in plan.study.results:
        divided_by = {name for names in getattr(result, "strata", ()) for name in names}
        ways = [one.model_dump() for one in plan.study.strata if one.label in divided_by]
        found[result.kind, result.name] = frozenset(_events([result.model_dump(), *ways]))
    return found


def _steps(plan: Plan, asked: Mapping[tuple[str, str], frozenset[_Query]]) -> Iterator[Step]:
    """Cohorts in the order in which they are found, then results."""
    known: frozenset[_Query] = frozenset()
    for one in (*sorted(plan.study.cohorts, key=_turn), *plan.study.results):
        kind, taken = _what(one)
        own = asked[kind, one.name]
        yield Step(kind, one.name, len(own - known), len(own & known), taken)
        known |= own


def _what(one: AnyCohort | Result) -> tuple[str, tuple[str, ...]]:
    """The kind of a step, and the cohorts that it takes."""
    if isinstance(one, Cohort | Definition):
        return "cohort", ()
    return ("cohort", one.cohorts) if isinstance(one, Combined) else (one.kind, cohorts_of(one))


def _turn(cohort: object) -> int:
    """Cohorts of this language come first, then those as in ATLAS, then those made of others."""
    return 0 if isinstance(cohort, Cohort) else 1 if isinstance(cohort, Definition) else 2


def _events(value: Any) -> Iterator[_Query]:
    """Every ``Events`` within a dumped value."""
    if isinstance(value, Mapping):
        if {"table", "concepts"} <= value.keys():
            yield _Query(value["table"], (value["table"], value["concepts"]))
        value = value.values()
    if isinstance(value, Iterable) and not isinstance(value, str):
        for inner in value:
            yield from _events(inner)
