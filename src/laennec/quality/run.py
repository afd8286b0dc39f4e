"""Every check on a data set: scan what changed, merge, fold the keys, judge.

Threads take buckets, as in ``runs.local``; each worker holds one table of one bucket and the few
columns that its checks look into. Only whole numbers and keys come out of a bucket.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import date
from threading import Event, Lock

import polars as pl

from laennec import __version__
from laennec.core.errors import EngineError
from laennec.core.progress import Task
from laennec.core.spill import forbid_spill
from laennec.quality.checks import checks, checks_sha256
from laennec.quality.context import LOOKED_INTO, Context
from laennec.quality.cross import across, crossing
from laennec.quality.keys import Census, Keys, census_from_keys, census_to_keys, rows_shared
from laennec.quality.outcomes import Findings, outcome
from laennec.quality.partials import Book, Measures, merge
from laennec.quality.plan import VISIT, Columns, Scan, needed, plan_scans
from laennec.quality.ports import QualitySource
from laennec.quality.scan import scan_table
from laennec.quality.shelf import Counted, Kept, Place, Shelf
from laennec.quality.statuses import Result, judge
from laennec.quality.vocabulary import Lookups
from laennec.runs.local import ENGINE_FAILURES

FORMAT = 1
"""Number of the meaning of measures; a kept partial of another one is counted again."""


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
    workers: int,
    progress: Task,
    everything: bool = False,
) -> Assessment:
    """Answer every check on a version of the CDM.

    Args:
        version: Of the checks.
        source: The rows; read from ``workers`` threads at once.
        shelf: Where partials are kept; what is there and still holds is not counted again.
        today: Day on which a day counts as to come.
        workers: Buckets in work at the same time, at least 1.
        progress: Advanced by 1 for each bucket done.
        everything: Count again what is kept, too.

    Raises:
        EngineError: the computation of a bucket failed. Buckets not yet begun are not begun.
        LaennecError: the source cannot read a bucket.
    """
    forbid_spill()
    tables = {
        table for check in checks(version) for table, _ in [*needed(check), (check.table, "")]
    }
    columns = {table: source.columns(table) for table in tables}
    work = _Work(version, source, shelf, columns, today, everything=everything)
    work.scan(workers=workers, progress=progress)
    censuses = work.fold()
    merged = work.merged(censuses)
    # Identifiers that lie in two buckets are rare; where there are none, nothing is read here.
    visits = crossing(work.scans, Measures(merged), censuses.get(VISIT, Census()))
    merged = merge([merged, across(work.scans, source, visits)])
    found = Findings(Measures(merged), censuses, Lookups(source), columns, today)
    results = judge([(check, outcome(check, found)) for check in checks(version)])
    return Assessment(results, work.scanned, work.all_scans)


class _Work:
    """One run: what there is to scan, what was kept, and what came out."""

    def __init__(
        self,
        version: str,
        source: QualitySource,
        shelf: Shelf,
        columns: Columns,
        today: date,
        *,
        everything: bool,
    ) -> None:
        self._version, self._source, self._shelf = version, source, shelf
        self._columns, self._today, self._everything = columns, today, everything
        self.scans = plan_scans(version, columns)
        self._places: tuple[Place, ...] = (*source.buckets(), None)
        self._measures: dict[Place, pl.DataFrame] = {}
        self._before: dict[Place, Mapping[str, Keys]] = {}
        self._after: dict[Place, Mapping[str, Keys]] = {}
        self._lock, self.scanned = Lock(), 0

    @property
    def all_scans(self) -> int:
        """How many tables of buckets there are."""
        return sum(len(self._of(place)) for place in self._places)

    def _of(self, place: Place) -> list[Scan]:
        return [scan for scan in self.scans if scan.cut == (place is not None)]

    def scan(self, *, workers: int, progress: Task) -> None:
        """Scan every place, several at a time; the first error stops the run."""
        if workers < 1:
            raise ValueError("a run needs at least one worker")
        halted = Event()

        def work(place: Place) -> None:
            if halted.is_set():
                return
            try:
                self._visit(place)
            except BaseException:
                halted.set()
                raise

        pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="laennec-quality")
        try:
            for done in as_completed([pool.submit(work, place) for place in self._places]):
                done.result()
                progress.advance(1)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _visit(self, place: Place) -> None:
        try:
            self._count(place)
        except ENGINE_FAILURES as error:
            failure = type(error).__name__
        else:
            return
        where = "the tables without person" if place is None else f"bucket {place}"
        # Outside the handler: the engine's message, which may quote a value, is not chained.
        raise EngineError(
            f"The data quality of {where} could not be computed ({failure}).",
            remedy="Run with fewer workers, or cut the warehouse into more buckets if memory is "
            "short.",
        )

    def _count(self, place: Place) -> None:
        """Scan the tables of a place whose kept measures do not hold any more."""
        scans = self._of(place)
        now = {scan.table: self._counted(scan, place) for scan in scans}
        kept = self._shelf.kept(place)
        stale = [scan for scan in scans if not self._holds(kept, scan.table, now[scan.table])]
        if kept is not None and not stale and kept.counted.keys() == now.keys():
            self._measures[place] = kept.measures
            return
        # First what the others look into, so that it is read once.
        stale.sort(key=lambda scan: scan.table not in LOOKED_INTO)
        context = Context(self._source, place, self._columns)
        found = {scan.table: scan_table(scan, context, today=self._today) for scan in stale}
        before = self._shelf.keys(place)
        fresh = {table: one.keys for table, one in found.items() if one.keys is not None}
        held = {scan.table for scan in scans} - found.keys()
        frames = [one.measures for one in found.values()]
        counted = {table: now[table] for table in found}
        if kept is not None:
            frames.append(kept.measures.filter(pl.col("table").is_in(list(held))))
            counted.update({table: kept.counted[table] for table in held})
        after = {**{table: keys for table, keys in before.items() if table in held}, **fresh}
        measures = merge(frames)
        self._shelf.put(place, Kept(counted, measures), after)
        with self._lock:
            self._measures[place] = measures
            self._before[place], self._after[place] = before, after
            self.scanned += len(found)

    def _holds(self, kept: Kept | None, table: str, now: Counted) -> bool:
        """Whether what is kept of a table is what a scan would find."""
        known = kept.counted.get(table) if kept and not self._everything else None
        return known is not None and known.digest == now.digest and known.day <= now.day

    def _counted(self, scan: Scan, place: Place) -> Counted:
        read = {table: self._source.files(table, place) for table in (scan.table, *scan.context)}
        said = [
            FORMAT,
            __version__,
            checks_sha256(self._version),
            scan.columns,
            sorted(read.items()),
        ]
        digest = hashlib.sha256(json.dumps(said).encode()).hexdigest()
        return Counted(digest, self._today.isoformat())

    def fold(self) -> Mapping[str, Census]:
        """Return the keys of every table, from what is kept of them where that suffices."""
        known = self._shelf.census()
        same_places = self._shelf.places() == frozenset(self._places)
        self._shelf.only(frozenset(self._places))
        if known is not None and same_places and not self._after:
            return {table: census_from_keys(keys) for table, keys in known.items()}
        tables = [scan.table for scan in self.scans if scan.key]
        censuses = {
            table: self._changed(table, known[table])
            if known is not None and same_places and table in known
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
        frames = list(self._measures.values())
        for scan in self.scans:
            if scan.key and censuses[scan.table].shared:
                census, book = censuses[scan.table], Book(scan.table)
                rows = sum(rows_shared(keys, census) for keys in self._keys(scan.table))
                book.counts({f"repeated:{scan.key}": rows})
                frames.append(book.closed())
        return merge(frames)
