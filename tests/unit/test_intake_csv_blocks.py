"""CSV in blocks, against a reader that goes character by character, wherever the blocks are cut."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from laennec.core.errors import SourceError
from laennec.intake.csv_blocks import read_header, read_records
from laennec.intake.csv_records import LINE, Dialect
from laennec.intake.csv_text import Utf8Stream

Record = tuple[int, tuple[str | None, ...]]


@dataclass
class Read:
    """What a file holds: good records and malformed ones with their lines, and an open quote."""

    good: list[Record] = field(default_factory=list)
    malformed: list[tuple[int, str]] = field(default_factory=list)
    open_at: int | None = None


def stream(body: bytes, encoding: str = "utf-8") -> Utf8Stream:
    return Utf8Stream(io.BytesIO(body), file="t.csv", encoding=encoding)


def read(
    body: bytes, *, width: int, block: int = 16 << 20, encoding: str = "utf-8", quoted: bool = True
) -> Read:
    names = [f"c{n}" for n in range(width)]
    found = Read()
    dialect = Dialect(",", quoted=quoted)
    for one in read_records(stream(body, encoding), names, dialect, file="t.csv", block=block):
        assert one.rows.columns == [*names, LINE]
        found.good += [(row[-1], row[:-1]) for row in one.rows.rows()]
        found.malformed += one.malformed.rows()
    return found


def naive(text: str, *, width: int) -> Read:
    """Read character by character, as the docstring of ``csv_blocks`` says."""
    found, place, line = Read(), 0, 2
    while place < len(text):
        start, first, fields, ok = place, line, [""], True
        while True:  # one field after the other
            if text[place : place + 1] == '"':
                place += 1
                while place < len(text) and (
                    text[place] != '"' or text[place + 1 : place + 2] == '"'
                ):
                    fields[-1] += text[place]
                    line += text[place] == "\n"
                    place += 2 if text[place] == '"' else 1
                if place == len(text):
                    found.open_at = first
                    return found
                place += 1
                ok = ok and text[place : place + 1] in ("", ",", "\n", "\r")
                while not ok and place < len(text) and text[place] != "\n":
                    place += 1  # nothing of this line can be trusted
            else:
                while (
                    place < len(text)
                    and text[place] not in ",\n"
                    and text[place : place + 2] != "\r\n"
                ):
                    fields[-1] += text[place]
                    place += 1
            if text[place : place + 1] != ",":
                break
            place += 1
            fields.append("")
        raw = text[start:place]
        place = text.find("\n", place) + 1 or len(text)
        line += 1
        if not ok or (raw and len(fields) != width):
            found.malformed.append((first, raw.rstrip("\r\n")))
        elif raw:
            found.good.append((first, tuple(one or None for one in fields)))
    return found


PIECES = st.lists(
    st.sampled_from(["a", "é", " ", ",", ",", '"', '""', "\n", "\n", "\r\n", "1", "𝄞"]), max_size=40
).map("".join)
CELLS = st.text('aé1 ,"\n', max_size=5).map(lambda text: text.replace("\n", "\r\n"))
BLOCKS = st.sampled_from([1, 2, 3, 7, 16, 64, 1 << 20])


def same_or_open(body: bytes, expected: Read, *, width: int, block: int) -> None:
    if expected.open_at is None:
        assert read(body, width=width, block=block) == expected
    else:
        with pytest.raises(SourceError, match=rf"t\.csv, line {expected.open_at}: a quote"):
            read(body, width=width, block=block)


@settings(max_examples=400, deadline=None)
@given(PIECES, st.integers(2, 4), BLOCKS)
@example('a,"b\n', 2, 1)
@example('"a"b,"c\nd",e\n', 2, 3)
@example('5" pipe,b\n"x\ny",z', 2, 2)
@example("\n\r\na,b\r\n\r\n\nc,d", 2, 4)
@example("\ufeffa,b\n", 2, 4)
@example("a,b\nc,d,e\nf\n", 2, 64)
@example("a,b,c\nd\n", 2, 64)
@example("a\nb,c,d\n", 2, 64)
@example("x,y\na,b,\nc\n", 2, 64)
@example("x,y\nc\n,b,\n", 2, 64)
@example("x,y\n\n,,\n", 2, 64)
def test_any_text_is_read_as_character_by_character(text: str, width: int, block: int) -> None:
    same_or_open(text.encode(), naive(text, width=width), width=width, block=block)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=12),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    BLOCKS,
)
def test_what_the_csv_module_writes_comes_back(
    rows: list[list[str]], quoting: Literal[0, 1], end: str, last_break: bool, block: int
) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=quoting, lineterminator=end).writerows(rows)
    text = out.getvalue() if last_break else out.getvalue().removesuffix(end)
    found = read(text.encode(), width=3, block=block)
    assert found.malformed == []
    assert [row for _, row in found.good] == [tuple(cell or None for cell in row) for row in rows]
    reader, starts, before = csv.reader(io.StringIO(text, newline=""), strict=True), [], 0
    for _ in reader:
        starts.append(before + 2)
        before = reader.line_num
    assert [line for line, _ in found.good] == starts


@pytest.mark.parametrize(
    "encoding", ["latin-1", "cp1252", "utf-16", "utf-8-sig", "UTF8", "shift_jis"]
)
@pytest.mark.parametrize("block", [1, 3, 1 << 20])
def test_other_encodings_give_the_same(encoding: str, block: int) -> None:
    text = 'a,"é\nû"\r\n1,2,3\nb,c' if encoding != "shift_jis" else 'a,"表\nソ"\r\n1,2,3\nb,c'
    expected = naive(text, width=2)
    assert len(expected.good) == 2
    if encoding == "utf-8-sig":
        with_header = stream(("x,y\n" + text).encode(encoding), encoding)
        assert read_header(with_header, file="t.csv")[0] == ["x", "y"]
    else:
        assert read(text.encode(encoding), width=2, block=block, encoding=encoding) == expected


def test_files_without_quotes_keep_them() -> None:
    found = read(b'a,b "big\n"c,d"\n', width=2, quoted=False)
    assert found.good == [(2, ("a", 'b "big')), (3, ('"c', 'd"'))]


def test_a_lone_carriage_return_is_malformed() -> None:
    found = read(b"a\rb,c\nd,e\nf,g\r\r\n", width=2)
    assert found.good == [(3, ("d", "e"))]
    assert [line for line, _ in found.malformed] == [2, 4]
    assert read(b'"a\rb",c\n', width=2).good == [(2, ("a\rb", "c"))]
    assert [line for line, _ in read(b'x",a\rb\nc,d\n', width=2).malformed] == [2]


def test_malformed_records_are_given_back_as_they_are() -> None:
    found = read(b'a,"b, ""c"" \n",d\r\n\n1,2\n', width=2)
    assert found.malformed == [(2, 'a,"b, ""c"" \n",d')]
    assert found.good == [(5, ("1", "2"))]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"a,b\n1,\xe9t\xe9\n", "line 3, column c1"),
        (b'a,b\n"x,\n",\xe9\n', "line 4, column c1"),
        (b'a,b\n"x,\n\xe9",1\n', "line 4, column c0"),
        (b'a,b\n5" x,\xe9\n', "line 3, column c1"),
        (b"a,b\n1,2,\xe9\n", "line 3, column 3"),
    ],
)
@pytest.mark.parametrize("block", [2, 1 << 20])
def test_a_byte_that_is_not_utf8_is_named_by_place(body: bytes, place: str, block: int) -> None:
    with pytest.raises(SourceError, match=rf"t\.csv, {place}: a byte is not utf-8") as caught:
        read(body, width=2, block=block)
    assert "--encoding latin-1" in caught.value.remedy
    assert "é" not in str(caught.value)


@pytest.mark.parametrize("block", [1, 3, 100])
def test_a_byte_that_is_not_of_another_encoding_is_named_by_line(block: int) -> None:
    text = stream(b"x,y\na,b\n1,\x81\n", "cp1252")
    records = read_records(text, ["x", "y"], Dialect(","), file="t.csv", block=block)
    with pytest.raises(SourceError, match=r"t\.csv, line 3: a byte is not cp1252") as caught:
        assert read_header(text, file="t.csv")[0] == [str(one.rows) for one in records]
    assert "latin-1" not in caught.value.remedy


@pytest.mark.parametrize("encoding", ["klingon", "hex", "rot13"])
def test_an_unknown_encoding_is_refused(encoding: str) -> None:
    with pytest.raises(SourceError, match=f"The encoding {encoding} is not known"):
        stream(b"", encoding)


def test_nul_bytes_are_refused_by_place() -> None:
    with pytest.raises(SourceError, match=r"t\.csv, line 3, column c1: a byte is NUL"):
        read(b"a,b\n1,\0\n", width=2)


def test_an_open_quote_stops_the_reading_before_memory_is_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("laennec.intake.csv_blocks.LONGEST_RECORD", 1000)
    body = io.BytesIO(b'a,b\n1,"2\n' + b"3,4\n" * 100_000)
    text = Utf8Stream(body, file="t.csv", encoding="utf-8")
    with pytest.raises(SourceError, match=r"t\.csv, line 3: a quote is opened and not closed"):
        list(read_records(text, ["x", "y"], Dialect(","), file="t.csv", block=100))
    assert body.tell() < 2000


@pytest.mark.parametrize(
    ("header", "columns", "dialect"),
    [
        (b"a,b\n", ["a", "b"], Dialect(",")),
        (b"a;b\r\n", ["a", "b"], Dialect(";")),
        (b"a\tb", ["a", "b"], Dialect("\t", quoted=False)),
        (b'"a"\t"b"\n', ["a", "b"], Dialect("\t")),
        (b'\xef\xbb\xbf"a"|b\n', ["a", "b"], Dialect("|")),
    ],
)
def test_the_header_tells_the_dialect(header: bytes, columns: list[str], dialect: Dialect) -> None:
    assert read_header(stream(header + b""), file="t.csv") == (columns, dialect)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the file is empty"),
        (b"\r\n\r\n", "the file is empty"),
        (b"a,\xe9\n", "a byte is not utf-8"),
        ("a,b\n".encode("utf-16"), "the file is UTF-16, not UTF-8"),
        (b'a,"b\n', "the header line cannot be read"),
    ],
)
def test_a_header_that_is_none_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=f"t.csv, line 1.*: {message}"):
        read_header(stream(body), file="t.csv")


def test_a_file_may_have_a_header_only() -> None:
    text = stream(b"a,b")
    columns, dialect = read_header(text, file="t.csv")
    assert list(read_records(text, columns, dialect, file="t.csv")) == []


def test_irregular_blocks_give_the_same_columns_as_regular_ones() -> None:
    def schemas(body: bytes) -> Sequence[pl.Schema]:
        names = ["x", "y"]
        found = list(read_records(stream(body), names, Dialect(","), file="t.csv"))
        return [part.schema for one in found for part in (one.rows, one.malformed)]

    assert schemas(b'5",a\n1\n') == schemas(b"1,2\n3\n")


def test_numbers_are_numbers_until_a_value_is_none() -> None:
    body = b"1;x\n2;y\n3.0;z\n4;u\n"
    found = read_records(
        stream(body),
        ["n", "t"],
        Dialect(";"),
        file="t.csv",
        block=1,
        wanted=["n"],
        numbers={"n": pl.Int64()},
    )
    assert [one.rows["n"].to_list() for one in found] == [[1], [2], ["3.0"], ["4"]]
