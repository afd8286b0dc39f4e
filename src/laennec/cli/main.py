"""``laennec``: the one entry point, and the only place that turns errors into exit statuses."""

import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from laennec import __version__
from laennec.cli import (
    data,
    demo,
    export,
    hub,
    keys,
    log,
    move,
    quality,
    report,
    snds,
    study,
    synth,
    upkeep,
)
from laennec.cli.command import HELP_OPTIONS, INTERRUPTED, Group
from laennec.cli.context import Shell, console
from laennec.cli.language import LANGUAGES, Words, choose_language, speaking
from laennec.cli.visible import visible, where
from laennec.core.clock import system_clock
from laennec.core.errors import LaennecError
from laennec.core.log import recording


@click.group(
    cls=Group,
    context_settings={"help_option_names": HELP_OPTIONS, "max_content_width": 100},
    sections={
        "Start": (demo.demo, hub.init, hub.status),
        "Data steward": (data.load, data.vocab, quality.quality, snds.snds, synth.synth),
        "Researcher": (study.study, report.report),
        "Output checker": (study.release,),
        "Auditor": (log.log,),
        "Operator": (
            upkeep.verify,
            upkeep.sweep,
            keys.keys,
            upkeep.shred,
            upkeep.rebucket,
            move.move,
            export.export,
        ),
    },
)
@click.version_option(__version__, message="laennec %(version)s")
@click.option(
    "--hub",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="LAENNEC_HUB",
    default=Path(),
    metavar="FOLDER",
    help="Folder of the hub; the current folder by default, or LAENNEC_HUB.",
)
@click.option("--quiet", "-q", is_flag=True, help="No progress and no remarks, only answers.")
@click.option(
    "--lang", type=click.Choice(LANGUAGES), help="Language; that of your locale by default."
)
@click.option(
    "--log",
    "log_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Append what is done to FILE, one JSON object a line, for operators.",
)
@click.pass_context
def laennec(
    context: click.Context, folder: Path, *, quiet: bool, lang: str | None, log_file: Path | None
) -> None:
    """Questions go in, safe answers come out, nobody reads the records.

    A hub keeps patients' records sealed on any host, runs studies on them, lets out only what
    disclosure control allows, and writes every step in a log that anyone can verify.

    New here? `laennec demo` shows all of it in about a minute.
    """
    words = Words(choose_language(lang, os.environ))
    context.obj = Shell(folder.resolve(), words, quiet, console(sys.stdout), system_clock)
    shown = (click.exceptions.Exit, click.UsageError)
    context.with_resource(recording(log_file, clock=system_clock, no_failure=shown))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status; each class of error has its own."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    words = Words(choose_language(_language_asked(given), os.environ))
    with speaking(words, laennec):
        try:
            status = laennec.main(args=given, prog_name="laennec", standalone_mode=False)
        except LaennecError as error:
            _complain(words("Error: {happened}", happened=error.happened), error.remedy)
            return error.exit_status
        except click.ClickException as error:
            error.show()
            _explain(error, words)
            return error.exit_code
        except (click.Abort, KeyboardInterrupt):
            _complain(words("Interrupted; nothing half-done is visible."))
            return INTERRUPTED
        except SystemExit:
            raise
        except BaseException as error:  # noqa: BLE001 - a panic of an engine is no Exception
            # A traceback would carry the message of the library, which may quote a row.
            _complain(
                words("Error: {happened}", happened=where(error)),
                words("This is a bug in Laennec; report this line, which holds no data."),
            )
            return LaennecError.exit_status
    return int(status or 0)


def run() -> None:
    """Run the command line and leave with its exit status.

    The memory holds keys and rows: a crash leaves no core file of it.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(main())


def _language_asked(arguments: Sequence[str]) -> str | None:
    """Find the language before all else: even a wrong command line is told in it."""
    for position, one in enumerate(arguments):
        if one == "--lang":
            return next(iter(arguments[position + 1 :]), None)
        if one.startswith("--lang="):
            return one.partition("=")[2]
    return None


def _complain(happened: str, remedy: str = "") -> None:
    errors = console(sys.stderr)
    errors.print(visible(happened), style="bold", highlight=False, markup=False, soft_wrap=True)
    if remedy:
        errors.print(visible(remedy), highlight=False, markup=False, soft_wrap=True)


def _explain(error: click.ClickException, words: Words) -> None:
    """Say where an option belongs that was given after the command instead of before."""
    if isinstance(error, click.NoSuchOption):
        everywhere = {name for one in laennec.params for name in one.opts}
        if error.option_name in everywhere:
            text = "{option} goes before the command: laennec {option} ... COMMAND"
            _complain(words(text, option=error.option_name))
