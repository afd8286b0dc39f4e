"""Reference pages of the SNDS: the catalogue of its tables, and the cleaning rules."""

import tomllib
from collections import Counter
from importlib.resources import files
from typing import Any

from tools.markdown import code, generated, table

from laennec.snds.catalogue import catalogue
from laennec.snds.rules import rules, version
from laennec.snds.rules_model import MEANING, CleaningRule, Reading

_CATALOGUE = """\
Which columns the tables of the SNDS have in which years, with type, length, key, nomenclature and
whether a column is a potential identifier. `laennec snds catalogue` shows it, with `--format csv`
or `--format table-schema` for other programs; whoever reads the SNDS here checks each file against
the table of its year.

A *family* is a table without its year: `T_MCOaaB` stands for T_MCO05B, T_MCO06B and so on, and
`ER_PRS_F` for itself and its archives ER_PRS_F_2006 to ER_PRS_F_2012. An open year (`2013-`) means
that the newest source still has the column. Without years no source knows of a year that lacks it.

## How it is made

`python tools/snds_catalogue.py FOLDER` merges three public descriptions; none of them alone has
types, years and keys right. The same sources give the same bytes, and a test runs it again.

- *Kind*: a date wherever a source says date and no other keeps less than the eight characters of
  one; then the portal, which declares what Oracle holds; then kwikly; then schema, whose Booleans
  are codes of one character. A number is decimal if the portal declares decimals, or, where it has
  no such column, another source does.
- *Length*: of the portal in its years, of its nearest year in others; then kwikly; then schema. The
  positions of a number count its sign.
- *Years*: those of portal and kwikly together; those of schema for what neither lists, and for
  2005, where kwikly does not begin. The year of deletion that schema gives is the first without the
  column.

What each source says is kept wherever they disagree on the kind, the length of text or the first
year: `laennec snds catalogue --disagreements`.

Identifiers and codes of products are text; months (YYYYMM) and years and months of birth stay text
as written, since 1600 and 0001 stand for missing ones; dates in any of the forms of the SNDS are
dates. Codes that the DCIR declares as numbers (`BEN_SEX_COD`, `PRS_NAT_REF`) are whole numbers.
"""

_LIMITS = """\
## Limits

- The public sources end with 2021 (PMSI), 2017 (causes of death) and the edition 2022-1 of kwikly:
  a column that came or went later is not known, and a later table is taken to be as the last one.
- The portal's declarations end with 2014 and are of one account; lengths of later years are those
  of its nearest year.
- schema lists a few columns of the DCIR that neither portal nor kwikly has. They are kept, with the
  years of their table.
- The provisional transmissions of part of a year (T_MCO13_02B) are left out.
- Nomenclatures are named, their values are not in the catalogue.
- A column's years are those of its presence, not of being filled.
"""

_RULES = """\
Which rows of the SNDS are set aside before they become OMOP. A condition describes the rows that a
rule takes out; a missing value meets none unless it says *or missing*: SQL's `<>` and `NOT IN` are
not true of missing values, and rules written as what to keep lose rows that way.

Where sources disagree the rule has several readings, one of them chosen. A condition on a column
that the table of a year does not have is left out in that year. `laennec snds rules` shows the same
in the terminal, and as CSV.

A stay whose return codes tell of a fault is kept apart, not dropped: it took place, but whose it is
nobody knows. Rules on beneficiaries drop nobody: the resolution of persons weighs them.

Not checked here: the HDH/HEVA sheet lists the hospitals that sent their stays twice for `T_MCOaaB`
only. Whether their external care (`T_MCOaaCSTC`) was sent twice as well no source at hand says, so
that no rule drops it.
"""


def snds_catalogue_page() -> str:
    """Return the page of the catalogue."""
    told = _told("catalogue.toml")
    parts = [generated("Catalogue of the SNDS", "src/laennec/snds/data/catalogue.csv"), _CATALOGUE]
    parts.append(f"Version {catalogue().version}.\n")
    rows = [
        (f"*{name}*", one["title"], one["origin"], one["covers"])
        for name, one in told["sources"].items()
    ]
    parts.append(table(("source", "what", "from", "covers"), rows))
    parts += ["## Corrections\n", _corrections()]
    out = [(f"`{one['tables']}`", one["reason"]) for one in told["left_out"]]
    parts += ["## Left out\n", table(("tables", "why"), out)]
    parts += ["## Tables\n", table(("table", "product", "years", "columns", "label"), _tables())]
    parts.append(_LIMITS)
    return "\n".join(parts)


def _corrections() -> str:
    every = [column for one in catalogue().tables.values() for column in one.columns]
    touched = Counter(name for column in every for name in column.corrections)
    known = catalogue().corrections
    rows = [(f"`{one.id}`", touched[one.id] or "removed", one.reason) for one in known]
    return table(("correction", "columns", "why"), rows)


def _tables() -> list[tuple[object, ...]]:
    return [
        (f"`{one.family}`", one.product, _years(*one.years), len(one.in_year(None)), one.label)
        for one in catalogue().tables.values()
    ]


def snds_rules_page() -> str:
    """Return the page of the cleaning rules."""
    parts = [generated("Cleaning rules of the SNDS", "src/laennec/snds/data/rules.toml"), _RULES]
    parts += [f"Version {version()}.\n", "## Effects\n"]
    effects = [(f"`{effect.value}`", meaning) for effect, meaning in MEANING.items()]
    parts += [table(("effect", "what becomes of the rows"), effects), "## Rules\n"]
    alike: dict[str, list[CleaningRule]] = {}
    for rule in rules():
        alike.setdefault(rule.id, []).append(rule)
    parts += [_section(same) for same in alike.values()]
    return "\n".join(parts)


def _section(same: list[CleaningRule]) -> str:
    """Return what rules of one wording say, with the tables they are about."""
    rule = same[0]
    years = _years(rule.first_year, rule.last_year) or "all years"
    lines = [
        f"### {rule.id}\n",
        f"{code(one.family for one in same)}, {years}, `{rule.effect.value}`. {rule.reason}\n",
        _reading(rule.reading, "Chosen")
        + "".join(_reading(one, "Not chosen") for one in rule.alternatives),
        f"Source: {rule.source}, {rule.source_date}.\n",
    ]
    return "\n".join(lines)


def _reading(reading: Reading, word: str) -> str:
    conditions = " or ".join(f"`{one}`" for one in reading.takes_out)
    if reading.months is not None:
        conditions = f"{reading.months} months of flux after the care"
    why = f" ({word}: {reading.id}. {reading.why})" if reading.why else ""
    return f"- {conditions}{why}\n"


def _years(first: int | None, last: int | None) -> str:
    if first is None and last is None:
        return ""
    return str(first) if first == last else f"{first or ''}-{last or ''}"


def _told(name: str) -> dict[str, Any]:
    return tomllib.loads((files("laennec.snds") / "data" / name).read_text(encoding="utf-8"))
