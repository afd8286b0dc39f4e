"""Which files of a delivery are worked on together.

A *unit* is the smallest thing that is loaded, journalled and, when a load was killed, skipped: one
month of flux of the DCIR, one year of a PMSI field, one year of deaths, the long-term diseases.
Beneficiaries and the drug reference are no unit: everything else needs them first.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from laennec.core.errors import SourceError
from laennec.intake.snds.model import DeliveredFile, Delivery
from laennec.intake.snds.unit_stays import families
from laennec.snds import claims
from laennec.snds.periods import Base

BENEFICIARIES = ("IR_BEN_R", "IR_BEN_R_ARC")
DISEASES = ("IR_IMB_R",)
DEATHS = ("KI_CCI_R", "KI_ECD_R")
DRUGS = "IR_PHA_R"
FIELDS = ("MCO", "SSR", "HAD", "RIP")


class Kind(StrEnum):
    """What a unit is made of, and how it is converted."""

    CLAIMS = "claims"
    STAYS = "stays"
    DISEASES = "diseases"
    DEATHS = "deaths"


@dataclass(frozen=True)
class Unit:
    """Files that are worked on together; at most one of each table.

    Attributes:
        kind: What it is made of.
        field: Of the PMSI: MCO, SSR, HAD or RIP; None for other kinds.
        year: Of flux, of care or of death; None where the files have none.
        month: First day of the month of flux; None for other kinds and for a whole year of flux.
        files: By table.
    """

    kind: Kind
    field: str | None
    year: int | None
    month: date | None
    files: tuple[DeliveredFile, ...]

    @property
    def name(self) -> str:
        """What messages, reports and the list of loaded units call it."""
        what = self.field or self.kind.value
        when = f"{self.month:%Y-%m}" if self.month else self.year
        return what if when is None else f"{what} {when}"

    @property
    def once(self) -> bool:
        """Whether it adds to what is there, so that it may be loaded only once."""
        return self.kind in {Kind.CLAIMS, Kind.STAYS}

    @property
    def last_day(self) -> date | None:
        """The last day that its rows can tell of; None if it is not known."""
        if self.month is not None:
            return _next_month(self.month) - timedelta(days=1)
        return date(self.year, 12, 31) if self.year is not None else None


@dataclass(frozen=True)
class Plan:
    """What is to be done with a delivery.

    Attributes:
        units: In order of kind and time.
        beneficiaries: Files that say who is who.
        drugs: The drug reference, or None.
        unread: Files of tables that nothing is made of.
    """

    units: tuple[Unit, ...]
    beneficiaries: tuple[DeliveredFile, ...]
    drugs: DeliveredFile | None
    unread: tuple[DeliveredFile, ...]


def plan(delivery: Delivery) -> Plan:
    """Part a delivery into units.

    Raises:
        SourceError: details of claims, or of stays, are there without the table they detail.
    """
    parts: dict[tuple[Kind, str | None, int | None, date | None], list[DeliveredFile]] = {}
    beneficiaries, unread, drugs = [], [], None
    for file in delivery.files:
        kind, field = _kind(file.family)
        if file.family in BENEFICIARIES:
            beneficiaries.append(file)
        elif file.family == DRUGS:
            drugs = file
        elif kind is None:
            unread.append(file)
        else:
            parts.setdefault((kind, field, file.year, file.month), []).append(file)
    order = list(Kind)
    units = [Unit(*key, tuple(files)) for key, files in parts.items()]
    units.sort(
        key=lambda one: (
            order.index(one.kind),
            one.field or "",
            one.year or 0,
            one.month or date.min,
        )
    )
    _check_heads(units)
    return Plan(tuple(units), tuple(beneficiaries), drugs, tuple(unread))


def months(units: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the months of flux among names of units, and those missing between them, in order.

    Claims whose files say neither month nor year are of no month.
    """
    there: set[tuple[int, int]] = set()
    for name in units:
        what, _, when = name.partition(" ")
        if what == Kind.CLAIMS.value and when:
            year, _, month = when.partition("-")
            wanted = [int(month)] if month else range(1, 13)
            there |= {(int(year), one) for one in wanted}
    if not there:
        return [], []
    first, last = min(there), max(there)
    span = range(first[0] * 12 + first[1] - 1, last[0] * 12 + last[1])
    every = [(number // 12, number % 12 + 1) for number in span]
    text = [(one in there, f"{one[0]}-{one[1]:02}") for one in every]
    return [name for here, name in text if here], [name for here, name in text if not here]


def span(units: Iterable[str]) -> Base:
    """Return what days units of these names can tell about.

    Claims reach the flux some weeks after the care: the first month of flux tells of the month
    before. A year of stays tells of itself.
    """
    firsts, lasts = [], []
    for name in units:
        what, _, when = name.partition(" ")
        year, _, month = when.partition("-")
        if what not in {Kind.CLAIMS.value, *FIELDS} or not year:
            continue
        begin = date(int(year), int(month or 1), 1)
        after = date(begin.year + 1, 1, 1) if not month else _next_month(begin)
        lasts.append(after - timedelta(days=1))
        firsts.append((begin - timedelta(days=1)).replace(day=1) if what == "claims" else begin)
    if not firsts:
        return Base(date.min, date.max)
    return Base(min(firsts), max(lasts))


def _next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _kind(family: str) -> tuple[Kind | None, str | None]:
    if family in claims.NEEDS:
        return Kind.CLAIMS, None
    for field in FIELDS:
        if family in families(field):
            return Kind.STAYS, field
    if family in DISEASES:
        return Kind.DISEASES, None
    return (Kind.DEATHS, None) if family in DEATHS else (None, None)


def _check_heads(units: Iterable[Unit]) -> None:
    """Refuse a month of details without its claims."""
    for unit in units:
        there = {file.family for file in unit.files}
        if unit.kind is Kind.CLAIMS and claims.CLAIMS not in there:
            raise SourceError(
                f"{', '.join(file.name for file in unit.files)}: the claims that these files "
                f"detail are missing: {claims.CLAIMS} of {unit.name.partition(' ')[2]}.",
                remedy=f"Put the file of {claims.CLAIMS} beside them; nothing was loaded.",
            )
