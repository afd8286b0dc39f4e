"""What of a delivery is new: a month loaded twice would count every claim twice.

A unit that adds to what is there is loaded once. Delivered again, it is skipped if its very bytes
were loaded, and refused otherwise. Tables that say everything anew each time (beneficiaries,
long-term diseases, deaths, the drug reference) are read whenever their bytes are new.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from laennec.core.errors import SourceError
from laennec.intake.snds.model import DeliveredFile
from laennec.intake.snds.state import LoadedUnit, SndsState
from laennec.intake.snds.units import Plan, Unit

BENEFICIARIES, DRUGS = "beneficiaries", "drugs"
"""Names under which the state knows the files that are no unit."""


@dataclass(frozen=True)
class News:
    """What is to be loaded.

    Attributes:
        units: Those that are new.
        beneficiaries: Files that say who is who, if their bytes are new; else empty.
        drugs: The drug reference, if its bytes are new.
        again: Units that were loaded before, with the snapshot of that load.
    """

    units: tuple[Unit, ...]
    beneficiaries: tuple[DeliveredFile, ...]
    drugs: DeliveredFile | None
    again: Mapping[str, int]

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.units or self.beneficiaries or self.drugs)

    @property
    def common(self) -> tuple[DeliveredFile, ...]:
        """The files that every unit stands on."""
        return (*self.beneficiaries, *([self.drugs] if self.drugs else []))


def digests(files: Sequence[DeliveredFile]) -> dict[str, str]:
    """Return the SHA-256 of each file, by name, in hexadecimal."""
    return {file.name: file.source.digest() for file in files}


def news(plan: Plan, state: SndsState | None) -> News:
    """Tell what of a delivery is new. Only files of what was loaded before are hashed.

    Raises:
        SourceError: a month or year is there already, made from other bytes.
    """
    known = {} if state is None else state.units
    fresh, again = [], {}
    for unit in plan.units:
        before = _before(unit, known)
        if before is None:
            fresh.append(unit)
        elif set(digests(unit.files).values()) == set(before.digests.values()):
            again[unit.name] = before.snapshot
        elif unit.once:
            raise _twice(unit, before)
        else:
            fresh.append(unit)
    drugs = [plan.drugs] if plan.drugs is not None else []
    return News(
        tuple(fresh),
        () if _same(plan.beneficiaries, known.get(BENEFICIARIES)) else plan.beneficiaries,
        None if _same(drugs, known.get(DRUGS)) else plan.drugs,
        again,
    )


def _before(unit: Unit, known: Mapping[str, LoadedUnit]) -> LoadedUnit | None:
    """Return the load of the same time, of a month by its whole year too, or None."""
    if unit.name in known or not unit.once:
        return known.get(unit.name)
    what, _, when = unit.name.partition(" ")
    year = when[:4]
    if unit.month is not None:
        return known.get(f"{what} {year}")
    months = (one for name, one in known.items() if name.startswith(f"{what} {year}-"))
    return next(months, None)


def _same(files: Sequence[DeliveredFile], before: LoadedUnit | None) -> bool:
    if before is None:
        return not files
    return not files or set(digests(files).values()) == set(before.digests.values())


def _twice(unit: Unit, before: LoadedUnit) -> SourceError:
    return SourceError(
        f"{unit.name} was loaded in snapshot {before.snapshot}, from other files than these: "
        f"{', '.join(file.name for file in unit.files)}.",
        remedy="Take these files out of the delivery; loaded again, every claim would count "
        "twice. Nothing was loaded.",
    )
