"""Commands with examples, and groups that list their commands by what one wants to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import click

HELP_OPTIONS = ["-h", "--help"]
INTERRUPTED = 130
"""Exit status of a command that its user stopped or declined."""


@dataclass
class Heading:
    """A title in a help page; the language of the moment is put into it."""

    text: str


class Command(click.Command):
    """A command whose help ends with examples."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **values: Any) -> None:
        super().__init__(*args, **values)
        self.examples, self.examples_title = tuple(examples), Heading("Examples")

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, one a line, never wrapped."""
        super().format_epilog(ctx, formatter)
        if self.examples:
            with formatter.section(self.examples_title.text):
                for example in self.examples:
                    formatter.write(f"{'':{formatter.current_indent}}{example}\n")


@dataclass
class Section:
    """Commands that serve one purpose, in the order in which they are used."""

    title: Heading
    commands: dict[str, click.Command] = field(default_factory=dict)


class Group(click.Group):
    """A group that keeps the order of its commands and may show them in sections."""

    def __init__(
        self, *args: Any, sections: Mapping[str, Sequence[click.Command]] | None = None, **kw: Any
    ) -> None:
        super().__init__(*args, **kw)
        self.sections: list[Section] = []
        for title, commands in (sections or {}).items():
            found = {str(one.name): one for one in commands}
            self.sections.append(Section(Heading(title), found))
            for one in commands:
                self.add_command(one)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click asks for it
        """Return the commands in the order in which they were added."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each section with its commands; without sections, as click does."""
        if not self.sections:
            super().format_commands(ctx, formatter)
            return
        longest = max(len(name) for name in self.commands)
        room = formatter.width - longest - 6
        for section in self.sections:
            with formatter.section(section.title.text):
                formatter.write_dl(
                    [
                        (f"{name:{longest}}", one.get_short_help_str(room))
                        for name, one in section.commands.items()
                    ]
                )
