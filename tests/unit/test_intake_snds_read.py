"""Reading the SNDS: forms of values, names of files, columns by year, real layouts."""

import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from fakes.snds_files import CLAIM, STAY, csv_text, read_all
from laennec.core.errors import SourceError
from laennec.intake.csv_records import LINE
from laennec.intake.snds.files import find_delivery
from laennec.intake.snds.model import FAULTS, Fault, Variant
from laennec.intake.snds.read import open_file, read
from laennec.intake.snds.typing import type_rows
from laennec.snds.catalogue import POLARS, Kind, catalogue
from laennec.snds.nomenclatures import closed_codes

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def typed(kind: Kind, values: object) -> tuple[list[object], dict[Fault, list[bool]]]:
    rows, misfits = type_rows(pl.DataFrame({"c": values}), {"c": kind})
    assert rows.schema == {"c": POLARS[kind]}
    return rows["c"].to_list(), {one.fault: one.rows.to_list() for one in misfits}


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Kind.TEXT, " 012 ", "012"),
        (Kind.TEXT, "   ", None),
        (Kind.TEXT, "NA", "NA"),
        (Kind.INTEGER, "-12", -12),
        (Kind.INTEGER, " 12 ", 12),
        (Kind.INTEGER, "1.0", 1),
        (Kind.INTEGER, "1,00", 1),
        (Kind.INTEGER, ".", None),
        (Kind.INTEGER, "", None),
        (Kind.DECIMAL, "12.5", 12.5),
        (Kind.DECIMAL, "12,5", 12.5),
        (Kind.DECIMAL, ",5", 0.5),
        (Kind.DECIMAL, "-0,10", -0.1),
        (Kind.DECIMAL, "1e3", 1000.0),
        (Kind.DECIMAL, "NaN", None),
        (Kind.DATE, "25/01/2008", date(2008, 1, 25)),
        (Kind.DATE, "25012008", date(2008, 1, 25)),
        (Kind.DATE, "20080125", date(2008, 1, 25)),
        (Kind.DATE, "20122012", date(2012, 12, 20)),
        (Kind.DATE, "20121220", date(2012, 12, 20)),
        (Kind.DATE, "2008-01-25", date(2008, 1, 25)),
        (Kind.DATE, "25JAN2008:00:00:00", date(2008, 1, 25)),
        (Kind.DATE, "25JAN2008", date(2008, 1, 25)),
        (Kind.DATE, "25/01/2008 00:00:00", date(2008, 1, 25)),
        (Kind.DATE, "2008-01-25T00:00:00", date(2008, 1, 25)),
        (Kind.DATE, "01/01/1600", None),
        (Kind.DATE, "01011600", None),
        (Kind.DATE, "01JAN1600:00:00:00", None),
        (Kind.DATE, "0001-01-01", None),
        (Kind.DATE, "01/01/0001", None),
        (Kind.DATE, "02/01/1600", date(1600, 1, 2)),
        (Kind.DATE, ".", None),
    ],
)
def test_each_form_in_use_is_taken(kind: Kind, text: str, value: object) -> None:
    assert typed(kind, [text, None]) == ([value, None], {})


