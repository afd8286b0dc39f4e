"""Make one column of the catalogue from what the sources say of it.

The order of trust, and how kind, length and years are chosen, stand in ``snds_catalogue``.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tools.snds_sources import CURRENT, Said

DATE_CHARS = 8
"""Characters of a date written as eight digits."""

_PORTAL_ENDS = 2014
_KWIKLY_BEGINS = 2006


@dataclass
class Merged:
    """One column of a family after merging.

    Attributes:
        kind: TEXT, INTEGER, DECIMAL or DATE.
        size: Length and decimals by first year of each; 0 stands for any year.
        years: Years in which it is there; empty for every year, if ``still`` is None.
        still: First year of those up to now, or None.
        nomenclature: Table of its values, or "".
        label: In French, or "".
        quasi: Whether it is a potential identifier.
        disputed: Of what the sources say different things: kind, length, years.
        says: What they say of it, if of anything.
        corrections: Ids of what was corrected.
    """

    kind: str
    size: dict[int, tuple[int | None, int | None]]
    years: set[int]
    still: int | None
    nomenclature: str
    label: str
    quasi: bool
    disputed: frozenset[str]
    says: str
    corrections: list[str]


def merge(sources: Mapping[str, Said]) -> Merged:
    """Return one column from what portal, kwikly and schema say of it, in this order of trust."""
    years, still = _years(sources)
    disputed = _disputed(sources)
    named = [sources[name] for name in ("kwikly", "schema", "portal") if name in sources]
    return Merged(
        kind=_kind(sources),
        size=next((said.sizes for said in sources.values() if said.size[0]), {0: (None, None)}),
        years=years,
        still=still,
        nomenclature=next((said.nomenclature for said in named if said.nomenclature), ""),
        label=next((said.label for said in named if said.label), ""),
        quasi=False,
        disputed=disputed,
        says="; ".join(f"{name} {_claim(said)}" for name, said in sources.items() if disputed),
        corrections=[],
    )


def _kind(sources: Mapping[str, Said]) -> str:
    kinds = {name: said.kind for name, said in sources.items() if said.kinds}
    lengths = [said.size[0] or 0 for name, said in sources.items() if kinds.get(name) == "TEXT"]
    if "DATE" in kinds.values() and min(lengths, default=DATE_CHARS) >= DATE_CHARS:
        return "DATE"
    first = next((kind for kind in kinds.values() if kind != "DATE"), "TEXT")
    if first == "BOOLEAN":
        return "TEXT"
    if first == "INTEGER" and "portal" not in kinds and kinds.get("schema") == "DECIMAL":
        return "DECIMAL"
    return first


def _years(sources: Mapping[str, Said]) -> tuple[set[int], int | None]:
    recent = [sources[name] for name in ("portal", "kwikly") if name in sources]
    years = set().union(*(said.years for said in recent))
    stills = [said.still for said in recent if said.still]
    told = sources.get("schema", Said())
    if not years and not stills:
        return set(told.years), told.still
    if "kwikly" not in sources and told.still and _PORTAL_ENDS in years:
        return years, told.still
    if min(years, default=0) == _KWIKLY_BEGINS and "portal" not in sources:
        years |= {year for year in told.years if year < _KWIKLY_BEGINS}
    return years, min(stills) if stills else None


def _disputed(sources: Mapping[str, Said]) -> frozenset[str]:
    """Return of what the sources say different things: kind, length of text, first year.

    Lengths of numbers do not count: two sources count the sign and schema does not.
    """
    kinds = set().union(*(said.kinds for said in sources.values()))
    lengths = {said.size[0] for said in sources.values() if said.size[0]}
    starts = {_start(name, said) for name, said in sources.items()} - {None}
    disputed: dict[str, set[Any]] = {
        "kind": kinds,
        "length": lengths if kinds == {"TEXT"} else set(),
        "years": starts,
    }
    return frozenset(name for name, values in disputed.items() if len(values) > 1)


def _start(name: str, said: Said) -> int | None:
    """Return the first year of a source, None where it covers no earlier one."""
    first = min(said.years | ({said.still} if said.still else set()), default=None)
    begins = _KWIKLY_BEGINS if name == "kwikly" else 0
    return None if first is None or first in (begins, CURRENT) else first


def _claim(said: Said) -> str:
    length, decimals = said.size
    size = f"({length},{decimals})" if decimals else f"({length})" if length else ""
    kind = "/".join(sorted(said.kinds)).lower() or "no type"
    runs = [f"{a}-{'' if b is None else b}" for a, b in spans(said.years, said.still)]
    return " ".join([f"{kind}{size}", *runs])


def spans(years: Iterable[int], still: int | None) -> Iterator[tuple[int, int | None]]:
    """Yield the runs of years, the last one without end if the column is there still."""
    listed = sorted(set(years) | ({still} if still else set()))
    listed = [year for year in listed if not still or year <= still]
    start = None
    for place, year in enumerate(listed):
        start = start or year
        follows = place + 1 < len(listed) and listed[place + 1] == year + 1
        if year == still:
            yield start, None
        elif not follows:
            yield start, year
            start = None
