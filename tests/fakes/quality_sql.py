"""One SQL query for each data quality check, for DuckDB: independent of the scans.

Written from the published rules of the Data Quality Dashboard 2.8. Every query returns the number
of violated rows and the denominator, over tables and fields named as in the CDM.
"""

from collections.abc import Callable, Mapping
from datetime import date

from laennec.quality.checks import Check

Sql = Callable[[Check, date], tuple[str, str]]
"""The query of the violated rows, and of the denominator."""


def query(check: Check, today: date) -> str:
    """Return the query that answers a check."""
    violated, denominator = _QUERIES[check.name](check, today)
    return f"SELECT ({violated}), ({denominator})"


def _col(name: str, alias: str = "t") -> str:
    return f'{alias}."{name}"'


def _all(check: Check) -> str:
    return f'SELECT count(*) FROM "{check.table}"'


def _where(check: Check, condition: str) -> str:
    return f'SELECT count(*) FROM "{check.table}" t WHERE {condition}'


def _table(check: Check, today: date) -> tuple[str, str]:
    return f'SELECT 0 * count(*) FROM "{check.table}"', "SELECT 1"


def _field(check: Check, today: date) -> tuple[str, str]:
    return f'SELECT 0 * count("{check.field}") FROM "{check.table}"', "SELECT 1"


def _person_completeness(check: Check, today: date) -> tuple[str, str]:
    return (
        f'SELECT count(p.person_id) FROM person p LEFT JOIN "{check.table}" t USING (person_id)'
        f" WHERE t.person_id IS NULL",
        "SELECT count(*) FROM person",
    )


def _era_completeness(check: Check, today: date) -> tuple[str, str]:
    return (
        "SELECT count(person_id) FROM (SELECT DISTINCT co.person_id FROM condition_occurrence co"
        f' LEFT JOIN "{check.table}" t ON co.person_id = t.person_id WHERE t.person_id IS NULL)',
        "SELECT count(DISTINCT person_id) FROM condition_occurrence",
    )


def _overlap(check: Check, today: date) -> tuple[str, str]:
    return (
        """SELECT count(person_id) FROM (SELECT DISTINCT a.person_id
           FROM observation_period a JOIN observation_period b
             ON a.person_id = b.person_id AND a.observation_period_id != b.observation_period_id
           WHERE (a.observation_period_start_date <= b.observation_period_end_date
                  AND a.observation_period_end_date >= b.observation_period_start_date)
              OR a.observation_period_end_date + 1 = b.observation_period_start_date
              OR b.observation_period_end_date + 1 = a.observation_period_start_date)""",
        "SELECT count(DISTINCT person_id) FROM observation_period",
    )


def _null(check: Check, today: date) -> tuple[str, str]:
    return _where(check, f"{_col(check.field)} IS NULL"), _all(check)


def _datatype(check: Check, today: date) -> tuple[str, str]:
    field = _col(check.field)
    number = f"TRY_CAST({field} AS DOUBLE)"
    return (
        _where(check, f"{field} IS NOT NULL AND ({number} IS NULL OR {number} != floor({number}))"),
        _all(check),
    )


def _primary_key(check: Check, today: date) -> tuple[str, str]:
    field = f'"{check.field}"'
    return (
        _where(
            check,
            f'{_col(check.field)} IN (SELECT {field} FROM "{check.table}" GROUP BY {field}'
            " HAVING count(*) > 1)",
        ),
        _all(check),
    )


def _foreign_key(check: Check, today: date) -> tuple[str, str]:
    field, key = _col(check.field), _col(check.other_field, "k")
    return (
        f'SELECT count(*) FROM "{check.table}" t LEFT JOIN "{check.other_table}" k'
        f" ON {field} = {key} WHERE {key} IS NULL AND {field} IS NOT NULL",
        _all(check),
    )


def _with_concept(check: Check, condition: str) -> tuple[str, str]:
    return (
        f'SELECT count(*) FROM "{check.table}" t JOIN concept c'
        f" ON {_col(check.field)} = c.concept_id WHERE c.concept_id != 0 AND {condition}",
        _all(check),
    )


def _domain(check: Check, today: date) -> tuple[str, str]:
    return _with_concept(check, f"c.domain_id != '{check.value}'")


def _class(check: Check, today: date) -> tuple[str, str]:
    return _with_concept(check, f"c.concept_class_id != '{check.value}'")


def _standard(check: Check, today: date) -> tuple[str, str]:
    return _with_concept(check, "(c.standard_concept != 'S' OR c.invalid_reason IS NOT NULL)")


def _zero(check: Check, today: date) -> tuple[str, str]:
    unit = check.field == "unit_concept_id" and check.table in {"measurement", "observation"}
    asked = "t.value_as_number IS NOT NULL" if unit else "TRUE"
    return _where(check, f"{_col(check.field)} = 0 AND {asked}"), _where(check, asked)


def _source_values(check: Check, today: date) -> tuple[str, str]:
    field = f'"{check.field}"'
    return (
        f'SELECT count(*) FROM (SELECT DISTINCT {field} FROM "{check.table}" t'
        f" WHERE {_col(check.other_field)} = 0)",
        f'SELECT count(*) FROM (SELECT DISTINCT {field} FROM "{check.table}")',
    )


def _limit(check: Check, today: date) -> str:
    if check.value == "DATEADD(dd,1,GETDATE())":
        return f"(DATE '{today}' + 1)"
    if check.value == "YEAR(GETDATE())+1":
        return str(today.year + 1)
    if check.is_dated:
        text = check.value.strip("'")
        return f"DATE '{text[:4]}-{text[4:6]}-{text[6:]}'"
    return check.value


