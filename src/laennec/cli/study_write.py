"""Commands of a researcher on their own machine: study build, study test; and made data for check.

They may run the researcher's own Python, so they refuse to where there is a hub.
"""

from pathlib import Path

import click

from laennec.cli.command import Command
from laennec.cli.context import Shell, pass_shell
from laennec.core.errors import StudyError
from laennec.core.settings import FILE_NAME, DisclosureSettings
from laennec.disclosure.profiles import load_profile
from laennec.runs.cohort_tests import run_tests
from laennec.runs.rehearsal import rehearse
from laennec.study.files import write_study
from laennec.study.language.run import build_study
from laennec.study.model import Study

_FILE = click.Path(path_type=Path, dir_okay=False)


def has_hub(shell: Shell) -> bool:
    """Return whether there is a hub in the folder of the command."""
    return (shell.folder / FILE_NAME).exists()


def build_here(shell: Shell, path: Path) -> Study:
    """Run a researcher's Python on this machine, and say so.

    Raises:
        StudyError: there is a hub here, or the file makes no study.
    """
    _refuse_beside_a_hub(shell, path)
    shell.remark("Running {path} on this machine, with your rights.", path=str(path))
    return build_study(path)


def show_rehearsal(shell: Shell, study: Study) -> None:
    """Show the attrition of every cohort on made data, and whether the result could be released."""
    found = rehearse(study, load_profile(DisclosureSettings().profile))
    if found.refusal is not None:
        shell.remark(
            "Warning: as the study stands, its result would be refused at release: {why} {remedy}",
            why=found.refusal.happened,
            remedy=found.refusal.remedy,
        )
    if not study.cohorts:
        return
    shell.say(
        "Attrition on MADE-UP data: {persons} persons who do not exist, placed on these concepts.",
        persons=found.persons,
    )
    shell.say("Without a vocabulary, descendants are not followed. The numbers mean nothing.")
    shell.table(
        ("Cohort", "Step", "Asks for", "Made-up persons"),
        [(one.cohort, str(one.number), one.reason, one.persons) for one in found.steps],
    )


@click.command(
    cls=Command,
    short_help="Build a study from Python, on your own machine.",
    examples=("laennec study build study.py -o study.json",),
)
@click.argument("file", type=_FILE, metavar="FILE")
@click.option(
    "-o",
    "--out",
    "output",
    type=_FILE,
    required=True,
    metavar="STUDY",
    help="Study to write, as JSON.",
)
@pass_shell
def build(shell: Shell, file: Path, output: Path) -> None:
    """Run FILE, a study in Python, and write the study as JSON that a hub takes.

    FILE is a program: it runs on this machine, with your rights. A hub runs none, and this command
    refuses to where there is one.
    """
    if output.suffix.lower() != ".json":
        raise StudyError(
            f"{output}: a study that a program makes is JSON.", remedy="End the name in .json."
        )
    made = build_here(shell, file)
    write_study(made, output)
    shell.say(
        "{study}: {cohorts} cohorts and {results} results written to {path}.",
        study=made.name,
        cohorts=len(made.cohorts),
        results=len(made.results),
        path=str(output),
    )


@click.command(
    cls=Command,
    short_help="Test cohorts on patients written by hand.",
    examples=("laennec study test users.toml", "laennec study test test_users.py"),
)
@click.argument("file", type=_FILE, metavar="FILE")
@pass_shell
def test(shell: Shell, file: Path) -> None:
    """Test cohorts on patients written by hand: who enters when, who stays, who is out and why.

    FILE is TOML, or Python with functions named test_, which pytest runs as well. Every test runs
    on the reference engine and on the kernel of hubs. Python, also as the study that a TOML file
    names, runs on this machine with your rights, and not where there is a hub. Ends with status 1
    if a test fails.
    """
    _refuse_beside_a_hub(shell, file)
    outcomes = run_tests(file)
    failed = [one for one in outcomes if one.failure is not None]
    for one in failed:
        shell.show(f"{file}, line {one.line}: {one.name}: {one.failure}")
    shell.say(
        "{passed} passed, {failed} failed.", passed=len(outcomes) - len(failed), failed=len(failed)
    )
    if failed or not outcomes:
        raise click.exceptions.Exit(1)


def _refuse_beside_a_hub(shell: Shell, path: Path) -> None:
    if has_hub(shell):
        raise StudyError(
            f"{path}: there is a hub in this folder, and beside a hub no program of a researcher's "
            "is run.",
            remedy="Run this command on your own machine, in another folder, or with --hub of one.",
        )
