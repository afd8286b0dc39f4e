"""Curves of one outcome whose persons add up, and who starts them.

A family is the curves of one result about cohorts of the same stays: a cohort, its strata, and its
persons who are in another cohort or not. Any other curve is a family of its own.

Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from laennec.disclosure.algebra import Algebra, Key
from laennec.disclosure.combined import EMPTY, Diagram, nested, relate_combined
from laennec.disclosure.curves import curve_cell
from laennec.disclosure.kinds import Entry
from laennec.disclosure.strata import Levels, check_apart, divisions, levels_of, relate_strata


@dataclass
class CurveFamily:
    """Curves that add up.

    Attributes:
        diagram: The cohorts that set operations link.
        curves: Rows of each curve, by the cell of who starts it.
        strata: For each cohort the cell of each of its strata, under no levels that of the whole.
    """

    diagram: Diagram
    curves: dict[Key, list[Entry]] = field(default_factory=dict)
    strata: dict[str, dict[Levels, Key]] = field(default_factory=dict)

    def relate(self, algebra: Algebra) -> None:
        """Add the sums of those who start.

        Raises:
            PolicyError: they do not hold, or strata overlap.
        """
        for cohort, cells in self.strata.items():
            check_apart(cells)
            relate_strata(algebra, {("curves", *cells[()], cohort): cells} if () in cells else {})
        for by_cohort in self._by_levels().values():
            linked = {one: key for one, key in by_cohort.items() if one in self.diagram.atoms}
            for key in list(linked.values())[:1]:
                relate_combined(algebra, self.diagram, key, linked)

    def sums(self) -> list[tuple[Key, Sequence[Key]]]:
        """Return each curve with others that are apart and parts of it."""
        found: list[tuple[Key, Sequence[Key]]] = [
            (total, parts) for cells in self.strata.values() for total, parts, _ in divisions(cells)
        ]
        for by_cohort in self._by_levels().values():
            for total, parts in nested(self.diagram, by_cohort):
                found.append((by_cohort[total], [by_cohort[one] for one in parts]))
        return found

    def _by_levels(self) -> Mapping[Levels, dict[str, Key]]:
        found: dict[Levels, dict[str, Key]] = {}
        for cohort, cells in self.strata.items():
            for levels, key in cells.items():
                found.setdefault(tuple(sorted(levels)), {})[cohort] = key
        return found


def families_of(
    curves: Sequence[list[Entry]], diagrams: Mapping[str, Diagram]
) -> list[CurveFamily]:
    """Return the families of curves, in order of their first curve."""
    found: dict[Key, CurveFamily] = {}
    for rows in curves:
        first = rows[0]
        cdm, cohort = first.row.cdm_name, first.group[0]
        diagram = diagrams.get(cdm, EMPTY)
        root = diagram.root.get(cohort, cohort)
        name: Key = (cdm, first.row.result_id, root)
        family = found.setdefault(name, CurveFamily(diagram))
        key = curve_cell(rows)
        family.curves[key] = rows
        family.strata.setdefault(cohort, {})[levels_of(first)] = key
    return list(found.values())
