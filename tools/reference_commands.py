"""Reference page of the commands, from the command tree itself."""

import inspect
from collections.abc import Iterator
from typing import Any

import click
from tools.markdown import generated, table

from laennec.cli.command import Command, Group
from laennec.cli.main import laennec

_HEAD = """\
Every command prints this with `--help`. Answers go to the output stream, progress and errors to the
error stream. A failure ends with the [exit status](errors.md) of its class. Texts are English or
French, as `--lang` or your locale says; messages of errors are English.
"""


def commands_page() -> str:
    """Return the page of commands."""
    if not isinstance(laennec, Group):
        raise TypeError("the command tree has no sections")
    rows = [
        (section.title.text, f"[`{path}`](#{path.replace(' ', '-')})", _first_sentence(one))
        for section in laennec.sections
        for name, command in section.commands.items()
        for path, one in _walk(command, f"laennec {name}")
        if not isinstance(one, click.Group)
    ]
    parts = [generated("Commands", "src/laennec/cli"), _HEAD]
    parts.append(table(("for", "command", "what it does"), rows))
    parts += [_section(path, one) for path, one in _walk(laennec, "laennec")]
    return "\n".join(parts)


def _walk(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from _walk(child, f"{path} {name}")


def _first_sentence(command: click.Command) -> str:
    return " ".join((command.help or "").split("\n\n")[0].split())


def _section(path: str, command: click.Command) -> str:
    context = click.Context(command, info_name=path)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    parts = [
        f"## {path}\n",
        f"```text\n{usage}\n```\n",
        f"{inspect.cleandoc(command.help or '')}\n",
    ]
    options = [_option(one) for one in command.params if isinstance(one, click.Option)]
    if options:
        parts.append(table(("option", "value", "meaning"), options))
    if isinstance(command, Command) and command.examples:
        examples = "\n".join(command.examples)
        parts.append(f"```text\n{examples}\n```\n")
    return "\n".join(parts)


def _option(option: click.Option) -> tuple[str, str, str]:
    names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    return names, _value(option), option.help or ""


def _value(option: click.Option) -> str:
    said = [] if option.is_flag else [_form(option.type)]
    if option.required:
        said.append("required")
    if option.envvar:
        said.append(f"or `{option.envvar}`")
    if isinstance(option.default, str | int) and not option.is_flag:
        said.append(f"default `{option.default}`")
    return ", ".join(said)


def _form(kind: click.ParamType[Any]) -> str:
    if isinstance(kind, click.Choice):
        return " or ".join(f"`{one}`" for one in kind.choices)
    if isinstance(kind, click.IntRange):
        return f"whole number from {kind.min}"
    if isinstance(kind, click.Path):
        return "path"
    return "text"
