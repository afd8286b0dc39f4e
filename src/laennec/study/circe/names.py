"""Names of a study for what ATLAS lets people name as they like."""

import re
import unicodedata
from collections.abc import Collection

LONGEST = 63
"""Characters that a name of a study may have."""

_OTHER = re.compile(r"[^a-z0-9]+")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def name_for(text: str, *, what: str, taken: Collection[str] = ()) -> str:
    """Return a name of a study for a text, not among those that are taken.

    A text that is a name already stays as it is, unless it is taken.

    Args:
        text: As people wrote it: any letters, any length.
        what: Begins a name for a text without a letter of its own, such as ``rule``.
        taken: Names that are in use.
    """
    made = text if _NAME.fullmatch(text) else _plain(text, what)
    if made not in taken:
        return made
    number = 2
    while (found := _numbered(made, number)) in taken:
        number += 1
    return found


def _plain(text: str, what: str) -> str:
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    plain = _OTHER.sub("_", letters).strip("_")
    if not plain or not plain[0].isalpha():
        plain = f"{what}_{plain}".rstrip("_")
    return plain[:LONGEST].rstrip("_")


def _numbered(name: str, number: int) -> str:
    ending = f"_{number}"
    return f"{name[: LONGEST - len(ending)]}{ending}"
