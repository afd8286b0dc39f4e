"""Commands of a researcher and an output checker: study check, study run, release."""

from pathlib import Path

import click

from laennec.app.releases import release_run
from laennec.cli.context import Shell, pass_shell
from laennec.study.files import read_study

_FILE = click.Path(path_type=Path, dir_okay=False)
_SNAPSHOT = "Snapshot to read; the newest by default."


@click.group()
def study() -> None:
    """Check and run studies."""


@study.command()
@click.argument("file", type=_FILE)
@click.option("--snapshot", type=click.IntRange(min=0), help=_SNAPSHOT)
@pass_shell
def check(shell: Shell, file: Path, snapshot: int | None) -> None:
    """Check a study (TOML or JSON) against the hub's vocabulary, and show what it would read."""
    asked = read_study(file)
    with shell.hub() as hub:
        found = hub.runs().check(asked, snapshot=snapshot)
    shell.say("{title}", title=asked.title)
    shell.table(("Concept set", "Concepts"), list(found.concepts.items()))
    shell.say("")
    shell.say(str(found.plan))
    shell.say("")
    shell.say("The study is well formed and can run on snapshot {number}.", number=found.snapshot)


@study.command()
@click.argument("file", type=_FILE)
@click.option("--snapshot", type=click.IntRange(min=0), help=_SNAPSHOT)
@pass_shell
def run(shell: Shell, file: Path, snapshot: int | None) -> None:
    """Run a study (TOML or JSON); the result stays sealed in the hub until it is released."""
    asked = read_study(file)
    with shell.hub() as hub:
        record = hub.runs().run(asked, snapshot=snapshot)
    shell.say(
        "{study}: {rows} estimates computed on snapshot {number} and kept sealed.",
        study=record.study,
        rows=f"{record.rows:,}",
        number=record.snapshot,
    )
    shell.say("Next: laennec release {run}", run=record.run)


@click.command()
@click.argument("run", metavar="RUN")
@pass_shell
def release(shell: Shell, run: str) -> None:
    """Release what disclosure control lets through of a RUN, each file with an offline proof."""
    with shell.hub() as hub:
        released = release_run(hub, run, language=shell.words.language)
    shell.table(
        ("Result type", "Estimates", "Hidden", "Summed up"),
        [
            (one.result_type, one.estimates, one.hidden, one.rewritten)
            for one in released.review.counts
        ],
    )
    shell.say("")
    for one in released.files:
        shell.say("{path}", path=one.path)
        shell.say("  sha256 {sha256}, ledger entry {entry}", sha256=one.sha256, entry=one.entry)
