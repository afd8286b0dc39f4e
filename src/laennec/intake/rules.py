"""The rules by which a row is kept out, as data.

Each row that is read is kept, quarantined or dropped, by exactly one rule, so that
``read = kept + quarantined + dropped``. Quarantined rows may be wrong or may be ours to learn from:
they are kept, sealed, with the reason. Dropped rows carry nothing that is not kept elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from laennec.omop.cdm import Table


class Rule(StrEnum):
    """Why a row is not kept."""

    WRONG_FIELD_COUNT = "wrong_field_count"
    NOT_AN_INTEGER = "not_an_integer"
    NOT_A_NUMBER = "not_a_number"
    NOT_A_DATE = "not_a_date"
    NOT_A_DATETIME = "not_a_datetime"
    NOT_TEXT = "not_text"
    REQUIRED_MISSING = "required_missing"
    UNKNOWN_PERSON = "unknown_person"
    REPEATED_KEY = "repeated_key"
    IDENTICAL_ROW = "identical_row"
    TABLE_NOT_IN_CDM_54 = "table_not_in_cdm_5.4"


QUARANTINED: Mapping[Rule, str] = MappingProxyType(
    {
        Rule.WRONG_FIELD_COUNT: "The line has more or fewer fields than the header, or cannot be "
        "parted into fields.",
        Rule.NOT_AN_INTEGER: "The field should hold a whole number of 64 bits.",
        Rule.NOT_A_NUMBER: "The field should hold a number.",
        Rule.NOT_A_DATE: "The field should hold a date (YYYY-MM-DD) that exists.",
        Rule.NOT_A_DATETIME: "The field should hold a date and time that exist.",
        Rule.NOT_TEXT: "The field should hold text.",
        Rule.REQUIRED_MISSING: "The CDM requires this field and it is empty.",
        Rule.UNKNOWN_PERSON: "No row of the table person has this identifier.",
        Rule.REPEATED_KEY: "An earlier, different row has the same primary key.",
    }
)
"""Rules that put a row into the sealed quarantine, with what they mean."""

DROPPED: Mapping[Rule, str] = MappingProxyType(
    {
        Rule.IDENTICAL_ROW: "An earlier row is the same in every field.",
        Rule.TABLE_NOT_IN_CDM_54: "CDM 5.4 has no such table.",
    }
)
"""Rules that drop a row, with what they mean."""


KEPT_WITHOUT: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "concept": frozenset({"valid_start_date", "valid_end_date"}),
        "concept_relationship": frozenset({"valid_start_date", "valid_end_date"}),
        "concept_synonym": frozenset({"language_concept_id"}),
        "vocabulary": frozenset({"vocabulary_reference"}),
        "cdm_source": frozenset(
            {
                "cdm_holder",
                "cdm_release_date",
                "cdm_source_abbreviation",
                "cdm_version_concept_id",
                "source_release_date",
                "vocabulary_version",
            }
        ),
    }
)
"""Fields that the CDM requires and that data in use leaves empty. Vocabularies do (omock: dates and
languages; Eunomia's GiBleed: references): a concept or relationship is not lost for the want of
one, since nothing that resolves a concept set reads them. And so does the row that describes a data
set of CDM 5.3, which requires none of these: it is in the warehouse, and what is exported from
there can be loaded again."""


def lenient(table: Table) -> Table:
    """Return the table as a load requires it: without ``KEPT_WITHOUT``."""
    spared = KEPT_WITHOUT.get(table.name, frozenset())
    fields = (
        replace(one, required=one.required and one.name not in spared) for one in table.fields
    )
    return replace(table, fields=tuple(fields))


@dataclass
class TableCount:
    """How the rows of one file were judged.

    Attributes:
        table: CDM table.
        file: Name of the file.
        read: Rows in the file.
        kept: Rows that are in the warehouse now.
        refused: Rows per rule.
        repeated_kept: Kept rows whose primary key an earlier, different row has.
    """

    table: str
    file: str
    read: int = 0
    kept: int = 0
    refused: dict[Rule, int] = field(default_factory=dict)
    repeated_kept: int = 0

    def refuse(self, rule: Rule, rows: int) -> None:
        """Count rows that a rule keeps out."""
        if rows:
            self.refused[rule] = self.refused.get(rule, 0) + rows

    @property
    def quarantined(self) -> int:
        """Rows in quarantine."""
        return sum(rows for rule, rows in self.refused.items() if rule in QUARANTINED)

    @property
    def dropped(self) -> int:
        """Rows dropped by a named rule."""
        return sum(rows for rule, rows in self.refused.items() if rule in DROPPED)

    @property
    def reconciles(self) -> bool:
        """Whether every row read is kept, quarantined or dropped."""
        return self.read == self.kept + self.quarantined + self.dropped
