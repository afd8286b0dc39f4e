"""Every check on a data set: count what changed, merge, fold the keys, judge.

An engine counts places, several at a time; only whole numbers, source values and keys come out of
one. Everything else is done here, as answers come.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import polars as pl

from laennec import __version__
from laennec.core.progress import Task
from laennec.core.spill import forbid_spill
from laennec.quality.checks import checks, checks_sha256
from laennec.quality.counting import Asked, Found, Survey, computed, survey
from laennec.quality.cross import across, crossing
from laennec.quality.engines import Engine
from laennec.quality.keys import Census, Keys, census_from_keys, census_to_keys, rows_shared
from laennec.quality.outcomes import Findings, outcome
from laennec.quality.partials import Book, Measures, exchanged, merge
from laennec.quality.plan import VISIT, Scan
from laennec.quality.ports import QualitySource
from laennec.quality.shelf import Counted, Place, Shelf, Total
from laennec.quality.statuses import Result, judge
from laennec.quality.vocabulary import Lookups

FORMAT = 2
"""Number of the meaning of measures; what is kept under another one is counted again."""


@dataclass(frozen=True)
class Assessment:
    """Every result on one data set.

    Attributes:
        results: In the order of the Dashboard.
        scanned: Tables of buckets that were read, of all there are.
        scans: All there are.
    """

    results: tuple[Result, ...]
    scanned: int
    scans: int


def assess(
    version: str,
    source: QualitySource,
    shelf: Shelf,
    *,
    today: date,
    engine: Engine,
    progress: Task,
    everything: bool = False,
) -> Assessment:
    """Answer every check on a version of the CDM.

    Args:
        version: Of the checks.
        source: The rows.
        shelf: Where partials are kept; what is there and still holds is not counted again.
        today: Day on which a day counts as to come.
        engine: Counts the rows.
        progress: Advanced by 1 for each place done.
        everything: Count again what is kept, too.

    Raises:
        EngineError: the computation of a bucket, or of what is joined over buckets, failed. Buckets
            not yet begun are not begun.
        LaennecError: the source cannot read a bucket.
    """
    forbid_spill()
    asked = survey(version, source, today=today)
    work = _Work(asked, shelf, everything=everything)
    computed("all buckets together", lambda: work.count(engine, progress=progress))
    results = computed("all buckets together", lambda: _judged(asked, work))
    return Assessment(results, work.scanned, work.all_scans)


def _judged(asked: Survey, work: "_Work") -> tuple[Result, ...]:
    """Fold the keys of all places, look over buckets where rows name one another, and judge."""
    censuses = work.fold()
    merged = work.merged(censuses)
    # Identifiers that lie in two buckets are rare; where there are none, nothing is read here.
    visits = crossing(asked.scans, Measures(merged), censuses.get(VISIT, Census()))
    if not visits.is_empty():
        merged = merge([merged, across(asked.scans, asked.source, visits)])
    measures = Measures(merged)
    lookups = Lookups(asked.source, measures.values())
    found = Findings(measures, censuses, lookups, asked.columns, asked.today)
    return judge([(check, outcome(check, found)) for check in checks(asked.version)])


class _Work:
    """One run: what there is to count, what was kept, and what came out."""

    def __init__(self, survey: Survey, shelf: Shelf, *, everything: bool) -> None:
        self._survey, self._shelf, self._everything = survey, shelf, everything
        self._places: tuple[Place, ...] = (*survey.source.buckets(), None)
        self._now = {
            place: {scan.table: self._counted(scan, place) for scan in survey.of(place)}
            for place in self._places
        }
        self._total = shelf.total()
        self._gone: list[pl.DataFrame] = []
        self._new: list[pl.DataFrame] = []
        self._before: dict[Place, Mapping[str, Keys]] = {}
        self._after: dict[Place, Mapping[str, Keys]] = {}
        self.scanned = 0

    @property
    def all_scans(self) -> int:
        """How many tables of places there are."""
        return sum(map(len, self._now.values()))

    def count(self, engine: Engine, *, progress: Task) -> None:
        """Count at every place the tables whose kept measures do not hold any more."""
        asked = [one for place in self._places if (one := self._asked(place)) is not None]
        progress.advance(len(self._places) - len(asked))
        with closing(engine.count(self._survey, asked)) as answers:
            for one, found in answers:
                self._take(one, found)
                progress.advance(1)

    def _asked(self, place: Place) -> Asked | None:
        """Return what is to be counted at a place, or None when all that is kept of it holds."""
        known, now = self._known(place), self._now[place]
        stale = [
            table for table, one in now.items() if table not in known or not known[table].holds(one)
        ]
        return Asked(place, tuple(stale)) if stale or known.keys() - now.keys() else None

    def _known(self, place: Place) -> Mapping[str, Counted]:
        if self._everything or self._total is None:
            return {}
        return self._total.counted.get(place, {})

    def _take(self, asked: Asked, found: Found) -> None:
        """Put what was counted at a place in place of what was kept."""
        place, now, known = asked.place, self._now[asked.place], self._known(asked.place)
        held = now.keys() - set(asked.tables)
        now.update({table: known[table] for table in held})
        old = self._shelf.measures(place) if known else None
        before = self._shelf.keys(place) if known else {}
        after = {**{table: keys for table, keys in before.items() if table in held}, **found.keys}
        new = found.measures
        if old is not None:
            self._gone.append(old)
            new = merge([new, old.filter(pl.col("table").is_in(list(held)))])
        self._new.append(new)
        self._shelf.put(place, new, after)
        self._before[place], self._after[place] = before, after
        self.scanned += len(asked.tables)

    def _counted(self, scan: Scan, place: Place) -> Counted:
        source, version = self._survey.source, self._survey.version
        read = {table: source.files(table, place) for table in (scan.table, *scan.context)}
        said = [FORMAT, __version__, checks_sha256(version), scan.columns, sorted(read.items())]
        digest = hashlib.sha256(json.dumps(said).encode()).hexdigest()
        return Counted(digest, self._survey.today.isoformat())

    @cached_property
    def _same_places(self) -> bool:
        """Whether the total and the census are of the places there are now."""
        return self._total is not None and self._total.counted.keys() == set(self._places)

    def fold(self) -> Mapping[str, Census]:
        """Return the keys of every table, from what is kept of them where that suffices."""
        some_hold = self._same_places and len(self._after) < len(self._places)
        known = self._shelf.census() if some_hold else None
        self._shelf.only(frozenset(self._places))
        if known is not None and not self._after:
            return {table: census_from_keys(keys) for table, keys in known.items()}
        tables = [scan.table for scan in self._survey.scans if scan.key]
        censuses = {
            table: self._changed(table, known[table])
            if known is not None and table in known
            else self._folded(table)
            for table in tables
        }
        self._shelf.put_census({table: census_to_keys(one) for table, one in censuses.items()})
        return censuses

    def _changed(self, table: str, known: Keys) -> Census:
        """Exchange the keys of the buckets that were scanned, if no key is shared."""
        census = census_from_keys(known)
        moved = [
            place
            for place, after in self._after.items()
            if table in after and self._before[place].get(table) is not after[table]
        ]
        if census.shared or any(table not in self._before[place] for place in moved):
            return self._folded(table)
        for place in moved:
            census.without(self._before[place][table])
        for place in moved:
            census.add(self._after[place][table])
        return census

    def _folded(self, table: str) -> Census:
        census = Census()
        for keys in self._keys(table):
            census.add(keys)
        return census

    def _keys(self, table: str) -> Iterator[Keys]:
        for place in self._places:
            found = self._after[place] if place in self._after else self._shelf.keys(place)
            if table in found:
                yield found[table]

    def merged(self, censuses: Mapping[str, Census]) -> pl.DataFrame:
        """Return all measures of all places, with the rows whose key another bucket has too."""
        total = self._summed()
        frames = [total]
        for scan in self._survey.scans:
            if scan.key and censuses[scan.table].shared:
                census, book = censuses[scan.table], Book(scan.table)
                rows = sum(rows_shared(keys, census) for keys in self._keys(scan.table))
                book.counts({f"repeated:{scan.key}": rows})
                frames.append(book.closed())
        return merge(frames) if len(frames) > 1 else total

    def _summed(self) -> pl.DataFrame:
        """Return the sum over all places, and keep it."""
        if self._total is not None and self._same_places and not self._after:
            return self._total.measures
        if self._total is not None and self._same_places and len(self._after) < len(self._places):
            summed = exchanged(self._total.measures, old=self._gone, new=self._new)
        else:
            untouched = [place for place in self._places if place not in self._after]
            kept = [self._shelf.measures(place) for place in untouched]
            summed = merge([*self._new, *(one for one in kept if one is not None)])
        self._shelf.put_total(Total(self._now, summed))
        return summed
