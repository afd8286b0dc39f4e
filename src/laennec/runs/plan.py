"""Which rows a study needs: one scan for each table, whatever the number of cohorts and results.

A plan is a pure value: the study, the concepts its sets resolve to, and the scans that follow from
both. Every bucket is evaluated under the same plan, here or on another machine. A plan holds no key
and names no file; it does not decide who may run it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from pydantic import ValidationError

from laennec.core.errors import StudyError
from laennec.omop.events import EVENT_TABLES, EventTable
from laennec.runs.definition_plan import DefinitionPlan, plan_definitions
from laennec.runs.scans import PERIOD_COLUMNS, TableScan
from laennec.study.model import Events, Study

FORMAT = "laennec-plan/1"

PERSON_COLUMNS = (
    "person_id",
    "gender_concept_id",
    "year_of_birth",
    "month_of_birth",
    "day_of_birth",
)


@dataclass(frozen=True)
class Scan:
    """One read of one table in each bucket.

    Attributes:
        table: CDM table.
        columns: Columns to read.
        events: The event table behind it; None for ``person`` and ``observation_period``.
        concepts: Standard concepts whose rows are needed, ascending; None when every row is.
    """

    table: str
    columns: tuple[str, ...]
    events: EventTable | None = None
    concepts: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Plan:
    """A study that is ready to run; made by ``plan_study`` or ``Plan.from_json`` only.

    Attributes:
        study: What is asked.
        concepts: Name of each concept set that the study reads, to the concepts it resolves to.
        scans: What to read: ``person``, ``observation_period``, then event tables by name.
        definitions: The same for cohorts that are defined as in ATLAS; follows from the others.
    """

    study: Study
    concepts: Mapping[str, frozenset[int]]
    scans: tuple[Scan, ...]
    definitions: DefinitionPlan = field(default_factory=DefinitionPlan, compare=False)

    @property
    def tables(self) -> tuple[str, ...]:
        """Every table that is read bucket by bucket, each once."""
        both = [one.table for one in self.scans] + [one.table for one in self.definitions.scans]
        return tuple(dict.fromkeys(both))

    @cached_property
    def table_scans(self) -> tuple[TableScan, ...]:
        """One scan for each table, in the order of ``tables``, whatever asks for its rows."""
        found: dict[str, TableScan] = {}
        for one in (*map(_of_events, self.scans), *self.definitions.table_scans()):
            found[one.table] = found[one.table].and_also(one) if one.table in found else one
        return tuple(found.values())

    def to_json(self) -> str:
        """Return the plan as JSON; equal plans give equal text."""
        return json.dumps(
            {
                "format": FORMAT,
                "study": self.study.model_dump(mode="json"),
                "concepts": {name: sorted(ids) for name, ids in self.concepts.items()},
            },
            sort_keys=True,
            separators=(",", ":"),
        )

    @staticmethod
    def from_json(text: str) -> "Plan":
        """Read what ``to_json`` wrote; the scans are worked out anew, never taken from the text.

        Raises:
            StudyError: the text is not a plan, or of a format this program does not know.
        """
        try:
            read = json.loads(text)
            if read["format"] != FORMAT:
                raise StudyError(
                    "The plan has a format that this program does not know.",
                    remedy=f"Make the plan anew with this program, which writes {FORMAT}.",
                )
            study = Study.model_validate(read["study"])
            concepts = {name: frozenset(map(int, ids)) for name, ids in read["concepts"].items()}
        except (ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
            raise StudyError(
                "The text is not a plan.", remedy="Make the plan anew from its study."
            ) from error
        return plan_study(study, concepts)

    def __str__(self) -> str:
        """Describe the plan to a person: what is read once per bucket, and for what."""
        lines = [f"plan of study {self.study.name} ({self.study.digest()[:12]})"]
        for scan in self.table_scans:
            ids = frozenset[int]().union(*(scan.concepts or {}).values())
            rows = "all rows" if scan.concepts is None else f"rows of {len(ids)} concepts"
            lines.append(f"  scan {scan.table}: {rows}, columns {', '.join(scan.columns)}")
            lines += [
                f"    for {events.concepts}: {len(self.concepts[events.concepts])} concepts"
                for events in self.study.events()
                if events.table == scan.table
            ]
        cohorts = ", ".join(one.name for one in self.study.cohorts) or "none"
        results = ", ".join(f"{one.name} ({one.kind})" for one in self.study.results)
        return "\n".join([*lines, f"  cohorts: {cohorts}", f"  results: {results}"])


def plan_study(study: Study, concepts: Mapping[str, frozenset[int]]) -> Plan:
    """Plan a study whose concept sets have been resolved.

    Args:
        study: What is asked.
        concepts: Concept set name to the concepts it resolves to; sets that no cohort and no result
            reads are left out of the plan. A set may resolve to nothing: then no row is of it.

    Raises:
        StudyError: a concept set that the study reads is not resolved.
    """
    read, named = study.events(), study.named_sets()
    missing = sorted(named - set(concepts))
    if missing:
        raise StudyError(
            f"The concept set {missing[0]!r} of study {study.name!r} is not resolved.",
            remedy="Resolve every concept set against a vocabulary before planning.",
        )
    needed = {name: frozenset(concepts[name]) for name in sorted(named)}
    scans = (*_PERSON_SCANS, *_event_scans(read, needed, study.whole_tables()))
    return Plan(study, needed, scans, plan_definitions(study.definitions(), needed))


def _of_events(scan: Scan) -> TableScan:
    if scan.events is None or scan.concepts is None:
        return TableScan(scan.table, scan.columns, None)
    asked = {scan.events.concept: frozenset(scan.concepts)}
    return TableScan(scan.table, scan.columns, asked)


_PERSON_SCANS = (Scan("person", PERSON_COLUMNS), Scan("observation_period", PERIOD_COLUMNS))


def _event_scans(
    read: Iterable[Events], concepts: Mapping[str, frozenset[int]], whole: Mapping[str, bool]
) -> list[Scan]:
    """One scan per table, of the union of the concepts that anything reads from it.

    ``whole`` names tables of which every row is read, and whether with its source concept.
    """
    wanted: dict[str, set[int]] = {}
    for events in read:
        wanted.setdefault(events.table, set()).update(concepts[events.concepts])
    for name in whole:
        wanted.setdefault(name, set())
    scans = []
    for name, ids in sorted(wanted.items()):
        table = EVENT_TABLES[name]
        end = () if table.end is None else (table.end,)
        source = (table.source_concept,) if whole.get(name) and table.source_concept else ()
        columns = ("person_id", table.concept, *source, table.start, *end)
        scans.append(Scan(name, columns, table, None if name in whole else tuple(sorted(ids))))
    return scans
