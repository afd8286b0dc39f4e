"""``laennec``: the one entry point, and the only place that turns errors into exit statuses."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from laennec import __version__
from laennec.cli import data, demo, hub, log, study
from laennec.cli.context import Shell
from laennec.cli.language import LANGUAGES, Words, choose_language, translate_help
from laennec.core.clock import system_clock
from laennec.core.errors import LaennecError

_INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="laennec")
@click.option(
    "--hub",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="LAENNEC_HUB",
    default=Path(),
    help="Folder of the hub; the current folder by default, or LAENNEC_HUB.",
)
@click.option("--quiet", "-q", is_flag=True, help="No progress and no remarks, only answers.")
@click.option(
    "--lang", type=click.Choice(LANGUAGES), help="Language; that of your locale by default."
)
@click.pass_context
def laennec(context: click.Context, folder: Path, *, quiet: bool, lang: str | None) -> None:
    """Questions go in, safe answers come out, nobody reads the records.

    A hub keeps patients' records sealed on any host, runs studies on them, lets out only what
    disclosure control allows, and writes every step in a log that anyone can verify.

    New here? `laennec demo` shows all of it in half a minute.
    """
    words = Words(choose_language(lang, os.environ))
    out = Console(file=sys.stdout, quiet=False)
    context.obj = Shell(folder, words, quiet, out, system_clock)


for command in (
    hub.init,
    data.load,
    data.vocab,
    hub.status,
    hub.verify,
    hub.sweep,
    hub.keys,
    hub.shred,
    hub.rebucket,
    study.study,
    study.release,
    log.log,
    demo.demo,
):
    laennec.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status; each class of error has its own."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    asked = (
        given[given.index("--lang") + 1 : given.index("--lang") + 2] if "--lang" in given else []
    )
    words = Words(choose_language(asked[0] if asked else None, os.environ))
    translate_help(laennec, words)
    errors = Console(file=sys.stderr)
    try:
        laennec.main(args=given, prog_name="laennec", standalone_mode=False)
    except LaennecError as error:
        errors.print(
            f"{words('Error')}: {error.happened}", style="bold", highlight=False, markup=False
        )
        errors.print(error.remedy, highlight=False, markup=False)
        return error.exit_status
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        errors.print(words("Interrupted; nothing half-done is visible."), highlight=False)
        return _INTERRUPTED
    return 0


def run() -> None:
    """Run the command line and leave with its exit status."""
    sys.exit(main())
