"""Commands on the hub itself: init, status, verify, sweep, keys, shred, rebucket."""

from pathlib import Path

import click

from laennec.app import upkeep
from laennec.app.hub import create_hub
from laennec.app.template import settings_text
from laennec.cli.context import Shell, pass_shell
from laennec.core.errors import IntegrityError
from laennec.vault.passphrase import (
    PassphraseFile,
    PassphraseSource,
    PassphraseVariable,
    Prompt,
)


@click.command()
@click.option("--name", required=True, help="Name of the hub, as results will show it.")
@click.option(
    "--origin",
    help="Name of the hub's log, unique in the world, such as hub.example.org/laennec.",
)
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File (mode 0600) that holds the passphrase; it is asked for by default.",
)
@click.option("--passphrase-env", help="Environment variable that holds the passphrase.")
@pass_shell
def init(
    shell: Shell,
    name: str,
    origin: str | None,
    passphrase_file: Path | None,
    passphrase_env: str | None,
) -> None:
    """Make a hub in a folder: settings, keys, an empty sealed store and a ledger."""
    source: PassphraseSource = Prompt(shell.words("New passphrase: "), twice=True)
    if passphrase_file is not None:
        source = PassphraseFile(passphrase_file)
    elif passphrase_env is not None:
        source = PassphraseVariable(passphrase_env)
    text = settings_text(
        name=name,
        origin=origin or f"{_token(name)}/laennec",
        passphrase_file=None if passphrase_file is None else passphrase_file.resolve(),
        passphrase_env=passphrase_env,
    )
    settings = create_hub(shell.folder, text=text, passphrase=source, clock=shell.clock)
    shell.say("Hub {name} is ready in {folder}.", name=name, folder=shell.folder)
    shell.say(
        "Keep {keys} and the passphrase safe and apart from the store: without them nobody, you "
        "included, can read anything.",
        keys=settings.keys.folder,
    )
    shell.say("Next: laennec load omop FOLDER")


@click.command()
@click.option("--history", is_flag=True, help="Show every snapshot.")
@pass_shell
def status(shell: Shell, *, history: bool) -> None:
    """Show what the hub holds: snapshot, persons, rows by table, runs."""
    with shell.hub() as hub:
        view = hub.warehouse.view()
        rows = view.rows()
        buckets = view.layout.buckets if view.layout else 0
        size = sum(one.size for one in view.snapshot.manifest.files)
        facts = [
            ("Hub", hub.settings.hub.name),
            ("Snapshot", f"{view.snapshot.number} ({view.snapshot.created_at})"),
            ("Persons", f"{rows.get('person', 0):,}"),
            ("Person buckets", f"{buckets:,}"),
            ("Rows", f"{sum(rows.values()):,}"),
            ("Rows in quarantine", f"{sum(one.rows for one in view.files('quarantine')):,}"),
            ("Sealed bytes", f"{size:,}"),
            ("Vocabulary", view.vocabulary_version),
            ("Disclosure profile", hub.settings.disclosure.profile),
            ("Log entries", f"{hub.ledger.checkpoint().size:,}"),
        ]
        shell.table(("", ""), [(shell.words(label), value) for label, value in facts])
        if rows:
            shell.say("")
            shell.table(("Table", "Rows"), list(rows.items()))
        runs = hub.runs().records()
        if runs:
            shell.say("")
            shell.table(
                ("Run", "Study", "Snapshot", "Made at", "Estimates"),
                [(one.run, one.study, one.snapshot, one.made_at, one.rows) for one in runs],
            )
        if history:
            shell.say("")
            shell.table(
                ("Snapshot", "Made at", "Readable", "Digest"),
                [
                    (
                        one.number,
                        one.created_at,
                        shell.words("yes" if one.readable else "no"),
                        one.digest[:16],
                    )
                    for one in hub.warehouse.vault.history()
                ],
            )


@click.command()
@pass_shell
def verify(shell: Shell) -> None:
    """Read everything the store and the ledger hold and prove it, or name what is wrong."""
    with shell.hub() as hub:
        found = upkeep.verify(hub)
    for label, report in (("warehouse", found.warehouse), ("results", found.results)):
        shell.say(
            "{part}: {objects} objects, {bytes} bytes read and compared.",
            part=shell.words(label),
            objects=f"{report.objects:,}",
            bytes=f"{report.bytes:,}",
        )
        for one in report.findings:
            shell.say("  {kind}: {object}", kind=one.kind.value, object=one.object)
            shell.say("    " + one.detail)
    size = found.ledger.checkpoint.size if found.ledger.checkpoint else 0
    shell.say("ledger: {size} entries recomputed.", size=f"{size:,}")
    for fault in found.ledger.findings:
        shell.say("  " + str(fault))
    if found.unanchored > 0:
        shell.say("The newest head is not in the ledger yet; the next commit anchors it.")
    if not found.ok:
        raise IntegrityError(
            "The hub is not what was sealed and logged.",
            remedy="Restore the objects named above from a copy of the store; trust no new result "
            "until `laennec verify` is clean.",
        )
    shell.say("Everything is what was sealed and logged.")


@click.command()
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    help="Also forget all but the newest snapshots, this many.",
)
@pass_shell
def sweep(shell: Shell, keep: int | None) -> None:
    """Delete objects that no snapshot names, such as leftovers of a crash (older than two days)."""
    with shell.hub() as hub:
        report = upkeep.sweep(hub, keep=keep)
    shell.say(
        "{deleted} objects deleted ({bytes} bytes), {spared} spared because they are young.",
        deleted=f"{len(report.deleted):,}",
        bytes=f"{report.bytes:,}",
        spared=f"{len(report.spared):,}",
    )


@click.group()
def keys() -> None:
    """Keys: rotate them."""


@keys.command()
@pass_shell
def rotate(shell: Shell) -> None:
    """Make new root and warehouse keys and wrap the file keys anew; no data is rewritten."""
    with shell.hub() as hub:
        snapshot = upkeep.rotate_keys(hub)
    shell.say("Keys rotated in snapshot {number}.", number=snapshot.number)


@click.command()
@click.option(
    "--before", type=click.IntRange(min=1), required=True, help="First snapshot to keep readable."
)
@click.confirmation_option(prompt="Older snapshots will be unreadable for ever. Go on?")
@pass_shell
def shred(shell: Shell, before: int) -> None:
    """Destroy the keys of older snapshots: nobody can read them again, copies included."""
    with shell.hub() as hub:
        snapshot = upkeep.shred(hub, before=before)
    shell.say(
        "Snapshots before {before} are unreadable; the newest is {number}.",
        before=before,
        number=snapshot.number,
    )
    shell.say("Destroy old copies of the keyrings too: they still hold the old root keys.")


@click.command()
@click.argument("buckets", type=click.IntRange(min=1))
@pass_shell
def rebucket(shell: Shell, buckets: int) -> None:
    """Cut the warehouse into BUCKETS person buckets (a power of two); rows stay the same."""
    with shell.hub() as hub:
        snapshot = upkeep.change_buckets(hub, buckets=buckets)
    shell.say(
        "Snapshot {number} has {buckets} person buckets.", number=snapshot.number, buckets=buckets
    )


def _token(name: str) -> str:
    kept = "".join(one if one.isascii() and one.isalnum() else "-" for one in name.lower())
    return kept.strip("-") or "hub"
