"""The command that takes the tables out: export."""

from pathlib import Path

import click

from laennec.app.exports import plan_export, write_export
from laennec.cli.command import INTERRUPTED, Command
from laennec.cli.context import Shell, pass_shell
from laennec.reversibility.export_model import ExportReport, Form, Plan


@click.command(
    cls=Command,
    short_help="Write the plain OMOP tables, to leave Laennec.",
    examples=(
        "laennec export omop/ --format parquet",
        "laennec export omop/ --format csv --table person --table death",
        "laennec export omop/ --format duckdb --snapshot 12 --yes",
    ),
)
@click.argument("folder", type=click.Path(path_type=Path), metavar="FOLDER")
@click.option(
    "--format",
    "form",
    type=click.Choice([one.value for one in Form]),
    required=True,
    help="A file for each table, or one database.",
)
@click.option(
    "--snapshot",
    type=click.IntRange(min=0),
    metavar="N",
    help="An older snapshot; the newest by default.",
)
@click.option(
    "--table",
    "tables",
    multiple=True,
    metavar="TABLE",
    help="Only this table; may be given again. All that have rows by default.",
)
@click.option(
    "--quarantine",
    is_flag=True,
    help="Write the rows in quarantine as well, into a folder of their own.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_shell
@click.pass_context
def export(
    context: click.Context,
    shell: Shell,
    folder: Path,
    form: str,
    snapshot: int | None,
    tables: tuple[str, ...],
    *,
    quarantine: bool,
    yes: bool,
) -> None:
    """Write the tables of a snapshot to FOLDER, plain: whoever gets the folder can read them.

    FOLDER may not exist yet, or is empty; it is made for you alone and appears when everything is
    in it: a file for each table (or omop.duckdb), SQL scripts that make the tables, SHA256SUMS
    and manifest.json. That it was done is written in the log.
    """
    with shell.hub() as hub:
        plan = plan_export(
            hub,
            folder,
            form=Form(form),
            tables=tables,
            snapshot=snapshot,
            with_quarantine=quarantine,
        )
        if not yes and not click.confirm(_question(shell, plan)):
            shell.say("Nothing was written.")
            context.exit(INTERRUPTED)
        report = write_export(hub, plan)
    _show(shell, plan, report)


def _question(shell: Shell, plan: Plan) -> str:
    return shell.words(
        "{rows} rows of snapshot {number}, which holds {persons} persons, will be readable by "
        "whoever gets the folder. Go on?",
        rows=plan.rows + (plan.quarantine.rows if plan.quarantine else 0),
        number=str(plan.view.snapshot.number),
        persons=plan.persons,
    )


def _show(shell: Shell, plan: Plan, report: ExportReport) -> None:
    """Show what was written, and what of it breaks the rules of the CDM."""
    rows = [(one.sheet.name, one.sheet.rows, one.file) for one in report.tables]
    shell.table(("Table", "Rows", "File"), rows)
    shell.show("")
    for one in report.tables:
        if one.repeated:
            shell.say(
                "{table}: {rows} rows share a primary key with an earlier row.",
                table=one.sheet.name,
                rows=one.repeated,
            )
    if plan.rows_quarantined and plan.quarantine is None:
        shell.say("{rows} rows in quarantine were left out.", rows=plan.rows_quarantined)
    shell.say(
        "{files} files, {bytes} bytes, in {folder}.",
        files=len(report.files),
        bytes=report.size,
        folder=str(report.folder),
    )
    shell.remark("They are readable: keep them safe, and delete them when they are not needed.")
