"""``laennec demo``: the whole journey in about a minute, told as it happens."""

import time
from functools import partial
from pathlib import Path

import click
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from laennec.app.demo import Demo
from laennec.app.demo_sources import GiBleed, NationalBase
from laennec.cli.command import Command
from laennec.cli.context import Shell, pass_shell
from laennec.core.progress import Reporter
from laennec.report import Step
from laennec.synthetic.snds import Order, make

_PERSONS, _SEED = 20_000, 1816
_FIRST_YEAR, _LAST_YEAR = 2015, 2019
_TITLE_WIDTH = 20


@click.command(
    cls=Command,
    short_help="See everything on synthetic data in about a minute.",
    examples=("laennec demo", "laennec demo --small", "laennec --lang fr demo /tmp/laennec"),
)
@click.argument(
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default="laennec-demo",
    metavar="[FOLDER]",
)
@click.option(
    "--small",
    is_flag=True,
    help="Load a small OMOP data set (GiBleed) instead of a national base; takes seconds.",
)
@click.option(
    "--persons",
    type=click.IntRange(min=5_000, max=1_000_000),
    default=_PERSONS,
    metavar="N",
    help="Persons of the national base.",
)
@pass_shell
def demo(shell: Shell, folder: Path, *, small: bool, persons: int) -> None:
    """Show everything on synthetic data: a hub in FOLDER, a study, a release and its proofs.

    A made-up national base (SNDS) is written, loaded and sealed; with --small it is an OMOP data
    set. FOLDER is laennec-demo by default; an earlier demo there is replaced. The study asks how
    often gastrointestinal haemorrhage follows a first use of celecoxib or of diclofenac. At the end
    one bit of the store is flipped, to show that it is noticed.
    """
    journey = Demo(
        folder.resolve(),
        source=GiBleed() if small else NationalBase(partial(_made, persons)),
        words=shell.words,
        language=shell.words.language,
        clock=shell.clock,
    )
    began = time.monotonic()
    for number, step in enumerate(journey.steps(shell.reporter), start=1):
        if not shell.quiet:
            _tell(shell, number, step)
    if journey.end is None:
        return
    if shell.quiet:
        shell.show(str(journey.end.report))
        return
    shell.show("")
    shell.say("Done in {seconds} s.", seconds=time.monotonic() - began)
    shell.say("Report: {path}", path=journey.end.report)
    shell.say("Look around: laennec --hub {folder} status", folder=journey.end.folder)


def _made(persons: int, folder: Path, reporter: Reporter) -> tuple[int, int]:
    """Write a made-up national base; return its persons and rows."""
    made = make(Order(persons, _SEED, _FIRST_YEAR, _LAST_YEAR), folder, reporter)
    return made.persons, made.rows


def _tell(shell: Shell, number: int, step: Step) -> None:
    """Show a step: in columns on a terminal, one line for each fact group in a pipe."""
    facts = " · ".join(f"{one.label} {one.value}" for one in step.details)
    if not shell.out.is_terminal:
        shell.say(
            "{number}. {title}: {outcome}",
            number=str(number),
            title=step.title,
            outcome=step.outcome,
        )
        if facts:
            shell.show(f"   {facts}")
        return
    line = Table.grid(padding=(0, 1))
    line.add_column(width=1)
    line.add_column(width=_TITLE_WIDTH)
    line.add_column(ratio=1)
    line.add_row(
        Text(_mark(shell), style="bold green"), Text(step.title, style="bold"), Text(step.outcome)
    )
    shell.out.print(line)
    if facts:
        shell.out.print(Padding(Text(facts, style="dim"), (0, 0, 0, _TITLE_WIDTH + 3)))


def _mark(shell: Shell) -> str:
    """Return a check mark, or a plus sign where the terminal has no such sign."""
    try:
        "✓".encode(shell.out.encoding)
    except (UnicodeEncodeError, LookupError):
        return "+"
    return "✓"
