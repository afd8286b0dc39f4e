"""Which file of a delivery is which table of the SNDS, and of which year or month.

A file is named after its table, in any case, in any folder of the delivery: ``T_MCO19B.csv``,
``IR_BEN_R.parquet``, ``KI_CCI_R_2016.csv``; a month or year of flux follows the name
(``ER_PRS_F_201902.csv``, ``ER_PRS_F_2015.csv.gz``). Any other name is no table's, and is reported
as ignored; a table's name with an ending that cannot be read is an error, so that no table is left
out in silence.
"""

import itertools
import re
from datetime import date
from pathlib import Path

from laennec.core.errors import SourceError
from laennec.intake.snds.model import DeliveredFile, Delivery
from laennec.intake.sources import as_source, list_files
from laennec.snds.catalogue import family_of

_PERIOD = re.compile(r"(\w+)_((?:19|20)\d\d)(\d\d)?", re.ASCII)
_MONTHS = range(1, 13)
_NOTES = frozenset({".json", ".md", ".toml", ".yaml", ".yml", ".xml", ".pdf", ".sha256"})
"""Endings of what describes a table and is none: schemas, notes, check sums."""


def find_delivery(path: Path) -> Delivery:
    """Return the tables in a folder and the folders below it, in a zip, or the one file.

    Raises:
        SourceError: nothing is there or no file is of the SNDS; a table's file is neither CSV nor
            Parquet; its name gives two years or no month of the calendar; two files are for the
            same table and time.
    """
    found, ignored = [], []
    for file, member, name in list_files(path, below=True):
        table = _table_of(name.partition(".")[0], name)
        if table is None or Path(name.lower()).suffix in _NOTES:
            ignored.append(name)
            continue
        source = as_source(file, member, name)
        if source is None:
            raise SourceError(
                f"{name} is named after a table of the SNDS and is neither CSV nor Parquet.",
                remedy="Export it as .csv, .csv.gz or .parquet, or take it away; "
                "nothing was loaded.",
            )
        found.append(DeliveredFile(*table, source))
    if not found:
        raise SourceError(
            f"{path.name} holds no table of the SNDS.",
            remedy="Name files after their table, such as ER_PRS_F_201902.csv or T_MCO19B.csv; "
            "tables of OMOP are loaded by `laennec load omop`.",
        )
    found.sort(key=lambda one: (one.family, one.year or 0, one.month or date.min, one.name))
    _check_once(found)
    return Delivery(tuple(found), tuple(sorted(ignored)))


def _table_of(stem: str, name: str) -> tuple[str, int | None, date | None] | None:
    """Return family, year and month that a name stands for, or None."""
    whole = family_of(stem)
    if whole is not None:
        return *whole, None
    period = _PERIOD.fullmatch(stem)
    table = None if period is None else family_of(period[1])
    if period is None or table is None:
        return None
    family, year = table
    if year not in (None, int(period[2])):
        raise SourceError(
            f"{name}: the name gives two years.",
            remedy="Name the file after the one year that it holds; nothing was loaded.",
        )
    if period[3] is None:
        return family, int(period[2]), None
    if int(period[3]) not in _MONTHS:
        raise SourceError(
            f"{name}: the name gives a month that does not exist.",
            remedy="Name the file after year and month, such as ER_PRS_F_201902.csv.",
        )
    return family, int(period[2]), date(int(period[2]), int(period[3]), 1)


def _check_once(found: list[DeliveredFile]) -> None:
    """Raise if two files, sorted, hold the same time of a table: a year holds its months."""
    for one, two in itertools.pairwise(found):
        if one.family != two.family:
            continue
        whole = one.year is None or (one.year == two.year and one.month is None)
        if whole or (one.year, one.month) == (two.year, two.month):
            raise SourceError(
                f"{one.name} and {two.name} are both for the table {one.family} and the same time.",
                remedy="Keep one of them; nothing was loaded.",
            )
