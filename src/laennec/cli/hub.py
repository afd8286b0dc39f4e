"""Commands on the hub itself: init, status, verify, sweep, keys, shred, rebucket."""

from collections.abc import Sequence
from pathlib import Path

import click

from laennec.app import upkeep
from laennec.app.create import create_hub
from laennec.app.hub import Hub, passphrase_source
from laennec.app.template import settings_text
from laennec.cli.command import INTERRUPTED, Command, Group
from laennec.cli.context import Shell, pass_shell
from laennec.core.errors import IntegrityError
from laennec.core.settings import read_settings
from laennec.vault.passphrase import (
    PassphraseFile,
    PassphraseSource,
    PassphraseVariable,
    Prompt,
    read_passphrase,
)
from laennec.warehouse.service import View


@click.command(
    cls=Command,
    short_help="Make a hub: settings, keys, sealed store, ledger.",
    examples=(
        'laennec --hub /srv/hub init --name "Lariboisière" --origin hub.example.org/laennec',
        "laennec init --name test --passphrase-file ~/passphrase",
    ),
)
@click.option(
    "--name", required=True, metavar="NAME", help="Name of the hub, as results will show it."
)
@click.option(
    "--origin",
    metavar="NAME",
    help="Name of the hub's log, unique in the world, such as hub.example.org/laennec. It cannot "
    "be changed later.",
)
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="File (mode 0600) that holds the passphrase; it is asked for by default.",
)
@click.option(
    "--passphrase-env",
    metavar="VARIABLE",
    help="Environment variable that holds the passphrase.",
)
@pass_shell
def init(
    shell: Shell,
    name: str,
    origin: str | None,
    passphrase_file: Path | None,
    passphrase_env: str | None,
) -> None:
    """Make a hub: settings, keys, an empty sealed store and a ledger.

    It is made in the folder that --hub names before the command, else in the current one. The
    folder of keys is for you alone: if others may read it, the hub does not open. A backup of keys
    and passphrase, apart from the store, is yours to make.
    """
    source = _source_of(passphrase_file, passphrase_env)
    text = settings_text(
        name=name,
        origin=origin or f"{_token(name)}/laennec",
        passphrase_file=None if passphrase_file is None else passphrase_file.resolve(),
        passphrase_env=passphrase_env,
    )
    settings = create_hub(
        shell.folder, text=text, passphrase=source, clock=shell.clock, ask=shell.ask
    )
    shell.remark("Hub {name} is ready in {folder}.", name=name, folder=shell.folder)
    shell.remark(
        "Keep {keys} and the passphrase safe and apart from the store: without them nobody, you "
        "included, can read anything.",
        keys=settings.keys.folder,
    )
    shell.remark("Next: laennec load omop FOLDER")


@click.command(short_help="Show snapshot, persons, rows by table, and runs.")
@click.option("--history", is_flag=True, help="Show every snapshot too.")
@pass_shell
def status(shell: Shell, *, history: bool) -> None:
    """Show what the hub holds: snapshot, persons, rows by table, runs."""
    with shell.hub() as hub:
        view = hub.warehouse.view()
        _show_facts(shell, hub, view)
        _show(shell, ("Table", "Rows"), list(view.rows().items()))
        _show(
            shell,
            ("Run", "Study", "Snapshot", "Made at", "Estimates"),
            [
                (one.run, one.study, str(one.snapshot), one.made_at, one.rows)
                for one in hub.runs().records()
            ],
        )
        past = hub.warehouse.vault.history() if history else ()
        yes, no = shell.words("yes"), shell.words("no")
        _show(
            shell,
            ("Snapshot", "Made at", "Readable", "Digest"),
            [
                (str(one.number), one.created_at, yes if one.readable else no, one.digest[:16])
                for one in past
            ],
        )


def _show_facts(shell: Shell, hub: Hub, view: View) -> None:
    words, rows, files = shell.words, view.rows(), view.snapshot.manifest.files
    facts: list[tuple[str, object]] = [
        (words("Hub"), hub.settings.hub.name),
        (words("Snapshot"), f"{view.snapshot.number} ({view.snapshot.created_at})"),
        (words("Persons"), rows.get("person", 0)),
        (words("Person buckets"), view.layout.buckets if view.layout else 0),
        (words("Rows"), sum(rows.values())),
        (words("Rows in quarantine"), sum(one.rows for one in view.files("quarantine"))),
        (words("Sealed bytes"), sum(one.size for one in files)),
        (words("Vocabulary"), view.vocabulary_version),
        (words("Disclosure profile"), hub.settings.disclosure.profile),
        (words("Log entries"), hub.ledger.checkpoint().size),
    ]
    shell.table(("", ""), facts)


def _show(shell: Shell, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write a table after an empty line, or nothing when it has no rows."""
    if rows:
        shell.show("")
        shell.table(heads, rows)


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
    new = read_passphrase(_source_of(new_passphrase_file, new_passphrase_env), ask=shell.ask)
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


def _source_of(file: Path | None, variable: str | None) -> PassphraseSource:
    """Return where a new passphrase comes from; it is asked for twice by default."""
    if file is not None:
        return PassphraseFile(file)
    if variable is not None:
        return PassphraseVariable(variable)
    return Prompt("New passphrase: ", twice=True)


def _token(name: str) -> str:
    kept = "".join(one if one.isascii() and one.isalnum() else "-" for one in name.lower())
    return kept.strip("-") or "hub"
