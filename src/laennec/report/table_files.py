"""A table of the report as a file, set by great-tables: HTML to paste, LaTeX to typeset.

The cells are texts of the page's own tables, so that both say the same. great-tables is an extra:
the hub does not need it. Its HTML goes into a page that may fetch and run nothing.
"""

import importlib.util
from typing import TYPE_CHECKING

import polars as pl
from markupsafe import escape

from laennec.core.errors import SettingsError
from laennec.report.content import Cell, Table
from laennec.report.words import Words

if TYPE_CHECKING:
    from great_tables import GT

_HEAD, _GROUP = "head", "group"
_PAGE = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
</head>
<body>
{table}
</body>
</html>
"""


def check_great_tables() -> None:
    """Refuse to go on without great-tables.

    Raises:
        SettingsError: it is not installed.
    """
    if importlib.util.find_spec("great_tables") is None:
        raise SettingsError(
            "Tables as files need the package great-tables, which is not installed.",
            remedy="Install it with `pip install 'laennec[tables]'`, or ask for other formats.",
        )


def to_html(table: Table, words: Words, *, title: str) -> str:
    """Return a page with the table; every text in it is text."""
    made = _made(table, words, title).as_raw_html()
    return _PAGE.format(language=words.language, title=escape(title), table=made)


def to_latex(table: Table, words: Words, *, title: str) -> str:
    """Return the table in LaTeX, for packages booktabs and caption; every text in it is text."""
    return _made(table, words, title).as_latex()


def _made(table: Table, words: Words, title: str) -> "GT":
    # Imported here, since an installation without the extra has everything else.
    from great_tables import GT

    names = [f"column_{n}" for n in range(len(table.heads))]
    lines = [
        (
            group.title or words.text("overall"),
            row.head,
            *(_text(cell, words) for cell in row.cells),
        )
        for group in table.groups
        for row in group.rows
    ]
    frame = pl.DataFrame(
        lines, schema=dict.fromkeys((_GROUP, _HEAD, *names), pl.String()), orient="row"
    )
    grouped = any(group.title for group in table.groups)
    return (
        GT(
            frame if grouped else frame.drop(_GROUP),
            rowname_col=_HEAD,
            groupname_col=_GROUP if grouped else None,
            # Otherwise it is drawn by lot, and equal tables give other bytes.
            id="result",
        )
        .tab_header(title=title, subtitle=table.caption if table.caption != title else None)
        .tab_stubhead(table.corner)
        .cols_label(dict(zip(names, table.heads, strict=True)))
        .cols_align("right", names)
    )


def _text(cell: Cell, words: Words) -> str:
    """Return what the page shows in the cell; without an estimate, a dot."""
    if not cell.parts:
        return "·"
    if cell.hidden:
        return words.text("hidden")
    return "".join(
        part
        if isinstance(part, str)
        else words.text("hidden")
        if part.hidden
        else words.value(part)
        for part in cell.parts
    )
