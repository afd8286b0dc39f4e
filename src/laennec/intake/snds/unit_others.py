"""Long-term diseases, and deaths by year: rules, persons, lines. Pure but for what it counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from laennec.intake.snds.fates import Fates
from laennec.intake.snds.unit_rows import Frames, wanted_columns
from laennec.intake.snds.units import Kind
from laennec.snds import beneficiaries, deaths
from laennec.snds.claims_codes import Codebook
from laennec.snds.person_index import PersonIndex

_CERTIFICATES = "KI_CCI_R"
_DISEASES = "IR_IMB_R"


def columns(family: str, year: int | None) -> tuple[str, ...]:
    """Return the columns to read of a table."""
    needs = {**beneficiaries.NEEDS, **deaths.NEEDS}
    return wanted_columns(family, year, needs[family])


@dataclass(frozen=True)
class OthersWork:
    """Makes lines of diseases or deaths.

    Attributes:
        kind: ``DISEASES`` or ``DEATHS``.
        index: Whose each identifier is.
        identifiers: ``psa``, ``rng``, ``nir_ano`` and ``person_id`` of all persons.
        codes: The vocabularies.
        fates: Takes what becomes no line.
        touched: No rule is about these tables.
    """

    kind: Kind
    index: PersonIndex
    identifiers: pl.DataFrame
    codes: Codebook
    fates: Fates
    touched: dict[str, int] = field(default_factory=dict)

    def prepare(self, family: str, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the rows as they are; see ``unit_rows.Prepare``."""
        del family
        return rows

    def lines(self, frames: Frames) -> Mapping[str, pl.DataFrame]:
        """Return the lines of a unit by table."""
        if self.kind is Kind.DISEASES:
            return self._diseases(frames[_DISEASES])
        rows = frames.get(_CERTIFICATES)
        if rows is None:
            rows = pl.DataFrame(schema=dict.fromkeys(deaths.NEEDS[_CERTIFICATES], pl.String()))
        whose = deaths.persons_of(rows, self.identifiers)
        found = {**frames, _CERTIFICATES: rows.with_columns(whose["person_id"], whose["reason"])}
        told = deaths.fates(found)
        usable = {family: self._settle(family, found[family], told[family]) for family in frames}
        return deaths.convert({_CERTIFICATES: found[_CERTIFICATES], **usable}, self.codes)

    def _diseases(self, rows: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
        whose = self.index.of_claims(rows["BEN_NIR_PSA"], rows["BEN_RNG_GEM"])
        found = rows.with_columns(whose["person_id"], whose["reason"])
        kept = self._settle(_DISEASES, found, beneficiaries.fates(found))
        return beneficiaries.diseases(kept, self.codes)

    def _settle(self, family: str, rows: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
        """Count and put away the rows that no line is made of; return the others."""
        lines = rows.drop("reason", strict=False).with_columns(told["reason"])
        bad = lines.filter(told["fate"] == "quarantined")
        for (reason,), some in bad.group_by("reason", maintain_order=True):
            self.fates.quarantine(
                family, some.drop("reason", "person_id", strict=False), str(reason)
            )
        self.fates.set_apart(family, lines.filter(told["fate"] == "apart"))
        for (reason,), some in lines.filter(told["fate"] == "dropped").group_by("reason"):
            self.fates.drop(family, str(reason), len(some))
        kept = rows.filter(told["fate"] == "kept")
        self.fates.of(family).kept += len(kept)
        return kept
