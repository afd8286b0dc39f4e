"""Commands on keys: rotate, passphrase, destroy."""

from pathlib import Path

import click

from laennec.app import destroy as destruction
from laennec.app import upkeep
from laennec.app.destroy import Question
from laennec.app.holders import passphrase_source
from laennec.cli.command import INTERRUPTED, Command, Group
from laennec.cli.context import Shell, pass_shell
from laennec.cli.passphrases import new_passphrase
from laennec.core.settings import read_settings
from laennec.vault.passphrase import read_passphrase


@click.group(cls=Group, short_help="Rotate or destroy keys, change the passphrase.")
def keys() -> None:
    """Keys: rotate them, destroy them, change the passphrase that seals them."""


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
    upkeep.check_passphrase_holder(settings)
    old = read_passphrase(passphrase_source(settings), ask=shell.ask)
    new = read_passphrase(new_passphrase(new_passphrase_file, new_passphrase_env), ask=shell.ask)
    upkeep.reseal_keyrings(
        shell.folder, old=old, new=new, clock=shell.clock, reporter=shell.reporter
    )
    shell.say("The keyrings are sealed under the new passphrase.")
    if settings.keys.passphrase_file is not None or settings.keys.passphrase_env is not None:
        shell.remark("Now put it where the settings look for it, in place of the old one.")


@keys.command(
    cls=Command,
    short_help="Make the warehouse or the results unreadable for ever.",
    examples=("laennec keys destroy results", "laennec keys destroy warehouse"),
)
@click.argument("part", type=click.Choice(destruction.SCOPES), metavar="warehouse|results")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_shell
@click.pass_context
def destroy(context: click.Context, shell: Shell, part: str, *, yes: bool) -> None:
    """Destroy the root keys of a part of the hub, prove it, and write it in the log.

    `warehouse`: all rows and vocabularies, in every snapshot and every copy. `results`: the
    results of all runs that are not released; an empty place for new ones is begun. What was
    released stays.

    Interrupted, run it again: it completes what it began. Copies of the keyring with its
    passphrase, and backups of OpenBao or of an HSM, are out of its reach: destroy them too.
    """
    name = read_settings(shell.folder).hub.name
    if not yes:
        question = shell.words(
            "This destroys the keys of the {part} for ever. Type the name of the hub, {name}, to "
            "go on",
            part=shell.words(part),
            name=name,
        )
        if click.prompt(question, default="", show_default=False) != name:
            shell.say("Nothing was destroyed.")
            context.exit(INTERRUPTED)
    found = destruction.destroy(
        shell.folder, part, clock=shell.clock, reporter=shell.reporter, ask=shell.ask
    )
    said = {
        Question.BEFORE: shell.words("wrapped keys, offered before"),
        Question.AFTER: shell.words("wrapped keys, offered after"),
        Question.ANEW: shell.words("wrapped keys, offered after a new sign-in"),
        Question.KEPT: shell.words("destroyed root keys that the holder still has"),
    }
    shell.table(
        ("Trial", "Tried", "Opened"),
        [(said[one.what], one.tried, one.opened) for one in found.trials],
    )
    if not found.store_answered:
        shell.say("The store did not give all its heads; what it holds back does not open either.")
    if found.former:
        shell.say(
            "{keys} root keys of the {part} destroyed, but {former} former key holders still open "
            "what was sealed before a move: `laennec move --erase-source` destroys their keys.",
            keys=found.keys,
            part=shell.words(part),
            former=found.former,
        )
    else:
        shell.say(
            "{keys} root keys destroyed: the {part} is unreadable.",
            keys=found.keys,
            part=shell.words(part),
        )
    shell.remark(
        "Destroy copies too: of the keyring with its passphrase, of OpenBao's storage, of the HSM."
    )
