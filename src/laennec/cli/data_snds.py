"""The command that takes a delivery of the SNDS in: load snds."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from laennec.app.snds_loads import load_snds
from laennec.cli.command import Command
from laennec.cli.context import Shell, pass_shell
from laennec.intake.snds.model import Variant
from laennec.intake.snds.report import SndsReport

_VARIANTS = {"standard": Variant.STANDARD, "num-enq": Variant.NUM_ENQ}


@click.command(
    cls=Command,
    short_help="Load a delivery of the SNDS, or the months of it that are new.",
    examples=(
        "laennec load snds delivery/",
        "laennec load snds extract/ --variant num-enq",
        "laennec load snds delivery/ --spark spark://cluster.example.org:7077",
    ),
)
@click.argument("source", type=click.Path(path_type=Path, exists=True), metavar="SOURCE")
@click.option(
    "--variant",
    type=click.Choice(tuple(_VARIANTS)),
    default="standard",
    help="How persons are named: num-enq where NUM_ENQ stands for BEN_NIR_PSA.",
)
@click.option(
    "--encoding",
    default="utf-8",
    metavar="NAME",
    help="Encoding of CSV files; UTF-8 by default.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 1024),
    metavar="N",
    help="Months or buckets worked on at once; runs.workers by default.",
)
@click.option(
    "--spark",
    metavar="MASTER",
    help="Work on this Spark cluster, whose executors share the hub's folder and the files.",
)
@pass_shell
def snds(
    shell: Shell,
    source: Path,
    variant: str,
    encoding: str,
    workers: int | None,
    spark: str | None,
) -> None:
    """Load a delivery of the SNDS from a folder, a zip or one file, or what is new of it.

    Files are named after their table: ER_PRS_F_201902.csv, T_MCO19B.csv, IR_BEN_R.parquet. Months
    that were loaded before are skipped. A load that was interrupted goes on where it was when the
    same command is given again. Every row is kept, put into the sealed quarantine, dropped by a
    named rule, or set apart because it is nobody's; the counts are printed and kept.
    """
    with shell.hub() as hub, _told_to_go_on(shell):
        report = load_snds(
            hub,
            source,
            folder=shell.folder,
            variant=_VARIANTS[variant],
            encoding=encoding,
            workers=workers or 0,
            spark=spark,
        )
    show_snds_report(shell, report)


@contextmanager
def _told_to_go_on(shell: Shell) -> Iterator[None]:
    """Say to who ends a load that its work is not lost."""
    try:
        yield
    except KeyboardInterrupt:
        shell.remark("Give the same command again to go on: finished months are kept, sealed.")
        raise


def show_snds_report(shell: Shell, report: SndsReport) -> None:
    """Show rows by table and fate, what took rows out, persons, months, and the snapshot."""
    _remarks(shell, report)
    if report.snapshot is None:
        shell.say("There is nothing new to load.")
        return
    total = (
        shell.words("all tables"),
        report.read,
        report.kept,
        report.quarantined,
        report.dropped,
        report.apart,
    )
    rows = [*_by_table(report), total]
    shell.table(("Table", "Read", "Kept", "Quarantined", "Dropped", "Nobody's"), rows)
    fates = {
        "quarantined": shell.words("quarantined"),
        "dropped": shell.words("dropped"),
        "apart": shell.words("apart"),
    }
    lost = [(table, fates[fate], reason, rows) for table, fate, reason, rows in _by_reason(report)]
    if lost:
        shell.show("")
        shell.table(("Table", "Fate", "Rule or reason", "Rows"), lost)
    if report.persons:
        shell.show("")
        shell.table(("Persons", "Number"), list(report.persons.items()))
    if report.refusals:
        shell.show("")
        shell.table(("Merges refused", "Number"), list(report.refusals.items()))
    shell.show("")
    lines = [
        (table, one.lines, one.rows, one.summed, one.cancelled, one.waiting)
        for table, one in report.lines.items()
    ]
    shell.table(("OMOP table", "Lines", "New rows", "Summed", "Cancelled", "Waiting"), lines)
    shell.show("")
    shell.say("Snapshot {number} is the newest.", number=str(report.snapshot))


def _remarks(shell: Shell, report: SndsReport) -> None:
    for number in sorted(set(report.already_loaded.values())):
        units = [unit for unit, one in report.already_loaded.items() if one == number]
        shell.remark(
            "These very bytes were loaded in snapshot {number} and are skipped: {units}.",
            number=str(number),
            units=_in_brief(units),
        )
    if report.resumed:
        shell.remark(
            "An interrupted load went on: {units} months or years were finished already.",
            units=report.resumed,
        )
    if report.unread:
        shell.remark(
            "Nothing is made of {files} files, of other tables of the SNDS.",
            files=len(report.unread),
        )
    if report.missing_months:
        shell.say(
            "Months of flux are missing between the first and the last: {months}. Care whose "
            "claims came in them is not there.",
            months=", ".join(report.missing_months),
        )


def _in_brief(units: Sequence[str]) -> str:
    """Return names of months and years, those of one kind as first, last and number."""
    kinds: dict[str, list[str]] = {}
    for unit in units:
        what, _, when = unit.partition(" ")
        kinds.setdefault(what, []).append(when)
    told = (
        f"{what} {min(times)} \u2026 {max(times)} ({len(times)})"
        if len(times) > 1
        else f"{what} {times[0]}".rstrip()
        for what, times in kinds.items()
    )
    return ", ".join(told)


def _by_table(report: SndsReport) -> Iterator[tuple[str, int, int, int, int, int]]:
    total: dict[str, Counter[str]] = {}
    for one in report.files:
        counts = total.setdefault(one.family, Counter())
        counts["read"] += one.read
        counts["kept"] += one.kept
        for fate in ("quarantined", "dropped", "apart"):
            counts[fate] += sum(getattr(one, fate).values())
    for family in sorted(total):
        one_table = total[family]
        yield (
            family,
            one_table["read"],
            one_table["kept"],
            one_table["quarantined"],
            one_table["dropped"],
            one_table["apart"],
        )


def _by_reason(report: SndsReport) -> Iterator[tuple[str, str, str, int]]:
    total: Counter[tuple[str, str, str]] = Counter()
    for one in report.files:
        for fate in ("quarantined", "dropped", "apart"):
            for reason, rows in getattr(one, fate).items():
                total[one.family, fate, reason] += rows
    for (family, fate, reason), rows in sorted(total.items()):
        yield family, fate, reason, rows
