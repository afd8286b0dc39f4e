"""Stays of one person in a cohort that is made of other cohorts."""

from collections.abc import Iterable, Mapping, Sequence

from laennec.study.model import Combined, DifferenceOf, IntersectionOf, UnionOf
from laennec.study.reference_history import Span, merged


def combined_stays(cohort: Combined, stays: Mapping[str, Sequence[Span]]) -> tuple[Span, ...]:
    """Return a person's stays in order; no two share a day.

    Args:
        cohort: The operation.
        stays: The person's stays in every cohort that comes before, in order; no two of a cohort
            share a day.
    """
    first, *others = (stays[name] for name in cohort.cohorts)
    match cohort:
        case UnionOf():
            return merged([*first, *(one for other in others for one in other)])
        case IntersectionOf(by="persons"):
            return tuple(first) if all(others) else ()
        case DifferenceOf(by="persons"):
            return () if any(others) else tuple(first)
        case IntersectionOf():
            return tuple(_in_all(first, others))
        case DifferenceOf():
            return tuple(_in_none(first, others))


def _in_all(first: Iterable[Span], others: Sequence[Sequence[Span]]) -> list[Span]:
    left = list(first)
    for other in others:
        pairs = [
            Span(max(one.start, two.start), min(one.end, two.end)) for one in left for two in other
        ]
        left = sorted(one for one in pairs if one.start <= one.end)
    return left


def _in_none(first: Iterable[Span], others: Sequence[Sequence[Span]]) -> list[Span]:
    left = list(first)
    for taken in (one for other in others for one in other):
        pieces = [
            piece
            for one in left
            for piece in (
                Span(one.start, min(one.end, taken.start - 1)),
                Span(max(one.start, taken.end + 1), one.end),
            )
        ]
        left = sorted({one for one in pieces if one.start <= one.end})
    return left
