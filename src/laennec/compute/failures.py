"""Failures of a task as values: in our words, since a library's text may quote a row.

What a task raises would go into the logs of whatever runs it. So it is caught where it is raised,
and only its kind, and the two sentences of an expected failure, travel.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

from polars.exceptions import PanicException

from laennec.compute.executor import Item, Result
from laennec.core.errors import EngineError, LaennecError


@dataclass(frozen=True)
class Failure:
    """An expected failure, on its way back from an executor."""

    kind: type[LaennecError]
    happened: str
    remedy: str

    def error(self) -> LaennecError:
        """Return what to raise."""
        return self.kind(self.happened, remedy=self.remedy)


@dataclass(frozen=True)
class Guarded(Generic[Item, Result]):
    """A task whose failures are values."""

    task: Callable[[Item], Result]

    def __call__(self, item: Item) -> Result | Failure:
        """Return what the task makes of the item, or why it failed."""
        try:
            return self.task(item)
        except LaennecError as error:
            return Failure(type(error), error.happened, error.remedy)
        # The top of a worker: the text of an error, or of an engine's panic, may quote a row.
        except (Exception, PanicException) as error:  # noqa: BLE001
            return Failure(
                EngineError,
                f"A task failed on an executor ({type(error).__name__}).",
                "This may be a bug in Laennec; nothing was changed.",
            )
