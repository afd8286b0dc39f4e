"""The checks of the Data Quality Dashboard as data: 2,005 on CDM 5.3, 2,535 on 5.4, of 27 types.

The rows lie in ``data``; ``tools/dqd_checks.py`` makes them from OHDSI/DataQualityDashboard 2f81ca9
(Apache-2.0). What a type means is in ``outcomes`` and in ``docs/explanation/data-quality.md``; here
is only what there is to check. Pure.
"""

import csv
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from laennec.core.errors import SettingsError

VERSIONS = ("5.3", "5.4")
_PLACE = re.compile(r"@(\w+)")


class Level(StrEnum):
    """What a check is about."""

    TABLE = "TABLE"
    FIELD = "FIELD"
    CONCEPT = "CONCEPT"


@dataclass(frozen=True)
class CheckType:
    """One kind of check; categories are those of Kahn and others (2016).

    Attributes:
        name: Such as ``isForeignKey``.
        level: What it is about.
        context: ``Verification`` or ``Validation``.
        category: ``Completeness``, ``Conformance`` or ``Plausibility``.
        subcategory: Finer; empty where the Dashboard has none.
        severity: ``fatal``, ``convention`` or ``characterization``.
        sql_file: The Dashboard's file for it, which its results name.
        says: The Dashboard's sentence, with ``@`` places.
    """

    name: str
    level: Level
    context: str
    category: str
    subcategory: str
    severity: str
    sql_file: str
    says: str


@dataclass(frozen=True)
class Check:
    """One check; names of tables and fields are lower case, ``""`` where it has none.

    Attributes:
        type: Its kind.
        table, field: Where.
        concept_id: One concept, or several with commas (``plausibleGenderUseDescendants``).
        concept_name: For people.
        threshold: Percent of rows that may violate it; None and 0 allow none.
        value: Parameter of the type: domain, class, limit, sex or units.
        other_table, other_field: The other end of a foreign key or of a comparison.
        datatype: Of the field, lower case.
    """

    type: CheckType
    table: str
    field: str
    concept_id: str
    concept_name: str
    threshold: float | None
    value: str
    other_table: str
    other_field: str
    datatype: str

    @property
    def name(self) -> str:
        """Name of the type."""
        return self.type.name

    @property
    def check_id(self) -> str:
        """The Dashboard's identifier, such as ``field_isrequired_person_person_id``."""
        parts = (self.type.level, self.name, self.table, self.field, self.concept_id)
        return "_".join(part.replace(" ", "") for part in parts if part).lower()

    @property
    def concepts(self) -> tuple[int, ...]:
        """The concepts it is about."""
        return tuple(int(part) for part in self.concept_id.split(",") if part.strip())

    @property
    def is_dated(self) -> bool:
        """Whether the field holds days or moments."""
        return self.datatype in {"date", "datetime"}

    @property
    def description(self) -> str:
        """The Dashboard's sentence with this check's names in it, in capitals as there."""
        places = {
            "cdmTableName": self.table,
            "cdmFieldName": self.field,
            "conceptId": self.concept_id,
            "conceptName": self.concept_name,
            "fkTableName": self.other_table,
            "plausibleTemporalAfterTableName": self.other_table,
            "plausibleTemporalAfterFieldName": self.other_field,
            "plausibleStartBeforeEndFieldName": self.other_field,
        }
        return _PLACE.sub(
            lambda found: places.get(found.group(1), self.value).upper(), self.type.says
        )


@cache
def check_types() -> Mapping[str, CheckType]:
    """Return every type by name, in the order of the Dashboard."""
    rows = _rows("check_types.csv")
    return MappingProxyType(
        {
            row["check"]: CheckType(row["check"], Level(row["level"]), *list(row.values())[2:])
            for row in rows
        }
    )


@cache
def checks(version: str) -> tuple[Check, ...]:
    """Return every check on a version of the CDM, in the order of the Dashboard.

    Raises:
        SettingsError: there are no checks for this version.
    """
    if version not in VERSIONS:
        raise SettingsError(
            f"There are no data quality checks for CDM {version}.",
            remedy=f"Choose one of: {', '.join(VERSIONS)}.",
        )
    types = check_types()
    return tuple(
        Check(
            types[row.pop("check")],
            row.pop("table"),
            row.pop("field"),
            row.pop("concept_id"),
            row.pop("concept_name"),
            float(threshold) if (threshold := row.pop("threshold")) else None,
            **row,
        )
        for row in _rows(f"checks_{version.replace('.', '_')}.csv")
    )


@cache
def checks_sha256(version: str) -> str:
    """Return the digest of the checks on a version, which is part of what a kept partial is for."""
    checks(version)
    return hashlib.sha256(_text(f"checks_{version.replace('.', '_')}.csv").encode()).hexdigest()


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(_text(name).splitlines()))


def _text(name: str) -> str:
    return (files("laennec.quality") / "data" / name).read_text(encoding="utf-8")
