"""The fields of the PMSI: which tables each is delivered in, and which columns are read.

Pure, but for packaged tables.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import polars as pl

from laennec.snds import external, stays_home, stays_mco, stays_psychiatry, stays_rehab
from laennec.snds.keys import STAY_KEY, stay_columns, stay_key
from laennec.snds.stays_facts import acts, diagnoses
from laennec.snds.stays_rows import CHAIN_DATES, PART, chains, stays

Frames = Mapping[str, pl.DataFrame]

_SITE = ("ETA_NUM", "SOC_RAI", "ETB_EXE_FIN")


@dataclass(frozen=True)
class Field:
    """Stays of one kind, in the tables of one year.

    Attributes:
        name: As ``keys.stay_columns`` knows it.
        head: Family that has the stay itself.
        chain: Family that says whose it is.
        site: Family of establishments, or None.
        own: Columns that ``heads`` and ``parts`` read, by family.
        heads: Returns the stays as ``stays_rows.HEAD``.
        parts: Returns their parts as ``stays_rows.PART``.
        single: Families with one row for a stay; another is the same transmitted twice.
    """

    name: str
    head: str
    chain: str
    site: str | None
    own: Mapping[str, tuple[str, ...]]
    heads: Callable[[Frames], pl.DataFrame]
    parts: Callable[[Frames], pl.DataFrame]
    single: tuple[str, ...]

    @property
    def needs(self) -> dict[str, tuple[str, ...]]:
        """The columns to read, by family."""
        found = {family: list(columns) for family, columns in self.own.items()}
        found.setdefault(self.chain, []).extend(("NIR_ANO_17", *CHAIN_DATES))
        for diagnosis in diagnoses(self.name):
            named = (diagnosis.column, diagnosis.part)
            found.setdefault(diagnosis.family, []).extend(name for name in named if name)
        for act in acts(self.name):
            found.setdefault(act.family, []).extend(act.columns)
        keys = stay_columns(self.name)
        needed = {family: tuple(dict.fromkeys((*keys, *named))) for family, named in found.items()}
        return needed if self.site is None else needed | {self.site: _SITE}

    def once(self, frames: Frames) -> dict[str, pl.DataFrame]:
        """Return the frames with each stay once in the families of ``single``: its first row."""
        found = dict(frames)
        for family in self.single:
            if family in found and found[family][STAY_KEY].is_duplicated().any():
                found[family] = found[family].unique(STAY_KEY, keep="first", maintain_order=True)
        return found

    def stays(self, year: int, frames: Frames) -> pl.DataFrame | None:
        """Return all chained stays as ``stays_rows.stays`` does; None if a table is missing.

        Args:
            year: Of the tables.
            frames: As ``once`` returns them.
        """
        if self.head not in frames or self.chain not in frames:
            return None
        return stays(self.heads(frames), chains(frames[self.chain]), year=year)


def _no_parts(frames: Frames) -> pl.DataFrame:
    del frames
    return pl.DataFrame(schema=PART)


def _external(name: str) -> Field:
    chain = external.CHAINS[name]
    own: dict[str, tuple[str, ...]] = {chain: ("ETA_NUM",)}
    own |= dict.fromkeys(external.SERVICES[name], external.SERVICE_NEEDS)
    heads = partial(external.heads, name)
    return Field(name, chain, chain, None, own, heads, _no_parts, (chain,))


_MCO = Field(
    "MCO",
    "T_MCOaaB",
    "T_MCOaaC",
    "T_MCOaaE",
    stays_mco.NEEDS,
    stays_mco.heads,
    stays_mco.parts,
    ("T_MCOaaB", "T_MCOaaC"),
)
_SSR = Field(
    "SSR",
    "T_SSRaaB",
    "T_SSRaaC",
    "T_SSRaaE",
    stays_rehab.NEEDS,
    stays_rehab.heads,
    stays_rehab.parts,
    ("T_SSRaaC", "T_SSRaaS"),
)
_HAD = Field(
    "HAD",
    "T_HADaaB",
    "T_HADaaC",
    "T_HADaaE",
    stays_home.NEEDS,
    stays_home.heads,
    stays_home.parts,
    ("T_HADaaC",),
)
_RIP = Field(
    "RIP",
    "T_RIPaaRSA",
    "T_RIPaaC",
    "T_RIPaaE",
    stays_psychiatry.NEEDS,
    stays_psychiatry.heads,
    stays_psychiatry.parts,
    ("T_RIPaaC",),
)

DELIVERED: Mapping[str, tuple[Field, ...]] = MappingProxyType(
    {
        "MCO": (_MCO, _external("MCO_EXTERNAL")),
        "SSR": (_SSR, _external("SSR_EXTERNAL")),
        "HAD": (_HAD,),
        "RIP": (_RIP,),
    }
)
"""For each field of the PMSI: its stays, and the external activity delivered with them."""

NEEDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        family: columns
        for delivered in DELIVERED.values()
        for field in delivered
        for family, columns in field.needs.items()
    }
)
"""Columns to read, by family. Those that a year lacks may be null or not there at all."""


def families(field: str) -> tuple[str, ...]:
    """Return the families of a field's unit of work."""
    return tuple(family for one in DELIVERED[field] for family in one.needs)


def chaining(field: str) -> tuple[str, ...]:
    """Return the families of a field whose rows name persons, by ``NIR_ANO_17``."""
    return tuple(one.chain for one in DELIVERED[field])


def key(family: str, year: int) -> pl.Expr | None:
    """Return the expression of ``$stay`` for a family; None for a table of establishments.

    Raises:
        KeyError: the family is none of ``NEEDS``.
    """
    for delivered in DELIVERED.values():
        for field in delivered:
            if family == field.site:
                return None
            if family in field.needs:
                return stay_key(field.name, year)
    raise KeyError(family)


def complete(frames: Frames) -> dict[str, pl.DataFrame]:
    """Return the frames of families that are read, each with all of its columns."""
    return {
        family: rows.with_columns(
            pl.lit(None, pl.String).alias(name)
            for name in NEEDS[family]
            if name not in rows.columns
        )
        for family, rows in frames.items()
        if family in NEEDS
    }
