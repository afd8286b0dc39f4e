"""Columns whose codes are a closed list, and the codes.

The lists lie in ``data/nomenclatures`` with the source of every code; its notice says which columns
are left open and why. A column that is not listed may hold any code.
"""

import csv
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@cache
def closed_codes(family: str) -> Mapping[str, frozenset[str]]:
    """Return the codes that each closed column of a family may hold, as text; none closed: empty.

    Args:
        family: As the catalogue spells it.
    """
    return MappingProxyType(
        {
            row["column"]: _codes(row["nomenclature"])
            for row in _rows("closed")
            if row["family"] == family
        }
    )


@cache
def _codes(nomenclature: str) -> frozenset[str]:
    return frozenset(row["code"] for row in _rows(nomenclature))


def _rows(name: str) -> Iterator[dict[str, str]]:
    file = files("laennec.snds") / "data" / "nomenclatures" / f"{name}.csv"
    return csv.DictReader(file.read_text(encoding="utf-8").splitlines(), delimiter=";")
