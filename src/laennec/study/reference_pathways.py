"""The pathway of one person: eras of treatments within the stay, combined and put in order.

An era has a set of treatments: one, until eras overlap. The set is a whole number in which each
step of ``TreatmentPathways.steps`` is a bit, the first one the lowest; it also puts eras of equal
days in order. Lengths and overlaps are differences of dates: two eras that share a single day do
not overlap.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from laennec.study.model import Stratum, TreatmentPathways
from laennec.study.model_pathways import acute, therapy
from laennec.study.partials import Key, Partial
from laennec.study.reference_history import Span
from laennec.study.reference_person import Person


@dataclass(frozen=True, order=True)
class Era:
    """Days from ``start`` to ``end`` on the treatments of a set."""

    start: int
    end: int
    treatments: int

    @property
    def days(self) -> int:
        """Days from the first to the last one."""
        return self.end - self.start


def pathways(asked: TreatmentPathways, strata: Sequence[Stratum], person: Person) -> Partial:
    """Count the person's pathway, and the days of each of its steps, in each cohort and stratum."""
    counts: dict[Key, int] = {}
    for stratum in strata:
        stays = person.stays[stratum.cohort]
        if stratum.levels and stratum.label not in person.memberships:
            continue
        steps = _pathway(asked, stays if asked.all_stays else stays[:1], person)
        names = [step_name(asked.steps, one.treatments) for one in steps]
        if names:
            counts["pathway", asked.name, stratum.label, "-".join(names)] = 1
        for n, step in enumerate(steps, start=1):
            path = "-".join(names[:n])
            counts["pathway_days", asked.name, stratum.label, path, step.days] = 1
    return Partial(counts)


def step_name(steps: Sequence[str], treatments: int) -> str:
    """Return the name of a set of treatments: their names in order of the alphabet, with ``+``."""
    return "+".join(sorted(name for n, name in enumerate(steps) if treatments >> n & 1))


def _pathway(asked: TreatmentPathways, stays: Iterable[Span], person: Person) -> list[Era]:
    windows = [_window(asked, stay) for stay in stays]
    treated, left = _eras(asked, windows, person)
    received = _filtered(asked, _combined(asked, _collapsed(asked, treated)))
    return sorted([*received, *left])[: asked.max_path_length]


def _window(asked: TreatmentPathways, stay: Span) -> Span:
    first = stay.start if asked.start_anchor == "start" else stay.end
    last = stay.start if asked.end_anchor == "start" else stay.end
    return Span(first + asked.window_start, last + asked.window_end)


def _eras(
    asked: TreatmentPathways, windows: Sequence[Span], person: Person
) -> tuple[list[Era], list[Era]]:
    """The eras of treatments that count, and those of exits."""
    bits = {name: 1 << n for n, name in enumerate(asked.steps)}
    cuts = {one.treatment: one.days for one in asked.splits}
    treated = []
    for treatment in asked.treatments:
        for span in person.outcomes(treatment):
            name, days = treatment.label, span.end - span.start
            if name in cuts:
                name = acute(name) if days < cuts[name] else therapy(name)
            if days >= asked.min_era_duration and any(one.holds(span.start) for one in windows):
                treated.append(Era(span.start, span.end, bits[name]))
    left = [
        Era(span.start, span.end, bits[leaving.label])
        for leaving in asked.exits
        for span in person.outcomes(leaving)
        if any(one.holds(span.start) for one in windows)
    ]
    return treated, left


def _collapsed(asked: TreatmentPathways, eras: Iterable[Era]) -> list[Era]:
    """Join eras of one treatment with few days between them."""
    joined: list[Era] = []
    for era in sorted(eras, key=lambda one: (one.treatments, one.start)):
        last = joined[-1] if joined else None
        if (
            last is not None
            and last.treatments == era.treatments
            and era.start - last.end <= asked.era_collapse_size
        ):
            joined[-1] = Era(last.start, max(last.end, era.end), last.treatments)
        else:
            joined.append(era)
    return joined


def _combined(asked: TreatmentPathways, eras: list[Era]) -> list[Era]:
    """Settle each overlap, the earliest first: always of the two eras that start first."""
    settled: list[Era] = []
    heapify(eras)
    while eras:
        first = heappop(eras)
        if not eras or eras[0].start >= first.end:
            settled.append(first)
            continue
        second = heappop(eras)
        if _is_combination(asked, first, second):
            shorter, longer = sorted([first, second], key=lambda one: one.end)
            both = first.treatments | second.treatments
            before = Era(first.start, second.start, first.treatments)
            during = Era(second.start, shorter.end, both)
            after = Era(shorter.end, longer.end, longer.treatments)
            settled += [before] if before.days and _is_long(asked, before) else []
            for era in (during, after):
                if _is_long(asked, era) and (era is during or era.days):
                    heappush(eras, era)
        else:
            truncate = asked.overlap_method == "truncate"
            settled.append(Era(first.start, second.start, first.treatments) if truncate else first)
            heappush(eras, second)
    return settled


def _is_combination(asked: TreatmentPathways, first: Era, second: Era) -> bool:
    """Whether two eras overlap for long enough, or, if overlaps truncate, start or end together."""
    overlap = first.end - second.start
    together = first.start == second.start or first.end == second.end
    return overlap >= asked.combination_window or (asked.overlap_method == "truncate" and together)


def _is_long(asked: TreatmentPathways, era: Era) -> bool:
    return era.days >= asked.min_post_combination_duration


def _filtered(asked: TreatmentPathways, eras: Iterable[Era]) -> list[Era]:
    kept: list[Era] = []
    for era in sorted(eras):
        before = [one.treatments for one in kept]
        if asked.filter_treatments == "changes":
            before = before[-1:]
        if asked.filter_treatments == "all" or era.treatments not in before:
            kept.append(era)
    return kept