@pytest.mark.parametrize(
    ("kind", "text", "fault"),
    [
        (Kind.INTEGER, "1.5", Fault.WRONG_TYPE),
        (Kind.INTEGER, "12A", Fault.WRONG_TYPE),
        (Kind.INTEGER, "99999999999999999999", Fault.WRONG_TYPE),
        (Kind.INTEGER, "1 234", Fault.THOUSANDS_SEPARATOR),
        (Kind.INTEGER, "1.234", Fault.THOUSANDS_SEPARATOR),
        (Kind.DECIMAL, "inf", Fault.WRONG_TYPE),
        (Kind.DECIMAL, "1,2,3", Fault.WRONG_TYPE),
        (Kind.DECIMAL, "1 234,50", Fault.THOUSANDS_SEPARATOR),
        (Kind.DECIMAL, "1\u00a0234,50", Fault.THOUSANDS_SEPARATOR),
        (Kind.DECIMAL, "1\u202f234,50", Fault.THOUSANDS_SEPARATOR),
        (Kind.DECIMAL, "1,234.50", Fault.THOUSANDS_SEPARATOR),
        (Kind.DECIMAL, "1.234,50", Fault.THOUSANDS_SEPARATOR),
        (Kind.DECIMAL, "1'234", Fault.THOUSANDS_SEPARATOR),
        (Kind.DATE, "31/02/2008", Fault.WRONG_TYPE),
        (Kind.DATE, "01/02/19", Fault.WRONG_TYPE),
        (Kind.DATE, "01/02/0019", Fault.WRONG_TYPE),
        (Kind.DATE, "1/2/2019", Fault.WRONG_TYPE),
        (Kind.DATE, "2019/02/01", Fault.WRONG_TYPE),
        (Kind.DATE, "01022019 12:30:00", Fault.WRONG_TYPE),
        (Kind.DATE, "200801", Fault.WRONG_TYPE),
    ],
)
def test_what_is_in_no_form_is_refused_and_nothing_else(
    kind: Kind, text: str, fault: Fault
) -> None:
    good = "25/01/2008" if kind is Kind.DATE else "1"
    values, faults = typed(kind, [good, text, None, ""])
    assert values[0] is not None
    assert values[1:] == [None, None, None]
    assert faults == {fault: [False, True, False, False]}


@pytest.mark.parametrize(
    ("kind", "values", "expected", "wrong"),
    [
        (Kind.INTEGER, pl.Series([1.0, 1.5, None]), [1, None, None], [False, True, False]),
        (Kind.INTEGER, pl.Series([1, 2], dtype=pl.UInt8), [1, 2], None),
        (Kind.INTEGER, pl.Series([2**64 - 1], dtype=pl.UInt64), [None], [True]),
        (Kind.DECIMAL, pl.Series([1.5, float("nan")]), [1.5, None], None),
        (Kind.DECIMAL, pl.Series([float("inf")]), [None], [True]),
        (Kind.DECIMAL, pl.Series([Decimal("1.25")]), [1.25], None),
        (
            Kind.DATE,
            pl.Series([date(2019, 1, 2), date(1600, 1, 1)]),
            [date(2019, 1, 2), None],
            None,
        ),
        (Kind.DATE, pl.Series([datetime(2019, 1, 2)]), [date(2019, 1, 2)], None),  # noqa: DTZ001
        (Kind.DATE, pl.Series([datetime(2019, 1, 2, 3)]), [None], [True]),  # noqa: DTZ001
        (Kind.DATE, pl.Series([20190102]), [None], [True]),
        (Kind.TEXT, pl.Series(["a", None], dtype=pl.Categorical), ["a", None], None),
        (Kind.INTEGER, pl.Series([None, None]), [None, None], None),
    ],
)
def test_types_of_parquet_are_taken_where_nothing_is_lost(
    kind: Kind, values: pl.Series, expected: list[object], wrong: list[bool] | None
) -> None:
    assert typed(kind, values) == (expected, {} if wrong is None else {Fault.WRONG_TYPE: wrong})


def test_every_fault_has_a_meaning() -> None:
    assert FAULTS.keys() == set(Fault)


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


