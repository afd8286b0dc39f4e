"""The words of the command line in English and French.

English is in the code; ``french.json`` beside this module maps each English text to French, click's
own words included. A text without a translation is shown in English, and a test fails on it.
Messages of errors come from below and are English.
"""

import functools
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.resources import files

import click

from laennec.cli.command import HELP_OPTIONS, Command, Group

LANGUAGES = ("en", "fr")
_NARROW_NO_BREAK_SPACE = "\u202f"


@functools.cache
def french() -> Mapping[str, str]:
    """Return the French of each English text."""
    text = (files("laennec.cli") / "french.json").read_text(encoding="utf-8")
    table: dict[str, str] = json.loads(text)
    return table


def choose_language(asked: str | None, environment: Mapping[str, str]) -> str:
    """Return the language to use: the one asked for, else that of the locale, else English."""
    if asked in LANGUAGES:
        return str(asked)
    names = ("LAENNEC_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((environment[name] for name in names if environment.get(name)), "")
    return "fr" if locale.lower().startswith("fr") else "en"


def unwrapped(text: str) -> str:
    """Return a help text as it is listed: each paragraph on one line; a text of one as it is."""
    if "\n\n" not in text:
        return text
    return "\n\n".join(" ".join(one.split()) for one in text.split("\n\n")).strip()


class Words:
    """Gives texts and numbers in one language."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, text: str, **values: object) -> str:
        """Return ``text`` in the language, with ``{names}`` filled in.

        Numbers are counts and are grouped by thousands; a number that is a name, such as that of a
        snapshot, is given as text.
        """
        chosen = french().get(text, text) if self.language == "fr" else text
        return chosen.format(**{name: self.written(one) for name, one in values.items()})

    def written(self, value: object) -> str:
        """Return a value as the language writes it; a float has one decimal."""
        if not isinstance(value, int | float) or isinstance(value, bool):
            return str(value)
        english = f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"
        if self.language == "en":
            return english
        return english.replace(",", _NARROW_NO_BREAK_SPACE).replace(".", ",")

    def of_click(self, text: str) -> str:
        """Return a text of click, which fills it in itself; replaces ``gettext`` there."""
        return french().get(unwrapped(text), text) if self.language == "fr" else text

    def of_click_plural(self, one: str, many: str, number: int) -> str:
        """Return the singular or the plural; replaces ``ngettext`` in click."""
        single = number < 2 if self.language == "fr" else number == 1
        return self.of_click(one if single else many)


@contextmanager
def speaking(words: Words, command: click.Command) -> Iterator[None]:
    """Let click and the help of a command tree speak a language for the time of the context.

    Click takes its words from ``gettext``, which wants a catalogue of its own on disk and the
    process's locale; replacing the two functions in its modules is smaller and ends with the
    context.
    """
    # Before click's words change: click makes the help option on first sight, and keeps it.
    texts = tuple(shown_texts(command))
    with ExitStack() as undo:
        if words.language != "en":
            modules = [m for name, m in sys.modules.items() if name.split(".")[0] == "click"]
            for module in modules:
                for name, ours in (("_", words.of_click), ("ngettext", words.of_click_plural)):
                    if name in vars(module):
                        undo.callback(setattr, module, name, vars(module)[name])
                        setattr(module, name, ours)
            for holder, name, text in texts:
                undo.callback(setattr, holder, name, text)
                setattr(holder, name, words.of_click(text))
        yield


def shown_texts(command: click.Command) -> Iterator[tuple[object, str, str]]:
    """Yield every text that the help of a command tree shows: its object, attribute and text."""
    holders: list[tuple[object, tuple[str, ...]]] = [
        (command, ("help", "short_help", "options_metavar", "subcommand_metavar"))
    ]
    context = click.Context(command, help_option_names=HELP_OPTIONS)
    holders += [(one, ("help", "metavar", "prompt")) for one in command.get_params(context)]
    if isinstance(command, Command) and command.examples:
        holders.append((command.examples_title, ("text",)))
    if isinstance(command, Group):
        holders += [(one.title, ("text",)) for one in command.sections]
    for holder, names in holders:
        for name in names:
            text = getattr(holder, name, None)
            if isinstance(text, str) and text:
                yield holder, name, text
    if isinstance(command, click.Group):
        for child in command.commands.values():
            yield from shown_texts(child)
