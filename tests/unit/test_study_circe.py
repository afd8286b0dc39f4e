"""The translation of ATLAS's definitions: what it takes, and how it refuses the rest."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from laennec.core.errors import StudyError
from laennec.study.circe import concept_set, translate
from laennec.study.circe.fields import COUNTED, DAYS, KINDS
from laennec.study.circe.names import name_for
from laennec.study.circe.reader import MANY_LISTED, MAX_DEPTH
from laennec.study.circe.sets_csv import concept_sets_of
from laennec.study.circe.study import study_of
from laennec.study.definition import (
    Adjustment,
    ConceptFilter,
    DateFilter,
    EventWindow,
    Group,
    NumberFilter,
    SetFilter,
    columns,
)
from laennec.study.model_cohorts import ConceptItem

Json = dict[str, Any]
FIRST = "PrimaryCriteria.CriteriaList[0]"


def expression(criterion: Json | None = None, **parts: Any) -> Json:
    """A definition with one entry query and one concept set, and other parts."""
    return {
        "ConceptSets": [
            {
                "id": 7,
                "name": "NSAIDs, oral",
                "expression": {"items": [{"concept": {"CONCEPT_ID": 21603933}}]},
            }
        ],
        "PrimaryCriteria": {
            "CriteriaList": [criterion or {"DrugExposure": {"CodesetId": 7}}],
            "ObservationWindow": {"PriorDays": 0, "PostDays": 0},
            "PrimaryCriteriaLimit": {"Type": "All"},
        },
        "ExpressionLimit": {"Type": "All"},
        "QualifiedLimit": {"Type": "All"},
        "InclusionRules": [],
        "CollapseSettings": {"CollapseType": "ERA", "EraPad": 0},
        **parts,
    }


def asked(criterion: Json) -> Any:
    """The only entry query, translated."""
    return translate(expression(criterion), name="one").definition.entry[0]


def group(*criteria: Json, **fields: Any) -> Json:
    return {"Type": "ALL", "CriteriaList": list(criteria), **fields}


def about(criterion: Json, **fields: Any) -> Json:
    """A criterion about an index event, in the year before it."""
    return {
        "Criteria": criterion,
        "StartWindow": {"Start": {"Days": 365, "Coeff": -1}, "End": {"Days": 0, "Coeff": 1}},
        "Occurrence": {"Type": 2, "Count": 1},
        **fields,
    }


def test_names_are_made_of_what_people_wrote() -> None:
    found = translate(
        expression(
            InclusionRules=[
                {"name": "Âge ≥ 18", "expression": group()},
                {"name": "age 18", "expression": group()},
                {"name": None, "expression": group()},
                {"name": "1st", "expression": group()},
            ]
        ),
        name="one",
    )
    assert [one.name for one in found.definition.rules] == [
        "age_18",
        "age_18_2",
        "rule",
        "rule_1st",
    ]
    assert list(found.concept_sets) == ["nsaids_oral"]
    assert found.definition.entry[0].concepts == "nsaids_oral"


@pytest.mark.parametrize("text", ["", "é" * 200, "a" * 200, "漢字", "1", "_", "A b", "ok_name"])
def test_a_name_is_a_name_and_new(text: str) -> None:
    first = name_for(text, what="set")
    other = name_for(text, what="set", taken={first})
    assert first != other
    for one in (first, other):
        assert translate(expression(), name=one).definition.name == one


def test_what_surprises_in_circe_is_kept() -> None:
    until = {"Value": "2020-1-5", "Op": "lt"}
    assert asked({"DrugExposure": {"OccurrenceEndDate": until}}).filters[0].column == "start"
    assert asked({"VisitDetail": {"Age": {"Value": 18, "Op": "gte"}}}).filters == (
        NumberFilter(column="age_at_end", compare="gte", value=18),
    )
    adjusted = {"StartWith": "END_DATE", "StartOffset": 3, "EndWith": "START_DATE", "EndOffset": 4}
    assert asked({"Death": {"DateAdjustment": adjusted}}).adjustment == Adjustment(
        start="start", start_days=3, end="end", end_days=4
    )


@pytest.mark.parametrize(
    ("field", "written", "value"),
    [
        ("DaysSupply", 30, 30.0),
        ("DaysSupply", "30", 30.0),
        ("DaysSupply", 29.9, 29.0),
        ("DaysSupply", -29.9, -29.0),
        ("Quantity", 0.00005, 0.0001),
        ("Quantity", 1.00004, 1.0),
        ("Quantity", "2.5", 2.5),
    ],
)
def test_bounds_are_cut_or_rounded_as_circe_does(field: str, written: Any, value: float) -> None:
    found = asked({"DrugExposure": {field: {"Value": written, "Op": "eq", "Extent": None}}})
    assert found.filters[0].value == value


def test_lists_and_sets_of_concepts() -> None:
    listed = [{"CONCEPT_ID": 1, "CONCEPT_NAME": "x"}, {"CONCEPT_ID": "2"}]
    found = asked(
        {
            "ConditionOccurrence": {
                "ConditionTypeExclude": True,
                "ConditionType": listed,
                "Gender": [],
                "VisitTypeCS": {"CodesetId": 7, "IsExclusion": True},
                "ConditionStatusCS": {"CodesetId": None, "IsExclusion": True},
            }
        }
    )
    assert found.filters == (
        ConceptFilter(column="condition_type_concept_id", concepts=(1, 2), negate=True),
        SetFilter(column="visit.visit_concept_id", concept_set="nsaids_oral", negate=True),
        SetFilter(column="condition_status_concept_id", concept_set=None, negate=True),
    )


def test_a_custom_era_is_of_other_criteria() -> None:
    era = {
        "CriteriaList": [{"DrugExposure": {"CodesetId": 7}}, {"Death": {}}],
        "GapDays": 30,
        "Duration": {"Value": 5, "Op": "gt"},
    }
    found = asked({"CustomEra": era})
    assert [one.table for one in found.eras] == ["drug_exposure", "death"]
    assert found.filters == (NumberFilter(column="length", compare="gt", value=5),)


def test_a_limit_that_is_not_said_is_the_first() -> None:
    tree = expression()
    del tree["ExpressionLimit"], tree["QualifiedLimit"]
    tree["PrimaryCriteria"]["PrimaryCriteriaLimit"] = {"Type": "Last"}
    found = translate(tree, name="one").definition
    assert (found.entry_limit, found.qualify_limit, found.limit) == ("last", "first", "first")


def test_windows_look_where_circe_looks() -> None:
    window = {"Start": {"Coeff": -1}, "End": {"Coeff": 1, "Days": 5}}
    one = about({"DrugEra": {}}, StartWindow=window, EndWindow={**window, "UseIndexEnd": True})
    found = translate(expression(AdditionalCriteria=group(one)), name="one").definition.qualify
    assert found is not None
    assert found.criteria[0].window == EventWindow(start="observation_start", end=5)
    assert found.criteria[0].end_window == EventWindow(
        start="observation_start", end=5, index="end", event="end"
    )


@pytest.mark.parametrize("empty", [{}, {"Type": None}, {"Type": "ALL", "CriteriaList": []}])
def test_an_empty_group_is_a_group(empty: Json) -> None:
    assert translate(expression(AdditionalCriteria=empty), name="x").definition.qualify == Group()
    assert translate(expression(AdditionalCriteria=None), name="x").definition.qualify is None


def test_what_is_counted_is_a_column_of_the_events() -> None:
    for name, kind in KINDS.items():
        inner: Json = {"CriteriaList": [{"Death": {}}]} if name == "CustomEra" else {}
        for word, column in {**DAYS, **kind.distinct}.items():
            occurrence = {"Type": 0, "Count": 1, "IsDistinct": True, "CountColumn": word}
            one = about({name: inner}, Occurrence=occurrence)
            made = translate(expression(AdditionalCriteria=group(one)), name="x").definition
            assert made.qualify is not None
            assert made.qualify.criteria[0].distinct == column
            assert word in COUNTED


def test_every_field_leads_to_a_column() -> None:
    kinds = {"date": "date", "text": "text", "whole": "number", "decimal": "number"}
    for kind in KINDS.values():
        for one in kind.filters.values():
            assert one.column in columns(kind.table, kinds.get(one.kind, "concept"))


def test_studies_share_sets_that_are_equal() -> None:
    other = expression()
    other["ConceptSets"][0]["expression"]["items"].append({"concept": {"CONCEPT_ID": 3}})
    made = [
        translate(tree, name=name)
        for tree, name in ((expression(), "a"), (expression(), "b"), (other, "c"))
    ]
    study = study_of(made, name="three", title="Three")
    assert list(study.concept_sets) == ["nsaids_oral", "nsaids_oral_2"]
    used = [one.entry[0].concepts for one in study.definitions()]
    assert used == ["nsaids_oral", "nsaids_oral", "nsaids_oral_2"]


def test_an_exported_set_is_a_set() -> None:
    item = {"concept": {"CONCEPT_ID": 5}, "includeDescendants": True, "isExcluded": None}
    assert concept_set({"items": [item]}).items == (ConceptItem(concept_id=5, descendants=True),)
    with pytest.raises(StudyError, match="items"):
        concept_set({"items": []})


REFUSED: list[tuple[Json, str]] = [
    (expression({"DrugExposure": {"StopReasons": {}}}), f"{FIRST}.DrugExposure.StopReasons"),
    (expression({"DrugExposure": {"StopReason": {"Op": "eq", "Text": "a%"}}}), "StopReason.Text"),
    (expression({"DrugExposure": {"EffectiveDrugDose": {}}}), f"{FIRST}.DrugExposure.Effective"),
    (expression({"LocationRegion": {"CodesetId": 7}}), f"{FIRST}.LocationRegion"),
    (expression({"Specimen": {"DateAdjustment": {}}}), f"{FIRST}.Specimen.DateAdjustment"),
    (expression({"VisitDetail": {"PlaceOfServiceLocation": 7}}), "PlaceOfServiceLocation"),
    (expression({"CustomEra": {"GapDays": 5}}), f"{FIRST}.CustomEra"),
    (expression({"CustomEra": {"CriteriaList": [{"Dead": {}}]}}), "CustomEra.CriteriaList[0].Dead"),
    (
        expression({"CustomEra": {"CriteriaList": [{"Death": {}}], "CorrelatedCriteria": {}}}),
        "CustomEra.CorrelatedCriteria",
    ),
    (expression({"Death": {"First": True}}), f"{FIRST}.Death.First"),
    (expression({"DrugExposure": {}, "Death": {}}), FIRST),
    (expression({"DrugExposure": None}), FIRST),
    (expression({"Unheard": {}}), f"{FIRST}.Unheard"),
    (expression({"DrugExposure": {"CodesetId": 8}}), f"{FIRST}.DrugExposure.CodesetId"),
    (expression({"DrugExposure": {"CodesetId": True}}), f"{FIRST}.DrugExposure.CodesetId"),
    (expression({"DrugExposure": {"CodesetId": 1.5}}), f"{FIRST}.DrugExposure.CodesetId"),
    (expression({"DrugExposure": {"CodesetId": 2**40}}), f"{FIRST}.DrugExposure.CodesetId"),
    (expression({"DrugExposure": {"Age": {"Value": 1, "Op": "like"}}}), "DrugExposure.Age.Op"),
    (expression({"DrugExposure": {"Age": {"Op": "gt"}}}), "DrugExposure.Age.Value"),
    (expression({"DrugExposure": {"Age": {"Op": "bt", "Value": 1}}}), "DrugExposure.Age.Extent"),
    (expression({"DrugExposure": {"Age": {"Op": "gt", "Value": "x"}}}), "DrugExposure.Age.Value"),
    (expression({"DrugExposure": {"Age": {"Op": "gt", "Value": 1e300}}}), "Age.Value"),
    (expression({"DrugExposure": {"Age": {"Op": "gt", "Value": float("nan")}}}), "Age.Value"),
    (expression({"DrugExposure": {"Gender": {}}}), f"{FIRST}.DrugExposure.Gender"),
    (expression({"DrugExposure": {"Gender": [None]}}), f"{FIRST}.DrugExposure.Gender[0]"),
    (expression({"DrugExposure": {"Gender": [{}]}}), "Gender[0].CONCEPT_ID"),
    (expression({"DrugExposure": []}), f"{FIRST}.DrugExposure"),
    (expression(ConceptSets=[{"id": 1}, {"id": 1}]), "ConceptSets[1].id"),
    (expression(ConceptSets=[{"name": "no number"}]), "ConceptSets[0].id"),
    (expression(ConceptSets={}), "ConceptSets"),
    (expression(ConceptSets=[{"id": 7, "expression": {"items": []}}]), "CodesetId"),
    (expression(EndStrategy={"DateOffset": {}, "CustomEra": {}}), "EndStrategy"),
    (expression(EndStrategy={"CustomEra": {"GapDays": 3}}), "EndStrategy.CustomEra.DrugCodesetId"),
    (expression(EndStrategy={"Never": {}}), "EndStrategy.Never"),
    (expression(CensorWindow={"StartDate": "2020-02-30"}), "CensorWindow.StartDate"),
    (expression(CensorWindow={"StartDate": "2020-02-01", "EndDate": "2020-01-01"}), "definition"),
    (expression(CollapseSettings={"CollapseType": "NONE"}), "CollapseSettings.CollapseType"),
    (expression(CollapseSettings={"EraPad": -1}), "CollapseSettings.EraPad"),
    (expression(ExpressionLimit={"Type": "Some"}), "ExpressionLimit.Type"),
    (expression(InclusionRules=[{"name": "empty"}]), "InclusionRules[0].expression"),
    (expression(PrimaryCriteria=None), "PrimaryCriteria"),
    (expression(PrimaryCriteria={"CriteriaList": []}), "PrimaryCriteria.ObservationWindow"),
    (expression(Unheard=1), "Unheard"),
    (expression(AdditionalCriteria=group(about({"DrugEra": {}}), Type="SOME")), "Criteria.Type"),
    (expression(AdditionalCriteria=group(about({"DrugEra": {}}), Type="AT_LEAST")), "Count"),
    (expression(AdditionalCriteria=group(about({"DrugEra": {}}, StartWindow=None))), "StartWindow"),
    (expression(AdditionalCriteria=group(about({"DrugEra": {}}, Occurrence=None))), "Occurrence"),
    (expression(AdditionalCriteria=group(about(None))), "CriteriaList[0].Criteria"),  # type: ignore[arg-type]
    (
        expression(
            AdditionalCriteria=group(
                about(
                    {"Episode": {}},
                    Occurrence={
                        "Type": 2,
                        "Count": 1,
                        "IsDistinct": True,
                        "CountColumn": "VISIT_ID",
                    },
                )
            )
        ),
        "CriteriaList[0].Occurrence.CountColumn",
    ),
    (
        expression(
            AdditionalCriteria=group(
                about({"Death": {}}, StartWindow={"Start": {"Days": 1}, "End": {"Days": 1}})
            )
        ),
        "StartWindow.Start.Coeff",
    ),
]


@pytest.mark.parametrize(("tree", "place"), REFUSED, ids=[place for _, place in REFUSED])
def test_a_refusal_names_the_part(tree: Json, place: str) -> None:
    with pytest.raises(StudyError) as refused:
        translate(tree, name="one")
    assert place in refused.value.happened
    assert refused.value.remedy


def test_a_refusal_is_short_whatever_the_file_says() -> None:
    for tree in (
        expression({"DrugExposure": {"x" * 1_000_000: 1}}),
        expression({"DrugExposure": {"Age": {"Op": "y" * 1_000_000, "Value": 1}}}),
        expression(CensorWindow={"StartDate": "z" * 1_000_000}),
        {"w" * 1_000_000: 1},
    ):
        with pytest.raises(StudyError) as refused:
            translate(tree, name="one")
        assert len(refused.value.happened) < 400


def test_nesting_is_bounded() -> None:
    def nested(levels: int) -> Json:
        inner: Json = group(about({"Death": {}}))
        for _ in range(levels):
            inner = group(Groups=[inner])
        return expression(AdditionalCriteria=inner)

    assert translate(nested(MAX_DEPTH - 3), name="deep").definition.qualify is not None
    with pytest.raises(StudyError, match="more than"):
        translate(nested(5_000), name="deep")


def test_lists_are_bounded() -> None:
    many: list[Json] = [{"Death": {}}] * 101
    tree = expression()
    tree["PrimaryCriteria"]["CriteriaList"] = many
    with pytest.raises(StudyError, match="the definition: entry"):
        translate(tree, name="many")


@pytest.mark.parametrize("field", ["ConceptSets", "InclusionRules"])
def test_what_gets_a_name_of_its_own_is_bounded_before_it_gets_one(field: str) -> None:
    """Names are told apart two by two: a hundred thousand equal ones would take an hour."""
    tree = expression()
    tree[field] = [{}] * (MANY_LISTED + 1)
    with pytest.raises(StudyError, match=f"{field}: the list has more than {MANY_LISTED} items"):
        translate(tree, name="many")
    lines = "\n".join(f"1,a{'!' * number}" for number in range(MANY_LISTED + 1))
    with pytest.raises(StudyError, match="more than"):
        concept_sets_of(f"concept_id,concept_set_name\n{lines}", "many")


@pytest.mark.parametrize("tree", [None, [], 1, "text", True])
def test_no_definition_is_no_definition(tree: Any) -> None:
    with pytest.raises(StudyError, match="the definition"):
        translate(tree, name="one")


def _places(value: Any, steps: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if steps:
        yield steps
    for step, one in (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    ):
        yield from _places(one, (*steps, step))


FULL = expression(
    {
        "Measurement": {
            "CodesetId": 7,
            "First": True,
            "Abnormal": True,
            "ValueAsNumber": {"Value": 1.5, "Op": "bt", "Extent": 2},
            "Unit": [{"CONCEPT_ID": 8840}],
            "OccurrenceStartDate": {"Value": "2020-01-01", "Op": "gt"},
            "DateAdjustment": {"StartWith": "START_DATE", "StartOffset": 1},
            "CorrelatedCriteria": group(about({"ConditionEra": {"CodesetId": 7}})),
        }
    },
    EndStrategy={"CustomEra": {"DrugCodesetId": 7, "GapDays": 30, "Offset": 0}},
    CensoringCriteria=[{"Death": {}}],
    CensorWindow={"StartDate": "2020-01-01"},
    AdditionalCriteria=group(DemographicCriteriaList=[{"Age": {"Value": 18, "Op": "gte"}}]),
    InclusionRules=[{"name": "one", "description": "", "expression": group()}],
)
WRONG: tuple[Any, ...] = (None, True, -1, 1.5, 10**400, "", "x", [], [[]], {}, {"": {}}, [None])


def test_nothing_but_a_refusal_comes_of_any_change() -> None:
    """Each part in turn is replaced by each kind of JSON value."""
    translate(FULL, name="whole")
    told: list[str] = []
    for steps in _places(FULL):
        for wrong in WRONG:
            tree = copy.deepcopy(FULL)
            holder = tree
            for step in steps[:-1]:
                holder = holder[step]
            holder[steps[-1]] = wrong
            try:
                translate(tree, name="changed")
            except StudyError as refused:
                told.append(refused.happened)
    assert len(told) > 500
    assert max(map(len, told)) < 400, "a refusal repeats no more than a word of the file"


def test_a_date_filter_of_a_demographic_looks_at_the_index_event() -> None:
    one = {"OccurrenceEndDate": {"Value": "2020-01-01", "Op": "gt"}}
    tree = expression(AdditionalCriteria=group(DemographicCriteriaList=[one]))
    found = translate(json.loads(json.dumps(tree)), name="x").definition.qualify
    assert found is not None
    assert isinstance(found.demographics[0].filters[0], DateFilter)
    assert found.demographics[0].filters[0].column == "end"