def test_files_are_told_by_their_names_in_any_folder(tmp_path: Path) -> None:
    names = (
        "DCIR/ER_PRS_F_201902.csv",
        "DCIR/er_prs_f_201901.CSV.gz",
        "DCIR/ER_PRS_F_2012.csv.gz",
        "PMSI/T_MCO19B.csv",
        "IR_BEN_R.parquet",
        "KI_CCI_R_2016.csv",
        "truth/identifiers.csv",
        "schemas/IR_BEN_R.json",
        "README.md",
    )
    delivery = find_delivery(touch(tmp_path, *names))
    assert [(one.family, one.year, one.month, one.name) for one in delivery.files] == [
        ("ER_PRS_F", 2012, None, "ER_PRS_F_2012.csv.gz"),
        ("ER_PRS_F", 2019, date(2019, 1, 1), "er_prs_f_201901.CSV.gz"),
        ("ER_PRS_F", 2019, date(2019, 2, 1), "ER_PRS_F_201902.csv"),
        ("IR_BEN_R", None, None, "IR_BEN_R.parquet"),
        ("KI_CCI_R", 2016, None, "KI_CCI_R_2016.csv"),
        ("T_MCOaaB", 2019, None, "T_MCO19B.csv"),
    ]
    assert delivery.ignored == ("IR_BEN_R.json", "README.md", "identifiers.csv")


