"""A partial as Arrow, for the way from one process to another.

One table in the IPC stream format: ``part`` (``counts``, ``first`` or ``last``), ``key`` (the key's
members as a JSON array, which tells numbers from names), ``number`` and ``day``, of which one is
null. Columns are compressed. The order of keys is kept.
"""

import json
from dataclasses import fields
from datetime import date
from typing import Any

import pyarrow as pa

from laennec.core.errors import EngineError
from laennec.study.partials import Key, Partial

_SCHEMA = pa.schema(
    [
        ("part", pa.string()),
        ("key", pa.string()),
        ("number", pa.int64()),
        ("day", pa.date32()),
    ]
)
_encode = json.JSONEncoder(separators=(",", ":")).encode
_PARTS = tuple(one.name for one in fields(Partial))


def to_arrow(partial: Partial) -> bytes:
    """Return a partial as an Arrow IPC stream.

    Raises:
        OverflowError: a count does not fit into 64 bits.
    """
    rows = [
        (part, _encode(key), value)
        for part in _PARTS
        for key, value in getattr(partial, part).items()
    ]
    values = [value for _, _, value in rows]
    columns = [
        pa.array([part for part, _, _ in rows], pa.string()),
        pa.array([key for _, key, _ in rows], pa.string()),
        pa.array([None if isinstance(one, date) else one for one in values], pa.int64()),
        pa.array([one if isinstance(one, date) else None for one in values], pa.date32()),
    ]
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, _SCHEMA, options=options) as stream:
        stream.write_batch(pa.record_batch(columns, schema=_SCHEMA))
    return bytes(sink.getvalue())


def from_arrow(body: bytes) -> Partial:
    """Return the partial that ``to_arrow`` wrote.

    Raises:
        EngineError: it is something else.
    """
    found: dict[str, dict[Key, Any]] = {part: {} for part in _PARTS}
    try:
        table = pa.ipc.open_stream(body).read_all()
        if table.schema != _SCHEMA:
            raise _another_form()
        part, key, number, day = (column.to_pylist() for column in table.columns)
        for index, name in enumerate(part):
            value = day[index] if number[index] is None else number[index]
            found[name][tuple(json.loads(key[index]))] = value
    except (pa.ArrowInvalid, OSError, KeyError, ValueError):
        raise _another_form() from None
    return Partial(**found)


def _another_form() -> EngineError:
    return EngineError(
        "An executor answered in another form than this program's.",
        remedy="Install the same Laennec on every machine of the cluster.",
    )
