"""What comes back from an executor when a task fails: our words, and nothing of a row."""

import pickle

import pytest
from polars.exceptions import PanicException

from laennec.compute.failures import Failure, Guarded
from laennec.core.errors import EngineError, StoreFullError

SECRET = "SECRET-4711"


class Failing:
    """A task that fails with the error it was given."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __call__(self, item: int) -> int:
        raise self._error


@pytest.mark.parametrize("error", [PanicException(SECRET), KeyError(SECRET), UnicodeError(SECRET)])
def test_what_a_library_says_stays_on_the_executor(error: BaseException) -> None:
    answer = Guarded(Failing(error))(1)
    assert isinstance(answer, Failure)
    assert answer.kind is EngineError
    assert type(error).__name__ in answer.happened
    assert SECRET.encode() not in pickle.dumps(answer)


def test_an_expected_failure_comes_back_as_itself() -> None:
    answer = Guarded(Failing(StoreFullError("The disk is full.", remedy="Free space.")))(1)
    assert isinstance(answer, Failure)
    error = answer.error()
    assert type(error) is StoreFullError
    assert (error.happened, error.remedy) == ("The disk is full.", "Free space.")


def test_who_asks_for_an_end_gets_it() -> None:
    with pytest.raises(KeyboardInterrupt):
        Guarded(Failing(KeyboardInterrupt()))(1)