def test_a_zip_is_a_delivery(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        archive.writestr("DCIR/ER_PRS_F_201902.csv", csv_text(CLAIM))
    got = read_all(tmp_path / "d.zip")
    assert got.opened.file.name == "d.zip:DCIR/ER_PRS_F_201902.csv"
    assert got.rows.height == 1


def test_a_claim_is_typed_by_the_catalogue(tmp_path: Path) -> None:
    (tmp_path / "ER_PRS_F_201902.csv").write_text(csv_text({**CLAIM, "NOT_KNOWN": "?"}))
    got = read_all(tmp_path, [*CLAIM, "PRS_NAT_REF"])
    assert got.refused == []
    assert got.rows.columns == [*CLAIM, "PRS_NAT_REF", LINE]
    assert got.rows.row(0) == (
        date(2019, 2, 1),
        date(2019, 1, 20),
        1,
        3,
        2,
        "01C123",
        17,
        1,
        1,
        "A0000000000000017",
        1,
        2,
        date(2019, 1, 15),
        1,
        25.5,
        "012345678",
        None,
        2,
    )
    assert got.opened.missing_optional == ("PRS_NAT_REF",)
    assert got.opened.unknown == ("NOT_KNOWN",)


def test_a_wanted_column_that_the_year_lacks_is_null_and_not_missing(tmp_path: Path) -> None:
    row = {"ETA_NUM": "010000123", "RSA_NUM": "1", "NIR_ANO_17": "A" * 17, "NIR_RET": "0"}
    (tmp_path / "T_MCO12C.csv").write_text(csv_text(row))
    got = read_all(tmp_path, [*row, "COH_NAI_RET"])
    assert got.opened.missing_optional == ()
    assert got.rows["COH_NAI_RET"].to_list() == [None]
    assert got.rows.schema["COH_NAI_RET"] == pl.String


def test_a_column_that_never_was_is_the_callers_mistake(tmp_path: Path) -> None:
    (tmp_path / "ER_PRS_F_201902.csv").write_text(csv_text(CLAIM))
    with pytest.raises(ValueError, match="NEVER_WAS"):
        read_all(tmp_path, ["NEVER_WAS"])


def test_the_period_is_checked_though_its_column_is_not_wanted(tmp_path: Path) -> None:
    (tmp_path / "ER_PRS_F_201902.csv").write_text(csv_text(CLAIM))
    assert read_all(tmp_path, ["BEN_NIR_PSA"]).rows.columns == ["BEN_NIR_PSA", LINE]
    (tmp_path / "ER_PRS_F_201902.csv").rename(tmp_path / "ER_PRS_F_201903.csv")
    with pytest.raises(SourceError, match="FLX_DIS_DTD"):
        read_all(tmp_path, ["BEN_NIR_PSA"])


@pytest.mark.parametrize("name", ["ER_PRS_F_2019.csv", "ER_PRS_F.csv", "ER_PRS_F_201912.csv"])
def test_a_year_a_december_and_a_file_without_time_are_read(tmp_path: Path, name: str) -> None:
    row = CLAIM | ({"FLX_DIS_DTD": "31/12/2019"} if "12" in name else {})
    (tmp_path / name).write_text(csv_text(row))
    assert read_all(tmp_path).rows.height == 1


def test_rsa_num_may_begin_with_a_letter_and_keeps_its_zeros(tmp_path: Path) -> None:
    (tmp_path / "T_MCO19B.csv").write_text(csv_text(STAY, STAY | {"RSA_NUM": "0000000001"}))
    got = read_all(tmp_path)
    assert got.refused == []
    assert got.rows["RSA_NUM"].to_list() == ["A000000001", "0000000001"]
    assert got.rows["ETA_NUM"].to_list() == ["010000123"] * 2


def test_parquet_gives_the_same_rows_as_csv(tmp_path: Path) -> None:
    (tmp_path / "ER_PRS_F_201902.csv").write_text(csv_text(CLAIM, CLAIM))
    expected = read_all(tmp_path / "ER_PRS_F_201902.csv").rows
    expected.drop(LINE).write_parquet(tmp_path / "ER_PRS_F_201902.parquet")
    got = read_all(tmp_path / "ER_PRS_F_201902.parquet").rows
    assert got.drop(LINE).equals(expected.drop(LINE))
    assert got[LINE].to_list() == [1, 2]


def test_num_enq_stands_for_the_pseudonym_of_its_table(tmp_path: Path) -> None:
    row = {"NUM_ENQ" if name == "BEN_NIR_PSA" else name: value for name, value in CLAIM.items()}
    (tmp_path / "ER_PRS_F_201902.csv").write_text(csv_text(row))
    got = read_all(tmp_path, variant=Variant.NUM_ENQ)
    assert got.rows["BEN_NIR_PSA"].to_list() == ["A0000000000000017"]
    assert got.opened.unknown == ()
    with pytest.raises(SourceError, match="num-enq"):
        read_all(tmp_path)


def test_each_row_is_refused_once_by_its_first_fault(tmp_path: Path) -> None:
    rows = (
        CLAIM,
        CLAIM | {"BEN_SEX_COD": "7", "PRS_PAI_MNT": "1 234,50"},
        CLAIM | {"DCT_ORD_NUM": "", "BEN_SEX_COD": "7"},
        CLAIM | {"BEN_SEX_COD": "7"},
        CLAIM | {"BEN_SEX_COD": ""},
        CLAIM | {"EXE_SOI_DTD": "?", "PRS_ACT_QTE": "?"},
    )
    (tmp_path / "ER_PRS_F_201902.csv").write_text(csv_text(*rows) + "1;2\n")
    got = read_all(tmp_path)
    assert got.refused == [
        (3, "thousands_separator", "PRS_PAI_MNT"),
        (4, "missing_key", "DCT_ORD_NUM"),
        (5, "outside_nomenclature", "BEN_SEX_COD"),
        (7, "wrong_type", "EXE_SOI_DTD"),
        (8, "wrong_field_count", None),
    ]
    assert got.rows[LINE].to_list() == [2, 6]


def test_keys_that_join_nothing_may_be_empty(tmp_path: Path) -> None:
    act = {"ETA_NUM_EPMSI": "010000123", "ORD_NUM": "1", "SEJ_IDT": "", "AGE_ANN": "38"}
    (tmp_path / "T_RIP19R3A.csv").write_text(csv_text(act, act | {"ETA_NUM_EPMSI": ""}))
    got = read_all(tmp_path, list(act))
    assert got.refused == [(3, "missing_key", "ETA_NUM_EPMSI")]
    nobody = {"BEN_NIR_PSA": "", "BEN_RNG_GEM": "1", "BEN_SEX_COD": "1"}
    (tmp_path / "T_RIP19R3A.csv").unlink()
    (tmp_path / "IR_BEN_R_ARC.csv").write_text(csv_text(nobody))
    assert read_all(tmp_path, list(nobody)).rows["BEN_NIR_PSA"].to_list() == [None]


def test_a_refused_row_is_given_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "ER_PRS_F_201902.csv").write_text(csv_text(CLAIM, CLAIM | {"PRS_ACT_QTE": "1,5"}))
    opened = open_file(find_delivery(tmp_path).files[0], columns=list(CLAIM))
    (chunk,) = read(opened)
    (refused,) = chunk.refused
    assert chunk.read == 2
    assert refused.rows.select("PRS_ACT_QTE", "PRS_PAI_MNT", LINE).row(0) == ("1,5", "25.50", 3)


