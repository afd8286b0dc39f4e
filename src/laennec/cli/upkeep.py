"""Commands of an operator: verify, sweep, keys, shred, rebucket."""

from pathlib import Path

import click

from laennec.app import upkeep
from laennec.app.hub import passphrase_source
from laennec.cli.command import INTERRUPTED, Command, Group
from laennec.cli.context import Shell, pass_shell
from laennec.cli.passphrases import new_passphrase
from laennec.core.errors import IntegrityError
from laennec.core.settings import read_settings
from laennec.vault.passphrase import read_passphrase


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


@click.group(cls=Group, short_help="Rotate keys, change the passphrase.")
def keys() -> None:
    """Keys: rotate them, change the passphrase that seals them."""


@keys.command(short_help="Make new keys; no data is rewritten.")
@pass_shell
def rotate(shell: Shell) -> None:
    """Make new root and warehouse keys and wrap the file keys anew; no data is rewritten."""
    with shell.hub() as hub:
        snapshot = upkeep.rotate_keys(hub)
    shell.say("Keys rotated in snapshot {number}.", number=str(snapshot.number))


@keys.command(
    cls=Command,
    short_help="Seal the keyrings under another passphrase.",
    examples=(
        "laennec keys passphrase",
        "laennec keys passphrase --new-passphrase-file new-passphrase",
    ),
)
@click.option(
    "--new-passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="File (mode 0600) that holds the new passphrase; it is asked for by default.",
)
@click.option(
    "--new-passphrase-env",
    metavar="VARIABLE",
    help="Environment variable that holds the new passphrase.",
)
@pass_shell
def passphrase(
    shell: Shell, new_passphrase_file: Path | None, new_passphrase_env: str | None
) -> None:
    """Seal the keyrings under another passphrase; no key and no data changes.

    The old passphrase is taken from where the settings say. If the command is interrupted, run it
    again with the same two passphrases. Copies of the keyrings still open with the old one.
    """
    settings = read_settings(shell.folder)
    old = read_passphrase(passphrase_source(settings), ask=shell.ask)
    new = read_passphrase(new_passphrase(new_passphrase_file, new_passphrase_env), ask=shell.ask)
    upkeep.reseal_keyrings(
        shell.folder, old=old, new=new, clock=shell.clock, reporter=shell.reporter
    )
    shell.say("The keyrings are sealed under the new passphrase.")
    if settings.keys.passphrase_file is not None or settings.keys.passphrase_env is not None:
        shell.remark("Now put it where the settings look for it, in place of the old one.")


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
