"""Can somebody who has the store's disk read anything? Looks for known words and for order.

Two tests over the stored bytes, without any key. *Words*: names that the warehouse surely holds
(tables, columns, concepts, dates) are searched as UTF-8 and UTF-16. *Entropy*: sealed bytes look
random, so the Shannon entropy of an object of some size is close to 8 bits a byte; text, Parquet in
clear or anything compressed with readable headers is not. Neither test proves secrecy (that is the
cipher's work); each would show a file that was written in clear.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_SHORTEST_WORD = 6
_ENTROPY_FROM_BYTES = 16_384


@dataclass(frozen=True)
class Readability:
    """What was found.

    Attributes:
        objects: Files looked at.
        bytes: Their size.
        words: Words searched for.
        found: Words that were found, with the file, at most a hundred.
        lowest_entropy: Of files of at least 16 KiB, in bits a byte; None when there are none.
    """

    objects: int
    bytes: int
    words: int
    found: tuple[tuple[str, str], ...]
    lowest_entropy: float | None


def look_for_plaintext(folder: Path, words: Iterable[str]) -> Readability:
    """Search every file under ``folder``, names of files included.

    Args:
        folder: A local store.
        words: What to search for; words of fewer than six characters occur by chance and are left
            out.
    """
    wanted = sorted({word for word in words if len(word) >= _SHORTEST_WORD})
    needles = [(word, word.encode()) for word in wanted]
    needles += [(word, word.encode("utf-16-le")) for word in wanted]
    objects = size = 0
    found: list[tuple[str, str]] = []
    lowest: float | None = None
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        name = str(path.relative_to(folder))
        body = path.read_bytes()
        objects, size = objects + 1, size + len(body)
        looked_at = name.encode() + b"\0" + body
        found += [(word, name) for word, needle in needles if needle in looked_at]
        if len(body) >= _ENTROPY_FROM_BYTES:
            bits = entropy(body)
            lowest = bits if lowest is None else min(lowest, bits)
    return Readability(objects, size, len(wanted), tuple(found[:100]), lowest)


def entropy(body: bytes) -> float:
    """Return the Shannon entropy of the bytes' distribution, in bits a byte (0 to 8)."""
    counts = np.bincount(np.frombuffer(body, dtype=np.uint8), minlength=256)
    shares = counts[counts > 0] / len(body)
    return float(-(shares * np.log2(shares)).sum())
