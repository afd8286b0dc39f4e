"""Every bad input gets one clear error or a sealed quarantine, and changes nothing else.

Each refusal names file, line and column as far as they are known and what to do, never a value;
after it the previous snapshot is there, unchanged, and nothing lies in the scratch folder.
"""

import gzip
import io
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fakes.intake_hub import CONDITIONS, PERSONS, SmallHub, small_data_set, write_csv
from fakes.vault_keys import cheap_keyring, reopened
from fakes.vault_store import FixedClock, MemoryStore
from laennec.core.errors import LaennecError, SourceError, StoreFullError, WrongPassphraseError
from laennec.intake.rules import Rule
from laennec.vault.service import Vault

SECRET = "SECRET-4711"
"""Planted in the bad files; may be in no message."""


@pytest.fixture
def hub(tmp_path: Path) -> SmallHub:
    """A hub with four persons and four conditions in snapshot 1."""
    hub = SmallHub(tmp_path / "hub")
    hub.load(small_data_set(tmp_path / "first"))
    return hub


class Before:
    """What a hub holds, to compare."""

    def __init__(self, hub: SmallHub) -> None:
        self.hub = hub
        self.snapshot = hub.vault.snapshot()
        self.tables = hub.tables()

    def check_unchanged(self) -> None:
        """Fail unless the newest snapshot is the same, readable, and no scratch is left."""
        reopened_vault = Vault.open(self.hub.store, self.hub.keys, clock=FixedClock())
        assert reopened_vault.snapshot() == self.snapshot
        tables = self.hub.tables()
        assert tables.keys() == self.tables.keys()
        assert all(tables[name].equals(rows) for name, rows in self.tables.items())
        assert self.hub.vault.verify().ok
        scratch = self.hub.folder / "scratch"
        assert not scratch.exists() or list(scratch.iterdir()) == []


def refused(
    hub: SmallHub, path: Path, *, encoding: str = "utf-8", error: type[LaennecError] = SourceError
) -> LaennecError:
    """Load, and return the error after checking that nothing else happened."""
    before = Before(hub)
    with pytest.raises(error) as caught:
        hub.load(path, encoding=encoding)
    before.check_unchanged()
    assert SECRET not in str(caught.value)
    assert type(caught.value).exit_status == error.exit_status
    assert caught.value.happened.endswith(".")
    assert caught.value.remedy.endswith(".")
    return caught.value


def more_conditions(*rows: str) -> str:
    return CONDITIONS.splitlines()[0] + "\n" + "\n".join(rows) + "\n"


def parquet_conditions(rows: int = 20_000) -> bytes:
    table = pl.DataFrame(
        {
            "condition_occurrence_id": range(100, 100 + rows),
            "person_id": [1] * rows,
            "condition_concept_id": [n * 7919 % 100_003 for n in range(rows)],
            "condition_start_date": pl.Series(["2020-01-05"] * rows).str.to_date(),
            "condition_type_concept_id": [32020] * rows,
            "condition_source_value": [SECRET] * rows,
        }
    )
    body = io.BytesIO()
    pq.write_table(table.to_arrow(), body, write_page_checksum=True, compression="none")
    return body.getvalue()


