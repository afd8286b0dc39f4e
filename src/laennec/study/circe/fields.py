"""What ATLAS can ask of each kind of criterion, and where that lies in CDM 5.4.

Tables of data: the translation, the reference page and the tests follow from them. Names are those
of circe-be's classes; what each filter means is in ``docs/reference/circe-semantics.md``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from laennec.study.definition import CUSTOM_ERA

GENDER = "person.gender_concept_id"
RACE = "person.race_concept_id"
ETHNICITY = "person.ethnicity_concept_id"
VISIT = "visit.visit_concept_id"
SPECIALTY = "provider.specialty_concept_id"
PLACE = "care_site.place_of_service_concept_id"

FieldKind = Literal["date", "whole", "decimal", "text", "concepts", "selection", "set"]
"""How a field is written: a range of days or of numbers, a text, a list of concepts, a choice of a
concept set (which may be an exclusion), or the number of a concept set alone."""


@dataclass(frozen=True)
class Asked:
    """A filter: how it is written, and the column of the model that it looks at."""

    kind: FieldKind
    column: str


@dataclass(frozen=True)
class Kind:
    """A kind of criterion.

    Attributes:
        table: Table of its events.
        filters: Field to filter.
        excludes: Fields that say whether the list of concepts named before is an exclusion.
        source: Field of the concept set of source concepts.
        has_set: It has ``CodesetId``.
        has_first: It has ``First``.
        distinct: ``CountColumn`` to the column of which different values are counted.
        refused: Fields that cannot be asked, with the reason.
    """

    table: str
    filters: Mapping[str, Asked]
    excludes: frozenset[str] = frozenset()
    source: str | None = None
    has_set: bool = True
    has_first: bool = True
    distinct: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


def _either(name: str, column: str) -> dict[str, Asked]:
    """A list of concepts, or in newer versions a concept set."""
    return {name: Asked("concepts", column), **_chosen(name, column)}


def _chosen(name: str, column: str) -> dict[str, Asked]:
    return {f"{name}CS": Asked("selection", column)}


def _dates(start: str, end: str | None = None, *, end_column: str = "end") -> dict[str, Asked]:
    asked = {start: Asked("date", "start")}
    return asked if end is None else {**asked, end: Asked("date", end_column)}


_GENDER = _either("Gender", GENDER)
_PERSON = {"Age": Asked("whole", "age"), **_GENDER}
_SPECIALTY = _either("ProviderSpecialty", SPECIALTY)
_CARE = {**_PERSON, **_SPECIALTY, **_either("VisitType", VISIT)}
_AGES = {"AgeAtStart": Asked("whole", "age"), "AgeAtEnd": Asked("whole", "age_at_end")}
_ERA = {
    **_dates("EraStartDate", "EraEndDate"),
    "EraLength": Asked("whole", "length"),
    **_AGES,
    **_GENDER,
}
_PERIOD = {
    **_dates("PeriodStartDate", "PeriodEndDate"),
    "PeriodLength": Asked("whole", "length"),
    **_AGES,
}
_STARTS = _dates("OccurrenceStartDate")
_UNIT = _either("Unit", "unit_concept_id")
_VALUE = {
    "ValueAsNumber": Asked("decimal", "value_as_number"),
    **_either("ValueAsConcept", "value_as_concept_id"),
    **_UNIT,
}
_IN_VISIT = {"VISIT_ID": "visit_occurrence_id"}
_LENGTH = {"DURATION": "length"}
_NO_PLACES = "CDM 5.4 has no history of places (location_history)"
_IGNORED = "circe-be reads this field and asks nothing of it"
_PAYER = ("Payer", "Plan", "Sponsor", "StopReason")

KINDS: Mapping[str, Kind] = {
    "ConditionEra": Kind(
        "condition_era",
        {**_ERA, "OccurrenceCount": Asked("whole", "condition_occurrence_count")},
        distinct={
            "DOMAIN_CONCEPT": "condition_concept_id",
            "ERA_OCCURRENCES": "condition_occurrence_count",
            **_LENGTH,
        },
    ),
    "ConditionOccurrence": Kind(
        "condition_occurrence",
        {
            **_dates("OccurrenceStartDate", "OccurrenceEndDate"),
            **_either("ConditionType", "condition_type_concept_id"),
            "StopReason": Asked("text", "stop_reason"),
            **_CARE,
            **_either("ConditionStatus", "condition_status_concept_id"),
        },
        excludes=frozenset({"ConditionType"}),
        source="ConditionSourceConcept",
        distinct={"DOMAIN_CONCEPT": "condition_concept_id", **_LENGTH, **_IN_VISIT},
    ),
    "CustomEra": Kind(
        CUSTOM_ERA,
        {
            **_dates("StartDate", "EndDate"),
            "AgeAtStart": Asked("whole", "age"),
            **_chosen("Gender", GENDER),
            "Duration": Asked("whole", "length"),
        },
        has_set=False,
        distinct=_LENGTH,
        refused={"CorrelatedCriteria": _IGNORED},
    ),
    "Death": Kind(
        "death",
        {**_STARTS, **_either("DeathType", "death_type_concept_id"), **_PERSON},
        excludes=frozenset({"DeathType"}),
        source="DeathSourceConcept",
        has_first=False,
        distinct={"DOMAIN_CONCEPT": "cause_concept_id", **_LENGTH},
    ),
    "DeviceExposure": Kind(
        "device_exposure",
        {
            **_dates("OccurrenceStartDate", "OccurrenceEndDate"),
            **_either("DeviceType", "device_type_concept_id"),
            "UniqueDeviceId": Asked("text", "unique_device_id"),
            "Quantity": Asked("whole", "quantity"),
            **_CARE,
        },
        excludes=frozenset({"DeviceType"}),
        source="DeviceSourceConcept",
        distinct={
            "DOMAIN_CONCEPT": "device_concept_id",
            "QUANTITY": "quantity",
            **_LENGTH,
            **_IN_VISIT,
        },
    ),
    "DoseEra": Kind(
        "dose_era",
        {**_ERA, **_UNIT, "DoseValue": Asked("decimal", "dose_value")},
        distinct={
            "DOMAIN_CONCEPT": "drug_concept_id",
            "UNIT": "unit_concept_id",
            "VALUE_AS_NUMBER": "dose_value",
            **_LENGTH,
        },
    ),
    "DrugEra": Kind(
        "drug_era",
        {
            **_ERA,
            "OccurrenceCount": Asked("whole", "drug_exposure_count"),
            "GapDays": Asked("whole", "gap_days"),
        },
        distinct={
            "DOMAIN_CONCEPT": "drug_concept_id",
            "ERA_OCCURRENCES": "drug_exposure_count",
            "GAP_DAYS": "gap_days",
            **_LENGTH,
        },
    ),
    "DrugExposure": Kind(
        "drug_exposure",
        {
            # circe-be compares OccurrenceEndDate with the day the exposure starts.
            **_dates("OccurrenceStartDate", "OccurrenceEndDate", end_column="start"),
            **_either("DrugType", "drug_type_concept_id"),
            "StopReason": Asked("text", "stop_reason"),
            "Refills": Asked("whole", "refills"),
            "Quantity": Asked("decimal", "quantity"),
            "DaysSupply": Asked("whole", "days_supply"),
            **_either("RouteConcept", "route_concept_id"),
            "LotNumber": Asked("text", "lot_number"),
            **_CARE,
        },
        excludes=frozenset({"DrugType"}),
        source="DrugSourceConcept",
        distinct={
            "DOMAIN_CONCEPT": "drug_concept_id",
            "DAYS_SUPPLY": "days_supply",
            "QUANTITY": "quantity",
            "REFILLS": "refills",
            **_LENGTH,
            **_IN_VISIT,
        },
        refused={
            "EffectiveDrugDose": _IGNORED,
            "DoseUnit": "CDM 5.4 has no unit of dose in drug_exposure",
            "DoseUnitCS": "CDM 5.4 has no unit of dose in drug_exposure",
        },
    ),
    "Episode": Kind(
        "episode",
        {
            **_dates("EpisodeStartDate", "EpisodeEndDate"),
            "EpisodeNumber": Asked("whole", "episode_number"),
            "Age": Asked("whole", "age"),
            **_chosen("Gender", GENDER),
            **_chosen("EpisodeObjectConcept", "episode_object_concept_id"),
            **_chosen("EpisodeType", "episode_type_concept_id"),
        },
        distinct={"DOMAIN_CONCEPT": "episode_concept_id", **_LENGTH},
    ),
    "Measurement": Kind(
        "measurement",
        {
            **_STARTS,
            **_either("MeasurementType", "measurement_type_concept_id"),
            **_either("Operator", "operator_concept_id"),
            **_VALUE,
            "RangeLow": Asked("decimal", "range_low"),
            "RangeHigh": Asked("decimal", "range_high"),
            "RangeLowRatio": Asked("decimal", "range_low_ratio"),
            "RangeHighRatio": Asked("decimal", "range_high_ratio"),
            **_CARE,
        },
        excludes=frozenset({"MeasurementType"}),
        source="MeasurementSourceConcept",
        distinct={
            "DOMAIN_CONCEPT": "measurement_concept_id",
            "VALUE_AS_NUMBER": "value_as_number",
            "RANGE_HIGH": "range_high",
            "RANGE_LOW": "range_low",
            **_LENGTH,
            **_IN_VISIT,
        },
    ),
    "Observation": Kind(
        "observation",
        {
            **_STARTS,
            **_either("ObservationType", "observation_type_concept_id"),
            **_VALUE,
            "ValueAsString": Asked("text", "value_as_string"),
            **_either("Qualifier", "qualifier_concept_id"),
            **_CARE,
        },
        excludes=frozenset({"ObservationType"}),
        source="ObservationSourceConcept",
        distinct={
            "DOMAIN_CONCEPT": "observation_concept_id",
            "VALUE_AS_NUMBER": "value_as_number",
            **_LENGTH,
            **_IN_VISIT,
        },
    ),
    "ObservationPeriod": Kind(
        "observation_period",
        {**_PERIOD, **_either("PeriodType", "period_type_concept_id")},
        has_set=False,
        distinct={"DOMAIN_CONCEPT": "period_type_concept_id", **_LENGTH},
    ),
    "PayerPlanPeriod": Kind(
        "payer_plan_period",
        {
            **_PERIOD,
            **_GENDER,
            **{
                f"{name}{kind}Concept": Asked("set", f"{stem}{source}_concept_id")
                for name, stem in zip(
                    _PAYER, ("payer", "plan", "sponsor", "stop_reason"), strict=True
                )
                for kind, source in (("", ""), ("Source", "_source"))
            },
        },
        has_set=False,
        distinct={"DOMAIN_CONCEPT": "payer_concept_id"},
    ),
    "ProcedureOccurrence": Kind(
        "procedure_occurrence",
        {
            **_STARTS,
            **_either("ProcedureType", "procedure_type_concept_id"),
            **_either("Modifier", "modifier_concept_id"),
            "Quantity": Asked("whole", "quantity"),
            **_CARE,
        },
        excludes=frozenset({"ProcedureType"}),
        source="ProcedureSourceConcept",
        distinct={
            "DOMAIN_CONCEPT": "procedure_concept_id",
            "QUANTITY": "quantity",
            **_LENGTH,
            **_IN_VISIT,
        },
    ),
    "Specimen": Kind(
        "specimen",
        {
            **_STARTS,
            **_either("SpecimenType", "specimen_type_concept_id"),
            "Quantity": Asked("decimal", "quantity"),
            **_UNIT,
            **_either("AnatomicSite", "anatomic_site_concept_id"),
            **_either("DiseaseStatus", "disease_status_concept_id"),
            "SourceId": Asked("text", "specimen_source_id"),
            **_PERSON,
        },
        excludes=frozenset({"SpecimenType"}),
        distinct={"DOMAIN_CONCEPT": "specimen_concept_id", **_LENGTH},
        refused={"SpecimenSourceConcept": _IGNORED, "DateAdjustment": _IGNORED},
    ),
    "VisitDetail": Kind(
        "visit_detail",
        {
            **_dates("VisitDetailStartDate", "VisitDetailEndDate"),
            **_chosen("VisitDetailType", "visit_detail_type_concept_id"),
            "VisitDetailLength": Asked("whole", "length"),
            # circe-be takes the age of a visit detail at its end.
            "Age": Asked("whole", "age_at_end"),
            **_chosen("Gender", GENDER),
            **_chosen("ProviderSpecialty", SPECIALTY),
            **_chosen("PlaceOfService", PLACE),
        },
        source="VisitDetailSourceConcept",
        distinct={
            "DOMAIN_CONCEPT": "visit_detail_concept_id",
            "VISIT_DETAIL_ID": "visit_detail_id",
            **_LENGTH,
        },
        refused={"PlaceOfServiceLocation": _NO_PLACES},
    ),
    "VisitOccurrence": Kind(
        "visit_occurrence",
        {
            **_dates("OccurrenceStartDate", "OccurrenceEndDate"),
            **_either("VisitType", "visit_type_concept_id"),
            "VisitLength": Asked("whole", "length"),
            **_PERSON,
            **_SPECIALTY,
            **_either("PlaceOfService", PLACE),
        },
        excludes=frozenset({"VisitType"}),
        source="VisitSourceConcept",
        distinct={"DOMAIN_CONCEPT": "visit_concept_id", **_LENGTH, **_IN_VISIT},
        refused={"PlaceOfServiceLocation": _NO_PLACES},
    ),
}
"""Kind of criterion, as circe-be names it, to what can be asked of it."""

DAYS = {"START_DATE": "start", "END_DATE": "end"}
"""``CountColumn`` of every kind of criterion."""

COUNTED = frozenset(
    {
        "DAYS_SUPPLY",
        "DOMAIN_CONCEPT",
        "DOMAIN_SOURCE_CONCEPT",
        "DURATION",
        "END_DATE",
        "ERA_OCCURRENCES",
        "GAP_DAYS",
        "QUANTITY",
        "RANGE_HIGH",
        "RANGE_LOW",
        "REFILLS",
        "START_DATE",
        "UNIT",
        "VALUE_AS_NUMBER",
        "VISIT_ID",
        "VISIT_DETAIL_ID",
    }
)
"""Every ``CountColumn`` that circe-be knows."""

DEMOGRAPHICS: Mapping[str, Asked] = {
    **_PERSON,
    **_either("Race", RACE),
    **_either("Ethnicity", ETHNICITY),
    **_dates("OccurrenceStartDate", "OccurrenceEndDate"),
}
"""What is asked of the person and of the days of an index event."""
