"""The data steward's command for data quality."""

from collections import Counter
from pathlib import Path

import click

from laennec.app.quality_files import write_quality
from laennec.app.quality_runs import assess_quality
from laennec.cli.command import Command
from laennec.cli.context import Shell, pass_shell
from laennec.quality.checks import VERSIONS
from laennec.quality.dashboard import CATEGORIES
from laennec.quality.page import CONTEXTS, quality_words
from laennec.quality.service import QualityReport
from laennec.quality.statuses import Result, Status

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(
    cls=Command,
    short_help="Check the quality of the data.",
    examples=(
        "laennec quality",
        "laennec quality --cdm 5.3 --html quality.html",
        "laennec quality --json quality.json --csv quality.csv",
        "laennec quality --on spark://master:7077",
    ),
)
@click.option(
    "--snapshot",
    type=click.IntRange(min=0),
    metavar="N",
    help="Snapshot to read; the newest by default.",
)
@click.option(
    "--cdm",
    "version",
    type=click.Choice(VERSIONS),
    default="5.4",
    help="Checks of this version of the CDM; 5.4 by default, in which the hub keeps its rows.",
)
@click.option(
    "--all", "everything", is_flag=True, help="Read all buckets, also those that did not change."
)
@click.option(
    "--on",
    metavar="MASTER",
    help="Run on this Spark cluster, whose executors open the hub themselves; here by default.",
)
@click.option("--html", type=_FILE, metavar="FILE", help="Write a page of the results to FILE.")
@click.option(
    "--json",
    type=_FILE,
    metavar="FILE",
    help="Write the results to FILE as the Data Quality Dashboard does.",
)
@click.option("--csv", type=_FILE, metavar="FILE", help="Write a line for each check to FILE.")
@pass_shell
def quality(
    shell: Shell,
    snapshot: int | None,
    version: str,
    on: str | None,
    html: Path | None,
    json: Path | None,
    csv: Path | None,
    *,
    everything: bool,
) -> None:
    """Answer the checks of the OHDSI Data Quality Dashboard on the data in the hub.

    Buckets that did not change since the last run are not read again. The results count single rows
    and are for the data steward: they are no released output, and a file that is written of them is
    logged.
    """
    asked = {"html": html, "json": json, "csv": csv}
    files = {form: path for form, path in asked.items() if path is not None}
    with shell.hub() as hub:
        report = assess_quality(
            hub,
            version,
            folder=shell.folder,
            snapshot=snapshot,
            everything=everything,
            on=on,
        )
        write_quality(hub, report, files, language=shell.words.language)
    if not shell.quiet:
        _show(shell, report)
    for path in files.values():
        shell.show(str(path))


def _show(shell: Shell, report: QualityReport) -> None:
    words = quality_words(shell.words.language)
    results = report.assessment.results
    failed = [one for one in results if one.status in {Status.FAILED, Status.ERROR}]
    failed.sort(key=lambda one: (CATEGORIES.index(one.check.type.category), -one.share))
    if failed:
        shell.table(
            (
                "Category",
                "Check",
                "Where",
                "Rows that break it",
                "Rows asked",
                "Share (%)",
                "Allowed (%)",
            ),
            [
                (
                    words.text(f"category.{one.check.type.category}"),
                    words.text(f"type.{one.check.name}"),
                    _place(one),
                    one.outcome.violated,
                    one.outcome.denominator,
                    100 * one.share,
                    one.check.threshold or 0.0,
                )
                for one in failed
            ],
        )
        shell.show("")
    kinds = [(category, context) for category in CATEGORIES for context in CONTEXTS]
    tallies = {
        kind: Counter(
            one.status
            for one in results
            if (one.check.type.category, one.check.type.context) == kind
        )
        for kind in kinds
    }
    shell.table(
        ("Category", "", "Failed", "Errors", "Passed", "Not applicable"),
        [
            (
                words.text(f"category.{category}"),
                words.text(f"context.{context}"),
                *(tallies[category, context][status] for status in Status),
            )
            for category, context in kinds
            if tallies[category, context]
        ],
    )
    shell.show("")
    shell.say(
        "{checks} checks on snapshot {snapshot}; {scanned} of {scans} tables of buckets were read.",
        checks=len(results),
        snapshot=str(report.snapshot),
        scanned=report.assessment.scanned,
        scans=report.assessment.scans,
    )


def _place(result: Result) -> str:
    check = result.check
    place = f"{check.table}.{check.field}" if check.field else check.table
    return f"{place} {check.concept_id}" if check.concept_id else place
