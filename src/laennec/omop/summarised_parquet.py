"""A ``summarised_result`` as Parquet: one file of its rows, one of its settings.

The rows keep the thirteen columns of the CSV and nothing else, the settings are one line per
``result_id``: what ``omopgenerics::newSummarisedResult(x, settings)`` takes, and what joins by
``result_id`` in DuckDB or Polars. Values stay text, since a hidden estimate is one (``-``); a
missing one is null. Equal results give equal bytes, on the same version of pyarrow. It does not
decide what may be published: that is ``disclosure``.
"""

import io
from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from laennec.omop.summarised_result import COLUMNS, SummarisedResult

_FIRST = ("result_type", "package_name", "package_version")
_FIRST_EXTRA = ("group", "strata", "additional", "min_cell_count")
_ROWS_PER_GROUP = 100_000


def rows_to_parquet(result: SummarisedResult) -> bytes:
    """Return the rows, in order: ``result_id`` as a 32-bit integer, all else as text."""
    columns = {name: [getattr(row, name) for row in result.rows] for name in COLUMNS}
    return _written(columns)


def settings_to_parquet(result: SummarisedResult) -> bytes:
    """Return one line per ``result_id``, in order; a setting that it has not is null.

    Columns: ``result_id``, then in omopgenerics' order what all results have, then the others by
    name.
    """
    extra = sorted({name for one in result.settings for name in one.extra} - set(_FIRST_EXTRA))
    columns: dict[str, list[int] | list[str | None]] = {
        "result_id": [one.result_id for one in result.settings]
    }
    for name in _FIRST:
        columns[name] = [getattr(one, name) for one in result.settings]
    for name in (*_FIRST_EXTRA, *extra):
        columns[name] = [one.extra.get(name) for one in result.settings]
    return _written(columns)


def _written(columns: Mapping[str, Iterable[object]]) -> bytes:
    """Write columns of text around the one of whole numbers; all that is written is fixed here."""
    types = {name: pa.int32() if name == "result_id" else pa.string() for name in columns}
    table = pa.table({name: pa.array(values, type=types[name]) for name, values in columns.items()})
    out = io.BytesIO()
    pq.write_table(
        table,
        out,
        version="2.6",
        compression="zstd",
        row_group_size=_ROWS_PER_GROUP,
        store_schema=False,
    )
    return out.getvalue()
