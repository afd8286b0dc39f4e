"""Commands about the SNDS that need no hub: what its tables are, and which rows are set aside."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from laennec.cli.command import Command, Group
from laennec.cli.context import Shell, pass_shell
from laennec.core.errors import AlreadyExistsError, NotFoundError, StoreError
from laennec.snds.catalogue import Catalogue, Column, Table, catalogue, family_of
from laennec.snds.catalogue_export import as_csv, as_json, data_package, table_schema
from laennec.snds.rules import rules
from laennec.snds.rules_model import MEANING, CleaningRule, Reading

_YEAR = click.IntRange(2000, 2099)
_OUTPUT = click.Path(path_type=Path, dir_okay=False)
_RULE_HEADER = (
    *("rule", "table", "first_year", "last_year", "effect", "condition", "reading", "why"),
    *("source", "source_date", "reason", "other_readings", "sheet_lines"),
)


@click.group(cls=Group, short_help="The SNDS: its tables by year, and the cleaning rules.")
def snds() -> None:
    """The French national health database (SNDS): its tables by year, and the cleaning rules."""


@snds.command(
    name="catalogue",
    cls=Command,
    short_help="Show which columns the tables of the SNDS have in which years.",
    examples=(
        "laennec snds catalogue",
        "laennec snds catalogue T_MCO19B",
        "laennec snds catalogue ER_PRS_F --disagreements",
        "laennec snds catalogue --format csv --output catalogue.csv",
        "laennec snds catalogue T_MCO19B --format table-schema",
    ),
)
@click.argument("table", required=False, metavar="[TABLE]")
@click.option("--year", type=_YEAR, metavar="YEAR", help="Only what is there in this year.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("csv", "table-schema")),
    help="CSV, or Table Schema (of all tables: a Data Package) instead of a table to read.",
)
@click.option(
    "--output", type=_OUTPUT, metavar="FILE", help="Write to a new file instead of the screen."
)
@click.option(
    "--disagreements", is_flag=True, help="Only columns of which the sources say different things."
)
@pass_shell
def show_catalogue(
    shell: Shell,
    table: str | None,
    *,
    year: int | None,
    form: str | None,
    output: Path | None,
    disagreements: bool,
) -> None:
    """Show the tables of the SNDS, or the columns of one: type, length, keys and years.

    TABLE may have a year in its name (T_MCO19B, ER_PRS_F_2012) or none (T_MCOaaB, ER_PRS_F). The
    catalogue is a merge of three public descriptions; where they disagree, --disagreements shows
    what each says and what was chosen.
    """
    if disagreements and form:
        raise click.UsageError(shell.words("--disagreements and --format are two questions."))
    if output and not form:
        raise click.UsageError(shell.words("--output needs --format."))
    whole = catalogue()
    family, year = _asked(shell, table, year)
    tables = [whole.tables[family]] if family else list(whole.tables.values())
    if form == "csv":
        _write(output, as_csv(tables, year))
    elif form:
        _write(output, as_json(_described(whole, family, year)))
    elif disagreements:
        _show_disagreements(shell, tables, year)
    elif family:
        _show_columns(shell, tables[0], year)
    else:
        _show_tables(shell, tables, year)


@snds.command(
    name="rules",
    cls=Command,
    short_help="Show which rows are set aside before they become OMOP, and why.",
    examples=(
        "laennec snds rules",
        "laennec snds rules --family T_MCOaaC --year 2018",
        "laennec snds rules --format csv > rules.csv",
    ),
)
@click.option("--family", metavar="TABLE", help="Only rules of this table.")
@click.option("--year", type=_YEAR, metavar="YEAR", help="Only rules that hold in this year.")
@click.option(
    "--format", "form", type=click.Choice(("csv",)), help="CSV instead of a text to read."
)
@pass_shell
def show_rules(shell: Shell, *, family: str | None, year: int | None, form: str | None) -> None:
    """Show the cleaning rules: years, conditions, what becomes of the rows, source and reason.

    Where sources disagree, the reading that is chosen is shown with the reason, and the others
    after it.
    """
    wanted, year = _asked(shell, family, year)
    found = [
        rule
        for rule in rules()
        if (wanted is None or rule.family == wanted) and (year is None or rule.holds_in(year))
    ]
    if form:
        _write(None, _rules_csv(found))
        return
    for rule in found:
        _show_rule(shell, rule)
    shell.say("Rules: {rules}.", rules=len(found))


def _asked(shell: Shell, table: str | None, year: int | None) -> tuple[str | None, int | None]:
    """Return the family and the year asked for."""
    if table is None:
        return None, year
    known = family_of(table)
    if known is None:
        raise NotFoundError(
            "The catalogue of the SNDS has no table of that name.",
            remedy="See `laennec snds catalogue` for the names; aa stands for a year.",
        )
    family, own = known
    if own is not None and year is not None and own != year:
        raise click.UsageError(shell.words("TABLE and --year name two different years."))
    return family, own if own is not None else year


def _described(whole: Catalogue, family: str | None, year: int | None) -> dict[str, object]:
    return table_schema(whole, family, year) if family else data_package(whole, year)


def _show_tables(shell: Shell, tables: Iterable[Table], year: int | None) -> None:
    rows = [
        (one.family, one.product, _years(*one.years), len(one.in_year(year)), one.label)
        for one in tables
        if one.in_year(year)
    ]
    shell.table(("Table", "Product", "Years", "Columns", "Label"), rows)


def _show_columns(shell: Shell, table: Table, year: int | None) -> None:
    rows = [
        (
            one.name,
            one.kind.value,
            _size(one),
            shell.words("key") if one.key else shell.words("identifier") if one.required else "",
            _years(one.first_year, one.last_year),
            one.nomenclature or "",
            one.label,
        )
        for one in table.columns
        if year is None or one.exists_in(year)
    ]
    if not rows:
        raise NotFoundError(
            f"{table.family} has no columns in {year}.",
            remedy="Leave the year out to see in which years the table is there.",
        )
    shell.table(("Column", "Kind", "Length", "Role", "Years", "Nomenclature", "Label"), rows)


def _show_disagreements(shell: Shell, tables: Iterable[Table], year: int | None) -> None:
    rows = [
        (
            table.family,
            one.name,
            f"{one.kind.value} {_size(one)} {_years(one.first_year, one.last_year)}",
            one.says,
            " ".join(one.corrections),
        )
        for table in tables
        for one in table.columns
        if one.says and (year is None or one.exists_in(year))
    ]
    shell.table(("Table", "Column", "Chosen", "Sources say", "Correction"), rows)


def _show_rule(shell: Shell, rule: CleaningRule) -> None:
    heads = (rule.id, rule.family, _years(rule.first_year, rule.last_year), rule.effect.value)
    shell.show("  ".join(one for one in heads if one))
    shell.show(f"  {shell.words(rule.reason)}")
    shell.show(f"  {shell.words(MEANING[rule.effect])}")
    _show_reading(shell, rule.reading, of_several=bool(rule.alternatives), chosen=True)
    for other in rule.alternatives:
        _show_reading(shell, other, of_several=True, chosen=False)
    shell.say("  Source: {source}, {date}", source=rule.source, date=str(rule.source_date))
    shell.show("")


def _show_reading(shell: Shell, reading: Reading, *, of_several: bool, chosen: bool) -> None:
    if of_several and chosen:
        shell.say("  Chosen reading {id}: {why}", id=reading.id, why=shell.words(reading.why))
    elif of_several:
        shell.say("  Other reading {id}: {why}", id=reading.id, why=shell.words(reading.why))
    for condition in reading.takes_out:
        shell.show(f"    {condition}")
    if reading.months is not None:
        shell.say("    {months} months of flux after the care", months=reading.months)


def _conditions(reading: Reading) -> str:
    if reading.months is not None:
        return f"{reading.months} months of flux after the care"
    return "; ".join(map(str, reading.takes_out))


def _rules_csv(found: Sequence[CleaningRule]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_RULE_HEADER)
    for rule in found:
        others = (f"{one.id}: {_conditions(one)} ({one.why})" for one in rule.alternatives)
        writer.writerow(
            [
                *(rule.id, rule.family, rule.first_year, rule.last_year, rule.effect.value),
                *(_conditions(rule.reading), rule.reading.id, rule.reading.why),
                *(rule.source, rule.source_date, rule.reason, " | ".join(others)),
                " ".join(map(str, rule.sheet)),
            ]
        )
    return out.getvalue()


def _size(column: Column) -> str:
    if column.length is None:
        return ""
    return f"{column.length},{column.decimals}" if column.decimals else str(column.length)


def _years(first: int | None, last: int | None) -> str:
    if first is None and last is None:
        return ""
    return str(first) if first == last else f"{first or ''}-{last or ''}"


def _write(output: Path | None, text: str) -> None:
    """Write to a new file, or to the screen.

    Raises:
        AlreadyExistsError: the file is there already.
        StoreError: the file cannot be written.
    """
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        with output.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
    except FileExistsError:
        raise AlreadyExistsError(
            f"{output} exists already.", remedy="Give the name of a new file."
        ) from None
    except OSError as error:
        raise StoreError(
            f"{output} cannot be written: {error.strerror}.", remedy="Give another place."
        ) from None
