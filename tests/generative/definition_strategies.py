"""Random definitions that ATLAS can write, over the CDMs of ``definition_rows``.

Short windows about a short calendar and few values, so that parts meet. Not asked is what circe-be
leaves to the database, two entry queries of one table (which may tie on the same row), and that for
which its SQL does not run: other distinct columns than days where a query has a group, a group in a
query of episodes, abnormal measurements without a filter on their value as a concept.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from generative.circe_json import BARE, DISTINCT, FIELDS, NEGATED, SETS_ONLY, SOURCES
from generative.definition_rows import COUNTS, FIRST_DAY, KINDS, NUMBERS, days, rows_of
from generative.study_strategies import CONCEPTS, RowLists
from laennec.omop.cdm import CURRENT, FieldType, cdm
from laennec.study.definition import (
    CUSTOM_ERA,
    LOOKED_UP,
    TABLES,
    Adjustment,
    ConceptFilter,
    Correlated,
    DateFilter,
    Definition,
    Demographics,
    DrugEra,
    EndOfPeriod,
    EventQuery,
    EventWindow,
    Filter,
    Group,
    Leave,
    NumberFilter,
    Offset,
    Rule,
    SetFilter,
    TextFilter,
)
from laennec.study.definition import (
    NUMBERS as DERIVED_NUMBERS,
)

SETS = ("drug", "bleed", "both")
WITHOUT_SETS = ("observation_period", "payer_plan_period")
FEW = ("drug_exposure", "condition_occurrence", "visit_occurrence", "measurement")
SIDES = st.sampled_from(["start", "end"])
LIMITS = st.sampled_from(["all", "all", "all", "all", "first", "last"])
COMPARE = ["lt", "lte", "eq", "ne", "gte", "gt", "between", "not_between"]
TEXTS = ("ab", "b", "A", "")
DEMOGRAPHIC = ("age", "start", "end", *(one for one in LOOKED_UP if one.startswith("person.")))
rarely = st.integers(0, 11).map(lambda n: n == 11)
seldom = st.sampled_from([False, False, False, True])


@dataclass(frozen=True)
class DefinitionCase:
    """A definition, the concepts of its sets, and rows."""

    definition: Definition
    concepts: dict[str, frozenset[int]]
    rows: RowLists


@st.composite
def filters(draw: st.DrawFn, table: str, column: str) -> Filter:
    """A filter of the kind that a column has."""
    if column in ("start", "end"):
        return DateFilter(column=column, **draw(_compared(days)))
    if column in DERIVED_NUMBERS:
        numbers = st.sampled_from([18.0, 19.0, 0.0, 3.0, 1.0, 10.0])
        return NumberFilter(column=column, **draw(_compared(numbers)))
    if column in LOOKED_UP or column.endswith("_concept_id"):
        if FIELDS[table].get(column) in BARE:
            return SetFilter(column=column, concept_set=draw(st.sampled_from(SETS)))
        if table in SETS_ONLY or draw(seldom):
            named = draw(st.sampled_from([*SETS, None]))
            return SetFilter(column=column, concept_set=named, negate=draw(st.booleans()))
        few = draw(st.lists(st.sampled_from([*KINDS, 8507, 8532, *CONCEPTS[:1]]), min_size=1))
        negate = FIELDS[table].get(column) in NEGATED and draw(st.booleans())
        return ConceptFilter(column=column, concepts=tuple(few[:3]), negate=negate)
    if cdm(CURRENT).tables[table].field(column).type is FieldType.TEXT:
        return TextFilter(
            column=column,
            compare=draw(st.sampled_from(["equals", "starts_with", "ends_with", "contains"])),
            text=draw(st.sampled_from(TEXTS)),
            negate=draw(st.booleans()),
        )
    whole = cdm(CURRENT).tables[table].field(column).type is FieldType.INTEGER
    numbers = st.sampled_from([float(one) for one in (COUNTS if whole else NUMBERS[:3])])
    return NumberFilter(column=column, **draw(_compared(numbers)))


@st.composite
def _compared(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> dict[str, Any]:
    compare = draw(st.sampled_from(COMPARE))
    value, extent = draw(values), draw(values)
    ranged = compare in ("between", "not_between")
    return {"compare": compare, "value": value, "extent": extent if ranged else None}


@st.composite
def queries(draw: st.DrawFn, table: str, depth: int) -> EventQuery:
    """A query of a table with at most three filters; one in four has a group of its own."""
    known = [] if table in WITHOUT_SETS or table == "episode" else SETS
    sets = st.sampled_from([None, *known])
    chosen = draw(st.lists(st.sampled_from(sorted(FIELDS[table])), max_size=3, unique=True))
    if draw(st.sampled_from([True, True, False])):
        chosen = []
    abnormal = table == "measurement" and draw(seldom)
    if abnormal and "value_as_concept_id" not in chosen:
        chosen = [*chosen, "value_as_concept_id"]
    period = table in WITHOUT_SETS and draw(st.booleans())
    adjusts = table != "specimen" and draw(seldom)
    return EventQuery(
        table=table,
        concepts=draw(sets),
        source_concepts=draw(sets) if table in SOURCES and draw(seldom) else None,
        first=table != "death" and draw(seldom),
        adjustment=draw(adjustments(table)) if adjusts else None,
        filters=tuple(draw(filters(table, one)) for one in chosen),
        abnormal=abnormal,
        period_start=FIRST_DAY + timedelta(draw(st.integers(0, 10))) if period else None,
        period_end=FIRST_DAY + timedelta(30) if period and draw(st.booleans()) else None,
        group=draw(groups(depth - 1)) if depth and table != "episode" and draw(seldom) else None,
    )


@st.composite
def custom_eras(draw: st.DrawFn) -> EventQuery:
    """Eras of the events of one or two tables."""
    tables = draw(st.lists(st.sampled_from(FEW), min_size=1, max_size=2, unique=True))
    chosen = draw(st.lists(st.sampled_from(sorted(FIELDS[CUSTOM_ERA])), max_size=2, unique=True))
    return EventQuery(
        table=CUSTOM_ERA,
        first=draw(seldom),
        adjustment=draw(adjustments(CUSTOM_ERA)) if draw(seldom) else None,
        filters=tuple(draw(filters(CUSTOM_ERA, one)) for one in chosen) if draw(seldom) else (),
        eras=tuple(draw(queries(one, 1)) for one in tables),
    )


@st.composite
def adjustments(draw: st.DrawFn, table: str) -> Adjustment:
    """Days moved by a few; those of a death stay what they are, as in circe-be."""
    few = st.integers(-3, 5)
    start, end = ("start", "end") if table == "death" else (draw(SIDES), draw(SIDES))
    return Adjustment(start=start, start_days=draw(few), end=end, end_days=draw(few))


@st.composite
def windows(draw: st.DrawFn) -> EventWindow:
    """A window of any bounds, some of which hold no day."""
    starts = st.sampled_from(["observation_start", "observation_start", "observation_end"])
    ends = st.sampled_from(["observation_end", "observation_end", "observation_start"])
    return EventWindow(
        start=draw(st.one_of(starts, st.integers(-30, 3))),
        end=draw(st.one_of(ends, st.integers(-3, 30))),
        index=draw(SIDES),
        event=draw(SIDES),
    )


@st.composite
def correlated(draw: st.DrawFn, depth: int) -> Correlated:
    """A number of events of any table, mostly of the few that meet."""
    few = st.sampled_from([*FEW, *DISTINCT])
    table = draw(st.one_of(few, st.sampled_from(TABLES)))
    query = draw(custom_eras() if table == CUSTOM_ERA else queries(table, depth))
    known = ["start", "end"]
    if query.group is None:
        known += DISTINCT.get(table, {})
    occurrence = draw(st.sampled_from(["exactly", "at_most", "at_least"]))
    return Correlated(
        query=query,
        window=draw(windows()),
        end_window=draw(st.one_of(st.none(), windows())),
        occurrence=occurrence,
        count=draw(st.sampled_from([1, 0, 2])),
        distinct=draw(st.one_of(st.none(), st.sampled_from(known))),
        same_visit=draw(seldom),
        ignore_observation=draw(seldom),
    )


@st.composite
def demographics(draw: st.DrawFn) -> Demographics:
    """Up to two filters on the person and the days of the index event."""
    chosen = draw(st.lists(st.sampled_from(DEMOGRAPHIC), max_size=2, unique=True))
    made = [draw(filters("death", one)) for one in chosen]
    return Demographics(filters=tuple(one for one in made if not isinstance(one, TextFilter)))


@st.composite
def groups(draw: st.DrawFn, depth: int) -> Group:
    """A group of few parts; ``depth`` more may lie in it."""
    accepts = draw(st.sampled_from(["all", "any", "at_least", "at_most"]))
    few = st.sampled_from([1, 0, 2])
    return Group(
        accepts=accepts,
        count=draw(few) if accepts.startswith("at_") else None,
        criteria=tuple(draw(correlated(depth)) for _ in range(draw(few))),
        demographics=tuple(draw(demographics()) for _ in range(draw(st.sampled_from([0, 1])))),
        groups=tuple(draw(groups(depth - 1)) for _ in range(draw(few) if depth else 0)),
    )


leaves: st.SearchStrategy[Leave] = st.one_of(
    st.just(EndOfPeriod()),
    st.builds(Offset, days=st.sampled_from([0, 2, 7, -2, 100]), after=SIDES),
    st.builds(
        DrugEra,
        concepts=st.sampled_from(SETS),
        gap=st.sampled_from([0, 5]),
        offset=st.sampled_from([0, 3, -1]),
        supply=st.sampled_from([None, 4, 0]),
    ),
)


@st.composite
def definitions(draw: st.DrawFn, *, numbered: bool = True) -> Definition:
    """A definition with every part now and then; without numbers, one that ATLAS can say."""
    entry = draw(st.lists(st.sampled_from(TABLES), min_size=1, max_size=2, unique=True))
    if draw(st.booleans()):
        entry = [draw(st.sampled_from(FEW))]
    rules = draw(st.sampled_from([("one",), ("one", "two"), (), ()]))
    limit = draw(LIMITS)
    calendar = st.sampled_from([None, None, FIRST_DAY + timedelta(15)])
    return Definition(
        name="random",
        entry=(
            draw(custom_eras() if draw(rarely) else queries(entry[0], 1)),
            *(draw(queries(one, 1)) for one in entry[1:]),
        ),
        prior=draw(st.sampled_from([0, 0, 5])),
        post=draw(st.sampled_from([0, 0, 5])),
        entry_limit=limit,
        entry_number=1 if limit == "all" or not numbered else draw(st.sampled_from([1, 1, 2])),
        qualify=draw(groups(1)) if draw(seldom) else None,
        qualify_limit=draw(LIMITS),
        rules=tuple(Rule(name=one, group=draw(groups(1))) for one in rules),
        limit=draw(LIMITS),
        leave=draw(leaves),
        censoring=tuple(draw(queries(one, 1)) for one in FEW[: draw(st.sampled_from([0, 0, 1]))]),
        era_pad=draw(st.sampled_from([0, 0, 4, 1])),
        first_day=draw(calendar),
        last_day=draw(st.sampled_from([None, None, FIRST_DAY + timedelta(25)])),
    )


resolved = st.fixed_dictionaries(
    {
        "drug": st.sampled_from([frozenset(CONCEPTS[:1]), frozenset(CONCEPTS[:3])]),
        "bleed": st.sampled_from([frozenset(CONCEPTS[1:2]), frozenset(CONCEPTS[1:3])]),
        "both": st.sampled_from([frozenset(CONCEPTS[:2]), frozenset(CONCEPTS), frozenset[int]()]),
    }
)


@st.composite
def definition_cases(draw: st.DrawFn, *, ties: bool) -> DefinitionCase:
    """A definition with concepts and with rows of every table that it may read.

    Args:
        draw: Given by Hypothesis.
        ties: Whether rows may tie, and entries be numbered: circe-be's SQL knows neither.
    """
    definition = draw(definitions(numbered=ties))
    text = definition.model_dump_json()
    read = [one for one in TABLES if f'"{one}"' in text]
    rows = draw(rows_of([*read, "drug_exposure"], ties=ties))
    return DefinitionCase(definition, draw(resolved), rows)
