"""Commands of an auditor: log verify, log prove. They need no key."""

from pathlib import Path

import click

from laennec.app.audit import prove_entry, verify_ledger, verify_released_file
from laennec.cli.context import Shell, pass_shell
from laennec.core.errors import ProofError


@click.group()
def log() -> None:
    """The public log: verify it, or prove that something is in it."""


@log.command()
@click.option(
    "--file",
    "released",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A released file: verify it by the .tlog-proof beside it, without the log.",
)
@click.option("--key", help="The log's verifier key, from the hub's own publication.")
@pass_shell
def verify(shell: Shell, released: Path | None, key: str | None) -> None:
    """Recompute the whole log and check its signature, or verify one released file offline."""
    if released is not None:
        entry = verify_released_file(released, folder=shell.folder, key=key, clock=shell.clock)
        shell.say(
            "{file} is entry {index} of the log {origin}, written {time}.",
            file=released.name,
            index=entry.index,
            origin=entry.origin,
            time=entry.time,
        )
        return
    report = verify_ledger(shell.folder, clock=shell.clock)
    for one in report.findings:
        shell.say("  " + str(one))
    if not report.ok or report.checkpoint is None:
        raise ProofError(
            "The log is not what was signed.",
            remedy="Restore the files named above from a mirror; if none agrees, the log forked.",
        )
    shell.say(
        "{origin}: {size} entries, root {root}, all proven.",
        origin=report.checkpoint.origin,
        size=f"{report.checkpoint.size:,}",
        root=report.checkpoint.root.hex(),
    )


@log.command()
@click.argument("index", type=click.IntRange(min=0))
@pass_shell
def prove(shell: Shell, index: int) -> None:
    """Print the offline proof (tlog-proof) of entry INDEX."""
    click.echo(prove_entry(shell.folder, index, clock=shell.clock), nl=False)
