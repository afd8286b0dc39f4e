"""Commands of a researcher and an output checker: study check, study run, release."""

import json
from collections.abc import Sequence
from pathlib import Path

import click

from laennec.app.releases import release_run
from laennec.app.study_runs import run_study
from laennec.cli.command import Command, Group
from laennec.cli.context import Shell, pass_shell
from laennec.cli.study_write import build, build_here, has_hub, show_rehearsal, test
from laennec.study.circe.files import TITLE, read_exported, read_study_or_definition
from laennec.study.circe.study import study_of
from laennec.study.files import read_study, write_new

_FILE = click.Path(path_type=Path, dir_okay=False)
_SNAPSHOT = "Snapshot to read; the newest by default."


@click.group(cls=Group, short_help="Check and run studies.")
def study() -> None:
    """Check and run studies."""


@study.command(
    cls=Command,
    short_help="Check a study and show what it would read.",
    examples=("laennec study check celecoxib.toml",),
)
@click.argument("file", type=_FILE, metavar="FILE")
@click.option("--snapshot", type=click.IntRange(min=0), metavar="N", help=_SNAPSHOT)
@pass_shell
def check(shell: Shell, file: Path, snapshot: int | None) -> None:
    """Check a study, show the attrition of its cohorts on made-up data, and what it would read.

    Without a hub, made-up data are all there is: persons who do not exist, placed on the study's
    concepts. With a hub, its vocabulary resolves the concept sets and the plan is shown. A study in
    Python runs on this machine, with your rights, and not where there is a hub. A cohort definition
    of ATLAS (JSON) is checked as a study that counts who is in its cohort.
    """
    is_definition = False
    if file.suffix.lower() == ".py":
        asked = build_here(shell, file)
    else:
        asked, is_definition = read_study_or_definition(file)
    if is_definition:
        shell.remark(
            "{path} is a cohort definition of ATLAS: laennec study from-atlas makes a study of it.",
            path=str(file),
        )
    shell.show(asked.title)
    show_rehearsal(shell, asked)
    if not has_hub(shell):
        shell.say("The study is well formed. There is no hub here to check it against.")
        return
    with shell.hub() as hub:
        found = hub.runs().check(asked, snapshot=snapshot)
    shell.table(("Concept set", "Concepts"), list(found.concepts.items()))
    _warn_of_unknown_sets(shell, found.unknown_sets)
    shell.show(f"\n{found.plan}\n")
    shell.say(
        "The study is well formed and can run on snapshot {number}.", number=str(found.snapshot)
    )


@study.command(
    cls=Command,
    short_help="Show how a study would be run, and which files it would read.",
    examples=(
        "laennec study explain celecoxib.toml",
        "laennec study explain celecoxib.toml --snapshot 3 --json",
    ),
)
@click.argument("file", type=_FILE, metavar="FILE")
@click.option("--snapshot", type=click.IntRange(min=0), metavar="N", help=_SNAPSHOT)
@click.option("--json", "as_json", is_flag=True, help="Write it as JSON.")
@pass_shell
def explain(shell: Shell, file: Path, snapshot: int | None, *, as_json: bool) -> None:
    """Show how a study (TOML or JSON) would be run: tables and files read, steps in each bucket.

    Files are skipped where what is sealed about them tells that no row of them is asked for. No
    person's row is read, and neither object names nor keys are shown. Few files may mean as few
    persons: the numbers have been through no disclosure control and stay with who holds the keys.
    """
    asked, _ = read_study_or_definition(file)
    with shell.hub() as hub:
        found = hub.runs().explain(asked, snapshot=snapshot)
    if as_json:
        shell.show(json.dumps(found.to_json(), indent=1))
        return
    _warn_of_unknown_sets(shell, found.unknown_sets)
    shell.say(
        "{study} on snapshot {number}: {buckets} person buckets, each read once.",
        study=found.study,
        number=str(found.snapshot),
        buckets=found.buckets,
    )
    shell.show("")
    every = shell.words("all")
    shell.table(
        ("Table", "Concepts", "Queries", "Files", "Bytes", "Skipped", "Columns"),
        [
            (
                one.table,
                every if one.concepts is None else f"{one.concepts:,}",
                one.readers,
                one.files,
                one.bytes,
                one.skipped_files,
                ", ".join(one.columns),
            )
            for one in found.tables
        ],
    )
    shell.show("")
    shell.table(
        ("Step", "Name", "Queries", "Reused", "Takes"),
        [
            (one.kind, one.name, one.finds, one.reuses, ", ".join(one.cohorts))
            for one in found.steps
        ],
    )


