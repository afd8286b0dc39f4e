"""Values of a study: large-scale characterisation, which asks for every concept of a table.

Imported through ``study.model``, which has the whole language.
"""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from laennec.omop.events import EVENT_TABLES
from laennec.study.model_cohorts import Frozen, Name, Window, check_once, unknown_name

MAX_COHORTS = 20
MAX_WINDOWS = 20

ConceptId = Annotated[int, Field(ge=-(2**63), lt=2**63)]

WINDOWS = (
    Window(end=-366),
    Window(start=-365, end=-31),
    Window(start=-30, end=-1),
    Window(start=0, end=0),
    Window(start=1, end=30),
    Window(start=31, end=365),
    Window(start=366),
)
"""The windows of CohortCharacteristics."""


class LargeScaleCharacteristics(Frozen):
    """How many of each cohort have a record of each concept in each window about entry.

    Attributes:
        event_in_window: Tables whose records are counted in the window in which they start.
        episode_in_window: Tables whose records are counted in every window they last into.
        windows: No two may share a day.
        concepts: Count by the standard concept of a record, or by its source concept.
        excluded: Concepts that are not reported; 0 is "no matching concept".
        minimum_frequency: Share of the persons observed in a window below which a concept is not
            reported there.
    """

    kind: Literal["large_scale_characteristics"] = "large_scale_characteristics"
    name: Name
    cohorts: tuple[Name, ...] = Field(min_length=1, max_length=MAX_COHORTS)
    event_in_window: tuple[str, ...] = ()
    episode_in_window: tuple[str, ...] = ()
    windows: tuple[Window, ...] = Field(default=WINDOWS, min_length=1, max_length=MAX_WINDOWS)
    concepts: Literal["standard", "source"] = "standard"
    excluded: tuple[ConceptId, ...] = Field(default=(0,), max_length=10_000)
    minimum_frequency: float = Field(default=0.005, ge=0, le=1)

    @model_validator(mode="after")
    def _sound(self) -> "LargeScaleCharacteristics":
        check_once([*self.cohorts], "cohort")
        if not self.analyses:
            raise ValueError("event_in_window and episode_in_window name no table")
        for kind in (self.event_in_window, self.episode_in_window):
            check_once([*kind], "event table")
        for table, _ in self.analyses:
            if table not in EVENT_TABLES:
                raise unknown_name("event table", table, known=EVENT_TABLES, place="table")
            if self.concepts == "source" and EVENT_TABLES[table].source_concept is None:
                raise ValueError(f"records of {table} have no source concept")
        _apart(self.windows)
        return self

    @property
    def analyses(self) -> tuple[tuple[str, Literal["event", "episode"]], ...]:
        """Every table with the way in which its records are counted, in order."""
        return (
            *((table, "event") for table in self.event_in_window),
            *((table, "episode") for table in self.episode_in_window),
        )


def window_label(window: Window) -> str:
    """Return a window as omopgenerics names it, such as ``-inf to -366``."""
    start = "-inf" if window.start is None else str(window.start)
    end = "inf" if window.end is None else str(window.end)
    return f"{start} to {end}"


def _apart(windows: tuple[Window, ...]) -> None:
    ends = sorted((float("-inf") if one.start is None else one.start, one.end) for one in windows)
    for (_, end), (start, _) in pairwise(ends):
        if end is None or start <= end:
            raise ValueError("two windows share a day")
