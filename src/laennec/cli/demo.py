"""``laennec demo``: the whole journey in half a minute, told as it happens."""

import time
from pathlib import Path

import click

from laennec.app.demo import Demo
from laennec.cli.context import Shell, pass_shell


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default="laennec-demo")
@pass_shell
def demo(shell: Shell, folder: Path) -> None:
    """Show everything on synthetic data: a hub in FOLDER, a study, a release and its proofs.

    FOLDER is laennec-demo by default; an earlier demo there is replaced. The study asks how often
    gastrointestinal haemorrhage follows a first use of celecoxib or of diclofenac.
    """
    journey = Demo(
        folder.resolve(),
        words=shell.words,
        language=shell.words.language,
        clock=shell.clock,
    )
    began = time.monotonic()
    for number, step in enumerate(journey.steps(shell.reporter), start=1):
        shell.out.print(f"[bold]{number}. {step.title}[/bold]", highlight=False)
        shell.out.print(f"   {step.outcome}", highlight=False, markup=False, soft_wrap=True)
        for fact in step.details:
            shell.out.print(f"   {fact.label}: {fact.value}", highlight=False, markup=False)
    if journey.end is not None:
        shell.say("")
        shell.say("Done in {seconds} s.", seconds=f"{time.monotonic() - began:.1f}")
        shell.say("Report: {path}", path=journey.end.report)
        shell.say("Look around: laennec --hub {folder} status", folder=journey.end.folder)
