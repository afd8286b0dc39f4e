"""Which columns of which table are read once, so that all its checks can be answered. Pure.

A check belongs to the scan of its own table. Two kinds of checks look from another side: persons
without a record are counted where the table is scanned, and condition eras where the conditions
are. A check whose table or field is not there is in no scan; ``outcomes`` says so of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from laennec.omop.cdm import CURRENT, cdm
from laennec.quality.checks import Check, checks

Columns = Mapping[str, Sequence[str] | None]
Field = tuple[str, str]

PERSON, DEATH, VISIT, CONCEPT = "person", "death", "visit_occurrence", "concept"
BIRTH = ("person_id", "year_of_birth", "month_of_birth", "day_of_birth", "birth_datetime")
DIED = ("person_id", "death_date")
STAY = ("visit_occurrence_id", "visit_start_date", "visit_end_date")
PERIOD = (
    "observation_period_id",
    "person_id",
    "observation_period_start_date",
    "observation_period_end_date",
)
UNIT_TABLES = frozenset({"measurement", "observation"})
"""Tables in which only rows with a number need a unit."""

MEASURED = ("unit_concept_id", "value_as_number", "unit_source_value")


@cache
def is_cut(table: str) -> bool:
    """Whether the rows of a table lie in person buckets."""
    known = cdm(CURRENT).tables.get(table)
    return known is not None and known.person_field is not None


def needs_number(check: Check) -> bool:
    """Whether a record completeness check looks at rows with a number only."""
    return check.field == "unit_concept_id" and check.table in UNIT_TABLES


def _others(table: str, names: Sequence[str]) -> list[Field]:
    return [(table, name) for name in names]


_NEEDS: Mapping[str, Callable[[Check], list[Field]]] = {
    "measurePersonCompleteness": lambda one: [(PERSON, "person_id"), (one.table, "person_id")],
    "measureConditionEraCompleteness": lambda one: [
        ("condition_occurrence", "person_id"),
        (one.table, "person_id"),
    ],
    "measureObservationPeriodOverlap": lambda one: _others(one.table, PERIOD),
    "isForeignKey": lambda one: [(one.other_table, one.other_field)],
    "fkDomain": lambda _: _others(CONCEPT, ("concept_id", "domain_id")),
    "fkClass": lambda _: _others(CONCEPT, ("concept_id", "concept_class_id")),
    "isStandardValidConcept": lambda _: _others(
        CONCEPT, ("concept_id", "standard_concept", "invalid_reason")
    ),
    "standardConceptRecordCompleteness": lambda one: (
        [(one.table, "value_as_number")] if needs_number(one) else []
    ),
    "sourceConceptRecordCompleteness": lambda one: (
        [(one.table, "value_as_number")] if needs_number(one) else []
    ),
    "sourceValueCompleteness": lambda one: [(one.table, one.other_field)],
    "plausibleTemporalAfter": lambda one: (
        [*_others(PERSON, ("person_id", "year_of_birth", "birth_datetime")), *_person(one)]
        if one.other_table == PERSON
        else [(one.table, one.other_field)]
    ),
    "plausibleAfterBirth": lambda one: [*_others(PERSON, BIRTH), *_person(one)],
    "plausibleDuringLife": lambda one: [*_others(DEATH, DIED), *_person(one)],
    "plausibleBeforeDeath": lambda one: [*_others(DEATH, DIED), *_person(one)],
    "plausibleStartBeforeEnd": lambda one: [(one.table, one.other_field)],
    "withinVisitDates": lambda one: [*_others(VISIT, STAY), (one.table, "visit_occurrence_id")],
    "plausibleGender": lambda one: [
        *_others(PERSON, ("person_id", "gender_concept_id")),
        *_person(one),
    ],
    "plausibleGenderUseDescendants": lambda one: [
        *_others(PERSON, ("person_id", "gender_concept_id")),
        *_others("concept_ancestor", ("ancestor_concept_id", "descendant_concept_id")),
        *_person(one),
    ],
    "plausibleUnitConceptIds": lambda one: _others(one.table, MEASURED),
}


def _person(check: Check) -> list[Field]:
    return [(check.table, "person_id")]


def needed(check: Check) -> list[Field]:
    """Return every field that a check reads, its own first."""
    own = [(check.table, check.field)] if check.field else []
    others = _NEEDS.get(check.name)
    return own if others is None else own + others(check)


def absent(check: Check, columns: Columns) -> Field | None:
    """Return the first table, as ``(table, "")``, or field that a check needs and is not there."""
    for table in dict.fromkeys([check.table, *(table for table, _ in needed(check))]):
        if columns.get(table) is None:
            return (table, "")
    for table, field in needed(check):
        if field not in (columns[table] or ()):
            return (table, field)
    return None


@dataclass(frozen=True)
class Scan:
    """What is read and counted of one table.

    Attributes:
        table: The table.
        columns: Read from it, each once.
        checks: Answerable checks, by the name of their type.
        key: Its primary key, if it is cut by person; then kept as ``Keys``.
        links: Foreign keys into tables cut by person: field, and the table and field it names.
        values: Fields whose values are tallied.
        context: Tables of the same bucket that are looked into.
    """

    table: str
    columns: tuple[str, ...]
    checks: Mapping[str, tuple[Check, ...]]
    key: str | None
    links: Mapping[str, Field]
    values: tuple[str, ...]
    context: tuple[str, ...]

    @property
    def cut(self) -> bool:
        """Whether it is scanned bucket by bucket."""
        return is_cut(self.table)

    def of(self, name: str) -> tuple[Check, ...]:
        """Return its checks of one type."""
        return self.checks.get(name, ())


def plan_scans(version: str, columns: Columns) -> tuple[Scan, ...]:
    """Return the scans that answer every check on a version of the CDM.

    Args:
        version: Of the checks.
        columns: The columns of each table that the data set has, None for one it has not.
    """
    by_table: dict[str, list[Check]] = {}
    for check in checks(version):
        scanned = _scanned(check)
        if columns.get(scanned) is not None:
            by_table.setdefault(scanned, [])
            if absent(check, columns) is None:
                by_table[scanned].append(check)
    every = [check for found in by_table.values() for check in found]
    foreign = [check for check in every if check.name == "isForeignKey"]
    return tuple(_scan(table, found, foreign) for table, found in by_table.items())


def _scanned(check: Check) -> str:
    if check.name == "measureConditionEraCompleteness":
        return "condition_occurrence"
    return check.table


def _scan(table: str, found: list[Check], foreign_keys: list[Check]) -> Scan:
    checks_by_type: dict[str, list[Check]] = {}
    for check in found:
        checks_by_type.setdefault(check.name, []).append(check)
    primary = [one.field for one in checks_by_type.get("isPrimaryKey", [])]
    key = primary[0] if primary and is_cut(table) else None
    foreign = checks_by_type.get("isForeignKey", [])
    # Persons lie in one bucket each, so their keys and links are known inside it; a table without
    # person can link to rows of any bucket.
    links = {one.field: (one.other_table, one.other_field) for one in foreign if _is_link(one)}
    targets = [
        one.other_field
        for one in foreign_keys
        if one.other_table == table and is_cut(table) and one.other_field != key
    ]
    concepts = [
        one.field
        for name in ("fkDomain", "fkClass", "isStandardValidConcept")
        for one in checks_by_type.get(name, [])
    ]
    values = dict.fromkeys(
        [*(o.field for o in foreign if o.field not in links), *concepts, *targets]
    )
    read = [field for check in found for owner, field in needed(check) if owner == table]
    context = [
        owner
        for check in found
        for owner, _ in needed(check)
        if owner != table and is_cut(owner) and is_cut(table)
    ]
    if any(one.name == "measurePersonCompleteness" for one in found):
        read.append("person_id")
    return Scan(
        table,
        tuple(dict.fromkeys([*read, *targets])),
        {name: tuple(ones) for name, ones in checks_by_type.items()},
        key,
        links,
        tuple(values),
        tuple(dict.fromkeys(context)),
    )


def _is_link(check: Check) -> bool:
    """Whether a foreign key names the primary key of a table that is cut by person."""
    known = cdm(CURRENT).tables.get(check.other_table)
    return known is not None and is_cut(known.name) and known.primary_key == check.other_field
