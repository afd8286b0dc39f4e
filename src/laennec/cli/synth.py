"""``laennec synth``: made-up data in real layouts, to try a hub without anybody's record."""

from pathlib import Path

import click

from laennec.cli.command import Command, Group
from laennec.cli.context import Shell, pass_shell
from laennec.synthetic import cdm as synthetic_cdm
from laennec.synthetic import snds as synthetic
from laennec.synthetic.snds import Format, Order


@click.group(cls=Group, short_help="Make synthetic data in real layouts.")
def synth() -> None:
    """Make synthetic data in real layouts; nobody's record is in it."""


@synth.command(
    cls=Command,
    short_help="Make a synthetic SNDS: claims, stays, persons and the truth about them.",
    examples=(
        "laennec synth snds --persons 20000 --seed 7 --years 2015-2019 base/",
        "laennec synth snds --persons 1000000 --format csv.gz base/",
    ),
)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER")
@click.option(
    "--persons",
    type=click.IntRange(min=1),
    default=10_000,
    metavar="N",
    help="Persons, each counted once.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=1,
    metavar="N",
    help="Which base of that size; the same order gives the same files.",
)
@click.option("--years", default="2015-2019", metavar="YEARS", help="First and last year of care.")
@click.option(
    "--format",
    "layout",
    type=click.Choice([one.value for one in Format]),
    default=Format.CSV.value,
    help="How files are written.",
)
@click.option(
    "--lines-per-year",
    type=float,
    default=8.0,
    metavar="X",
    help="Claim lines per person and year; the real base has several times as many.",
)
@pass_shell
def snds(
    shell: Shell,
    folder: Path,
    persons: int,
    *,
    seed: int,
    years: str,
    layout: str,
    lines_per_year: float,
) -> None:
    """Make a synthetic SNDS in FOLDER, which must be new or empty: no hub is needed.

    Files have the names and columns of the real ones: claims by month of flux, hospital stays by
    year, beneficiaries, long-term diseases, causes of death. FOLDER/truth says who is who and which
    rows are planted faults; a load passes it over.
    """
    order = Order(persons, seed, *synthetic.span(years), lines_per_year, Format(layout))
    made = synthetic.make(order, folder.resolve(), shell.reporter)
    if shell.quiet:
        shell.show(str(made.folder))
        return
    shell.say(
        "{rows} rows of {persons} synthetic persons in {files} files, {bytes} bytes.",
        rows=made.rows,
        persons=made.persons,
        files=made.files,
        bytes=made.bytes,
    )
    shell.say("The truth is in {path}.", path=made.folder / synthetic.TRUTH)
    shell.say("Next, in a hub: laennec load snds {path}", path=made.folder)


@synth.command(
    cls=Command,
    short_help="Make a synthetic CDM: OMOP tables over the concepts of a vocabulary.",
    examples=(
        "laennec synth cdm --persons 20000 --seed 7 --vocabulary vocabulary/ --out cdm/",
        "laennec synth cdm --persons 1000000 --years 2005-2019 --vocabulary vocabulary/ --out cdm/",
    ),
)
@click.option(
    "--out",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="FOLDER",
    help="Where to write the tables; new or empty.",
)
@click.option(
    "--vocabulary",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="FOLDER",
    help="Tables of a vocabulary as Parquet files.",
)
@click.option(
    "--persons", type=click.IntRange(min=1), default=10_000, metavar="N", help="Persons to make."
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=1,
    metavar="N",
    help="Which CDM of that size; the same order gives the same rows.",
)
@click.option(
    "--years", default="2010-2019", metavar="YEARS", help="First and last year of observation."
)
@pass_shell
def cdm(
    shell: Shell, folder: Path, vocabulary: Path, *, persons: int, seed: int, years: str
) -> None:
    """Make a synthetic OMOP CDM 5.4, one Parquet file per table: no hub is needed.

    Concepts are the standard ones of the vocabulary, which is copied beside the tables. About 140
    clinical events per person in ten years. The result is a data set for laennec load omop.
    """
    order = synthetic_cdm.Order(persons, seed, *synthetic.span(years))
    made = synthetic_cdm.make(
        order, folder.resolve(), vocabulary=vocabulary.resolve(), reporter=shell.reporter
    )
    if shell.quiet:
        shell.show(str(made.folder))
        return
    shell.say(
        "{rows} rows of {persons} synthetic persons in {files} tables, {bytes} bytes.",
        rows=made.rows.total(),
        persons=persons,
        files=len(made.rows),
        bytes=made.bytes,
    )
    shell.say("Next, in a hub: laennec load omop {path}", path=made.folder)
