"""The few pieces of Markdown that reference pages are made of."""

import inspect
import re
from collections.abc import Iterable, Sequence


def generated(title: str, source: str) -> str:
    """Return the head of a page: its title, and that it is made from ``source``."""
    return f"# {title}\n\nMade by `make docs` from `{source}`; do not edit.\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table, ending with a line end; what would end a cell is escaped."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def code(names: Iterable[str]) -> str:
    """Return names as code, separated by commas."""
    return ", ".join(f"`{name}`" for name in names)


def prose(documented: object) -> str:
    """Return the docstring of something, with its code marked as Markdown marks it."""
    return (inspect.getdoc(documented) or "").replace("``", "`")


def attributes(documented: object) -> dict[str, str]:
    """Return the meaning of each attribute that a class's docstring lists, alone on its line."""
    found = re.findall(
        r"^    (\w+): (.*?)(?=^    [\w, ]+: |\Z)",
        prose(documented).partition("Attributes:\n")[2],
        flags=re.DOTALL | re.MULTILINE,
    )
    return {name: " ".join(meaning.split()) for name, meaning in found}


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
