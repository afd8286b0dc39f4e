"""One year of a PMSI field: rules, persons, lines.

A rule that drops a stay drops its rows in every table of the field. One that unchains a stay takes
its person away: the stay took place and nobody knows whose it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from laennec.intake.snds.fates import Fates
from laennec.intake.snds.unit_rows import Frames, wanted_columns
from laennec.snds import stays, stays_fates, stays_fields
from laennec.snds.catalogue import catalogue
from laennec.snds.claims_codes import Codebook
from laennec.snds.keys import STAY_KEY, stay_columns, stay_key
from laennec.snds.person_index import PersonIndex
from laennec.snds.rules import Effect, counted_for, failing, rules, rules_for

ONLY_RULES = "no OMOP target: read for its rules"
_PSA, _RANK, _SEX = "NIR_ANO_17", "RNG_NAI", "COD_SEX"


def families(field: str) -> tuple[str, ...]:
    """Return the tables of a field to read: those of the converter, and those that rules name."""
    named = [one.family for one in rules() if one.family.startswith(f"T_{field}aa")]
    return tuple(dict.fromkeys((*stays_fields.families(field), *named)))


def columns(family: str, field: str, year: int) -> tuple[str, ...]:
    """Return the columns to read of a table of the PMSI."""
    ever = {one.name for one in catalogue().tables[family].columns}
    wanted = stays_fields.NEEDS.get(family, stay_columns(field))
    person = [name for name in (_RANK, _SEX) if name in ever]
    return wanted_columns(family, year, (*wanted, *person))


@dataclass(frozen=True)
class StaysWork:
    """Makes lines of stays.

    Attributes:
        field: MCO, SSR, HAD or RIP.
        year: Of the files.
        index: Whose each identifier is.
        codes: The vocabularies.
        fates: Takes what becomes no line.
        touched: Rows that each rule names, by rule; changed.
    """

    field: str
    year: int
    index: PersonIndex
    codes: Codebook
    fates: Fates
    touched: dict[str, int]

    def prepare(self, family: str, rows: pl.DataFrame) -> pl.DataFrame:
        """Add the key of the stay; see ``unit_rows.Prepare``."""
        key = (
            stays_fields.key(family, self.year)
            if family in stays_fields.NEEDS
            else stay_key(self.field, self.year)
        )
        return rows if key is None else rows.with_columns(key)

    def lines(self, frames: Frames) -> Mapping[str, pl.DataFrame]:
        """Return the lines of a shard by table, with ``$care_sites``."""
        chained = self._whose(self._clean(frames))
        usable = {}
        for family, told in stays_fates.fates(self.field, self.year, chained).items():
            rows = chained[family]
            self._settle(family, rows, told)
            usable[family] = rows.filter(told["fate"] == stays_fates.KEPT)
            self.fates.of(family).kept += len(usable[family])
        for family in chained.keys() - usable.keys():
            self.fates.drop(family, ONLY_RULES, len(chained[family]))
        made = stays.convert(self.field, self.year, usable, self.codes)
        return {**made, "$care_sites": stays.care_sites(self.field, usable)}

    def _settle(self, family: str, rows: pl.DataFrame, told: pl.DataFrame) -> None:
        """Count and put away the rows that no line is made of."""
        lines = rows.drop("reason", strict=False).with_columns(told["reason"])
        for (reason,), some in lines.filter(told["fate"] == stays_fates.QUARANTINED).group_by(
            "reason", maintain_order=True
        ):
            bare = some.drop("reason", STAY_KEY, "person_id", strict=False)
            self.fates.quarantine(family, bare, str(reason))
        self.fates.set_apart(family, lines.filter(told["fate"] == stays_fates.APART))
        for (reason,), some in lines.filter(told["fate"] == stays_fates.DROPPED).group_by("reason"):
            self.fates.drop(family, str(reason), len(some))

    def _clean(self, frames: Frames) -> dict[str, pl.DataFrame]:
        """Take out what the rules name, and mark the stays that they unchain by ``reason``."""
        left = dict(frames)
        for family, rows in frames.items():
            for counted in counted_for(family, self.year):
                self._touch(counted.id, rows.select(failing(counted, rows).sum()).item())
        for family in frames:
            for rule in rules_for(family, self.year):
                rows = left[family]
                named = rows.select(failing(rule, rows).alias("$named")).to_series()
                self._touch(rule.id, int(named.sum()))
                if rule.effect is Effect.UNCHAIN:
                    left[family] = _marked(rows, named, rule.id)
                elif rule.effect is Effect.DROP_STAY:
                    left = self._without_stays(left, rows.filter(named)[STAY_KEY], rule.id)
                elif named.any():
                    self.fates.drop(family, rule.id, int(named.sum()))
                    left[family] = rows.filter(~named)
        return left

    def _without_stays(self, frames: Frames, gone: pl.Series, rule: str) -> dict[str, pl.DataFrame]:
        if gone.is_empty():
            return dict(frames)
        left = {}
        for family, rows in frames.items():
            keyed = STAY_KEY in rows.columns
            left[family] = (
                rows.filter(~pl.col(STAY_KEY).is_in(gone.unique().implode())) if keyed else rows
            )
            self.fates.drop(family, rule, len(rows) - len(left[family]))
        return left

    def _touch(self, rule: str, rows: int) -> None:
        self.touched[rule] = self.touched.get(rule, 0) + rows

    def _whose(self, frames: Frames) -> Frames:
        """Add ``person_id`` and ``reason`` to the tables that name persons."""
        sexes = [
            rows.select(STAY_KEY, pl.col(_SEX).cast(pl.Int8, strict=False)).unique(STAY_KEY)
            for rows in frames.values()
            if _SEX in rows.columns and STAY_KEY in rows.columns
        ]
        found = dict(frames)
        for family in stays_fields.chaining(self.field):
            if family not in frames:
                continue
            rows = _marked(frames[family], pl.Series([False]), "")
            sex = pl.lit(None, pl.Int8).alias(_SEX)
            asked = (
                rows.join(sexes[0], on=STAY_KEY, how="left", maintain_order="left")
                if sexes and _SEX not in rows.columns
                else rows.with_columns(sex)
            )
            rank = pl.col(_RANK) if _RANK in rows.columns else pl.lit(None, pl.String)
            asked = asked.select(
                _PSA, rank.cast(pl.Int64, strict=False).alias(_RANK), _SEX, "reason"
            )
            whose = self.index.of_stays(asked[_PSA], asked[_RANK], asked[_SEX])
            found[family] = rows.with_columns(
                pl.when(rows["reason"].is_null()).then(whose["person_id"]).alias("person_id"),
                pl.coalesce(rows["reason"], whose["reason"]).alias("reason"),
            )
        return found


def _marked(rows: pl.DataFrame, named: pl.Series, rule: str) -> pl.DataFrame:
    """Give the rows that a rule names its id as ``reason``, unless they have one."""
    before = pl.col("reason") if "reason" in rows.columns else pl.lit(None, pl.String)
    new = pl.when(named).then(pl.lit(rule)) if named.any() else pl.lit(None, pl.String)
    return rows.with_columns(pl.coalesce(before, new).alias("reason"))
