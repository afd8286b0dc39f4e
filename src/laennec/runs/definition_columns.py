"""In which columns of CDM 5.4 the parts of an event lie, for each table that a definition reads."""

from laennec.omop.cdm import CURRENT, FieldType, cdm
from laennec.study.reference_definition_events import CONCEPT_COLUMNS, ONE_DAY


def start_column(table: str) -> str:
    """Return the column of a row's first day."""
    return next(one for one in _dates(table) if not one.endswith("end_date"))


def end_column(table: str) -> str | None:
    """Return the column of a row's last day, if a row says one."""
    ends = (one for one in _dates(table) if one.endswith("_end_date"))
    return None if table in ONE_DAY else next(ends, None)


def event_columns(table: str, *, key: bool, end: bool, visit: bool) -> tuple[str, ...]:
    """Return the columns that every event of a table is made of, save its concepts.

    Args:
        table: CDM table.
        key: With the identifier of the row.
        end: With what its last day is made of.
        visit: With the visit that it is part of, if the table has one.
    """
    named = [
        "person_id",
        key_column(table) if key else None,
        start_column(table),
        end_column(table) if end else None,
        "days_supply" if end and table == "drug_exposure" else None,
        visit_column(table) if visit else None,
    ]
    return tuple(dict.fromkeys(one for one in named if one is not None))


def key_column(table: str) -> str:
    """Return the column that tells events of one day apart."""
    return cdm(CURRENT).tables[table].primary_key or "person_id"


def visit_column(table: str) -> str | None:
    """Return the column of the visit that a row is part of, if the table has one."""
    name = "visit_occurrence_id"
    return name if name in cdm(CURRENT).tables[table].field_names else None


def concept_columns(table: str) -> tuple[str, str | None]:
    """Return the columns of a row's standard and source concept."""
    stem = table if table == "visit_detail" else table.partition("_")[0]
    standard, source = CONCEPT_COLUMNS.get(
        table, (f"{stem}_concept_id", f"{stem}_source_concept_id")
    )
    known = cdm(CURRENT).tables[table].field_names
    return standard, source if source in known else None


def _dates(table: str) -> list[str]:
    fields = cdm(CURRENT).tables[table].fields
    return [one.name for one in fields if one.type is FieldType.DATE]
