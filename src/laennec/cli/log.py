"""Commands of an auditor: log verify, log prove. They need no secret."""

from pathlib import Path

import click

from laennec.app.audit import prove_entry, verify_ledger, verify_mirror, verify_released_file
from laennec.cli.command import Command, Group
from laennec.cli.context import Shell, pass_shell
from laennec.core.errors import ProofError
from laennec.ledger.model import LedgerReport


@click.group(cls=Group, short_help="Verify the public log, or prove an entry.")
def log() -> None:
    """The public log: verify it, or prove that something is in it. No secret is needed."""


@log.command(
    cls=Command,
    short_help="Verify the whole log, or one released file.",
    examples=(
        "laennec log verify",
        'laennec log verify --file report.html --key "$(cat hub.vkey)"',
        'laennec log verify --ledger mirror/ --key "$(cat hub.vkey)"',
    ),
)
@click.option(
    "--file",
    "released",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A released file: verify it by the .tlog-proof beside it, without the log.",
)
@click.option(
    "--ledger",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="A copy of the log's files: verify it without a hub; needs --key.",
)
@click.option(
    "--key", metavar="KEY", help="The log's verifier key, from the hub's own publication."
)
@pass_shell
def verify(shell: Shell, released: Path | None, ledger: Path | None, key: str | None) -> None:
    """Recompute the whole log and check its signature, or verify one released file offline.

    Without --key, the key is the one that the hub keeps; who is not the hub gives the key that the
    hub published.
    """
    if released is not None and ledger is not None:
        raise click.UsageError(shell.words("--file and --ledger are two different questions."))
    if released is not None:
        _verify_file(shell, released, key)
    elif ledger is None:
        _show(shell, verify_ledger(shell.folder, clock=shell.clock, key=key))
    elif key is None:
        raise click.UsageError(shell.words("--ledger needs --key."))
    else:
        _show(shell, verify_mirror(ledger, clock=shell.clock, key=key))


@log.command(
    cls=Command,
    short_help="Print the offline proof of an entry.",
    examples=("laennec log prove 4 > entry-4.tlog-proof",),
)
@click.argument("index", type=click.IntRange(min=0), metavar="INDEX")
@pass_shell
def prove(shell: Shell, index: int) -> None:
    """Print the offline proof (tlog-proof) of entry INDEX; the first is 0."""
    click.echo(prove_entry(shell.folder, index, clock=shell.clock), nl=False)


def _verify_file(shell: Shell, released: Path, key: str | None) -> None:
    entry = verify_released_file(released, folder=shell.folder, key=key, clock=shell.clock)
    shell.say(
        "{file} is entry {index} of the log {origin}, written {time}.",
        file=released.name,
        index=str(entry.index),
        origin=entry.origin,
        time=entry.time,
    )


def _show(shell: Shell, report: LedgerReport) -> None:
    for one in report.findings:
        shell.show(f"  {one}")
    if not report.ok or report.checkpoint is None:
        raise ProofError(
            "The log is not what was signed.",
            remedy="Restore the files named above from a mirror; if none agrees, the log forked.",
        )
    shell.say(
        "{origin}: {size} entries, root {root}, all proven.",
        origin=report.checkpoint.origin,
        size=report.checkpoint.size,
        root=report.checkpoint.root.hex(),
    )
