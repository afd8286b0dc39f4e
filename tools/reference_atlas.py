"""Reference page of what is taken of a definition of ATLAS: the tables of the translation."""

from collections.abc import Iterable, Iterator, Mapping

from tools.markdown import generated, table

from laennec.study.circe.criteria import ACCEPTS, FIELDS, NOT_IN_THE_CDM
from laennec.study.circe.expression import LIMITS
from laennec.study.circe.fields import COUNTED, DAYS, DEMOGRAPHICS, KINDS, Asked, Kind
from laennec.study.circe.filters import COMPARE, TEXT
from laennec.study.circe.reader import MAX_DEPTH
from laennec.study.circe.sets_csv import MEANINGS

_HEAD = """\
What Laennec takes of the JSON that ATLAS exports (circe-be), field by field: written from the
tables of the translation, so that it says what the code does. A field that is not here is refused
with its place, and so is a value that is not of its form. What each part means is in
[what a cohort definition means](circe-semantics.md), how to bring a definition in
[bring an ATLAS cohort](../how-to/bring-an-atlas-cohort.md).
"""

_PARTS = (
    ("`Title`, `cdmVersionRange`", "text", "read, and not asked"),
    (
        "`ConceptSets`",
        "`id`, `name`, `expression.items`",
        "those that a part names; an empty one is refused where it is named",
    ),
    (
        "`PrimaryCriteria`",
        "`CriteriaList`, `ObservationWindow` (`PriorDays`, `PostDays`), `PrimaryCriteriaLimit`",
        "`entry`, `prior`, `post`, `entry_limit`",
    ),
    ("`AdditionalCriteria`", "a group", "`qualify`"),
    (
        "`QualifiedLimit`, `ExpressionLimit`",
        "`Type`; the first where it is left out",
        "`qualify_limit`, `limit`",
    ),
    (
        "`InclusionRules`",
        "`name`, `description`, `expression` (a group)",
        "`rules`; the description is not kept",
    ),
    (
        "`EndStrategy`",
        "`DateOffset` (`DateField`, `Offset`) or `CustomEra` (`DrugCodesetId`, `GapDays`, "
        "`Offset`, `DaysSupplyOverride`)",
        "`leave`",
    ),
    ("`CensoringCriteria`", "criteria", "`censoring`"),
    ("`CollapseSettings`", "`CollapseType` (`ERA`), `EraPad`", "`era_pad`"),
    ("`CensorWindow`", "`StartDate`, `EndDate`", "`first_day`, `last_day`"),
)

_GROUPS = """\
A group has a `Type` ({types}), a `Count`, `CriteriaList`, `DemographicCriteriaList` and `Groups`;
at most {depth} groups and criteria lie in one another. A criterion of a group has `Criteria`,
`StartWindow` and `EndWindow` (`Start` and `End` with `Days` and `Coeff`, `UseIndexEnd`,
`UseEventEnd`), `Occurrence` (`Type`, `Count`, `IsDistinct`, `CountColumn`), `RestrictVisit` and
`IgnoreObservationPeriod`. A limit is {limits}, in any case of letters.

Numbers and days compare by `Op` {compare}; texts by {text}. Days are written like 2020-01-31. A
whole number may be written as text; null is the same as left out.
"""

_KINDS = """\
Every kind has `CorrelatedCriteria` (a group), and `DateAdjustment` (`StartWith`, `StartOffset`,
`EndWith`, `EndOffset`) unless it says otherwise. *List* is a list of concepts, of which
`CONCEPT_ID` counts; *set* is `CodesetId` with `IsExclusion`, or the number of a set alone. A list
with an `…Exclude` field may be turned round by it.
"""


_OF_FEW = ("Abnormal", "UserDefinedPeriod", "CriteriaList", "GapDays")


def atlas_page() -> str:
    """Return the page."""
    parts = [generated("What is taken of ATLAS", "laennec/study/circe"), _HEAD]
    parts.append("## A definition\n")
    parts.append(table(("field", "with", "in the study"), _PARTS))
    parts.append(
        "## Groups, windows, comparisons\n\n"
        + _GROUPS.format(
            types=_words(ACCEPTS),
            depth=MAX_DEPTH,
            limits=_words(one.title() for one in LIMITS),
            compare=_words(COMPARE),
            text=_words(TEXT),
        )
    )
    parts.append(f"## Kinds of criteria\n\n{_KINDS}")
    parts += [_kind(name, kind) for name, kind in KINDS.items()]
    parts.append("### Demographics\n")
    parts.append(_filters(DEMOGRAPHICS, frozenset()))
    parts.append("## Refused\n")
    parts.append(table(("part", "reason"), list(_refused())))
    parts.append("## Concept sets as CSV\n")
    parts.append(
        table(("column", "headings, whatever their case, spaces and underscores"), list(_csv()))
    )
    return "\n".join(parts)


def _kind(name: str, kind: Kind) -> str:
    plain = [
        f"`{one}`"
        for one in ("CodesetId", str(kind.source), "First", *_OF_FEW)
        if one in FIELDS[name]
    ]
    counted = ", ".join(f"`{one}`" for one in {**DAYS, **kind.distinct})
    said = f"Also {', '.join(plain)}. " if plain else ""
    return (
        f"### {name}\n\nEvents of `{kind.table}`. {said}`CountColumn`: {counted}.\n\n"
        f"{_filters(kind.filters, kind.excludes)}"
    )


def _filters(filters: Mapping[str, Asked], excludes: frozenset[str]) -> str:
    words = {
        "date": "days",
        "whole": "numbers, cut to whole ones",
        "decimal": "numbers, rounded to four places",
        "text": "text",
        "concepts": "list",
        "selection": "set",
        "set": "set",
    }
    rows = [
        (
            f"`{field}`" + (f", `{field}Exclude`" if field in excludes else ""),
            words[one.kind],
            f"`{one.column}`",
        )
        for field, one in filters.items()
    ]
    return table(("field", "form", "looks at"), rows)


def _refused() -> Iterator[tuple[str, str]]:
    for name, reason in NOT_IN_THE_CDM.items():
        yield f"`{name}`", reason
    for name, kind in KINDS.items():
        for field, reason in kind.refused.items():
            yield f"`{name}.{field}`", reason
    never = sorted(COUNTED - {one for kind in KINDS.values() for one in {**DAYS, **kind.distinct}})
    yield ", ".join(f"`CountColumn` `{one}`" for one in never), "circe-be has it for no table"
    yield "`%` and `_` in a text", "wildcards in ATLAS, and themselves here"


def _csv() -> Iterator[tuple[str, str]]:
    words = {
        "concept_id": "concept",
        "exclude": "excluded",
        "descendants": "with descendants",
        "mapped": "with mapped concepts",
        "set_id": "number of the set, as WebAPI writes it; not kept",
        "set_name": "name of the set",
        "name": "name of the set beside its number, else of the concept",
        "other": "describes the concept; not kept",
    }
    for meaning, headings in MEANINGS.items():
        yield words[meaning], _words(headings)


def _words(words: Iterable[str]) -> str:
    return ", ".join(f"`{one}`" for one in words)
