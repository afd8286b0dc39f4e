"""The facts and limits of person resolution, from ``data/persons.toml``.

Reasons, kinds of evidence and confidence classes are listed there with their meaning. Pure after
the first call.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

_FILE = "persons.toml"
LONGEST_PSEUDONYM = 24
"""Characters of the longest pseudonym that is taken; the SNDS has 17, extractions up to 18."""

HIGHEST_RANK = 255


@dataclass(frozen=True)
class Limits:
    """Beyond what a merge is refused; months and days are differences, both ends included."""

    months_apart: int
    days_between_deaths: int
    months_after_death: int
    most_identifiers: int
    oldest_birth: int


@dataclass(frozen=True)
class PersonRules:
    """All that resolution takes as given."""

    limits: Limits
    filler_run: str
    meaningless_ranks: tuple[int, ...]
    quality: Mapping[str, str]
    unknown_places: tuple[str, ...]
    apart: Mapping[str, str]
    refusals: Mapping[str, str]
    evidence: Mapping[str, str]
    confidence: Mapping[str, str]


def _meanings(rows: list[dict[str, str]]) -> Mapping[str, str]:
    return MappingProxyType({row["id"]: row["meaning"] for row in rows})


@cache
def person_rules() -> PersonRules:
    """Return the rules of the package, read once.

    ``apart``, ``refusals``, ``evidence`` and ``confidence`` map what appears in tables to its
    meaning; ``confidence`` goes from the surest to the least sure.
    """
    tree = tomllib.loads((files("laennec.snds") / "data" / _FILE).read_text(encoding="utf-8"))
    fillers = tree["fillers"]
    return PersonRules(
        limits=Limits(**tree["limits"]),
        filler_run=fillers["letter"] * fillers["run"],
        meaningless_ranks=tuple(tree["ranks"]["meaningless"]),
        quality=MappingProxyType(
            {code: kind["quality"] for kind in tree["number"] for code in kind["codes"]}
        ),
        unknown_places=tuple(tree["places"]["unknown"]),
        apart=_meanings(tree["apart"]),
        refusals=_meanings(tree["refusal"]),
        evidence=_meanings(tree["evidence"]),
        confidence=_meanings(tree["confidence"]),
    )
