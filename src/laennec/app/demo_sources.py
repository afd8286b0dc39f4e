"""What the demo can be told with: a national base of made-up claims and stays, or a small OMOP set.

A source says how its hub is called and loads it; the rest of the journey is the same.
"""

from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path
from typing import Protocol

from laennec.app.hub import Hub
from laennec.app.loads import load_omop
from laennec.app.snds_loads import load_snds
from laennec.core.progress import Reporter
from laennec.report import Fact, Step

_DATA = "gibleed.zip"
_DELIVERY = "delivery"


class Words(Protocol):
    """The reader's language."""

    def __call__(self, text: str, **values: object) -> str:
        """Return a text with named values filled in; numbers as the language writes them."""

    def written(self, value: object) -> str:
        """Return a value, a number as the language writes it."""


class StepMaker:
    """Makes steps of the story in the reader's language."""

    def __init__(self, words: Words) -> None:
        self.words = words

    def __call__(
        self, title: str, outcome: str, *details: tuple[str, object], good: bool = True
    ) -> Step:
        """Return a step; ``outcome`` is in the reader's language, the rest is put into it."""
        facts = tuple(
            Fact(self.words(label), self.words.written(value)) for label, value in details
        )
        return Step(self.words(title), outcome, facts, good)


class DemoSource(Protocol):
    """Where the demo's rows come from.

    Attributes:
        hub_name: What the hub is called.
    """

    hub_name: str

    def prepare(self, folder: Path, step: StepMaker, reporter: Reporter) -> Step | None:
        """Make what is to be loaded, in the demo's folder; None when there is nothing to make."""

    def load(self, hub: Hub, step: StepMaker) -> Step:
        """Load it."""


class GiBleed:
    """OHDSI's GiBleed: 2,694 synthetic persons in OMOP form, with the defects of real exports."""

    hub_name = "GiBleed"

    def prepare(self, folder: Path, step: StepMaker, reporter: Reporter) -> Step | None:  # noqa: ARG002
        """Return nothing: the data set is in the package."""
        return None

    def load(self, hub: Hub, step: StepMaker) -> Step:
        """Load the packaged data set."""
        with as_file(files("laennec.app") / "data" / _DATA) as source:
            # GiBleed gives one identifier to several real events; a study should not lose them.
            report = load_omop(hub, source, encoding="utf-8", keep_repeated=True)
        return step(
            "Load",
            step.words(
                "{read} rows of {persons} synthetic persons read: {kept} kept, {quarantined} in "
                "quarantine, {dropped} dropped.",
                read=report.read,
                persons=hub.warehouse.view().rows()["person"],
                kept=report.kept,
                quarantined=report.quarantined,
                dropped=report.dropped,
            ),
            *((rule.value, rows) for rule, rows in report.by_rule().items()),
            ("Kept although they share a key", sum(one.repeated_kept for one in report.counts)),
        )


class NationalBase:
    """A made-up SNDS, in the files and with the faults of the real one."""

    hub_name = "SNDS"

    def __init__(self, make: Callable[[Path, Reporter], tuple[int, int]]) -> None:
        """Take what makes a base.

        Args:
            make: Writes a base into a new folder; returns its true persons and its rows.
        """
        self._make, self._hub = make, Path()

    def prepare(self, folder: Path, step: StepMaker, reporter: Reporter) -> Step | None:
        """Make the base."""
        self._hub = folder
        persons, rows = self._make(folder / _DELIVERY, reporter)
        return step(
            "A national base",
            step.words(
                "{rows} rows of claims, hospital stays and deaths of {persons} made-up persons, in "
                "the files and with the faults of the real SNDS.",
                rows=rows,
                persons=persons,
            ),
        )

    def load(self, hub: Hub, step: StepMaker) -> Step:
        """Load the base as an operator would, the truth left aside."""
        report = load_snds(hub, self._hub / _DELIVERY, folder=self._hub)
        view = hub.warehouse.view()
        return step(
            "Load",
            step.words(
                "{read} rows read: {kept} kept, {quarantined} in quarantine, {dropped} dropped by "
                "named rules, {apart} of nobody; {persons} persons found.",
                read=report.read,
                kept=report.kept,
                quarantined=report.quarantined,
                dropped=report.dropped,
                apart=report.apart,
                persons=view.rows()["person"],
            ),
            ("OMOP rows", sum(view.rows().values())),
        )
