"""The reference page of the OMOP coverage, made from the CDM data.

    python -m laennec.omop.reference > docs/reference/omop-coverage.md

A test compares the page with what this module returns.
"""

import sys
from collections.abc import Iterator

from laennec.omop.cdm import CURRENT, Table, cdm
from laennec.omop.events import EVENT_TABLES
from laennec.omop.versions import DROPPED_TABLES, NUMBERED, RENAMED, added_columns

_HEAD = """\
# OMOP coverage

Made by `python -m laennec.omop.reference` from the CDM data; do not edit.

Laennec keeps all {tables} standard tables of CDM {current} ({fields} fields) and reads 5.3 and
5.4. Integers are 64 bit and may be negative. A table is kept *by person* (cut into person buckets,
sorted by person and start) when its rows name a person, and *whole* otherwise.

`note_nlp`, `cost`, `fact_relationship` and `episode_event` tell of persons without naming them:
they are kept whole, so a view of some persons does not narrow them.
"""
_TABLES = """\
## Tables

| table | schema | fields | kept | sorted by | primary key | studies read it as events |
| --- | --- | --- | --- | --- | --- | --- |
"""
_UPGRADE = """\
## From 5.3 to 5.4

Rows are checked against the version they come in, then converted. Columns that 5.4 adds are null,
save `metadata_id`, which is numbered from 1.

- Dropped tables, whose rows are counted as dropped: {dropped}.
- Fields that only 5.4 requires, which may be null in converted rows: {required}.

| table | renamed | added |
| --- | --- | --- |
"""


def coverage_page() -> str:
    """Return the page as Markdown, ending with a line end."""
    tables = cdm(CURRENT).tables
    head = _HEAD.format(
        tables=len(tables),
        current=CURRENT,
        fields=sum(len(table.fields) for table in tables.values()),
    )
    upgrade = _UPGRADE.format(
        dropped=_code(sorted(DROPPED_TABLES)), required=_code(_required_since_current())
    )
    lines = "".join(_table_line(table) for table in tables.values())
    return f"{head}\n{_TABLES}{lines}\n{upgrade}{''.join(_upgrade_lines())}"


def _table_line(table: Table) -> str:
    kept = "by person" if table.person_field else "whole"
    order = [name for name in (table.person_field, table.start_field) if name]
    event = "yes" if table.name in EVENT_TABLES else ""
    name, key = _code([table.name]), _code([table.primary_key or ""])
    return (
        f"| {name} | {table.schema} | {len(table.fields)} | {kept} | {_code(order)} | {key} "
        f"| {event} |\n"
    )


def _upgrade_lines() -> Iterator[str]:
    """Yield a line for each table that differs between the versions."""
    for name in cdm(CURRENT).tables:
        renamed = [f"`{old}` → `{new}`" for old, new in RENAMED.get(name, {}).items()]
        added = _code(added_columns(name)) if name in cdm("5.3").tables else "the whole table"
        if renamed or added:
            yield f"| `{name}` | {', '.join(renamed)} | {added} |\n"


def _required_since_current() -> list[str]:
    """Return ``table.field`` for what 5.4 requires and rows of 5.3 may lack."""
    old = cdm("5.3").tables
    required = []
    for name, table in cdm(CURRENT).tables.items():
        if name in old:
            renamed = RENAMED.get(name, {})
            before = {renamed.get(one.name, one.name): one.required for one in old[name].fields}
            required += [
                f"{name}.{one.name}"
                for one in table.fields
                if one.required
                and not before.get(one.name, False)
                and NUMBERED.get(name) != one.name
            ]
    return required


def _code(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names if name)


def main() -> None:
    """Write the page to standard output."""
    sys.stdout.write(coverage_page())


if __name__ == "__main__":
    main()
