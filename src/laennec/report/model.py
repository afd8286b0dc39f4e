"""What a report is made from: frozen values that the caller fills in."""

from dataclasses import dataclass
from datetime import datetime

from laennec.omop.summarised_result import SummarisedResult
from laennec.report.content import HIDDEN


@dataclass(frozen=True)
class Fact:
    """A label and its value, such as ``Snapshot`` and ``3``, in the language of the page."""

    label: str
    value: str


@dataclass(frozen=True)
class Part:
    """A part of what the study asks, in words: sentences, then parts of it.

    Attributes:
        folded: Show it only when the reader opens it; on paper it is always open.
    """

    title: str
    lines: tuple[str, ...] = ()
    parts: tuple["Part", ...] = ()
    folded: bool = False


@dataclass(frozen=True)
class Step:
    """One step of the story, such as loaded, sealed, computed, checked, released or proven.

    Attributes:
        title: What was done.
        outcome: What came of it, in one sentence.
        details: Its figures.
        good: Whether it succeeded.
    """

    title: str
    outcome: str
    details: tuple[Fact, ...]
    good: bool


@dataclass(frozen=True)
class StudyReport:
    """Everything the page shows; its texts are shown as they are, never as markup.

    Attributes:
        title, description: Of the study; the description may be empty.
        hub: Name of the hub that ran it.
        made_at: When the results were made, with a time zone; None leaves it out.
        result: The results after disclosure; a hidden estimate is written ``-``.
        hidden: How many estimates the disclosure rules hid: as many as are written ``-``.
        steps: The story, in order.
        provenance: Where the results come from, in order: snapshot, hashes, profile, proof.
        threshold: Smallest publishable count of persons, to be named where the page explains
            hidden values; None leaves the number out.
        design: What the study asks, in words, in the language of the page.
    """

    title: str
    description: str
    hub: str
    made_at: datetime | None
    result: SummarisedResult
    hidden: int
    steps: tuple[Step, ...]
    provenance: tuple[Fact, ...]
    threshold: int | None = None
    design: tuple[Part, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a moment without time zone and numbers that contradict the result."""
        if self.made_at is not None and self.made_at.tzinfo is None:
            raise ValueError("made_at needs a time zone")
        if self.hidden != sum(row.estimate_value == HIDDEN for row in self.result.rows):
            raise ValueError("hidden is not the number of hidden estimates in the result")
        if self.threshold is not None and self.threshold < 1:
            raise ValueError("a threshold is at least 1")
