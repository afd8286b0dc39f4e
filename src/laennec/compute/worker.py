"""What runs inside a Python worker of Spark, and how its answers reach the driver.

A worker is a process of its own, on an executor. Its error stream goes to a file of Spark; so it is
closed, since an engine that panics writes there by itself, and may quote a row.
"""

import functools
import os
import resource
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from laennec.compute.failures import Guarded
from laennec.core.spill import forbid_spill

Numbered = tuple[int, Any]
"""The number of an item, and the item or its answer."""


@dataclass(frozen=True)
class Answers:
    """How answers add up: in a list on an executor; on the driver each is handed on.

    Spark calls ``zero`` and ``addInPlace`` (``pyspark.AccumulatorParam``), the second on the driver
    once for each task that ended well.
    """

    hand_on: Callable[[Numbered], None] | None = field(default=None, repr=False)

    def __reduce__(self) -> tuple[type["Answers"], tuple[()]]:
        """Leave the driver's end behind."""
        return Answers, ()

    def zero(self, _: list[Numbered]) -> list[Numbered]:
        """Return no answer."""
        return []

    def addInPlace(self, held: list[Numbered], more: list[Numbered]) -> list[Numbered]:  # noqa: N802 - Spark's name
        """Return both, or hand on what came."""
        if self.hand_on is None:
            return held + more
        for one in more:
            self.hand_on(one)
        return held


@dataclass(frozen=True)
class Work:
    """Does one item of a job, and adds its answer."""

    task: Guarded[Any, Any]
    answers: Any

    def __call__(self, item: Numbered) -> None:
        """Work on an item with its number."""
        prepare()
        number, one = item
        self.answers.add([(number, self.task(one))])


@functools.cache
def prepare() -> None:
    """Make a process fit for tasks, once: no core file, no spill, no word of an engine to a log."""
    forbid_spill()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)
