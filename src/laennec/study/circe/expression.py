"""A cohort definition of ATLAS, as a definition of the study model with its concept sets.

The translation is pure: it reads no file and asks no vocabulary. What a definition means is in
``docs/reference/circe-semantics.md``; what cannot be said is refused with its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from laennec.study.circe.criteria import Criteria
from laennec.study.circe.names import name_for
from laennec.study.circe.reader import Part, made, refuse
from laennec.study.circe.sets import Sets
from laennec.study.definition import (
    Definition,
    DrugEra,
    EndOfPeriod,
    Leave,
    Limit,
    Offset,
    Rule,
)
from laennec.study.model_cohorts import ConceptSet

EXPRESSION = frozenset(
    {
        "cdmVersionRange",
        "Title",
        "PrimaryCriteria",
        "AdditionalCriteria",
        "ConceptSets",
        "QualifiedLimit",
        "ExpressionLimit",
        "InclusionRules",
        "EndStrategy",
        "CensoringCriteria",
        "CollapseSettings",
        "CensorWindow",
    }
)
PRIMARY = frozenset({"CriteriaList", "ObservationWindow", "PrimaryCriteriaLimit"})
LIMITS: Mapping[str, Limit] = {"ALL": "all", "FIRST": "first", "LAST": "last"}
SIDES = {"StartDate": "start", "EndDate": "end"}
ERA = frozenset({"DrugCodesetId", "GapDays", "Offset", "DaysSupplyOverride"})


@dataclass(frozen=True)
class Translated:
    """A definition, and the concept sets that it names."""

    definition: Definition
    concept_sets: Mapping[str, ConceptSet]


def translate(tree: Any, *, name: str) -> Translated:
    """Translate a cohort expression of ATLAS.

    Args:
        tree: The expression's objects and lists, as ``json`` reads them.
        name: Name that the cohort gets in the study.

    Raises:
        StudyError: a part is not known, not written as ATLAS writes it, or cannot be asked here.
            The message begins with its place.
    """
    whole = Part(tree, "", fields=EXPRESSION)
    sets = Sets(whole)
    criteria = Criteria(sets)
    primary = whole.part("PrimaryCriteria", PRIMARY)
    if primary is None:
        refuse("PrimaryCriteria", "the entry events are missing", "Export the definition again.")
    observed = primary.part("ObservationWindow", {"PriorDays", "PostDays"})
    if observed is None:
        refuse(primary.at("ObservationWindow"), "it is missing", "Export the definition again.")
    entry = criteria.queries(primary, "CriteriaList")
    calendar = whole.part("CensorWindow", {"StartDate", "EndDate"})
    collapse = whole.part("CollapseSettings", {"CollapseType", "EraPad"})
    for field in ("cdmVersionRange", "Title"):
        whole.text(field)
    definition = made(
        Definition,
        "the definition",
        name=name,
        entry=entry,
        prior=observed.whole("PriorDays", least=0) or 0,
        post=observed.whole("PostDays", least=0) or 0,
        entry_limit=_limit(primary, "PrimaryCriteriaLimit"),
        qualify=criteria.group(whole, "AdditionalCriteria"),
        qualify_limit=_limit(whole, "QualifiedLimit"),
        rules=_rules(whole, criteria),
        limit=_limit(whole, "ExpressionLimit"),
        leave=_leave(whole, sets),
        censoring=criteria.queries(whole, "CensoringCriteria"),
        era_pad=_pad(collapse),
        first_day=None if calendar is None else calendar.day("StartDate"),
        last_day=None if calendar is None else calendar.day("EndDate"),
    )
    return Translated(definition, dict(sets.used))


def _limit(part: Part, field: str) -> Limit:
    """Which events are taken; the first where nothing is said, as in circe-be."""
    found = part.part(field, {"Type"})
    if found is None or "Type" not in found:
        return "first"
    word = (found.text("Type") or "").upper()
    if word not in LIMITS:
        refuse(found.at("Type"), "the limit is not known", "Write All, First or Last.")
    return LIMITS[word]


def _rules(whole: Part, criteria: Criteria) -> tuple[Rule, ...]:
    rules: list[Rule] = []
    for part in whole.parts("InclusionRules", {"name", "description", "expression"}):
        group = criteria.group(part, "expression")
        if group is None:
            refuse(part.at("expression"), "the rule asks nothing", "Take the rule away.")
        part.text("description")
        taken = {one.name for one in rules}
        name = name_for(part.text("name") or "", what="rule", taken=taken)
        rules.append(Rule(name=name, group=group))
    return tuple(rules)


def _leave(whole: Part, sets: Sets) -> Leave:
    outer = whole.part("EndStrategy", {"DateOffset", "CustomEra"})
    kinds = [] if outer is None else list(outer)
    if outer is None or not kinds:
        return EndOfPeriod()
    if len(kinds) > 1:
        refuse(outer.place, "there are two strategies", "Keep one of them.")
    offset = outer.part("DateOffset", {"DateField", "Offset"})
    if offset is not None:
        after = offset.one_of("DateField", SIDES) if "DateField" in offset else "start"
        return made(Offset, offset.place, days=offset.whole("Offset") or 0, after=after)
    era = Part(outer.raw("CustomEra"), outer.at("CustomEra"), fields=ERA)
    drugs = sets.named(era, "DrugCodesetId")
    if drugs is None:
        refuse(era.at("DrugCodesetId"), "the drugs are missing", "Choose a concept set in ATLAS.")
    return made(
        DrugEra,
        era.place,
        concepts=drugs,
        gap=era.whole("GapDays") or 0,
        offset=era.whole("Offset") or 0,
        supply=era.whole("DaysSupplyOverride"),
    )


def _pad(collapse: Part | None) -> int:
    if collapse is None:
        return 0
    if "CollapseType" in collapse:
        collapse.one_of("CollapseType", {"ERA": "era"})
    return collapse.whole("EraPad", least=0) or 0
