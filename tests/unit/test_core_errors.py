"""Every class of error can be told apart by a script and by a client."""

import pytest

from laennec.core.errors import IntegrityError, LaennecError, RollbackError, all_errors

CLASSES = list(all_errors())
RESERVED = {0, 2, 130}
"""Success, a wrong command line, interrupted."""


def test_exit_statuses_are_distinct_and_free() -> None:
    statuses = [one.exit_status for one in CLASSES]
    assert len(set(statuses)) == len(statuses)
    assert not RESERVED & set(statuses)
    assert all(0 < one < 126 for one in statuses)


@pytest.mark.parametrize("kind", CLASSES)
def test_each_class_is_documented_and_has_an_http_status(kind: type[LaennecError]) -> None:
    assert kind.__doc__
    assert "exit_status" in vars(kind)
    assert kind.http_status in range(400, 600)


def test_a_message_says_what_happened_and_what_to_do() -> None:
    error = IntegrityError("It broke.", remedy="Mend it.")
    assert (error.happened, error.remedy, str(error)) == (
        "It broke.",
        "Mend it.",
        "It broke. Mend it.",
    )


def test_parents_come_before_children() -> None:
    assert CLASSES[0] is LaennecError
    assert CLASSES.index(IntegrityError) < CLASSES.index(RollbackError)
    assert len(CLASSES) == len(set(CLASSES))
