"""Where partials are kept between two runs, and their serial form.

A *place* is a person bucket, or None for all tables without person. Of each place the measures and
the keys are kept, so that they can be taken out again when the place has changed; and of all places
together the total, with what it was counted from. So a run opens what is kept of changed places
alone.
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
_WHOLE = "whole"


@dataclass(frozen=True)
class Counted:
    """For what a table's measures hold.

    Attributes:
        digest: Of the files, the checks and the program.
        day: ISO date of the run; what is late on that day may be asked of a later day only.
    """

    digest: str
    day: str

    def holds(self, now: "Counted") -> bool:
        """Whether what was counted is what would be counted now."""
        return self.digest == now.digest and self.day <= now.day


@dataclass(frozen=True)
class Total:
    """The sum over all places.

    Attributes:
        counted: By place and table.
        measures: Of all of them, merged (``partials``).
    """

    counted: Mapping[Place, Mapping[str, Counted]]
    measures: pl.DataFrame


class Shelf(Protocol):
    """Keeps partials. What is put is of one run, and becomes visible together."""

    def places(self) -> frozenset[Place]:
        """Return the places of which something is kept."""

    def measures(self, place: Place) -> pl.DataFrame | None:
        """Return the measures kept of a place."""

    def keys(self, place: Place) -> Mapping[str, Keys]:
        """Return the keys kept of a place, by table."""

    def census(self) -> Mapping[str, Keys] | None:
        """Return the census of each table, in the form of keys; None when none is kept."""

    def total(self) -> Total | None:
        """Return the sum over the places; None when none is kept."""

    def put(self, place: Place, measures: pl.DataFrame, keys: Mapping[str, Keys]) -> None:
        """Keep a place in place of what was kept of it."""

    def put_census(self, census: Mapping[str, Keys]) -> None:
        """Keep the census."""

    def put_total(self, total: Total) -> None:
        """Keep the sum."""

    def only(self, places: frozenset[Place]) -> None:
        """Forget all other places."""


@dataclass
class Memory:
    """Keeps partials for the time of a run, or of a test."""

    _measures: dict[Place, pl.DataFrame] = field(default_factory=dict)
    _keys: dict[Place, Mapping[str, Keys]] = field(default_factory=dict)
    _census: Mapping[str, Keys] | None = None
    _total: Total | None = None

    def places(self) -> frozenset[Place]:
        """Return the places of which something is kept."""
        return frozenset(self._measures)

    def measures(self, place: Place) -> pl.DataFrame | None:
        """Return the measures kept of a place."""
        return self._measures.get(place)

    def keys(self, place: Place) -> Mapping[str, Keys]:
        """Return the keys kept of a place."""
        return self._keys.get(place, {})

    def census(self) -> Mapping[str, Keys] | None:
        """Return the census."""
        return self._census

    def total(self) -> Total | None:
        """Return the sum."""
        return self._total

    def put(self, place: Place, measures: pl.DataFrame, keys: Mapping[str, Keys]) -> None:
        """Keep a place."""
        self._measures[place], self._keys[place] = measures, keys

    def put_census(self, census: Mapping[str, Keys]) -> None:
        """Keep the census."""
        self._census = census

    def put_total(self, total: Total) -> None:
        """Keep the sum."""
        self._total = total

    def only(self, places: frozenset[Place]) -> None:
        """Forget all other places."""
        for place in self.places() - places:
            del self._measures[place], self._keys[place]


def measures_to_bytes(measures: pl.DataFrame) -> bytes:
    """Return the serial form: a Parquet file."""
    out = io.BytesIO()
    measures.write_parquet(out, compression="zstd", compression_level=1)
    return out.getvalue()


def measures_from_bytes(body: bytes) -> pl.DataFrame:
    """Return the measures whose serial form is ``body``."""
    return pl.read_parquet(io.BytesIO(body))


def total_to_bytes(total: Total) -> bytes:
    """Return the serial form: the length of a JSON header, the header, the measures."""
    header = json.dumps(
        {
            place_name(place): {table: [one.digest, one.day] for table, one in tables.items()}
            for place, tables in total.counted.items()
        }
    ).encode()
    return _LENGTH.pack(len(header)) + header + measures_to_bytes(total.measures)


def total_from_bytes(body: bytes) -> Total:
    """Return the sum whose serial form is ``body``.

    Raises:
        FormatError: it is not one.
    """
    header, rest = _parts(body)
    counted = {
        place_of(name): {table: Counted(*one) for table, one in tables.items()}
        for name, tables in header.items()
    }
    return Total(counted, measures_from_bytes(rest))


def place_name(place: Place) -> str:
    """Return the name of a place: its number, or ``whole``."""
    return _WHOLE if place is None else str(place)


def place_of(name: str) -> Place:
    """Return the place of this name."""
    return None if name == _WHOLE else int(name)


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
