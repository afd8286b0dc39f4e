"""Commands that take data in: load omop, load snds, vocab load."""

from pathlib import Path

import click

from laennec.app.loads import load_omop, load_vocabulary
from laennec.cli.command import Command, Group
from laennec.cli.context import Shell, pass_shell
from laennec.cli.data_snds import snds
from laennec.intake.report import LoadReport
from laennec.intake.rules import DROPPED, QUARANTINED
from laennec.omop.checks import MEANING
from laennec.warehouse.vocabulary import vocabulary_coverage, vocabulary_findings

_SOURCE = click.Path(path_type=Path, exists=True)
_ENCODING = "Encoding of CSV files; UTF-8 by default."


@click.group(cls=Group, short_help="Load data into the warehouse.")
def load() -> None:
    """Load data into the warehouse."""


@load.command(
    cls=Command,
    short_help="Load an OMOP data set (CDM 5.3 or 5.4).",
    examples=(
        "laennec load omop export/",
        "laennec load omop export.zip --encoding latin-1",
    ),
)
@click.argument("source", type=_SOURCE, metavar="SOURCE")
@click.option("--encoding", default="utf-8", metavar="NAME", help=_ENCODING)
@click.option(
    "--keep-repeated",
    is_flag=True,
    help="Keep different rows that share a primary key instead of quarantining all but the first.",
)
@pass_shell
def omop(shell: Shell, source: Path, encoding: str, *, keep_repeated: bool) -> None:
    """Load an OMOP data set (CDM 5.3 or 5.4) from a folder, a zip or one file.

    Files are named after their table and end in .csv, .csv.gz, .tsv or .parquet. Every row is kept,
    put into the sealed quarantine with the reason, or dropped by a named rule; the counts are
    printed and kept. Either the whole data set becomes visible or nothing does.
    """
    with shell.hub() as hub:
        report = load_omop(hub, source, encoding=encoding, keep_repeated=keep_repeated)
    show_report(shell, report)


load.add_command(snds)


@click.group(cls=Group, short_help="Load and check vocabularies.")
def vocab() -> None:
    """Vocabularies: load them, check them, see how much of the data they map."""


@vocab.command(
    name="load",
    cls=Command,
    short_help="Load an Athena download or a site's own concepts.",
    examples=(
        "laennec vocab load vocabulary_download_v5.zip",
        "laennec vocab load our-concepts/ --add",
    ),
)
@click.argument("source", type=_SOURCE, metavar="SOURCE")
@click.option("--encoding", default="utf-8", metavar="NAME", help=_ENCODING)
@click.option(
    "--add",
    is_flag=True,
    help="Add to the vocabulary (a site's own concepts, ids from 2,000,000,000) instead of "
    "replacing it.",
)
@pass_shell
def vocab_load(shell: Shell, source: Path, encoding: str, *, add: bool) -> None:
    """Load a vocabulary from an Athena download (zip or folder) or files named after the tables."""
    with shell.hub() as hub:
        report = load_vocabulary(hub, source, encoding=encoding, add=add)
    show_report(shell, report)


@vocab.command(
    name="check", cls=Command, short_help="Look for faults of the vocabulary in the hub."
)
@pass_shell
def vocab_check(shell: Shell) -> None:
    """Look for faults of the vocabulary in the hub, site concepts included.

    Relationships that lead nowhere, concepts without name or ancestors, cycles, site concepts with
    wrong identifiers or domains. The whole vocabulary is read.
    """
    with shell.hub() as hub:
        found = vocabulary_findings(hub.warehouse.view())
    rows = [(one.table, one.rule.value, one.rows, shell.words(MEANING[one.rule])) for one in found]
    if rows:
        shell.table(("Table", "Rule", "Rows", "Meaning"), rows)
    else:
        shell.say("No fault was found.")


@vocab.command(
    name="coverage", cls=Command, short_help="Show how much of the data is mapped, by vocabulary."
)
@pass_shell
def vocab_coverage(shell: Shell) -> None:
    """Show the share of rows and of source codes that are mapped to a standard concept.

    By vocabulary of the source. A site's own concept is not a standard one: it counts as unmapped.
    """
    with shell.hub() as hub:
        found = vocabulary_coverage(hub.warehouse.view())
    shell.table(
        (
            "Vocabulary",
            "Codes",
            "Mapped codes",
            "Mapped codes (%)",
            "Rows",
            "Mapped rows",
            "Mapped rows (%)",
        ),
        [
            (name, codes, mapped, 100 * share, rows, rows_mapped, 100 * rows_share)
            for name, codes, mapped, share, rows, rows_mapped, rows_share in found.rows()
        ],
    )


def show_report(shell: Shell, report: LoadReport) -> None:
    """Show rows read, kept, quarantined and dropped by table, then the rules that refused any."""
    for file, number in report.already_loaded.items():
        shell.say(
            "{file}: these very bytes were loaded in snapshot {number}.",
            file=file,
            number=str(number),
        )
    if report.snapshot is None:
        shell.say("There is nothing new to load.")
        return
    counts = [one for one in report.counts if one.read]
    rows = [(one.table, one.read, one.kept, one.quarantined, one.dropped) for one in counts]
    total = (
        shell.words("all tables"),
        report.read,
        report.kept,
        report.quarantined,
        report.dropped,
    )
    shell.table(("Table", "Read", "Kept", "Quarantined", "Dropped"), [*rows, total])
    meanings = {**QUARANTINED, **DROPPED}
    refused = [
        (one.table, rule.value, number, shell.words(meanings[rule]))
        for one in counts
        for rule, number in one.refused.items()
    ]
    if refused:
        shell.show("")
        shell.table(("Table", "Rule", "Rows", "Meaning"), refused)
    for one in counts:
        if one.repeated_kept:
            shell.say(
                "{table}: {rows} rows share a primary key with an earlier row and were kept.",
                table=one.table,
                rows=one.repeated_kept,
            )
    for file, columns in report.unknown_columns.items():
        shell.say(
            "{file}: columns that the CDM does not have were left out: {columns}.",
            file=file,
            columns=", ".join(columns),
        )
    shell.show("")
    shell.say("Snapshot {number} is the newest.", number=str(report.snapshot))