def a_file(folder: Path, name: str, body: bytes | str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(body if isinstance(body, bytes) else body.encode())
    return path


# --- files that are refused -----------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_truncated_parquet(hub: SmallHub, tmp_path: Path, share: float) -> None:
    body = parquet_conditions()
    path = a_file(tmp_path, "condition_occurrence.parquet", body[: int(len(body) * share)])
    error = refused(hub, path)
    assert "condition_occurrence.parquet: the Parquet file is damaged" in str(error)
    assert "Get the file again" in error.remedy


@pytest.mark.parametrize("place", [0.05, 0.3, 0.5, 0.7])
def test_parquet_with_a_flipped_byte_inside(hub: SmallHub, tmp_path: Path, place: float) -> None:
    body = bytearray(parquet_conditions())
    body[int(len(body) * place)] ^= 0x55
    path = a_file(tmp_path, "condition_occurrence.parquet", bytes(body))
    error = refused(hub, path)
    assert "condition_occurrence.parquet, after row 0: the Parquet file is damaged" in str(error)


def test_parquet_whose_text_is_no_text(hub: SmallHub, tmp_path: Path) -> None:
    table = pq.read_table(io.BytesIO(parquet_conditions(1)))
    bad = pa.StringArray.from_buffers(
        1, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")
    )
    position = table.schema.get_field_index("condition_source_value")
    body = io.BytesIO()
    pq.write_table(table.set_column(position, "condition_source_value", bad), body)
    error = refused(hub, a_file(tmp_path, "condition_occurrence.parquet", body.getvalue()))
    assert "after row 0: the Parquet file is damaged" in str(error)


@pytest.mark.parametrize(
    "column",
    [pa.array([b"x"]), pa.array([[1]]), pa.array([{"a": 1}]), pa.array([1], pa.duration("s"))],
)
def test_parquet_columns_of_a_type_without_place(
    hub: SmallHub, tmp_path: Path, column: pa.Array
) -> None:
    table = pq.read_table(io.BytesIO(parquet_conditions(1)))
    body = io.BytesIO()
    pq.write_table(table.append_column("stop_reason", column), body)
    error = refused(hub, a_file(tmp_path, "condition_occurrence.parquet", body.getvalue()))
    assert "condition_occurrence.parquet: of a type that table condition_occurrence" in str(error)
    assert "stop_reason" in str(error)


@pytest.mark.parametrize("separator", [":", " ", "^"])
def test_a_wrong_separator(hub: SmallHub, tmp_path: Path, separator: str) -> None:
    text = more_conditions(f"20,1,201826,2020-01-05,{SECRET}").replace(",", separator)
    error = refused(hub, a_file(tmp_path, "condition_occurrence.csv", text))
    assert "condition_occurrence.csv, line 1: none of the columns" in str(error)
    assert "separator" in error.remedy


def test_a_header_with_one_separator_and_rows_with_another(hub: SmallHub, tmp_path: Path) -> None:
    row = "20;1;201826;2020-01-05;32020"
    report = hub.load(a_file(tmp_path, "condition_occurrence.csv", more_conditions(row)))
    assert report.by_rule() == {Rule.WRONG_FIELD_COUNT: 1}


def test_a_file_without_header(hub: SmallHub, tmp_path: Path) -> None:
    error = refused(hub, a_file(tmp_path, "person.csv", f"77,8507,1950,0,{SECRET}\n"))
    assert "person.csv, line 1: none of the columns is of table person" in str(error)
    assert "77" not in str(error)


def test_a_missing_column(hub: SmallHub, tmp_path: Path) -> None:
    text = f"condition_occurrence_id,person_id,condition_source_value\n20,1,{SECRET}\n"
    error = refused(hub, a_file(tmp_path, "condition_occurrence.csv", text))
    assert "condition_occurrence.csv, line 1: missing: condition_concept_id" in str(error)
    assert "condition_start_date" in str(error)
    assert "add them" in error.remedy


def test_a_column_twice(hub: SmallHub, tmp_path: Path) -> None:
    text = CONDITIONS.replace("condition_type_concept_id", "PERSON_ID", 1)
    error = refused(hub, a_file(tmp_path, "condition_occurrence.csv", text))
    assert "line 1: given more than once: person_id" in str(error)


def test_latin_1(hub: SmallHub, tmp_path: Path) -> None:
    header = more_conditions().strip() + ",condition_source_value\n"
    text = header + "20,1,201826,2020-01-05,32020,plain\n21,1,201826,2020-01-05,32020,fièvre\n"
    path = a_file(tmp_path, "condition_occurrence.csv", text.encode("latin-1"))
    error = refused(hub, path)
    place = "condition_occurrence.csv, line 3, column condition_source_value: a byte is not utf-8"
    assert place in str(error)
    assert "--encoding latin-1" in error.remedy
    assert hub.load(path, encoding="latin-1").kept == 2
    assert "fièvre" in hub.tables()["condition_occurrence"]["condition_source_value"]


def test_utf_16(hub: SmallHub, tmp_path: Path) -> None:
    text = more_conditions("20,1,201826,2020-01-05,32020")
    path = a_file(tmp_path, "condition_occurrence.csv", text.encode("utf-16"))
    error = refused(hub, path)
    assert "condition_occurrence.csv, line 1: the file is UTF-16" in str(error)
    assert hub.load(path, encoding="utf-16").kept == 1


def test_an_encoding_that_there_is_not(hub: SmallHub, tmp_path: Path) -> None:
    path = small_data_set(tmp_path / "second", person=PERSONS + "5,8507,1950,0,0\n")
    assert "The encoding klingon is not known" in str(refused(hub, path, encoding="klingon"))


@pytest.mark.parametrize("body", [b"", b"\n", b"\r\n  \r\n", b"\xef\xbb\xbf"])
def test_an_empty_file(hub: SmallHub, tmp_path: Path, body: bytes) -> None:
    error = refused(hub, a_file(tmp_path, "condition_occurrence.csv", body))
    assert "condition_occurrence.csv, line 1: " in str(error)


def test_an_empty_parquet_file(hub: SmallHub, tmp_path: Path) -> None:
    error = refused(hub, a_file(tmp_path, "person.parquet", b""))
    assert "person.parquet: the Parquet file is damaged or cut short" in str(error)


def test_an_unclosed_quote(hub: SmallHub, tmp_path: Path) -> None:
    text = more_conditions("20,1,201826,2020-01-05,32020", f'21,1,201826,"2020-01-05,{SECRET}')
    text += "22,1,201826,2020-01-05,32020\n"
    error = refused(hub, a_file(tmp_path, "condition_occurrence.csv", text))
    assert "condition_occurrence.csv, line 3: a quote is opened and not closed" in str(error)
    assert "doubled" in error.remedy


def test_nul_bytes(hub: SmallHub, tmp_path: Path) -> None:
    text = more_conditions("20,1,201826,2020-01-05,32020", "21,1,2018\0\0\0")
    error = refused(hub, a_file(tmp_path, "condition_occurrence.csv", text))
    place = "condition_occurrence.csv, line 3, column condition_concept_id: a byte is NUL"
    assert place in str(error)


def test_a_damaged_gzip(hub: SmallHub, tmp_path: Path) -> None:
    whole = gzip.compress(more_conditions("20,1,201826,2020-01-05,32020").encode() * 50)
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    for body in (whole[:-9], whole[:40], bytes(flipped), b"not gzip at all", whole + b"tail"):
        error = refused(hub, a_file(tmp_path, "condition_occurrence.csv.gz", body))
        assert "condition_occurrence.csv.gz is damaged or cut short" in str(error)


def zipped(members: dict[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", method) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return body.getvalue()


def test_a_damaged_zip(hub: SmallHub, tmp_path: Path) -> None:
    row = "20,1,201826,2020-01-05,32020"
    whole = zipped({"condition_occurrence.csv": more_conditions(*[row] * 500)})
    flipped = bytearray(whole)
    flipped[60] ^= 0xFF
    for body in (whole[:-30], whole[:100], bytes(flipped), b"PK not a zip"):
        error = refused(hub, a_file(tmp_path, "data.zip", body))
        assert "data.zip" in str(error)
        assert "is damaged or cut short" in str(error)


def test_a_zip_with_a_password(hub: SmallHub, tmp_path: Path) -> None:
    body = bytearray(zipped({"person.csv": PERSONS}, zipfile.ZIP_STORED))
    body[6] |= 1  # the flag "encrypted" of the local header
    body[body.index(b"PK\x01\x02") + 8] |= 1  # and of the directory
    error = refused(hub, a_file(tmp_path, "data.zip", bytes(body)))
    assert "data.zip:person.csv is in a zip with a password" in str(error)


@pytest.mark.parametrize("names", [[], ["readme.txt"], ["notes.csv", "letters.csv"]])
def test_a_folder_without_tables(hub: SmallHub, tmp_path: Path, names: list[str]) -> None:
    folder = tmp_path / "none"
    folder.mkdir()
    for name in names:
        (folder / name).write_text(f"a,b\n1,{SECRET}\n")
    error = refused(hub, folder)
    assert "holds no table file" in str(error) or "named after a table" in str(error)
    assert "person.csv" in error.remedy or "table" in error.remedy


def test_a_path_that_is_not_there(hub: SmallHub, tmp_path: Path) -> None:
    assert "cannot be read: No such file" in str(refused(hub, tmp_path / "absent"))


def test_two_files_for_one_table(hub: SmallHub, tmp_path: Path) -> None:
    path = small_data_set(tmp_path / "two")
    (path / "PERSON.csv.gz").write_bytes(gzip.compress(PERSONS.encode()))
    error = refused(hub, path)
    assert "PERSON.csv.gz" in str(error)
    assert "are both for the table person" in str(error)


def test_tables_of_both_versions(hub: SmallHub, tmp_path: Path) -> None:
    visits = "visit_occurrence_id,person_id,admitting_source_value,admitted_from_source_value\n"
    error = refused(hub, a_file(tmp_path, "visit_occurrence.csv", visits))
    assert "The tables mix CDM 5.3" in str(error)


def test_rows_of_persons_without_persons(tmp_path: Path) -> None:
    hub = SmallHub(tmp_path / "empty")
    error = refused(hub, a_file(tmp_path, "condition_occurrence.csv", CONDITIONS))
    assert "There are no persons for condition_occurrence" in str(error)


def test_a_file_that_is_still_being_written(
    hub: SmallHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = small_data_set(tmp_path / "second", person=PERSONS + "5,8507,1950,0,0\n")
    before = Before(hub)
    frame = hub.vault.seal_frame

    def append_and_seal_frame(*args: object, **named: object) -> object:
        with (path / "person.csv").open("a") as file:
            file.write("6,8507,1950,0,0\n")
        return frame(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(hub.vault, "seal_frame", append_and_seal_frame)
    with pytest.raises(SourceError, match=r"person\.csv changed while it was being loaded"):
        hub.load(path)
    monkeypatch.undo()
    before.check_unchanged()


# --- rows that are kept out -----------------------------------------------------------------------

HEADER = CONDITIONS.splitlines()[0].split(",")


@pytest.mark.parametrize(
    ("row", "rule", "column"),
    [
        ("20,1,201826,2020-02-30,32020", Rule.NOT_A_DATE, "condition_start_date"),
        ("20,1,201826,30/01/2020,32020", Rule.NOT_A_DATE, "condition_start_date"),
        ("20,1,201826,2020-01-05 10:00:00,32020", Rule.NOT_A_DATE, "condition_start_date"),
        ("20,1,201826,0000-01-05,32020", Rule.NOT_A_DATE, "condition_start_date"),
        ("20,1,201826,,32020", Rule.REQUIRED_MISSING, "condition_start_date"),
        ("20,,201826,2020-01-05,32020", Rule.REQUIRED_MISSING, "person_id"),
        ("20,99,201826,2020-01-05,32020", Rule.UNKNOWN_PERSON, "person_id"),
        ("20,12.5,201826,2020-01-05,32020", Rule.NOT_AN_INTEGER, "person_id"),
        ("20,9223372036854775808,1,2020-01-05,1", Rule.NOT_AN_INTEGER, "person_id"),
        ("-9223372036854775809,1,1,2020-01-05,1", Rule.NOT_AN_INTEGER, HEADER[0]),
        ("20,1,201826,2020-01-05", Rule.WRONG_FIELD_COUNT, None),
        ("20,1,201826,2020-01-05,32020,x", Rule.WRONG_FIELD_COUNT, None),
        ('20,1,201826,"2020"-01-05,32020', Rule.WRONG_FIELD_COUNT, None),
        ("10,2,201826,2020-01-05,32020", Rule.REPEATED_KEY, HEADER[0]),
    ],
)
@pytest.mark.parametrize("good_rows", [0, 3])
def test_a_wrong_row_is_quarantined_with_its_place(
    hub: SmallHub, tmp_path: Path, row: str, rule: Rule, column: str | None, good_rows: int
) -> None:
    good = [f"{30 + n},1,201826,2020-01-05,32020" for n in range(good_rows)]
    report = hub.load(a_file(tmp_path, "condition_occurrence.csv", more_conditions(*good, "", row)))
    assert (report.read, report.kept, report.quarantined) == (good_rows + 1, good_rows, 1)
    assert report.by_rule() == {rule: 1}
    found = hub.quarantine()
    place = ("condition_occurrence", "condition_occurrence.csv", good_rows + 3, column, rule.value)
    assert found.drop("record").row(0) == place
    assert "2020" in found["record"][0] or "null" in found["record"][0]


@pytest.mark.parametrize(
    ("spelt", "person"),
    [
        ("-3", -3),
        ("-3.0", -3),
        ("9223372036854775807", 2**63 - 1),
        (" 1 ", 1),
        ("+2", 2),
        ("0001", 1),
        ("1.", 1),
    ],
)
def test_identifiers_of_64_bits_and_their_spellings(
    hub: SmallHub, tmp_path: Path, spelt: str, person: int
) -> None:
    row = f"-9223372036854775808,{spelt},201826,20200105,32020"
    report = hub.load(a_file(tmp_path, "condition_occurrence.csv", more_conditions(row)))
    assert report.kept == 1
    rows = hub.tables()["condition_occurrence"]
    assert rows.filter(pl.col(HEADER[0]) == -(2**63))["person_id"].to_list() == [person]


def test_rows_of_parquet_are_named_by_number_and_typed_from_any_container(
    hub: SmallHub, tmp_path: Path
) -> None:
    table = pl.DataFrame(
        {
            "PERSON_ID": [1.0, 2.5, 99.0, None, 2.0],
            "condition_occurrence_id": pl.Series(["50", "51", "52", "53", "54"]).cast(
                pl.Categorical
            ),
            "condition_concept_id": [1] * 5,
            "condition_start_date": [date(2020, 1, 5)] * 4 + [date(2020, 1, 6)],
            "condition_type_concept_id": [32020] * 5,
            "condition_source_value": [SECRET] * 5,
        }
    )
    body = io.BytesIO()
    table.write_parquet(body)
    path = a_file(tmp_path, "d.zip", zipped({"condition_occurrence.parquet": body.getvalue()}))
    assert hub.load(path).kept == 2
    found = hub.quarantine().sort("line")
    assert found.select("file", "line", "column", "rule").rows() == [
        ("d.zip:condition_occurrence.parquet", 2, "person_id", "not_an_integer"),
        ("d.zip:condition_occurrence.parquet", 3, "person_id", "unknown_person"),
        ("d.zip:condition_occurrence.parquet", 4, "person_id", "required_missing"),
    ]
    assert all(SECRET in record for record in found["record"])


def test_gzip_inside_a_zip(hub: SmallHub, tmp_path: Path) -> None:
    inner = gzip.compress(more_conditions("20,1,201826,2020-01-05,32020").encode())
    path = a_file(tmp_path, "d.zip", zipped({"condition_occurrence.csv.gz": inner}))
    assert hub.load(path).kept == 1


def test_repeated_keys(tmp_path: Path) -> None:
    rows = [
        "20,1,201826,2020-01-05,32020",
        "20,1,201826,2020-01-05,32020",
        "20,2,201826,2020-01-05,32020",
        "21,2,201826,2020-01-05,32020",
    ]
    path = small_data_set(tmp_path / "data", condition_occurrence=more_conditions(*rows))
    hub = SmallHub(tmp_path / "one")
    report = hub.load(path)
    assert report.by_rule() == {Rule.REPEATED_KEY: 1, Rule.IDENTICAL_ROW: 1}
    assert hub.quarantine().select("line", "rule", "column").rows() == [
        (4, "repeated_key", "condition_occurrence_id")
    ]
    keeping = SmallHub(tmp_path / "two")
    report = keeping.load(path, keep_repeated=True)
    assert report.by_rule() == {Rule.IDENTICAL_ROW: 1}
    assert keeping.tables()["condition_occurrence"].height == 3
    assert keeping.quarantine().is_empty()


def test_unknown_columns_and_tables_are_reported(hub: SmallHub, tmp_path: Path) -> None:
    lines = more_conditions("20,1,201826,2020-01-05,32020").splitlines()
    text = f"{lines[0]},Comment,4711\n{lines[1]},{SECRET},{SECRET}\n"
    path = write_csv(
        tmp_path / "second", {"condition_occurrence": text, "letters": f"a\n{SECRET}\n"}
    )
    report = hub.load(path)
    assert report.unknown_columns == {"condition_occurrence.csv": ("comment", "column 7")}
    assert report.by_rule() == {Rule.TABLE_NOT_IN_CDM_54: report.dropped}
    assert SECRET not in report.to_json().decode()
    assert report.read == report.kept + report.dropped


def test_a_header_only(hub: SmallHub, tmp_path: Path) -> None:
    report = hub.load(a_file(tmp_path, "condition_occurrence.csv", more_conditions().strip()))
    assert (report.read, report.kept) == (0, 0)
    assert hub.tables()["condition_occurrence"].height == 4


def test_spellings_that_are_accepted(hub: SmallHub, tmp_path: Path) -> None:
    text = more_conditions("20,1,201826,2020-01-05,32020", "", "21,1,201826,2020-01-05,32020")
    text = "\ufeff" + text.upper().replace("\n", "\r\n").removesuffix("\r\n")
    assert hub.load(a_file(tmp_path, "CONDITION_OCCURRENCE.CSV", text)).kept == 2
    quoted = more_conditions("22,1,201826,2020-01-05,32020")
    quoted = "\n".join(
        ";".join(f'"{field}"' for field in line.split(",")) for line in quoted.splitlines()
    )
    body = zipped({"deep/inside/condition_occurrence.csv": quoted, "__MACOSX/person.csv": b"\0"})
    assert hub.load(a_file(tmp_path, "data.zip", body)).kept == 1


# --- the hub's own troubles -----------------------------------------------------------------------


def test_a_wrong_passphrase(tmp_path: Path) -> None:
    keyring = tmp_path / "keyring.json"
    hub = SmallHub(tmp_path / "hub", keys=cheap_keyring(keyring, "right"))
    hub.load(small_data_set(tmp_path / "first"))
    with pytest.raises(WrongPassphraseError) as caught:
        Vault.open(hub.store, reopened(keyring, "wrong"), clock=FixedClock())
    assert "wrong" not in str(caught.value).replace("wrong passphrase", "")
    vault = Vault.open(hub.store, reopened(keyring, "right"), clock=FixedClock())
    assert vault.snapshot().number == 1


@pytest.mark.parametrize("objects", range(4))
def test_a_full_store(tmp_path: Path, objects: int) -> None:
    store = FillingStore()
    hub = SmallHub(tmp_path / "hub", store=store)
    hub.load(small_data_set(tmp_path / "first"))
    store.room = objects
    path = small_data_set(tmp_path / "second", person=PERSONS + "5,8507,1950,0,0\n")
    error = refused(hub, path, error=StoreFullError)
    assert "No space" in str(error)
    store.room = None
    assert hub.load(path).kept == 1


class FillingStore(MemoryStore):
    """A store that has room for so many more objects."""

    def __init__(self) -> None:
        super().__init__(clock=FixedClock())
        self.room: int | None = None

    def create(self, name: str, body: bytes) -> None:
        if self.room is not None:
            if self.room == 0:
                raise StoreFullError(f"No space for {name}.", remedy="Make room.")
            self.room -= 1
        super().create(name, body)


@pytest.fixture(autouse=True)
def _no_plaintext_left(tmp_path: Path) -> Iterator[None]:
    """Whatever happened, the hub's folder holds no planted value."""
    yield
    for path in (tmp_path / "hub").rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes()
