"""The words in which a report describes a study, in one language, and the phrases made of them."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from laennec.report.words import load_words, readable
from laennec.study.model import Events, Window


@dataclass(frozen=True)
class DesignWords:
    """One language; keys and places are those of ``data/design_en.toml``.

    Attributes:
        names: Names of concepts, by id; a concept without one is shown by its id.
    """

    language: str
    texts: Mapping[str, str]
    tables: Mapping[str, str]
    names: Mapping[int, str] = field(default_factory=dict)

    def text(self, key: str, **places: object) -> str:
        """Return the text of a key with its places filled in; whole numbers are grouped."""
        written = {
            name: load_words(self.language).digits(str(one)) if type(one) is int else str(one)
            for name, one in places.items()
        }
        return self.texts[key].format(**written)

    def table(self, name: str) -> str:
        """Return what one row of an event table is; an unknown table as a readable name."""
        return self.tables.get(name, readable(name))

    def listed(self, texts: Iterable[str]) -> str:
        """Return texts as an enumeration."""
        return self.texts["list"].join(texts)

    def concept(self, concept_id: int) -> str:
        """Return a concept by its name and id."""
        name = self.names.get(concept_id)
        return self.text("item", name=name, id=str(concept_id)) if name else str(concept_id)

    def events(self, events: Events) -> str:
        """Return what kind of records these are, such as ``drug of celecoxib``."""
        table = self.table(events.table)
        return self.text("events", table=table, concepts=readable(events.concepts))

    def day(self, days: int) -> str:
        """Return a day relative to another one."""
        if days == 0:
            return self.text("day_of")
        return self.text("day_before" if days < 0 else "day_after", n=abs(days))

    def window(self, window: Window) -> str:
        """Return the days of a window about entry."""
        if window.start is None and window.end is None:
            return self.text("whenever")
        if window.start is None and window.end == -1:
            return self.text("before")
        days = self.span(
            None if window.start is None else self.day(window.start),
            None if window.end is None else self.day(window.end),
        )
        return self.text("about_entry", window=days)

    def span(self, first: str | None, last: str | None) -> str:
        """Return days from one to another, either of which may be open; one day as itself."""
        if first == last and first is not None:
            return first
        if first is None:
            return self.text("whenever") if last is None else self.text("until", to=last)
        if last is None:
            return self.text("since", **{"from": first})
        return self.text("window", **{"from": first, "to": last})


@cache
def design_words(language: str) -> DesignWords:
    """Return the words of a language that a report can be written in."""
    source = files("laennec.app") / "data" / f"design_{language}.toml"
    data = tomllib.loads(source.read_text(encoding="utf-8"))
    return DesignWords(language, data["texts"], data["tables"])
