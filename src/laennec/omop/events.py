"""Which OMOP tables hold dated events of a person, and in which columns.

A study names a table; this module says where its concept, start and end lie. Tables without an end
column, and rows whose end is missing or before the start, last one day: ``end = start``.

Source: OMOP CDM 5.4 (5.3 has the same columns for these tables, save ``procedure_end_date`` and
``episode``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class EventTable:
    """Where one table keeps the parts of an event.

    Attributes:
        name: Table, as the CDM spells it.
        concept: Column of the standard concept.
        source_concept: Column of the source concept, or None.
        start: Column of the first day.
        end: Column of the last day, or None where events last one day.
    """

    name: str
    concept: str
    source_concept: str | None
    start: str
    end: str | None


EVENT_TABLES: Mapping[str, EventTable] = MappingProxyType(
    {
        table.name: table
        for table in (
            EventTable(
                "condition_occurrence",
                "condition_concept_id",
                "condition_source_concept_id",
                "condition_start_date",
                "condition_end_date",
            ),
            EventTable(
                "drug_exposure",
                "drug_concept_id",
                "drug_source_concept_id",
                "drug_exposure_start_date",
                "drug_exposure_end_date",
            ),
            EventTable(
                "procedure_occurrence",
                "procedure_concept_id",
                "procedure_source_concept_id",
                "procedure_date",
                None,
            ),
            EventTable(
                "device_exposure",
                "device_concept_id",
                "device_source_concept_id",
                "device_exposure_start_date",
                "device_exposure_end_date",
            ),
            EventTable(
                "measurement",
                "measurement_concept_id",
                "measurement_source_concept_id",
                "measurement_date",
                None,
            ),
            EventTable(
                "observation",
                "observation_concept_id",
                "observation_source_concept_id",
                "observation_date",
                None,
            ),
            EventTable(
                "visit_occurrence",
                "visit_concept_id",
                "visit_source_concept_id",
                "visit_start_date",
                "visit_end_date",
            ),
            EventTable(
                "condition_era",
                "condition_concept_id",
                None,
                "condition_era_start_date",
                "condition_era_end_date",
            ),
            EventTable(
                "drug_era",
                "drug_concept_id",
                None,
                "drug_era_start_date",
                "drug_era_end_date",
            ),
        )
    }
)
