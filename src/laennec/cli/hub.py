"""Commands on the hub itself: init, status."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from laennec.app.create import create_hub
from laennec.app.hub import Hub
from laennec.app.template import settings_text
from laennec.cli.command import Command
from laennec.cli.context import Shell, pass_shell
from laennec.cli.key_options import key_options, taken_holder
from laennec.cli.passphrases import new_passphrase
from laennec.cli.store_options import store_options, taken_store
from laennec.warehouse.service import View


@click.command(
    cls=Command,
    short_help="Make a hub: settings, keys, sealed store, ledger.",
    examples=(
        'laennec --hub /srv/hub init --name "Lariboisière" --origin hub.example.org/laennec',
        "laennec init --name test --passphrase-file ~/passphrase",
        "laennec init --name test --store-url s3://bucket/hub --store-region eu-west-3",
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
@store_options
@key_options
@pass_shell
def init(
    shell: Shell,
    /,
    name: str,
    origin: str | None,
    passphrase_file: Path | None,
    passphrase_env: str | None,
    **options: Any,
) -> None:
    """Make a hub: settings, keys, an empty sealed store and a ledger.

    It is made in the folder that --hub names before the command, else in the current one. The
    folder of keys is for you alone: if others may read it, the hub does not open. A backup of keys
    and passphrase, apart from the store, is yours to make.

    With --store-url the sealed store is at a host. It is tried out first: one that would let two
    writers replace each other's work is refused. With --keys openbao or pkcs11 the root keys are
    made there, by a token that may do so; the hub's own sign-in (such as AppRole) is set in
    laennec.toml afterwards.
    """
    store, holder = taken_store(options, shell.words), taken_holder(options, shell.words)
    if holder.kind != "passphrase" and (passphrase_file or passphrase_env):
        raise click.UsageError(shell.words("There is no passphrase with --keys of this kind."))
    source = new_passphrase(passphrase_file, passphrase_env)
    text = settings_text(
        name=name,
        origin=origin or f"{_token(name)}/laennec",
        passphrase_file=None if passphrase_file is None else passphrase_file.resolve(),
        passphrase_env=passphrase_env,
        store=store,
        holder=holder.kind,
        holder_section=holder.section,
    )
    settings = create_hub(
        shell.folder, text=text, passphrase=source, clock=shell.clock, ask=shell.ask
    )
    shell.remark("Hub {name} is ready in {folder}.", name=name, folder=shell.folder)
    if holder.kind == "passphrase":
        shell.remark(
            "Keep {keys} and the passphrase safe and apart from the store: without them nobody, "
            "you included, can read anything.",
            keys=settings.keys.folder,
        )
    else:
        shell.remark(
            "Keep {keys}, and a backup of the root keys where they are held, apart from the "
            "store: without them nobody, you included, can read anything.",
            keys=settings.keys.folder,
        )
    shell.remark("Next: laennec load omop FOLDER, or laennec load snds FOLDER")


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


def _token(name: str) -> str:
    kept = "".join(one if one.isascii() and one.isalnum() else "-" for one in name.lower())
    return kept.strip("-") or "hub"
