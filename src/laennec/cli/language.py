"""The words of the command line in English and French.

English is in the code; ``french.json`` beside this module maps each English text to French. A text
without a translation is shown in English, and a test fails on it.
"""

import functools
import json
from collections.abc import Mapping
from importlib.resources import files

import click

LANGUAGES = ("en", "fr")


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


class Words:
    """Gives texts in one language."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, text: str, **values: object) -> str:
        """Return ``text`` in the language, with ``{names}`` filled in."""
        chosen = french().get(text, text) if self.language == "fr" else text
        return chosen.format(**values) if values else chosen


def translate_help(command: click.Command, words: Words) -> None:
    """Put the help of a command and of everything below it into a language."""
    if command.help:
        command.help = words(command.help)
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.help:
            parameter.help = words(parameter.help)
    if isinstance(command, click.Group):
        for child in command.commands.values():
            translate_help(child, words)


def help_texts(command: click.Command) -> list[str]:
    """Return every help text of a command and of everything below it."""
    found = [command.help or ""]
    found += [one.help or "" for one in command.params if isinstance(one, click.Option)]
    if isinstance(command, click.Group):
        for child in command.commands.values():
            found += help_texts(child)
    return [text for text in found if text]