def test_closed_columns_are_of_the_catalogue_and_their_codes_of_its_type() -> None:
    tables = catalogue().tables
    closed = {family: closed_codes(family) for family in tables if closed_codes(family)}
    assert closed["ER_PRS_F"] == {"BEN_SEX_COD": {"0", "1", "2", "9"}}
    assert closed["T_MCOaaC"]["NIR_RET"] == {"0", "1", "2", "3", "4", "9"}
    for family, columns in closed.items():
        known = tables[family].in_year(None)
        for column, codes in columns.items():
            pl.Series(sorted(codes)).cast(POLARS[known[column].kind])
    assert closed_codes("ER_PHA_F") == {}


def test_every_row_of_nomenclatures_has_a_family_of_the_catalogue() -> None:
    folder = Path(closed_codes.__wrapped__.__code__.co_filename).parent / "data" / "nomenclatures"
    rows = pl.read_csv(folder / "closed.csv", separator=";")
    assert set(rows["family"]) <= catalogue().tables.keys()
    assert {f"{name}.csv" for name in rows["nomenclature"]} | {"closed.csv", "NOTICE.md"} == {
        one.name for one in folder.iterdir()
    }


def small_tables(folder: str) -> Path:
    path = SHARED / folder
    if not path.exists():
        pytest.skip(f"shared/data/{folder} is absent")
    return path


def test_the_small_real_layouts_are_read(tmp_path: Path) -> None:
    """Every row of every table; only T_SSR19B has random letters for the sex."""
    delivery = find_delivery(small_tables("pmsi-dcir-oracle-contents/csv-table"))
    assert len(delivery.files) == 26
    refused: list[tuple[str, str, str | None, int]] = []
    for file in delivery.files:
        wanted = list(catalogue().tables[file.family].in_year(file.year))
        opened = open_file(file, columns=wanted, variant=Variant.NUM_ENQ)
        chunks = list(read(opened))
        lines = [line for line in file.source.path.read_text().splitlines()[1:] if line]
        assert sum(chunk.read for chunk in chunks) == len(lines)
        assert all(chunk.rows.columns == [*wanted, LINE] for chunk in chunks)
        refused += [
            (file.name, one.rule, one.column, len(one.rows))
            for chunk in chunks
            for one in chunk.refused
        ]
    assert refused == [("T_SSR19B.csv", "outside_nomenclature", "COD_SEX", 3)]


def test_random_rows_are_read_or_refused_with_a_reason() -> None:
    """188 tables of ten rows each, comma-separated: dates hold, random codes and keys do not."""
    delivery = find_delivery(small_tables("snds-synthetic/schemas"))
    reasons: dict[str, int] = {}
    for file in delivery.files:
        opened = open_file(file, columns=list(catalogue().tables[file.family].in_year(file.year)))
        chunks = list(read(opened))
        assert sum(chunk.read for chunk in chunks) == 10
        for one in (one for chunk in chunks for one in chunk.refused):
            reasons[one.rule] = reasons.get(one.rule, 0) + len(one.rows)
    assert len(delivery.files) == 188
    assert reasons.keys() == {"wrong_type", "missing_key", "outside_nomenclature"}
