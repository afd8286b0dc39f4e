"""A definition written as ATLAS writes it, so that circe-be's SQL can be asked the same question.

``FIELDS`` says under which name circe-be has a filter on a column of a table; a definition with any
other filter cannot be written. It is the inverse of a translation, made for tests only.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from laennec.study.definition import (
    ConceptFilter,
    Correlated,
    DateFilter,
    Definition,
    Demographics,
    DrugEra,
    EventQuery,
    EventWindow,
    Filter,
    Group,
    NumberFilter,
    Offset,
    SetFilter,
    TextFilter,
)

Json = dict[str, Any]

GENDER, VISIT = "person.gender_concept_id", "visit.visit_concept_id"
SPECIALTY = "provider.specialty_concept_id"
PLACE = "care_site.place_of_service_concept_id"
_PERSON = {"age": "Age", GENDER: "Gender", "start": "OccurrenceStartDate"}
_CARE = {**_PERSON, VISIT: "VisitType", SPECIALTY: "ProviderSpecialty"}
_VALUE = {
    "value_as_number": "ValueAsNumber",
    "value_as_concept_id": "ValueAsConcept",
    "unit_concept_id": "Unit",
}
_AGES = {"age": "AgeAtStart", "age_at_end": "AgeAtEnd"}
_ERA = {
    **_AGES,
    GENDER: "Gender",
    "start": "EraStartDate",
    "end": "EraEndDate",
    "length": "EraLength",
}
_PERIOD = {**_AGES, "start": "PeriodStartDate", "end": "PeriodEndDate", "length": "PeriodLength"}

FIELDS: Mapping[str, Mapping[str, str]] = {
    "condition_occurrence": {
        **_CARE,
        "end": "OccurrenceEndDate",
        "condition_type_concept_id": "ConditionType",
        "condition_status_concept_id": "ConditionStatus",
        "stop_reason": "StopReason",
    },
    "drug_exposure": {
        **_CARE,
        "drug_type_concept_id": "DrugType",
        "stop_reason": "StopReason",
        "refills": "Refills",
        "quantity": "Quantity",
        "days_supply": "DaysSupply",
        "route_concept_id": "RouteConcept",
        "lot_number": "LotNumber",
    },
    "procedure_occurrence": {
        **_CARE,
        "procedure_type_concept_id": "ProcedureType",
        "modifier_concept_id": "Modifier",
        "quantity": "Quantity",
    },
    "device_exposure": {
        **_CARE,
        "end": "OccurrenceEndDate",
        "device_type_concept_id": "DeviceType",
        "unique_device_id": "UniqueDeviceId",
        "quantity": "Quantity",
    },
    "measurement": {
        **_CARE,
        **_VALUE,
        "measurement_type_concept_id": "MeasurementType",
        "operator_concept_id": "Operator",
        "range_low": "RangeLow",
        "range_high": "RangeHigh",
        "range_low_ratio": "RangeLowRatio",
        "range_high_ratio": "RangeHighRatio",
    },
    "observation": {
        **_CARE,
        **_VALUE,
        "observation_type_concept_id": "ObservationType",
        "value_as_string": "ValueAsString",
        "qualifier_concept_id": "Qualifier",
    },
    "visit_occurrence": {
        **_PERSON,
        SPECIALTY: "ProviderSpecialty",
        "end": "OccurrenceEndDate",
        "visit_type_concept_id": "VisitType",
        "length": "VisitLength",
        PLACE: "PlaceOfService",
    },
    "visit_detail": {
        "age_at_end": "Age",
        "start": "VisitDetailStartDate",
        "end": "VisitDetailEndDate",
        "length": "VisitDetailLength",
        GENDER: "Gender",
        SPECIALTY: "ProviderSpecialty",
        PLACE: "PlaceOfService",
        "visit_detail_type_concept_id": "VisitDetailType",
    },
    "specimen": {
        **_PERSON,
        "specimen_type_concept_id": "SpecimenType",
        "quantity": "Quantity",
        "unit_concept_id": "Unit",
        "anatomic_site_concept_id": "AnatomicSite",
        "disease_status_concept_id": "DiseaseStatus",
        "specimen_source_id": "SourceId",
    },
    "death": {**_PERSON, "death_type_concept_id": "DeathType"},
    "condition_era": {**_ERA, "condition_occurrence_count": "OccurrenceCount"},
    "drug_era": {**_ERA, "drug_exposure_count": "OccurrenceCount", "gap_days": "GapDays"},
    "dose_era": {**_ERA, "unit_concept_id": "Unit", "dose_value": "DoseValue"},
    "observation_period": {**_PERIOD, "period_type_concept_id": "PeriodType"},
    "payer_plan_period": {
        **_PERIOD,
        GENDER: "Gender",
        "payer_concept_id": "PayerConcept",
        "payer_source_concept_id": "PayerSourceConcept",
        "plan_concept_id": "PlanConcept",
        "plan_source_concept_id": "PlanSourceConcept",
        "sponsor_concept_id": "SponsorConcept",
        "sponsor_source_concept_id": "SponsorSourceConcept",
        "stop_reason_concept_id": "StopReasonConcept",
        "stop_reason_source_concept_id": "StopReasonSourceConcept",
    },
    "custom_era": {
        "age": "AgeAtStart",
        GENDER: "Gender",
        "start": "StartDate",
        "end": "EndDate",
        "length": "Duration",
    },
    "episode": {
        "age": "Age",
        "start": "EpisodeStartDate",
        "end": "EpisodeEndDate",
        "episode_number": "EpisodeNumber",
        GENDER: "Gender",
        "episode_object_concept_id": "EpisodeObjectConcept",
        "episode_type_concept_id": "EpisodeType",
    },
}

SETS_ONLY = frozenset({"visit_detail", "episode", "custom_era"})
"""Tables whose concepts circe-be compares with concept sets, never with lists."""

BARE = frozenset(field for field in FIELDS["payer_plan_period"].values() if "Concept" in field)
"""Fields that hold the number of a concept set and cannot exclude."""

NEGATED = frozenset(
    f"{name}Type"
    for name in (
        *("Condition", "Drug", "Procedure", "Device", "Measurement", "Observation"),
        *("Specimen", "Death"),
    )
)
"""Lists of concepts that circe-be can also exclude; ``VisitType`` on visits is another."""

SOURCES = {
    "condition_occurrence": "ConditionSourceConcept",
    "drug_exposure": "DrugSourceConcept",
    "procedure_occurrence": "ProcedureSourceConcept",
    "device_exposure": "DeviceSourceConcept",
    "measurement": "MeasurementSourceConcept",
    "observation": "ObservationSourceConcept",
    "visit_occurrence": "VisitSourceConcept",
    "visit_detail": "VisitDetailSourceConcept",
    "death": "DeathSourceConcept",
}

DISTINCT: Mapping[str, Mapping[str, str]] = {
    "drug_exposure": {
        "drug_concept_id": "DOMAIN_CONCEPT",
        "days_supply": "DAYS_SUPPLY",
        "refills": "REFILLS",
        "visit_occurrence_id": "VISIT_ID",
    },
    "condition_occurrence": {"condition_concept_id": "DOMAIN_CONCEPT", "length": "DURATION"},
    "measurement": {"value_as_number": "VALUE_AS_NUMBER", "range_low": "RANGE_LOW"},
    "custom_era": {"length": "DURATION"},
    "drug_era": {"drug_exposure_count": "ERA_OCCURRENCES", "gap_days": "GAP_DAYS"},
}
"""Columns of which a criterion may count the different values, beside ``start`` and ``end``."""

_DAYS = {"start": "START_DATE", "end": "END_DATE"}
_COMPARE = {"ne": "!eq", "between": "bt", "not_between": "!bt"}
_TEXT = {
    "equals": "eq",
    "starts_with": "startsWith",
    "ends_with": "endsWith",
    "contains": "contains",
}
_OCCURRENCE = {"exactly": 0, "at_most": 1, "at_least": 2}


def circe(definition: Definition, concepts: Mapping[str, Sequence[int]]) -> Json:
    """Return a definition as a cohort expression of ATLAS, its sets spelt out."""
    sets = {name: number for number, name in enumerate(concepts)}
    return {
        "ConceptSets": [
            {
                "id": sets[name],
                "name": name,
                "expression": {"items": [{"concept": {"CONCEPT_ID": one}} for one in ids]},
            }
            for name, ids in concepts.items()
        ],
        "PrimaryCriteria": {
            "CriteriaList": [_query(one, sets) for one in definition.entry],
            "ObservationWindow": {"PriorDays": definition.prior, "PostDays": definition.post},
            "PrimaryCriteriaLimit": {"Type": definition.entry_limit},
        },
        "AdditionalCriteria": _group(definition.qualify, sets),
        "QualifiedLimit": {"Type": definition.qualify_limit},
        "InclusionRules": [
            {"name": one.name, "expression": _group(one.group, sets)} for one in definition.rules
        ],
        "ExpressionLimit": {"Type": definition.limit},
        "EndStrategy": _leave(definition, sets),
        "CensoringCriteria": [_query(one, sets) for one in definition.censoring],
        "CollapseSettings": {"CollapseType": "ERA", "EraPad": definition.era_pad},
        "CensorWindow": {
            "StartDate": definition.first_day and definition.first_day.isoformat(),
            "EndDate": definition.last_day and definition.last_day.isoformat(),
        },
    }


def _leave(definition: Definition, sets: Mapping[str, int]) -> Json | None:
    match definition.leave:
        case Offset(days=days, after=after):
            return {"DateOffset": {"DateField": f"{after.title()}Date", "Offset": days}}
        case DrugEra(concepts=concepts, gap=gap, offset=offset, supply=supply):
            return {
                "CustomEra": {
                    "DrugCodesetId": sets[concepts],
                    "GapDays": gap,
                    "Offset": offset,
                    "DaysSupplyOverride": supply,
                }
            }
    return None


def _query(query: EventQuery, sets: Mapping[str, int]) -> Json:
    made: Json = {
        "CodesetId": None if query.concepts is None else sets[query.concepts],
        "First": query.first,
        "CorrelatedCriteria": _group(query.group, sets),
        "Abnormal": query.abnormal,
    }
    made = {
        field: value for field, value in made.items() if value is not None and value is not False
    }
    if query.source_concepts is not None:
        made[SOURCES[query.table]] = sets[query.source_concepts]
    if query.adjustment is not None:
        made["DateAdjustment"] = {
            "StartWith": f"{query.adjustment.start.upper()}_DATE",
            "StartOffset": query.adjustment.start_days,
            "EndWith": f"{query.adjustment.end.upper()}_DATE",
            "EndOffset": query.adjustment.end_days,
        }
    if query.period_start is not None or query.period_end is not None:
        made["UserDefinedPeriod"] = {
            "StartDate": query.period_start and query.period_start.isoformat(),
            "EndDate": query.period_end and query.period_end.isoformat(),
        }
    if query.eras:
        # The gap of a custom era joins nothing in circe-be's SQL.
        made |= {"CriteriaList": [_query(one, sets) for one in query.eras], "GapDays": 4}
    for one in query.filters:
        made |= _filter(FIELDS[query.table][one.column], one, sets)
    return {"".join(part.title() for part in query.table.split("_")): made}


def _filter(field: str, wanted: Filter, sets: Mapping[str, int]) -> Json:
    match wanted:
        case SetFilter(concept_set=name, negate=negate):
            number = None if name is None else sets[name]
            if field in BARE:
                return {field: number}
            return {f"{field}CS": {"CodesetId": number, "IsExclusion": negate}}
        case ConceptFilter(concepts=concepts, negate=negate):
            listed = [{"CONCEPT_ID": one} for one in concepts]
            return {field: listed, **({f"{field}Exclude": True} if negate else {})}
        case TextFilter(text=text, compare=compare, negate=negate):
            return {field: {"Text": text, "Op": f"{'!' * negate}{_TEXT[compare]}"}}
        case NumberFilter(value=value, extent=extent, compare=compare):
            op = _COMPARE.get(compare, compare)
            return {field: {"Value": value, "Op": op, "Extent": extent}}
        case DateFilter(value=day, extent=until, compare=compare):
            op = _COMPARE.get(compare, compare)
            last = until and until.isoformat()
            return {field: {"Value": day.isoformat(), "Op": op, "Extent": last}}


def _group(group: Group | None, sets: Mapping[str, int]) -> Json | None:
    if group is None:
        return None
    return {
        "Type": group.accepts.upper(),
        "Count": group.count,
        "CriteriaList": [_correlated(one, sets) for one in group.criteria],
        "DemographicCriteriaList": [_demographics(one, sets) for one in group.demographics],
        "Groups": [_group(one, sets) for one in group.groups],
    }


def _correlated(criterion: Correlated, sets: Mapping[str, int]) -> Json:
    known = {**_DAYS, **DISTINCT.get(criterion.query.table, {})}
    counted = None if criterion.distinct is None else known[criterion.distinct]
    end_window = criterion.end_window
    return {
        "Criteria": _query(criterion.query, sets),
        "StartWindow": _window(criterion.window),
        "EndWindow": None if end_window is None else _window(end_window),
        "RestrictVisit": criterion.same_visit,
        "IgnoreObservationPeriod": criterion.ignore_observation,
        "Occurrence": {
            "Type": _OCCURRENCE[criterion.occurrence],
            "Count": criterion.count,
            "IsDistinct": counted is not None,
            "CountColumn": counted,
        },
    }


def _window(window: EventWindow) -> Json:
    return {
        "Start": _bound(window.start),
        "End": _bound(window.end),
        "UseIndexEnd": window.index == "end",
        "UseEventEnd": window.event == "end",
    }


def _bound(bound: int | str) -> Json:
    if isinstance(bound, str):
        return {"Days": None, "Coeff": -1 if bound == "observation_start" else 1}
    return {"Days": abs(bound), "Coeff": -1 if bound < 0 else 1}


_DEMOGRAPHIC = {
    "age": "Age",
    "start": "OccurrenceStartDate",
    "end": "OccurrenceEndDate",
    GENDER: "Gender",
    "person.race_concept_id": "Race",
    "person.ethnicity_concept_id": "Ethnicity",
}


def _demographics(wanted: Demographics, sets: Mapping[str, int]) -> Json:
    made: Json = {}
    for one in wanted.filters:
        made |= _filter(_DEMOGRAPHIC[one.column], one, sets)
    return made
