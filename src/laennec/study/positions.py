"""Where in the text of a study file a place such as ``cohorts[0].exit.days`` stands.

The text is known to be well formed: its own parser has read it. This module looks for the place
again, only to name a line and a column; what it does not find it leaves to the nearest table above.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence

Path = tuple[str | int, ...]

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BLANK = re.compile(r"[ \t]*")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'', re.DOTALL
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}\n#]*")


def place_of(text: str, path: Sequence[str | int], *, toml: bool) -> tuple[int, int]:
    """Return the line and the column, each from 1, at which a place begins.

    Args:
        text: A well-formed TOML or JSON file.
        path: Names of fields and numbers of items, from the outermost in.
        toml: Whether it is TOML.
    """
    values = _Values(text, assigns="=" if toml else ":")
    starts = values.of_toml() if toml else values.of_json()
    wanted = tuple(path)
    while wanted and wanted not in starts:
        wanted = wanted[:-1]
    offset = starts.get(wanted, 0)
    lines = [0, *(found.end() for found in re.finditer("\n", text))]
    line = bisect_right(lines, offset)
    return line, offset - lines[line - 1] + 1


class _Values:
    """Reads values and notes where each begins."""

    def __init__(self, text: str, *, assigns: str) -> None:
        self._text, self._at, self._assigns = text, 0, assigns
        self._starts: dict[Path, int] = {}

    def of_json(self) -> dict[Path, int]:
        """Read one value, which is the whole text; return where each place begins."""
        self._value(())
        return self._starts

    def of_toml(self) -> dict[Path, int]:
        """Read tables up to the end of the text; return where each place begins."""
        table: Path = ()
        items: dict[Path, int] = {}
        while True:
            self._skip()
            if self._at >= len(self._text):
                return self._starts
            begins = self._at
            if self._text.startswith("[", self._at):
                is_item = self._text.startswith("[[", self._at)
                self._at += 2 if is_item else 1
                self._skip()
                table = _table(self._keys(), items, is_item=is_item)
                self._starts.setdefault(table, begins)
                self._next("]]" if is_item else "]")
            else:
                self._pair(table)

    def _skip(self) -> None:
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _next(self, mark: str) -> bool:
        """Step over a mark, with the space before it, if it comes next."""
        self._skip()
        here = self._text.startswith(mark, self._at)
        self._at += len(mark) if here else 0
        return here

    def _value(self, path: Path) -> None:
        self._skip()
        self._starts.setdefault(path, self._at)
        if self._next("["):
            number = 0
            while not self._next("]") and self._at < len(self._text):
                self._value((*path, number))
                number += 1
                self._next(",")
        elif self._next("{"):
            while not self._next("}") and self._at < len(self._text):
                self._pair(path)
                self._next(",")
        else:
            found = _STRING.match(self._text, self._at) or _SCALAR.match(self._text, self._at)
            self._at = max(found.end() if found else 0, self._at + 1)

    def _pair(self, path: Path) -> None:
        self._skip()
        begins = self._at
        inner = (*path, *self._keys())
        for length in range(len(path) + 1, len(inner) + 1):
            self._starts.setdefault(inner[:length], begins)
        self._next(self._assigns)
        self._value(inner)

    def _keys(self) -> list[str]:
        """The parts of a key, between which TOML has dots."""
        keys: list[str] = []
        while True:
            found = _STRING.match(self._text, self._at) or _BARE.match(self._text, self._at)
            if found is None:
                self._at += 1
                return keys
            keys.append(found[0].strip("\"'"))
            self._at = found.end()
            dotted = re.compile(r"[ \t]*\.[ \t]*").match(self._text, self._at)
            if dotted is None:
                return keys
            self._at = dotted.end()


def _table(keys: Sequence[str], items: dict[Path, int], *, is_item: bool) -> Path:
    """The path of a table by its header; the last item of a list of tables is meant."""
    path: Path = ()
    for number, key in enumerate(keys):
        path = (*path, key)
        if is_item and number == len(keys) - 1:
            items[path] = items.get(path, -1) + 1
        if path in items:
            path = (*path, items[path])
    return path
