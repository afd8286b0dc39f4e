"""Where in the researcher's own file a value was written, and errors that say so.

Every function of the language notes the line that called it. What is wrong is told at once, with
the file, the line and its text, and what to do.
"""

import functools
import linecache
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, ParamSpec, TypeVar

from pydantic import ValidationError

from laennec.core.errors import StudyError
from laennec.study.complaints import words
from laennec.study.model import Frozen

_HERE = str(Path(__file__).parent)

Model = TypeVar("Model", bound=Frozen)
Given = ParamSpec("Given")
Made = TypeVar("Made")


@dataclass(frozen=True)
class Place:
    """A line of a file; ``line`` counts from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        """The place and the text that stands there, in one line."""
        text = linecache.getline(self.file, self.line).strip()
        return f"{self.file}, line {self.line}, " + (f"at `{text}`: " if text else "")


def here() -> Place:
    """Return the line outside the language that is being run."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    return Place(frame.f_code.co_filename, frame.f_lineno)


def refuse(place: Place, happened: str, remedy: str) -> NoReturn:
    """Refuse what is written at a place.

    Raises:
        StudyError: always.
    """
    raise StudyError(f"{place}{happened}.", remedy=remedy)


def made(model: type[Model], place: Place, **fields: object) -> Model:
    """Return a value of the model.

    Raises:
        StudyError: it is none; the message has the place, what is wrong there and what to do.
    """
    try:
        return model(**fields)
    except ValidationError as error:
        details = error.errors()[0]
        happened, remedy = words(details, list(model.model_fields))
        field = ".".join(str(one) for one in details["loc"] if one != "kind")
        refuse(place, f"{field}: {happened}" if field else happened, remedy)


def in_words(function: Callable[Given, Made]) -> Callable[Given, Made]:
    """Tell a wrong call of a function of the language at the researcher's line."""

    @functools.wraps(function)
    def called(*args: Given.args, **fields: Given.kwargs) -> Made:
        place = here()
        try:
            return function(*args, **fields)
        except (TypeError, ValueError) as error:
            message = str(error).removeprefix("ValueError: ")
            refuse(
                place, f"{function.__name__}: {message}", "Correct the call; `help()` describes it."
            )

    return called
