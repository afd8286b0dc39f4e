"""Commands of a researcher and an output checker: study check, study run, release."""

from pathlib import Path

import click

from laennec.app.releases import release_run
from laennec.cli.command import Command, Group
from laennec.cli.context import Shell, pass_shell
from laennec.study.files import read_study

_FILE = click.Path(path_type=Path, dir_okay=False)
_SNAPSHOT = "Snapshot to read; the newest by default."


@click.group(cls=Group, short_help="Check and run studies.")
def study() -> None:
    """Check and run studies."""


@study.command(
    cls=Command,
    short_help="Check a study and show what it would read.",
    examples=("laennec study check celecoxib.toml",),
)
@click.argument("file", type=_FILE, metavar="FILE")
@click.option("--snapshot", type=click.IntRange(min=0), metavar="N", help=_SNAPSHOT)
@pass_shell
def check(shell: Shell, file: Path, snapshot: int | None) -> None:
    """Check a study (TOML or JSON) against the hub's vocabulary, and show what it would read."""
    asked = read_study(file)
    with shell.hub() as hub:
        found = hub.runs().check(asked, snapshot=snapshot)
    shell.show(asked.title)
    shell.table(("Concept set", "Concepts"), list(found.concepts.items()))
    shell.show(f"\n{found.plan}\n")
    shell.say(
        "The study is well formed and can run on snapshot {number}.", number=str(found.snapshot)
    )


@study.command(
    cls=Command,
    short_help="Run a study; its result stays sealed.",
    examples=(
        "laennec study run celecoxib.toml",
        "laennec study run celecoxib.toml --snapshot 3",
        'laennec release "$(laennec --quiet study run celecoxib.toml)"',
    ),
)
@click.argument("file", type=_FILE, metavar="FILE")
@click.option("--snapshot", type=click.IntRange(min=0), metavar="N", help=_SNAPSHOT)
@pass_shell
def run(shell: Shell, file: Path, snapshot: int | None) -> None:
    """Run a study (TOML or JSON); the result stays sealed in the hub until it is released.

    With --quiet before the command, the name of the run alone is printed.
    """
    asked = read_study(file)
    with shell.hub() as hub:
        record = hub.runs().run(asked, snapshot=snapshot)
    if shell.quiet:
        shell.show(record.run)
        return
    shell.say(
        "{study}: {rows} estimates computed on snapshot {number} and kept sealed.",
        study=record.study,
        rows=record.rows,
        number=str(record.snapshot),
    )
    shell.say("Next: laennec release {run}", run=record.run)


@click.command(
    cls=Command,
    short_help="Release what disclosure control lets through.",
    examples=("laennec status", "laennec release run-6d84e3b8"),
)
@click.argument("run", metavar="RUN")
@pass_shell
def release(shell: Shell, run: str) -> None:
    """Release what disclosure control lets through of a RUN, each file with an offline proof.

    A count of few persons, and whatever would give it back, is written as a hyphen. The result
    (CSV, Parquet), a report (HTML) and a manifest (JSON) appear in the folder of releases, each
    with a .tlog-proof beside it. `laennec status` lists the runs; a run is released once.
    """
    with shell.hub() as hub:
        released = release_run(hub, run, language=shell.words.language)
    if not shell.quiet:
        shell.table(
            ("Result type", "Estimates", "Hidden", "Summed up"),
            [
                (one.result_type, one.estimates, one.hidden, one.rewritten)
                for one in released.review.counts
            ],
        )
        shell.show("")
    for one in released.files:
        shell.show(str(one.path))
        shell.remark(
            "  sha256 {sha256}, ledger entry {entry}", sha256=one.sha256, entry=str(one.entry)
        )
