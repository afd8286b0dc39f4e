"""Where partials are kept between two runs, and their serial form.

A *place* is a person bucket, or None for all tables without person. What is kept of a place is for
certain files: each table's measures go with the digest of all that they were counted from.
"""

import io
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import polars as pl

from laennec.core.errors import FormatError
from laennec.quality.keys import Keys

Place = int | None
_LENGTH = struct.Struct("<Q")


@dataclass(frozen=True)
class Counted:
    """For what a table's measures hold.

    Attributes:
        digest: Of the files, the checks and the program.
        day: ISO date of the run; what is late on that day may be asked of a later day only.
    """

    digest: str
    day: str


@dataclass(frozen=True)
class Kept:
    """What is kept of a place.

    Attributes:
        counted: By table.
        measures: Of all those tables, in one frame (``partials``).
    """

    counted: Mapping[str, Counted]
    measures: pl.DataFrame


class Shelf(Protocol):
    """Keeps partials. Called from several threads at once, for different places."""

    def places(self) -> frozenset[Place]:
        """Return the places of which something is kept."""

    def kept(self, place: Place) -> Kept | None:
        """Return the measures kept of a place."""

    def keys(self, place: Place) -> Mapping[str, Keys]:
        """Return the keys kept of a place, by table."""

    def census(self) -> Mapping[str, Keys] | None:
        """Return the census of each table, in the form of keys; None when none is kept."""

    def put(self, place: Place, kept: Kept, keys: Mapping[str, Keys]) -> None:
        """Keep a place in place of what was kept of it."""

    def put_census(self, census: Mapping[str, Keys]) -> None:
        """Keep the census."""

    def only(self, places: frozenset[Place]) -> None:
        """Forget all other places."""


@dataclass
class Memory:
    """Keeps partials for the time of a run, or of a test."""

    _kept: dict[Place, Kept] = field(default_factory=dict)
    _keys: dict[Place, Mapping[str, Keys]] = field(default_factory=dict)
    _census: Mapping[str, Keys] | None = None

    def places(self) -> frozenset[Place]:
        """Return the places of which something is kept."""
        return frozenset(self._kept)

    def kept(self, place: Place) -> Kept | None:
        """Return the measures kept of a place."""
        return self._kept.get(place)

    def keys(self, place: Place) -> Mapping[str, Keys]:
        """Return the keys kept of a place."""
        return self._keys.get(place, {})

    def census(self) -> Mapping[str, Keys] | None:
        """Return the census."""
        return self._census

    def put(self, place: Place, kept: Kept, keys: Mapping[str, Keys]) -> None:
        """Keep a place."""
        self._kept[place], self._keys[place] = kept, keys

    def put_census(self, census: Mapping[str, Keys]) -> None:
        """Keep the census."""
        self._census = census

    def only(self, places: frozenset[Place]) -> None:
        """Forget all other places."""
        for place in self.places() - places:
            del self._kept[place], self._keys[place]


def kept_to_bytes(kept: Kept) -> bytes:
    """Return the serial form: the length of a JSON header, the header, a Parquet file."""
    header = json.dumps(
        {table: [one.digest, one.day] for table, one in sorted(kept.counted.items())}
    ).encode()
    out = io.BytesIO()
    kept.measures.write_parquet(out, compression="zstd", compression_level=1)
    return _LENGTH.pack(len(header)) + header + out.getvalue()


def kept_from_bytes(body: bytes) -> Kept:
    """Return what ``body`` is the serial form of.

    Raises:
        FormatError: it is not one.
    """
    header, rest = _parts(body)
    counted = {table: Counted(*one) for table, one in header.items()}
    return Kept(counted, pl.read_parquet(io.BytesIO(rest)))


def keys_to_bytes(keys: Mapping[str, Keys]) -> bytes:
    """Return the serial form: the length of a JSON header with lengths, the header, the keys."""
    bodies = {table: one.to_bytes() for table, one in sorted(keys.items())}
    header = json.dumps({table: len(body) for table, body in bodies.items()}).encode()
    return b"".join([_LENGTH.pack(len(header)), header, *bodies.values()])


def keys_from_bytes(body: bytes) -> Mapping[str, Keys]:
    """Return the keys whose serial form is ``body``.

    Raises:
        FormatError: it is not one.
    """
    header, rest = _parts(body)
    found: dict[str, Keys] = {}
    start = 0
    for table, length in header.items():
        found[table] = Keys.from_bytes(rest[start : start + length])
        start += length
    return found


def _parts(body: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        start = _LENGTH.size + _LENGTH.unpack_from(body)[0]
        return json.loads(body[_LENGTH.size : start]), body[start:]
    except (struct.error, ValueError):
        raise FormatError(
            "Kept data quality counts have a form that this program does not know.",
            remedy="Run `laennec quality --all`, which counts everything again.",
        ) from None
