"""Sealed Parquet: standard modular encryption, which any conforming engine reads with the key.

Always: ``AES_GCM_V1``, one uniform 256-bit key per file, encrypted footer, data page V1, and an AAD
prefix that names the place and is not stored, so that a file put in another's place does not open.
Nothing is written to disk in clear: frames are sealed in memory.

Every module (page, page header, footer) authenticates on its own with its ordinals, so a reader
that takes two columns authenticates what it takes. One gap is closed here: Polars, even when given
keys, reads a *plaintext* Parquet file without complaint (measured with 2.1.0; pyarrow refuses), so
a host could serve forged rows. A body must therefore end in the magic of an encrypted footer, and
the bytes that were checked are the bytes that are read: readers take ``bytes``, never a path that
could change in between.

Source: Parquet Modular Encryption, apache/parquet-format ``Encryption.md``.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

from laennec.core.errors import IntegrityError
from laennec.vault.labels import KEY_BYTES, encode_parts
from laennec.vault.summaries import Footer, Summary, together

MAGIC = b"PARE"
_POLARS_FAILURES = (
    pl.exceptions.ComputeError,
    pl.exceptions.InvalidOperationError,
    pl.exceptions.PanicException,
)
_DAYS = (pl.Date(), pl.Datetime("us"), pl.Datetime("ms"))
COMPRESSION_LEVEL = 1
"""zstd level. Of 0.8 M rows x 6 columns, Polars at level 1 makes 6.0 MB in 0.15 s, at level 3
5.9 MB in as long with 1.1 x the CPU; pyarrow at level 1 makes 7.7 MB in 0.23 s. So: Polars, 1."""

GROUP_ROWS = 2**22
"""Rows of a row group at most. A bucket's table is one group, so that each of its columns comes as
one array: five columns of 0.8 M rows are read in 6.3 ms, in groups of Polars' own size in 7.9 ms,
and whoever then needs whole arrays would copy the groups into one (``benchmarks/kernel.py``)."""


def file_place(*, warehouse_id: str, table: str, bucket: int | None, version: int) -> bytes:
    """Return the AAD prefix of a data file; different places give different bytes.

    Args:
        warehouse_id: Of the warehouse it belongs to.
        table: Its table.
        bucket: Its person bucket, or None for a table that is not cut.
        version: Of the table's bucket.
    """
    number = "" if bucket is None else str(bucket)
    return encode_parts(b"laennec/place/1", warehouse_id, table, number, str(version))


def seal_frame(frame: pl.DataFrame, *, key: bytes, place: bytes) -> bytes:
    """Return ``frame`` as a sealed Parquet file, by Polars; rows and columns keep their order.

    Args:
        frame: Any frame, empty included.
        key: A fresh random 256-bit key, never used for another file.
        place: From ``file_place``.
    """
    _check_key(key)
    out = io.BytesIO()
    frame.write_parquet(
        out,
        compression="zstd",
        compression_level=COMPRESSION_LEVEL,
        row_group_size=GROUP_ROWS,
        encryption=pl.ParquetEncryptionProperties(footer_key=key, aad_prefix=place),
    )
    return out.getvalue()


def seal_arrow(table: pa.Table, *, key: bytes, place: bytes) -> bytes:
    """Return ``table`` as a sealed Parquet file written by pyarrow, as ``seal_frame`` does."""
    _check_key(key)
    out = io.BytesIO()
    properties = pe.create_encryption_properties(
        key, aad_prefix=place, store_aad_prefix=False, encryption_algorithm="AES_GCM_V1"
    )
    pq.write_table(
        table,
        out,
        compression="zstd",
        compression_level=COMPRESSION_LEVEL,
        data_page_version="1.0",
        encryption_properties=properties,
    )
    return out.getvalue()


def scan_frame(sealed: bytes, *, key: bytes, place: bytes, name: str) -> pl.LazyFrame:
    """Return a lazy frame over a sealed file; collect it inside ``authenticated(name)``.

    Args:
        sealed: The whole file, in memory.
        key: Its key.
        place: Its place.
        name: What to call it in an error.

    Raises:
        IntegrityError: it has no encrypted footer.
    """
    _check_magic(sealed, name)
    properties = pl.ParquetDecryptionProperties(footer_key=key, aad_prefix=place)
    return pl.scan_parquet(sealed, decryption=properties, glob=False)


def read_frame(
    sealed: bytes,
    *,
    key: bytes,
    place: bytes,
    name: str,
    columns: Sequence[str] | None = None,
    where: pl.Expr | None = None,
) -> pl.DataFrame:
    """Return rows of a sealed file by Polars, in the order of the file.

    Args:
        sealed: The whole file, in memory.
        key: Its key.
        place: Its place.
        name: What to call it in an error.
        columns: Columns to return, in this order; all when None.
        where: Keep the rows for which this is true; it may use any column of the file.

    Raises:
        IntegrityError: the file was altered, truncated, moved, replaced, or has another key.
    """
    with authenticated(name):
        frame = scan_frame(sealed, key=key, place=place, name=name)
        frame = frame if where is None else frame.filter(where)
        return (frame if columns is None else frame.select(columns)).collect()


def read_footer(sealed: bytes, *, key: bytes, place: bytes, name: str) -> Footer:
    """Return what the footer of a sealed file says, which authenticates on its own.

    Arguments as of ``scan_frame``.

    Raises:
        IntegrityError: as ``read_frame``.
    """
    _check_magic(sealed, name)
    properties = pe.create_decryption_properties(key, aad_prefix=place)
    with authenticated(name):
        footer = pq.read_metadata(pa.BufferReader(sealed), decryption_properties=properties)
        schema = pl.Schema(footer.schema.to_arrow_schema())
        if not footer.num_row_groups:
            return Footer(0, {name: Summary(kind, 0) for name, kind in schema.items()})
        groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
        return together([Footer(one.num_rows, _summaries(one, schema)) for one in groups])


def _summaries(group: pq.RowGroupMetaData, schema: pl.Schema) -> Mapping[str, Summary]:
    # By name: a nested column has several leaves or another path, and nothing is known of it.
    leaves = [group.column(at) for at in range(group.num_columns)]
    said = {leaf.path_in_schema: leaf.statistics for leaf in leaves}
    return {name: _summary(said.get(name), kind) for name, kind in schema.items()}


def _summary(said: pq.Statistics | None, kind: pl.DataType) -> Summary:
    if said is None or not said.has_null_count:
        return Summary(kind)
    if not said.has_min_max or not (kind.is_numeric() or kind in _DAYS):
        return Summary(kind, said.null_count)
    try:
        return Summary(kind, said.null_count, said.min, said.max)
    except (OverflowError, ValueError):  # a day that the calendar of Python does not have
        return Summary(kind, said.null_count)


def read_arrow(
    sealed: bytes, *, key: bytes, place: bytes, name: str, columns: Sequence[str] | None = None
) -> pa.Table:
    """Return a sealed file by pyarrow, rows in the order of the file.

    Args:
        sealed: The whole file, in memory.
        key: Its key.
        place: Its place.
        name: What to call it in an error.
        columns: Columns to return, in this order; all when None.

    Raises:
        IntegrityError: the file was altered, truncated, moved, replaced, or has another key.
        KeyError: the file has no such column.
    """
    _check_magic(sealed, name)
    properties = pe.create_decryption_properties(key, aad_prefix=place)
    with authenticated(name):
        file = pq.ParquetFile(pa.BufferReader(sealed), decryption_properties=properties)
        known = set(file.schema_arrow.names)
        for column in columns or ():
            if column not in known:
                raise KeyError(column)  # pyarrow would leave it out without a word
        return file.read() if columns is None else file.read(list(columns)).select(list(columns))


@contextmanager
def authenticated(name: str) -> Iterator[None]:
    """Turn a reader's failure to decrypt, decode or compute into ``IntegrityError``.

    The engine's own message, which may quote a value from a row, is dropped. Unknown columns and
    ill-typed expressions are the caller's mistake and pass through unchanged.
    """
    try:
        yield
    except (*_POLARS_FAILURES, OSError, pa.ArrowException):
        raise broken(name) from None


def broken(name: str) -> IntegrityError:
    """Return the error for a data file that is not what was sealed."""
    return IntegrityError(
        f"{name} does not authenticate: altered, truncated, swapped or replaced.",
        remedy="Run `laennec verify`, then restore the named objects from a copy.",
    )


def _check_magic(sealed: bytes, name: str) -> None:
    if sealed[:4] != MAGIC or sealed[-4:] != MAGIC:
        raise broken(name)


def _check_key(key: bytes) -> None:
    if len(key) != KEY_BYTES:
        raise ValueError("a file key has 32 bytes")
