"""Where the records of a block of CSV begin and end, and how many fields each has.

Works on whole arrays of places: of line breaks, separators and quotes. A separator or line break is
outside quotes when an even number of quotes precedes it, which holds as long as quotes only open,
close and double; whether they do is checked, byte before and byte after. Pure.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_LF, _CR, _QUOTE = b'\n\r"'

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Marks:
    """The whole records at the beginning of a block; one element for each.

    Attributes:
        starts: Offset of its first byte.
        ends: Offset after its line break.
        lines: Line breaks before it.
        fields: Number of its fields; 0 for a blank line, -1 with a lone CR.
    """

    starts: Places
    ends: Places
    lines: Places
    fields: Places

    @property
    def end(self) -> int:
        """Offset after the last of them."""
        return int(self.ends[-1]) if len(self.ends) else 0


def find_records(body: bytes, *, separator: str, quoted: bool) -> Marks | None:
    """Find the whole records at the beginning of a block.

    Args:
        body: Begins with a record; not empty. Any bytes of which ASCII is a part.
        separator: One ASCII character.
        quoted: Whether ``"`` quotes fields.

    Returns:
        None when a quote is where it neither opens nor closes nor doubles.
    """
    text = np.frombuffer(body, dtype=np.uint8)
    none = np.zeros(0, dtype=np.int64)
    breaks = np.flatnonzero(text == _LF)
    quotes = np.flatnonzero(text == _QUOTE) if quoted and b'"' in body else none
    if not _are_regular(text, quotes, ord(separator)):
        return None
    ends = _outside(breaks, quotes) + 1
    starts = np.concatenate(([0], ends[:-1])) if len(ends) else none
    separators = _outside(np.flatnonzero(text == ord(separator)), quotes)
    fields = np.diff(np.searchsorted(separators, ends), prepend=0) + 1
    sizes = ends - starts
    fields[(sizes == 1) | ((sizes == 2) & (text[starts] == _CR))] = 0
    if b"\r" in body:
        returns = np.flatnonzero(text == _CR)
        follows = text[np.minimum(returns + 1, len(text) - 1)]
        lone = np.searchsorted(ends, _outside(returns[follows != _LF], quotes), side="right")
        fields[lone[lone < len(fields)]] = -1
    return Marks(starts, ends, np.searchsorted(breaks, starts), fields)


def _are_regular(text: npt.NDArray[np.uint8], quotes: Places, separator: int) -> bool:
    """Whether quotes only open, close and double: first, third, ... open, the others close."""
    if not len(quotes):
        return True
    opening, closing = quotes[::2], quotes[1::2]
    before = text[opening[opening > 0] - 1]
    after = text[closing[closing + 1 < len(text)] + 1]
    return bool(
        np.isin(before, [separator, _LF, _QUOTE]).all()
        and np.isin(after, [separator, _LF, _CR, _QUOTE]).all()
    )


def _outside(places: Places, quotes: Places) -> Places:
    """Return the places that an even number of quotes precedes."""
    return places if not len(quotes) else places[np.searchsorted(quotes, places) % 2 == 0]
