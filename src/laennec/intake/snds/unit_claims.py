"""One month of claims, or a shard of it: rules, persons, lines.

Rows meet, in this order: reading, the cleaning rules, what the converter refuses, details without a
claim, persons. The first that takes a row out is its fate, and the details of a claim share it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from laennec.intake.csv_records import LINE
from laennec.intake.snds.fates import Fates
from laennec.intake.snds.unit_rows import Frames, wanted_columns
from laennec.snds import claims
from laennec.snds.claims_codes import Codebook
from laennec.snds.keys import CLAIM_JOIN, CLAIM_KEY, NINE_KEYS, claim_key
from laennec.snds.person_index import PersonIndex
from laennec.snds.rules import Effect, counted_for, failing, needs, rules_for

NO_CLAIM = "no claim with these nine keys"
_PERSON = ("BEN_NIR_PSA", "BEN_RNG_GEM")


def columns(family: str, year: int | None) -> tuple[str, ...]:
    """Return the columns to read of a table of the DCIR."""
    person = _PERSON if family == claims.CLAIMS else ()
    return wanted_columns(family, year, (*NINE_KEYS, *person, *claims.NEEDS[family]))


@dataclass(frozen=True)
class ClaimsWork:
    """Makes lines of claims.

    Attributes:
        year: Of flux.
        last_day: Last day of the month of flux.
        index: Whose each identifier is.
        codes: The vocabularies.
        drugs: The drug reference, or None.
        fates: Takes what becomes no line.
        touched: Rows that each rule names, by rule; changed.
    """

    year: int | None
    last_day: date | None
    index: PersonIndex
    codes: Codebook
    drugs: pl.DataFrame | None
    fates: Fates
    touched: dict[str, int]

    def prepare(self, family: str, rows: pl.DataFrame) -> pl.DataFrame:
        """Add the key of the claim, and the person of a claim; see ``unit_rows.Prepare``."""
        kept = {*claims.NEEDS[family], *needs(family, self.year), *CLAIM_JOIN, LINE}
        keyed = rows.with_columns(claim_key())
        if family == claims.CLAIMS:
            whose = self.index.of_claims(rows["BEN_NIR_PSA"], rows["BEN_RNG_GEM"])
            keyed = keyed.with_columns(whose["person_id"], whose["reason"])
            kept |= {"person_id", "reason"}
        return keyed.select(name for name in keyed.columns if name in kept)

    def lines(self, frames: Frames) -> Mapping[str, pl.DataFrame]:
        """Return the lines of a shard by table, with ``$providers`` and ``$care_sites``."""
        cleaned = self._clean(frames)
        usable = self._of_somebody(self._joined(self._dated(cleaned)))
        for family, reason, rows in claims.unused(usable).iter_rows():
            self.fates.drop(family, reason, rows)
            self.fates.of(family).kept -= rows
        for family, rows in usable.items():
            self.fates.of(family).kept += len(rows)
        made = dict(claims.convert(usable, self.codes, self.drugs))
        if not usable[claims.CLAIMS].is_empty():
            made["$providers"] = claims.providers(usable)
            made["$care_sites"] = claims.care_sites(usable)
        return made

    def _clean(self, frames: Frames) -> Frames:
        """Take out what the rules name; the whole claim where the rule says so."""
        left = dict(frames)
        for family, rows in frames.items():
            for counted in counted_for(family, self.year):
                self._touch(counted.id, rows.select(failing(counted, rows).sum()).item())
        for family in frames:
            for rule in rules_for(family, self.year):
                named = left[family].filter(failing(rule, left[family]))
                self._touch(rule.id, len(named))
                if named.is_empty():
                    continue
                if rule.effect is Effect.DROP_CLAIM:
                    left = self._without_claims(left, named.select(CLAIM_JOIN), rule.id)
                else:
                    self.fates.drop(family, rule.id, len(named))
                    left[family] = left[family].join(named.select(LINE), on=LINE, how="anti")
        return left

    def _without_claims(
        self, frames: Frames, gone: pl.DataFrame, rule: str
    ) -> dict[str, pl.DataFrame]:
        left = {}
        for family, rows in frames.items():
            left[family] = _not_of(rows, gone)
            self.fates.drop(family, rule, len(rows) - len(left[family]))
        return left

    def _touch(self, rule: str, rows: int) -> None:
        self.touched[rule] = self.touched.get(rule, 0) + rows

    def _dated(self, frames: Frames) -> Frames:
        left = dict(frames)
        for family, rows in claims.refused(frames, last_day=self.last_day).items():
            for (rule,), some in rows.group_by("rule", maintain_order=True):
                self.fates.quarantine(family, some.drop("rule", CLAIM_KEY), str(rule))
            left[family] = left[family].join(rows.select(LINE), on=LINE, how="anti")
        return left

    def _joined(self, frames: Frames) -> Frames:
        left = dict(frames)
        for family, rows in claims.unjoined(frames).items():
            self.fates.quarantine(family, rows.drop(CLAIM_KEY), NO_CLAIM)
            left[family] = left[family].join(rows.select(LINE), on=LINE, how="anti")
        return left

    def _of_somebody(self, frames: Frames) -> Frames:
        """Set apart the claims of nobody, and their details."""
        empty = pl.DataFrame(schema={"person_id": pl.Int64(), "reason": pl.String()})
        claimed = frames.get(claims.CLAIMS, empty)
        nobody = claimed.filter(pl.col("person_id").is_null())
        left = {claims.CLAIMS: claimed.drop("reason")}
        if nobody.is_empty():
            return {**frames, **left}
        self.fates.set_apart(claims.CLAIMS, nobody)
        left[claims.CLAIMS] = left[claims.CLAIMS].filter(pl.col("person_id").is_not_null())
        why = nobody.select(*CLAIM_JOIN, "reason").unique(CLAIM_JOIN)
        somebody = left[claims.CLAIMS].select(CLAIM_JOIN)
        for family, rows in frames.items():
            if family != claims.CLAIMS:
                lost = _not_of(rows.join(why, on=CLAIM_JOIN, how="inner"), somebody)
                self.fates.set_apart(family, lost)
                left[family] = rows.join(lost.select(LINE), on=LINE, how="anti")
        return left


def _not_of(rows: pl.DataFrame, gone: pl.DataFrame) -> pl.DataFrame:
    return rows.join(gone, on=CLAIM_JOIN, how="anti", maintain_order="left")