@study.command(
    cls=Command,
    short_help="Run a study; its result stays sealed.",
    examples=(
        "laennec study run celecoxib.toml",
        "laennec study run celecoxib.toml --snapshot 3",
        "laennec study run celecoxib.toml --on spark://cluster.example.org:7077",
        'laennec release "$(laennec --quiet study run celecoxib.toml)"',
    ),
)
@click.argument("file", type=_FILE, metavar="FILE")
@click.option("--snapshot", type=click.IntRange(min=0), metavar="N", help=_SNAPSHOT)
@click.option(
    "--on",
    metavar="MASTER",
    help="Run on this Spark cluster, whose executors open the hub themselves; here by default.",
)
@pass_shell
def run(shell: Shell, file: Path, snapshot: int | None, on: str | None) -> None:
    """Run a study (TOML or JSON); the result stays sealed in the hub until it is released.

    With --quiet before the command, the name of the run alone is printed.
    """
    asked = read_study(file)
    with shell.hub() as hub:
        record = run_study(hub, asked, folder=shell.folder, snapshot=snapshot, on=on)
    if shell.quiet:
        shell.show(record.run)
        return
    _warn_of_unknown_sets(shell, record.unknown_sets)
    shell.say(
        "{study}: {rows} estimates computed on snapshot {number} and kept sealed.",
        study=record.study,
        rows=record.rows,
        number=str(record.snapshot),
    )
    shell.say("Next: laennec release {run}", run=record.run)


def _warn_of_unknown_sets(shell: Shell, sets: Sequence[str]) -> None:
    if sets:
        shell.remark(
            "Warning: the vocabulary has no concept of {sets}. Only rows that carry the very ids "
            "written in the study are of such a set, most likely none.",
            sets=", ".join(sets),
        )


@study.command(
    "from-atlas",
    cls=Command,
    short_help="Make a study of cohorts that were defined in ATLAS.",
    examples=(
        "laennec study from-atlas cohort.json --out study.json",
        'laennec study from-atlas cohorts/*.json sets/*.csv --out study.json --title "Bleeding"',
    ),
)
@click.argument("files", type=_FILE, metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--out",
    type=_FILE,
    required=True,
    metavar="STUDY",
    help="Where to write the study: a new file that ends in .json.",
)
@click.option("--title", default=TITLE, metavar="TEXT", help="Title of the study.")
@pass_shell
def from_atlas(shell: Shell, files: tuple[Path, ...], out: Path, title: str) -> None:
    """Make a study of cohort definitions (JSON) and concept sets (JSON, CSV) exported from ATLAS.

    The study counts who is in each cohort, and holds every concept set; change it as you like. No
    hub is needed. What the study language cannot say is refused, with its place in the definition.
    """
    found = read_exported(files)
    if not found.cohorts:
        write_new({"concept_sets": found.concept_sets}, out)
        shell.say("{path}: concept sets alone, to put into a study.", path=str(out))
        return
    study = study_of(found.cohorts, name=out.stem, title=title, concept_sets=found.concept_sets)
    write_new(dict(study), out)
    if shell.quiet:
        shell.show(str(out))
        return
    shell.table(
        ("Cohort", "Entry queries", "Rules"),
        [(one.name, len(one.entry), len(one.rules)) for one in study.definitions()],
    )
    shell.say(
        "{path}: {cohorts} cohorts, {sets} concept sets.",
        path=str(out),
        cohorts=len(study.cohorts),
        sets=len(study.concept_sets),
    )
    shell.say("Next: laennec study check {path}", path=str(out))


study.add_command(build)
study.add_command(test)


@click.command(
    cls=Command,
    short_help="Release what disclosure control lets through.",
    examples=("laennec status", "laennec release run-6d84e3b8"),
)
@click.argument("run", metavar="RUN")
@pass_shell
def release(shell: Shell, run: str) -> None:
    """Release what disclosure control lets through of a RUN, each file with an offline proof.

    A count of few persons, and whatever would give it back, is written as a hyphen. The result
    (CSV, Parquet), a report (HTML) and a manifest (JSON) appear in the folder of releases, each
    with a .tlog-proof beside it. `laennec status` lists the runs; a run is released once.
    """
    with shell.hub() as hub:
        released = release_run(hub, run, language=shell.words.language)
    if not shell.quiet:
        shell.table(
            ("Result type", "Estimates", "Hidden", "Left out", "Summed up"),
            [
                (one.result_type, one.estimates, one.hidden, one.left_out, one.rewritten)
                for one in released.review.counts
            ],
        )
        shell.show("")
    for one in released.files:
        shell.show(str(one.path))
        shell.remark(
            "  sha256 {sha256}, ledger entry {entry}", sha256=one.sha256, entry=str(one.entry)
        )