def _bounded(check: Check, today: date, sign: str) -> tuple[str, str]:
    field = _col(check.field)
    value = f"CAST({field} AS DATE)" if check.is_dated else field
    return (
        _where(check, f"{value} {sign} {_limit(check, today)}"),
        _where(check, f"{field} IS NOT NULL"),
    )


def _temporal_after(check: Check, today: date) -> tuple[str, str]:
    own = f"CAST({_col(check.field)} AS DATE)"
    if check.other_table != "person":
        return _where(check, f"CAST({_col(check.other_field)} AS DATE) > {own}"), _all(check)
    born = "coalesce(CAST(p.birth_datetime AS DATE), make_date(p.year_of_birth, 6, 1))"
    return (
        f'SELECT count(*) FROM "{check.table}" t JOIN person p USING (person_id)'
        f" WHERE {born} > {own}",
        _all(check),
    )


def _after_birth(check: Check, today: date) -> tuple[str, str]:
    born = """coalesce(CAST(p.birth_datetime AS DATE),
        TRY(make_date(p.year_of_birth, coalesce(p.month_of_birth, 1),
                      coalesce(p.day_of_birth, 1))))"""
    return (
        f'SELECT count(*) FROM "{check.table}" t JOIN person p USING (person_id)'
        f" WHERE CAST({_col(check.field)} AS DATE) < {born}",
        _where(check, f"{_col(check.field)} IS NOT NULL"),
    )


def _after_death(check: Check) -> str:
    return (
        f'SELECT count(*) FROM "{check.table}" t JOIN death d ON t.person_id = d.person_id'
        f" WHERE CAST({_col(check.field)} AS DATE) > CAST(d.death_date AS DATE) + 60"
    )


def _during_life(check: Check, today: date) -> tuple[str, str]:
    return _after_death(check), _where(check, "t.person_id IN (SELECT person_id FROM death)")


def _before_death(check: Check, today: date) -> tuple[str, str]:
    return (
        _after_death(check),
        f'SELECT count(*) FROM "{check.table}" t JOIN death d ON t.person_id = d.person_id'
        f" WHERE {_col(check.field)} IS NOT NULL",
    )


def _start_before_end(check: Check, today: date) -> tuple[str, str]:
    first, last = _col(check.field), _col(check.other_field)
    known = f"{first} IS NOT NULL AND {last} IS NOT NULL"
    return (
        _where(check, f"{known} AND CAST({first} AS DATE) > CAST({last} AS DATE)"),
        _where(check, known),
    )


def _within_visit(check: Check, today: date) -> tuple[str, str]:
    joined = (
        f'SELECT count(*) FROM "{check.table}" t JOIN visit_occurrence v'
        " ON t.visit_occurrence_id = v.visit_occurrence_id"
    )
    field = _col(check.field)
    return (
        f"{joined} WHERE {field} < v.visit_start_date - 7 OR {field} > v.visit_end_date + 7",
        joined,
    )


def _sex(check: Check) -> int:
    return 8507 if check.value == "Male" else 8532


def _gender(check: Check, today: date) -> tuple[str, str]:
    concept = f"{_col(check.field)} = {check.concept_id}"
    return (
        f'SELECT count(*) FROM "{check.table}" t JOIN person p USING (person_id)'
        f" WHERE {concept} AND p.gender_concept_id != {_sex(check)}",
        _where(check, concept),
    )


def _gender_descendants(check: Check, today: date) -> tuple[str, str]:
    below = (
        f"JOIN concept_ancestor a ON a.descendant_concept_id = {_col(check.field)}"
        f" AND a.ancestor_concept_id IN ({check.concept_id})"
    )
    return (
        f'SELECT count(*) FROM "{check.table}" t JOIN person p USING (person_id) {below}'
        f" WHERE p.gender_concept_id != {_sex(check)}",
        f'SELECT count(*) FROM "{check.table}" t {below}',
    )


def _units(check: Check, today: date) -> tuple[str, str]:
    asked = (
        f"{_col(check.field)} = {check.concept_id} AND t.value_as_number IS NOT NULL"
        " AND t.unit_source_value IS NOT NULL"
    )
    wrong = f"t.unit_concept_id NOT IN ({check.value})" if check.value else "t.unit_concept_id > 0"
    return _where(check, f"{asked} AND {wrong}"), _where(check, asked)


_QUERIES: Mapping[str, Sql] = {
    "cdmTable": _table,
    "measurePersonCompleteness": _person_completeness,
    "measureConditionEraCompleteness": _era_completeness,
    "measureObservationPeriodOverlap": _overlap,
    "cdmField": _field,
    "isRequired": _null,
    "cdmDatatype": _datatype,
    "isPrimaryKey": _primary_key,
    "isForeignKey": _foreign_key,
    "fkDomain": _domain,
    "fkClass": _class,
    "isStandardValidConcept": _standard,
    "measureValueCompleteness": _null,
    "standardConceptRecordCompleteness": _zero,
    "sourceConceptRecordCompleteness": _zero,
    "sourceValueCompleteness": _source_values,
    "plausibleValueLow": lambda check, today: _bounded(check, today, "<"),
    "plausibleValueHigh": lambda check, today: _bounded(check, today, ">"),
    "plausibleTemporalAfter": _temporal_after,
    "plausibleDuringLife": _during_life,
    "withinVisitDates": _within_visit,
    "plausibleAfterBirth": _after_birth,
    "plausibleBeforeDeath": _before_death,
    "plausibleStartBeforeEnd": _start_before_end,
    "plausibleGender": _gender,
    "plausibleGenderUseDescendants": _gender_descendants,
    "plausibleUnitConceptIds": _units,
}
