"""Files made or damaged on purpose by a depositor: each is refused, none escapes as a bug.

An exception of a library that is not translated could quote a value from a row.
"""

import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from laennec.core.errors import LaennecError, SourceError
from laennec.intake.readers import header_of, inspect, read_chunks
from laennec.intake.sources import find_sources
from laennec.omop.cdm import CURRENT, cdm

PERSON = cdm(CURRENT).tables["person"]
ROWS = {one.name: [*range(20)] for one in PERSON.fields if one.required}
CSV = "\n".join([",".join(ROWS), *(",".join([str(n)] * len(ROWS)) for n in range(20)), ""]).encode()


def _zip(method: int) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", method) as archive:
        archive.writestr("person.csv", CSV)
    return body.getvalue()


def _parquet() -> bytes:
    body = io.BytesIO()
    pq.write_table(pa.table(ROWS), body)
    return body.getvalue()


MAKERS: dict[str, Callable[[], bytes]] = {
    "person.parquet": _parquet,
    "stored.zip": lambda: _zip(zipfile.ZIP_STORED),
    "deflate.zip": lambda: _zip(zipfile.ZIP_DEFLATED),
    "bzip2.zip": lambda: _zip(zipfile.ZIP_BZIP2),
    "lzma.zip": lambda: _zip(zipfile.ZIP_LZMA),
}


def _read(path: Path) -> None:
    for source in find_sources(path):
        file = inspect(source)
        source.digest()
        for _ in read_chunks(file, header_of(file, PERSON)):
            pass


@pytest.mark.parametrize("name", MAKERS)
def test_a_damaged_file_never_escapes_as_another_error(name: str, tmp_path: Path) -> None:
    whole, chance = MAKERS[name](), random.Random(name)  # noqa: S311 - repeatable damage
    path = tmp_path / name
    refused = 0
    for _ in range(300):
        body = bytearray(whole)
        for _ in range(chance.choice((1, 1, 3))):
            body[chance.randrange(len(body))] = chance.choice((0, 127, 128, 255))
        path.write_bytes(body)
        try:
            _read(path)
        except LaennecError:
            refused += 1
    assert refused > 30


def test_a_zip_of_a_version_to_come_is_refused(tmp_path: Path) -> None:
    body = bytearray(_zip(zipfile.ZIP_DEFLATED))
    body[body.rindex(b"PK\x01\x02") + 6] = 255  # version needed, in the central directory
    (tmp_path / "a.zip").write_bytes(body)
    with pytest.raises(SourceError):
        find_sources(tmp_path / "a.zip")


def test_a_parquet_column_whose_name_is_no_text_is_refused(tmp_path: Path) -> None:
    body = _parquet().replace(b"person_id", b"person_\xff\xfe")
    (tmp_path / "person.parquet").write_bytes(body)
    with pytest.raises(SourceError):
        _read(tmp_path / "person.parquet")


@pytest.mark.parametrize("member", ["../../person.csv", "/etc/person.csv", "a\x1b[2J/person.csv"])
def test_a_path_in_a_zip_leads_nowhere(member: str, tmp_path: Path) -> None:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr(member, CSV)
    (tmp_path / "a.zip").write_bytes(body.getvalue())
    _read(tmp_path / "a.zip")
    assert [one.name for one in tmp_path.iterdir()] == ["a.zip"]
