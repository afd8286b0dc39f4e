"""The command that makes a page, pictures and tables of a released result: report."""

from pathlib import Path

import click

from laennec.app.result_files import Form, write_result_files
from laennec.cli.command import Command
from laennec.cli.context import Shell, pass_shell

_USUAL = (Form.PAGE, Form.SVG, Form.PNG, Form.VEGA_LITE)


@click.command(
    cls=Command,
    short_help="Make a page, pictures and tables of a released result.",
    examples=(
        "laennec report celecoxib.csv paper/",
        "laennec report celecoxib.csv paper/ --format png --format latex",
        "laennec --lang fr report celecoxib.csv article/",
    ),
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER")
@click.option(
    "--format",
    "forms",
    type=click.Choice([one.value for one in Form]),
    multiple=True,
    help="Only this; may be given again. Page, svg, png and json by default.",
)
@pass_shell
def report(shell: Shell, file: Path, folder: Path, forms: tuple[str, ...]) -> None:
    """Make files of a released result FILE (CSV) in a new FOLDER: no hub or key is needed.

    page: report.html. svg, png, json (Vega-Lite, to restyle): pictures, in figures. html, latex:
    tables, in tables; for these, install laennec[tables]. Hidden figures stay hidden.
    """
    asked = tuple(Form(one) for one in forms) or _USUAL
    made = write_result_files(file, folder, forms=asked, language=shell.words.language)
    for one in made:
        shell.show(str(one))
    shell.remark("{files} files.", files=len(made))
