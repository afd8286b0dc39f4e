"""Values of a study: treatment pathways, the order in which persons receive treatments.

The options are those of TreatmentPatterns 3.1, under its names. Imported through ``study.model``,
which has the whole language.
"""

from typing import Literal

from pydantic import Field, model_validator

from laennec.study.model_cohorts import (
    Days,
    Frozen,
    Name,
    OfCohorts,
    SignedDays,
    check_once,
    unknown_name,
)
from laennec.study.model_rates import Outcome

MAX_TREATMENTS = 20
MAX_EXITS = 5
"""Together with those that are split, they are the bits of one whole number in the kernel."""

MAX_PATH = 10

Anchor = Literal["start", "end"]


class Split(Frozen):
    """A treatment of which short eras and long ones are two treatments.

    Attributes:
        treatment: Its name.
        days: An era of fewer days is ``(acute)``, any other is ``(therapy)``.
    """

    treatment: Name
    days: int = Field(ge=1, le=10_000_000)


class TreatmentPathways(OfCohorts):
    """How many of each cohort receive which treatments, alone or in combination, in which order.

    Attributes:
        treatments: Records of concepts, or stays of cohorts, whose names are apart.
        exits: What may end a pathway, such as death: a step like a treatment that is never
            collapsed, combined or filtered.
        start_anchor, window_start, end_anchor, window_end: A treatment counts if its first day lies
            between these two days, as days after the first (``start``) or last (``end``) day of the
            stay in the cohort.
        all_stays: Take treatments in the window of any stay of a person; otherwise of the first.
        min_era_duration: Days between first and last day below which an era does not count.
        splits: Treatments of which short and long eras are apart.
        era_collapse_size: Most days between two eras of one treatment that are one era.
        combination_window: Fewest days of overlap that make a combination of two eras.
        min_post_combination_duration: Fewest days of an era that a combination leaves: before it,
            in it, after it.
        overlap_method: Whether an overlap of fewer days ends the earlier era (``truncate``), or
            both stay as they are (``keep``).
        filter_treatments: Which eras are steps: the ``first`` of each treatment or combination,
            those that differ from the one before (``changes``), or ``all``.
        max_path_length: Steps after which a pathway is cut.
    """

    kind: Literal["treatment_pathways"] = "treatment_pathways"
    treatments: tuple[Outcome, ...] = Field(min_length=1, max_length=MAX_TREATMENTS)
    exits: tuple[Outcome, ...] = Field(default=(), max_length=MAX_EXITS)
    start_anchor: Anchor = "start"
    window_start: SignedDays = 0
    end_anchor: Anchor = "end"
    window_end: SignedDays = 0
    all_stays: bool = False
    min_era_duration: Days = 0
    splits: tuple[Split, ...] = Field(default=(), max_length=MAX_TREATMENTS)
    era_collapse_size: Days = 30
    combination_window: Days = 30
    min_post_combination_duration: Days = 30
    overlap_method: Literal["truncate", "keep"] = "truncate"
    filter_treatments: Literal["first", "changes", "all"] = "first"
    max_path_length: int = Field(default=5, ge=1, le=MAX_PATH)

    @model_validator(mode="after")
    def _sound(self) -> "TreatmentPathways":
        labels = [one.label for one in self.treatments]
        check_once([*labels, *(one.label for one in self.exits)], "treatment")
        check_once([one.treatment for one in self.splits], "split")
        for n, one in enumerate(self.splits):
            if one.treatment not in labels:
                place = f"splits[{n}].treatment"
                raise unknown_name("treatment", one.treatment, known=labels, place=place)
        if self.start_anchor == self.end_anchor and self.window_end < self.window_start:
            raise ValueError("the window ends before it starts")
        return self

    @property
    def steps(self) -> tuple[str, ...]:
        """Every step but combinations, in order: treatments, those that are split twice, exits."""
        cut = {one.treatment for one in self.splits}
        treatments = [
            name
            for label in (one.label for one in self.treatments)
            for name in ([acute(label), therapy(label)] if label in cut else [label])
        ]
        return (*treatments, *(one.label for one in self.exits))


def acute(treatment: str) -> str:
    """Return the name of short eras of a treatment that is split."""
    return f"{treatment} (acute)"


def therapy(treatment: str) -> str:
    """Return the name of the other eras of a treatment that is split."""
    return f"{treatment} (therapy)"
