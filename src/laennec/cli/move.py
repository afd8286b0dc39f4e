"""Commands that take a hub away from its host: move, and erase what it left."""

from pathlib import Path
from typing import Any

import click

from laennec.app import erasure, former_keys, moves
from laennec.app.move_files import PastMove
from laennec.app.switch import read_holders
from laennec.cli.command import INTERRUPTED, Command
from laennec.cli.context import Shell, pass_shell
from laennec.core.settings import StoreSettings, parse_settings
from laennec.reversibility.move_model import Phase

_FILE = "file://"


@click.command(
    cls=Command,
    short_help="Move the sealed store to another host, while it is in use.",
    examples=(
        "laennec move --to s3://hub/sealed --endpoint https://s3.example.org --region fr "
        "--credentials-file s3.toml",
        "laennec move --status",
        "laennec move --erase-source",
    ),
)
@click.option(
    "--to",
    "url",
    metavar="URL",
    help="Where to: s3://bucket/prefix, az://container/prefix, or a folder.",
)
@click.option("--endpoint", metavar="URL", help="Address of the S3 or Azure Blob service.")
@click.option("--region", metavar="NAME", help="Region of the S3 service.")
@click.option("--account", metavar="NAME", help="Storage account of the Azure Blob service.")
@click.option(
    "--credentials-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="File (mode 0600) with the credentials of the new store; the environment by default.",
)
@click.option(
    "--ca-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Certificates that sign the new service's.",
)
@click.option(
    "--insecure-http",
    is_flag=True,
    help="Accept an endpoint without TLS, for a service on this machine.",
)
@click.option(
    "--keys-to",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also hand the keys to another key holder: a file with the new sections [keys], and "
    "[openbao] or [pkcs11], of the settings.",
)
@click.option(
    "--reason",
    metavar="TEXT",
    help="Why; the log keeps a salted hash of it.",
)
@click.option("--status", is_flag=True, help="Show the move under way and the finished ones.")
@click.option("--abandon", is_flag=True, help="Forget the move under way; the hub stays.")
@click.option("--erase-source", is_flag=True, help="Delete everything in the store that was left.")
@click.option(
    "--destroy-keys",
    is_flag=True,
    help="With --erase-source and --yes: also destroy the former key holder's root keys.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_shell
@click.pass_context
def move(context: click.Context, shell: Shell, /, **given: Any) -> None:
    """Move the sealed objects to another store, of any kind, and prove that they are there.

    Studies and loads go on meanwhile. Nothing is unsealed. Every object is compared with the hash
    that was sealed, and read back from where it goes. Interrupted or killed, run the same command
    again. At the end the settings name the new store, the former one is left as it is, and a signed
    certificate is written.
    """
    asked = [one for one in ("url", "status", "abandon", "erase_source") if given[one]]
    if len(asked) != 1:
        raise click.UsageError(
            shell.words("Give one of --to, --status, --abandon and --erase-source.")
        )
    if given["status"]:
        _show_status(shell)
    elif given["abandon"]:
        moves.abandon(shell.folder)
        shell.say("The move is forgotten; what was copied stays at the destination, sealed.")
    elif given["erase_source"]:
        _erase(context, shell, given)
    else:
        _move(shell, given)


def _move(shell: Shell, given: dict[str, Any]) -> None:
    holders = None if given["keys_to"] is None else read_holders(given["keys_to"])
    done = moves.move(
        shell.folder,
        moves.Destination(_store(given), holders, given["reason"]),
        clock=shell.clock,
        reporter=shell.reporter,
        ask=shell.ask,
        watch=lambda phase: _tell(shell, phase),
    )
    certificate = done.certificate
    shell.say(
        "{objects} objects ({bytes} bytes) moved and read back, {rate} bytes a second.",
        objects=certificate.objects,
        bytes=certificate.bytes,
        rate=certificate.bytes_per_second,
    )
    if certificate.left_objects:
        shell.remark(
            "{objects} objects that no snapshot names stayed behind.",
            objects=certificate.left_objects,
        )
    shell.say("The hub is at {place} now. Certificate: {file}", place=certificate.target.address,
              file=done.file)  # fmt: skip
    shell.remark("The former store is as it was; `laennec move --erase-source` empties it.")


def _store(given: dict[str, Any]) -> StoreSettings:
    """Return the settings of the destination; paths are taken from the current folder.

    Raises:
        SettingsError: one is wrong.
    """
    options = ("endpoint", "region", "account", "credentials_file", "ca_file", "insecure_http")
    chosen = {key: given[key] for key in options if given[key]}
    url: str = given["url"]
    if "://" in url and not url.startswith(_FILE):
        chosen["url"] = url
    else:
        chosen["folder"] = Path(url.removeprefix(_FILE)).expanduser()
    absolute = {
        key: value.absolute() if isinstance(value, Path) else value for key, value in chosen.items()
    }
    tree = {"hub": {"name": "x", "origin": "x"}, "store": absolute}
    checked = parse_settings(tree, base=Path.cwd(), name="--to").store
    return StoreSettings(**{key: getattr(checked, key) for key in absolute})


def _tell(shell: Shell, phase: Phase) -> None:
    if phase is Phase.WAITING:
        shell.remark("Waiting for a change of the store by another command to end.")
    elif phase is Phase.SWITCHED:
        shell.remark("The hub has moved; the certificate is being finished.")


def _show_status(shell: Shell) -> None:
    status = moves.move_status(shell.folder)
    if status.target is None:
        shell.say("No move is under way.")
    else:
        shell.say(
            "A move to {place} is under way since {time}: {objects} objects ({bytes} bytes) are "
            "there.",
            place=status.target,
            time=status.started_at or "",
            objects=status.objects,
            bytes=status.bytes,
        )
    yes, no = shell.words("yes"), shell.words("no")
    rows = [(one, one.certificate) for one in status.past]
    if rows:
        shell.table(
            ("Finished at", "From", "To", "Objects", "Bytes", "Erased"),
            [
                (
                    certificate.finished_at,
                    certificate.source.address,
                    certificate.target.address,
                    certificate.objects,
                    certificate.bytes,
                    yes if one.source is None else no,
                )
                for one, certificate in rows
            ],
        )


def _erase(context: click.Context, shell: Shell, given: dict[str, Any]) -> None:
    former = erasure.left_behind(shell.folder)
    for one in former:
        shell.say("Former store: {place}", place=one.certificate.source.address)
    question = shell.words("Everything in it will be deleted. Go on?")
    if former and not given["yes"] and not click.confirm(question):
        shell.say("Nothing was deleted.")
        context.exit(INTERRUPTED)
    if former or not former_keys.with_keys(shell.folder):
        for done in erasure.erase_sources(
            shell.folder,
            clock=shell.clock,
            reporter=shell.reporter,
            ask=shell.ask,
            reason=given["reason"],
        ):
            _say_erased(shell, done)
        shell.remark(
            "Deletion cannot prove that the host kept no copy, no version and no backup. "
            "Destroying the former keys covers that."
        )
    if former_keys.with_keys(shell.folder):
        _destroy_keys(shell, given)


def _destroy_keys(shell: Shell, given: dict[str, Any]) -> None:
    question = shell.words("The former key holder's root keys will be destroyed for ever. Go on?")
    sure = given["destroy_keys"] if given["yes"] else click.confirm(question)
    if not sure:
        shell.say("The former key holder keeps its keys.")
        return
    for done in former_keys.destroy_former_keys(
        shell.folder, clock=shell.clock, reporter=shell.reporter, ask=shell.ask
    ):
        shell.say(
            "{keys} root keys of the former key holder ({holder}) are destroyed; they open nothing "
            "any more.",
            keys=done.keys,
            holder=done.key_holder,
        )
    shell.remark("Destroy backups of the former keys too.")


def _say_erased(shell: Shell, done: erasure.ErasedStore) -> None:
    move: PastMove = done.move
    shell.say(
        "{objects} objects ({bytes} bytes) deleted from {place}; it says of {asked} names that "
        "there is nothing.",
        objects=done.objects,
        bytes=done.bytes,
        place=move.certificate.source.address,
        asked=done.asked,
    )
