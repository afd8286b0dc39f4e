"""The journal of a move: which objects the destination was seen to hold, durable one by one.

A move that is killed at any moment loses at most the objects under way. The journal lies in the
hub's own folder, where the hosts do not reach, and saves work only: before the switch the
destination is listed and compared with it, and the heads are opened there.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from laennec.core.errors import StoreError, StoreFullError
from laennec.reversibility.move_model import Item

_TABLES = """
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS object (
    part TEXT, name TEXT, sha256 TEXT NOT NULL, size INTEGER NOT NULL, state TEXT NOT NULL,
    time TEXT NOT NULL, PRIMARY KEY (part, name)
) STRICT;
CREATE TABLE IF NOT EXISTS work (run INTEGER PRIMARY KEY, seconds REAL NOT NULL) STRICT;
"""
_VERIFIED = "verified"


class Journal:
    """One move's journal; used by one thread. Every method may raise ``StoreError``."""

    def __init__(self, path: Path) -> None:
        with _translated():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._base = sqlite3.connect(path, isolation_level=None)
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("PRAGMA synchronous=FULL")
            self._base.executescript(_TABLES)
            self._run = self._base.execute("INSERT INTO work (seconds) VALUES (0)").lastrowid

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def facts(self) -> Mapping[str, str]:
        """Return what was written down about the move as a whole."""
        with _translated():
            return dict(self._base.execute("SELECT name, value FROM fact"))

    def write_facts(self, facts: Mapping[str, str]) -> None:
        """Write facts down, all of them or none."""
        with _translated(), self._transaction():
            self._base.executemany("INSERT OR REPLACE INTO fact VALUES (?, ?)", facts.items())

    def remove_fact(self, name: str) -> None:
        """Forget a fact."""
        with _translated():
            self._base.execute("DELETE FROM fact WHERE name = ?", (name,))

    def items(self) -> set[Item]:
        """Return the objects that the destination was seen to hold."""
        with _translated():
            rows = self._base.execute("SELECT part, name, sha256, size FROM object")
            return {Item(*row) for row in rows}

    def add(self, items: Iterable[Item], *, time: str, seconds: float) -> None:
        """Write down objects that were read back, and how long this process has copied so far."""
        rows = [(one.part, one.name, one.sha256, one.size, _VERIFIED, time) for one in items]
        with _translated(), self._transaction():
            self._base.executemany("INSERT OR REPLACE INTO object VALUES (?,?,?,?,?,?)", rows)
            self._base.execute("UPDATE work SET seconds = ? WHERE run = ?", (seconds, self._run))

    def remove(self, items: Iterable[Item]) -> None:
        """Forget objects: they are to be copied again, or needed no more."""
        rows = [(one.part, one.name) for one in items]
        with _translated(), self._transaction():
            self._base.executemany("DELETE FROM object WHERE part = ? AND name = ?", rows)

    def seconds(self) -> float:
        """Return how long all processes of this move have copied."""
        with _translated():
            return float(self._base.execute("SELECT total(seconds) FROM work").fetchone()[0])

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._base.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._base.execute("ROLLBACK")
            raise
        self._base.execute("COMMIT")


@contextmanager
def _translated() -> Iterator[None]:
    """Turn SQLite's and the system's errors into ours."""
    try:
        yield
    except sqlite3.Error as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise StoreFullError(
                "No space is left for the journal of the move.",
                remedy="Make room in the hub's folder, and run the move again.",
            ) from None
        raise _unusable(error.sqlite_errorname) from None
    except OSError as error:
        raise _unusable(str(error.strerror)) from None


def _unusable(reason: str) -> StoreError:
    return StoreError(
        f"The journal of the move cannot be used ({reason}).",
        remedy="Check the rights of the hub's folder `move`; `laennec move --abandon` starts anew.",
    )
