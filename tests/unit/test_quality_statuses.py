"""Thresholds and what is not applicable, as the Dashboard 2.8 decides them; cases by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laennec.quality.checks import Check, checks
from laennec.quality.outcomes import Outcome
from laennec.quality.statuses import Reason, Result, Status, exceeds, judge

BY_ID = {check.check_id: check for check in checks("5.4")}
NONE = Outcome(0, 0)
NO_DEVICE = ("device_exposure", "")


def judged(found: dict[str, Outcome]) -> dict[str, Result]:
    pairs: list[tuple[Check, Outcome]] = [(BY_ID[name], one) for name, one in found.items()]
    return {one.check.check_id: one for one in judge(pairs)}


def table(name: str, *, rows: int = 10, gone: bool = False) -> dict[str, Outcome]:
    """The checks that tell whether a table, and its field person_id, is there and has rows."""
    there = Outcome(0, 0, (name, "")) if gone else Outcome(0, 1)
    complete = Outcome(0, 0, (name, "")) if gone else Outcome(0, rows)
    return {
        f"table_cdmtable_{name}": there,
        f"field_cdmfield_{name}_person_id": there,
        f"field_measurevaluecompleteness_{name}_person_id": complete,
    }


@pytest.mark.parametrize(
    ("violated", "denominator", "threshold", "failed"),
    [
        (0, 0, None, False),
        (1, 1000, None, True),
        (1, 1000, 0.0, True),
        (0, 1000, 0.0, False),
        (50, 1000, 5.0, False),
        (51, 1000, 5.0, True),
        (95, 100, 95.0, False),
        (96, 100, 95.0, True),
        (100, 100, 100.0, False),
        (0, 0, 5.0, False),
    ],
)
def test_a_threshold_allows_as_many_percent(
    violated: int, denominator: int, threshold: float | None, *, failed: bool
) -> None:
    assert exceeds(Outcome(violated, denominator), threshold) is failed


@settings(deadline=None)
@given(
    st.integers(1, 10**9),
    st.integers(0, 10**9),
    st.sampled_from(sorted({check.threshold or 0.0 for check in checks("5.4")})),
)
def test_whole_numbers_and_the_dashboards_floating_point_agree(
    denominator: int, part: int, threshold: float
) -> None:
    violated = min(part, denominator)
    for near in {violated, round(denominator * threshold / 100)}:
        floating = near / denominator * 100 > threshold if threshold else near > 0
        assert exceeds(Outcome(near, denominator), threshold) is floating


def test_a_missing_table_fails_itself_and_takes_its_other_checks_out() -> None:
    gone = table("device_exposure", gone=True)
    absent = Outcome(0, 0, NO_DEVICE)
    found = judged(
        {
            **gone,
            "table_measurepersoncompleteness_device_exposure": absent,
            "field_isrequired_device_exposure_person_id": absent,
        }
    )
    assert found["table_cdmtable_device_exposure"].status is Status.FAILED
    others = [one for name, one in found.items() if not name.startswith("table_cdmtable")]
    assert {(one.status, one.reason) for one in others} == {
        (Status.NOT_APPLICABLE, Reason.NO_TABLE)
    }
    assert others[0].sentence == "There is no table DEVICE_EXPOSURE."


def test_a_missing_field_fails_its_own_check_and_takes_the_others_out() -> None:
    absent = Outcome(0, 0, ("person", "birth_datetime"))
    found = judged(
        {
            **table("person"),
            "field_cdmfield_person_birth_datetime": absent,
            "field_measurevaluecompleteness_person_birth_datetime": absent,
            "field_plausiblevaluelow_person_birth_datetime": absent,
            "field_plausibleafterbirth_death_death_date": absent,
        }
    )
    status = {name: (one.status, one.reason) for name, one in found.items()}
    assert status["field_cdmfield_person_birth_datetime"] == (Status.FAILED, None)
    no_field = (Status.NOT_APPLICABLE, Reason.NO_FIELD)
    assert status["field_measurevaluecompleteness_person_birth_datetime"] == no_field
    assert status["field_plausiblevaluelow_person_birth_datetime"] == no_field
    # A table that is there and needs a field of another that is not: a query would fail.
    assert status["field_plausibleafterbirth_death_death_date"] == (
        Status.ERROR,
        Reason.NO_FIELD,
    )


def test_an_empty_table_takes_its_checks_out_but_not_persons_without_a_record() -> None:
    found = judged(
        {
            **table("device_exposure", rows=0),
            "table_measurepersoncompleteness_device_exposure": Outcome(5, 5),
            "field_isrequired_device_exposure_person_id": NONE,
        }
    )
    status = {name: (one.status, one.reason) for name, one in found.items()}
    empty = (Status.NOT_APPLICABLE, Reason.EMPTY_TABLE)
    assert status["field_measurevaluecompleteness_device_exposure_person_id"] == empty
    assert status["field_isrequired_device_exposure_person_id"] == empty
    assert status["table_cdmtable_device_exposure"] == (Status.PASSED, None)
    assert status["field_cdmfield_device_exposure_person_id"] == (Status.PASSED, None)
    person = found["table_measurepersoncompleteness_device_exposure"]
    threshold = person.check.threshold
    assert (person.status, person.reason) == (
        Status.FAILED if (threshold or 0) < 100 else Status.PASSED,
        None,
    )


def test_an_empty_field_takes_all_but_its_completeness_out() -> None:
    name = "measurement_unit_concept_id"
    found = judged(
        {
            **table("measurement"),
            f"field_measurevaluecompleteness_{name}": Outcome(10, 10),
            f"field_isforeignkey_{name}": Outcome(0, 10),
            "concept_plausibleunitconceptids_measurement_measurement_concept_id_3006315": NONE,
        }
    )
    assert found[f"field_measurevaluecompleteness_{name}"].status is Status.PASSED
    assert found[f"field_isforeignkey_{name}"].reason is Reason.EMPTY_FIELD
    concept = found["concept_plausibleunitconceptids_measurement_measurement_concept_id_3006315"]
    assert concept.reason is Reason.NO_CONCEPT
    assert concept.sentence == "Table MEASUREMENT has no row with MEASUREMENT_CONCEPT_ID 3006315."


@pytest.mark.parametrize("gone", [False, True])
def test_condition_eras_are_asked_only_of_conditions(*, gone: bool) -> None:
    name = "table_measureconditioneracompleteness_condition_era"
    found = judged(
        {**table("condition_era"), **table("condition_occurrence", rows=0, gone=gone), name: NONE}
    )
    assert (found[name].status, found[name].reason) == (
        Status.NOT_APPLICABLE,
        Reason.NO_CONDITIONS,
    )
    found = judged({**table("condition_occurrence"), **table("condition_era", rows=0), name: NONE})
    assert found[name].status is Status.PASSED
