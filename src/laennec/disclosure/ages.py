"""Age groups as intervals: which group is the sum of which others.

Overlapping groups tell by difference what lies between them (``18 to 65`` less ``18 to 64`` is one
year of age), so every group that lies inside another is made a part of it, with a remainder.

Pure.
"""

import itertools
import re
from collections.abc import Iterable

from laennec.core.errors import PolicyError
from laennec.disclosure.cubes import Branch

Span = tuple[int, int]

_EVERYONE = (0, 150)
"""The ages that the study language knows."""


def span(label: str) -> Span:
    """Return the first and last age of a label such as ``18 to 64``.

    Raises:
        PolicyError: the label is of another form.
    """
    found = re.fullmatch(r"([0-9]{1,3}) to ([0-9]{1,3})", label, re.ASCII)
    if found is None or int(found[1]) > int(found[2]):
        raise PolicyError(
            "An age group is not of the form '18 to 64'.", remedy="Name age groups in that form."
        )
    return int(found[1]), int(found[2])


def branches(labels: Iterable[str], *, root: str | None = None) -> list[Branch]:
    """Return each group that contains others, divided into them and a remainder.

    Args:
        labels: Age groups.
        root: A label of everyone, of whatever age, above all groups; None for none.

    Returns:
        Branches; where the parts leave ages out, the last part is ``("rest", total, *parts)``.
    """
    spans = {label: span(label) for label in sorted(set(labels), key=span)}
    found: list[Branch] = []
    for total in ([] if root is None else [root]) + list(spans):
        inside = [one for one in spans if root == total or _inside(spans[one], spans[total])]
        direct = [
            one for one in inside if not any(_inside(spans[one], spans[other]) for other in inside)
        ]
        while direct:
            row: list[str] = []
            for one in direct:
                if not row or spans[one][0] > spans[row[-1]][1]:
                    row.append(one)
            direct = [one for one in direct if one not in row]
            whole = _EVERYONE if total == root else spans[total]
            rest = () if _covers([spans[one] for one in row], whole) else (("rest", total, *row),)
            found.append(Branch(total, (*row, *rest)))
    return found


def _covers(parts: list[Span], whole: Span) -> bool:
    """Return whether parts in order, known not to overlap, leave no age of ``whole`` out."""
    joined = all(before[1] + 1 == after[0] for before, after in itertools.pairwise(parts))
    return joined and (parts[0][0], parts[-1][1]) == whole


def _inside(inner: Span, outer: Span) -> bool:
    return inner != outer and outer[0] <= inner[0] and inner[1] <= outer[1]
