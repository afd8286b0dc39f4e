"""Names and texts of strangers made harmless before they reach a terminal.

File names, columns, object names and titles are chosen by depositors, hosts and researchers. A
control character among them could clear the screen, set the title, or write a line that looks like
ours. Pure.
"""

import re
import traceback

_ESCAPED = re.compile(
    # C0 and C1 controls, line and paragraph separators, bidirectional overrides, lone surrogates.
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def visible(text: str, *, lines: bool = False) -> str:
    """Return ``text`` with every control character written out, such as a backslash, x1b.

    Args:
        text: Any text.
        lines: Keep line feeds.
    """
    return _ESCAPED.sub(lambda found: _escape(found[0], lines=lines), text)


def _escape(character: str, *, lines: bool) -> str:
    if lines and character == "\n":
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def where(error: BaseException) -> str:
    """Return class and place of an error that nobody expected, without its text.

    The text and the traceback of an engine's error may quote values from rows.
    """
    frames = traceback.extract_tb(error.__traceback__)
    ours = [one for one in frames if "laennec" in one.filename] or list(frames)
    place = f" at {ours[-1].filename.rpartition('laennec')[2]}:{ours[-1].lineno}" if ours else ""
    return f"{type(error).__name__}{place}"
