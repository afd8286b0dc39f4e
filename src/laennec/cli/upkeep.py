"""Commands of an operator: verify, sweep, shred, rebucket."""

import click

from laennec.app import upkeep
from laennec.cli.command import INTERRUPTED, Command
from laennec.cli.context import Shell, pass_shell
from laennec.core.errors import IntegrityError


@click.command(short_help="Prove the whole hub: store, ledger, releases.")
@pass_shell
def verify(shell: Shell) -> None:
    """Read everything the store, the ledger and the folder of releases hold, and prove it.

    What is wrong is named, object by object, and the exit status is that of IntegrityError.
    """
    with shell.custody() as custody:
        found = upkeep.verify(custody)
    parts = (
        (shell.words("warehouse"), found.warehouse),
        (shell.words("results"), found.results),
    )
    for part, report in parts:
        if report is None:
            shell.say("{part}: its keys were destroyed; nobody can read it.", part=part)
            continue
        shell.say(
            "{part}: {objects} objects, {bytes} bytes read and compared.",
            part=part,
            objects=report.objects,
            bytes=report.bytes,
        )
        for one in report.findings:
            shell.show(f"  {one.kind.value}: {one.object}")
            shell.show(f"    {one.detail}")
    size = found.ledger.checkpoint.size if found.ledger.checkpoint else 0
    shell.say("ledger: {size} entries recomputed.", size=size)
    for fault in found.ledger.findings:
        shell.show(f"  {fault}")
    shell.say("releases: {files} files compared with the ledger.", files=found.releases.files)
    for name in found.releases.altered:
        shell.say("  {file} is not what was released.", file=name)
    for run in found.lost_runs:
        shell.say("  The result of {run} is in the ledger and not in the store.", run=run)
    if found.unanchored > 0:
        shell.remark("The newest head is not in the ledger yet; the next commit anchors it.")
    if not found.ok:
        raise IntegrityError(
            "The hub is not what was sealed and logged.",
            remedy="Restore what is named above from a copy of the store; trust no new result "
            "until `laennec verify` is clean.",
        )
    shell.say("Everything is what was sealed and logged.")


@click.command(
    cls=Command,
    short_help="Delete leftovers of crashes, and old snapshots.",
    examples=("laennec sweep", "laennec sweep --keep 10"),
)
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    metavar="N",
    help="Also forget all but the newest N snapshots.",
)
@pass_shell
def sweep(shell: Shell, keep: int | None) -> None:
    """Delete objects that no snapshot names, such as leftovers of a crash.

    Objects younger than two days are spared, since a load under way may still need them.
    """
    with shell.hub() as hub:
        report = upkeep.sweep(hub, keep=keep)
    shell.say(
        "{deleted} objects deleted ({bytes} bytes), {spared} spared because they are young.",
        deleted=len(report.deleted),
        bytes=report.bytes,
        spared=len(report.spared),
    )


@click.command(
    cls=Command,
    short_help="Make old snapshots unreadable for ever.",
    examples=("laennec shred --before 12", "laennec shred --before 12 --yes"),
)
@click.option(
    "--before",
    type=click.IntRange(min=1),
    required=True,
    metavar="N",
    help="First snapshot to keep readable.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_shell
@click.pass_context
def shred(context: click.Context, shell: Shell, before: int, *, yes: bool) -> None:
    """Destroy the keys of older snapshots: nobody can read them again, copies included."""
    question = shell.words("Older snapshots will be unreadable for ever. Go on?")
    if not yes and not click.confirm(question):
        shell.say("Nothing was destroyed.")
        context.exit(INTERRUPTED)
    with shell.hub() as hub:
        snapshot = upkeep.shred(hub, before=before)
    shell.say(
        "Snapshots before {before} are unreadable; the newest is {number}.",
        before=str(before),
        number=str(snapshot.number),
    )
    shell.remark("Destroy old copies of the keyrings too: they still hold the old root keys.")


@click.command(
    cls=Command,
    short_help="Change the number of person buckets.",
    examples=("laennec rebucket 64",),
)
@click.argument("buckets", type=click.IntRange(min=1), metavar="BUCKETS")
@pass_shell
def rebucket(shell: Shell, buckets: int) -> None:
    """Cut the warehouse into BUCKETS person buckets (a power of two); rows stay the same.

    More buckets need less memory for each; `laennec load omop` chooses a number by itself.
    """
    with shell.hub() as hub:
        snapshot = upkeep.change_buckets(hub, buckets=buckets)
    shell.say(
        "Snapshot {number} has {buckets} person buckets.",
        number=str(snapshot.number),
        buckets=buckets,
    )
