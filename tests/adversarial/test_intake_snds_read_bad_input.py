"""Every bad file of the SNDS gets one clear error, or its rows are refused by a named rule.

An error names file, line and column as far as they are known and what to do, never a value.
"""

import gzip
import os
import zipfile
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from fakes.snds_files import CLAIM, STAY, csv_text, read_all
from laennec.core.errors import SourceError
from laennec.intake.snds.files import find_delivery
from laennec.snds.catalogue import catalogue
from laennec.snds.keys import NINE_KEYS

SECRET = "SECRET-4711"
"""Planted in the bad files; may be in no message."""

CLAIMS = "ER_PRS_F_201902.csv"


def refused(path: Path, *, encoding: str = "utf-8") -> SourceError:
    """Read, and return the error after checking its form."""
    with pytest.raises(SourceError) as caught:
        read_all(path, encoding=encoding)
    assert SECRET not in str(caught.value)
    assert caught.value.happened.endswith(".")
    assert caught.value.remedy.endswith(".")
    return caught.value


def claims(folder: Path, body: str | bytes, name: str = CLAIMS) -> Path:
    path = folder / name
    path.write_bytes(body if isinstance(body, bytes) else body.encode())
    return path


def layout(year: int) -> dict[str, str]:
    """Return a stay with all the columns of a year."""
    return dict.fromkeys(catalogue().tables["T_MCOaaB"].in_year(year), "") | STAY


def test_columns_of_another_year_name_both_years(tmp_path: Path) -> None:
    error = refused(claims(tmp_path, csv_text(layout(2019)), "T_MCO18B.csv"))
    assert error.happened == (
        "T_MCO18B.csv, line 1: the columns are not those of 2018 but of 2019: "
        "TOP_CONV_HC, TOP_RAAC, TOP_SEJ_FORF_DIA."
    )


def test_a_column_carried_back_by_an_extract_is_reported(tmp_path: Path) -> None:
    row = dict.fromkeys(catalogue().tables["T_MCOaaB"].in_year(2018), "") | STAY
    path = claims(tmp_path, csv_text(row | {"SOR_ANN": "2018", "TOP_RAAC": "1"}), "T_MCO18B.csv")
    got = read_all(path)
    assert got.opened.unknown == ("TOP_RAAC",)
    assert got.rows.height == 1


def test_stays_of_another_year_name_the_first_line(tmp_path: Path) -> None:
    rows = STAY, STAY | {"SOR_ANN": "2018"}, STAY | {"SOR_ANN": "2017"}
    error = refused(claims(tmp_path, csv_text(*rows), "T_MCO19B.csv"))
    assert error.happened == (
        "T_MCO19B.csv, line 3, column SOR_ANN: "
        "the row is of another year than the file's name says."
    )


@pytest.mark.parametrize("day", ["31/01/2019", "01/03/2019", "01/02/2018"])
def test_claims_of_another_month_name_the_first_line(tmp_path: Path, day: str) -> None:
    error = refused(claims(tmp_path, csv_text(CLAIM, CLAIM, CLAIM | {"FLX_DIS_DTD": day})))
    assert error.happened == (
        "ER_PRS_F_201902.csv, line 4, column FLX_DIS_DTD: "
        "the row is of another month than the file's name says."
    )


def test_a_month_in_parquet_is_checked_like_one_in_csv(tmp_path: Path) -> None:
    rows = read_all(claims(tmp_path, csv_text(CLAIM))).rows.drop("$line")
    other = rows.with_columns(FLX_DIS_DTD=pl.lit(date(2019, 3, 1)))
    path = tmp_path / "ER_PRS_F_201902.parquet"
    pl.concat([rows, other]).write_parquet(path)
    assert "line 2, column FLX_DIS_DTD" in refused(path).happened


@pytest.mark.parametrize("key", NINE_KEYS)
def test_each_of_the_nine_keys_is_needed(tmp_path: Path, key: str) -> None:
    without = {name: value for name, value in CLAIM.items() if name != key}
    error = refused(claims(tmp_path, csv_text(without)))
    assert error.happened == f"ER_PRS_F_201902.csv, line 1: missing: {key}."
    path = claims(tmp_path, csv_text(CLAIM, CLAIM | {key: ""}))
    assert read_all(path).refused == [(3, "missing_key", key)]


def test_a_missing_column_that_can_be_done_without_is_null_and_reported(tmp_path: Path) -> None:
    without = {name: value for name, value in CLAIM.items() if name != "PRS_PAI_MNT"}
    got = read_all(claims(tmp_path, csv_text(without)))
    assert got.opened.missing_optional == ("PRS_PAI_MNT",)
    assert got.rows["PRS_PAI_MNT"].to_list() == [None]


def test_an_added_column_is_reported_and_quoted_only_if_it_is_a_name(tmp_path: Path) -> None:
    row = CLAIM | {"LOCAL_FLAG": SECRET, f"{SECRET} 1": SECRET}
    got = read_all(claims(tmp_path, csv_text(row)))
    assert got.opened.unknown == ("LOCAL_FLAG", f"column {len(row)}")
    assert SECRET not in str(got.rows.rows())


def test_a_column_given_twice(tmp_path: Path) -> None:
    body = csv_text(CLAIM | {"ben_nir_psa ": SECRET})
    error = refused(claims(tmp_path, body))
    assert error.happened == "ER_PRS_F_201902.csv, line 1: given more than once: BEN_NIR_PSA."


def test_a_code_outside_its_closed_list(tmp_path: Path) -> None:
    path = claims(tmp_path, csv_text(STAY, STAY | {"COD_SEX": "3"}), "T_MCO19B.csv")
    got = read_all(path)
    assert got.refused == [(3, "outside_nomenclature", "COD_SEX")]
    assert got.rows["$line"].to_list() == [2]


def test_an_open_code_is_not_refused(tmp_path: Path) -> None:
    got = read_all(claims(tmp_path, csv_text(STAY | {"DGN_PAL": "X0000"}), "T_MCO19B.csv"))
    assert got.refused == []


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_fixed_width_file_is_told_from_its_first_line(tmp_path: Path, end: str) -> None:
    line = f"11M07AB 010000123221 {SECRET}      19062019 54   1"
    error = refused(claims(tmp_path, (line + end) * 3, "T_MCO19B.csv"))
    assert error.happened == (
        "T_MCO19B.csv, line 1: there is no header with separators: this is a fixed-width file."
    )
    assert "CSV" in error.remedy


@pytest.mark.parametrize("ending", ["txt", "sas7bdat", "xlsx", "dat.gz"])
def test_a_table_in_no_form_that_can_be_read_is_not_left_out(tmp_path: Path, ending: str) -> None:
    claims(tmp_path, csv_text(CLAIM))
    claims(tmp_path, "x", f"T_MCO19B.{ending}")
    error = refused(tmp_path)
    assert f"T_MCO19B.{ending} is named after a table" in error.happened


def test_a_file_without_header_line_shows_none_of_its_values(tmp_path: Path) -> None:
    body = csv_text(CLAIM | {"BEN_NIR_PSA": SECRET}).split("\n", 1)[1]
    error = refused(claims(tmp_path, body))
    assert "line 1: none of the columns is of table ER_PRS_F." in error.happened


def test_windows_line_ends_are_taken(tmp_path: Path) -> None:
    unix = read_all(claims(tmp_path, csv_text(CLAIM, CLAIM | {"PRS_ACT_QTE": "2"})))
    windows = read_all(claims(tmp_path, csv_text(CLAIM, CLAIM | {"PRS_ACT_QTE": "2"}, end="\r\n")))
    assert windows.rows.equals(unix.rows)
    assert windows.refused == []


def test_a_lone_carriage_return_refuses_its_line_only(tmp_path: Path) -> None:
    body = csv_text(CLAIM, CLAIM, end="\r\n") + ";".join(CLAIM.values()).replace("17;", "1\r7;")
    assert read_all(claims(tmp_path, body)).refused == [(4, "wrong_field_count", None)]


def test_a_byte_order_mark_and_quotes_are_taken(tmp_path: Path) -> None:
    quoted = "\n".join(
        ";".join(f'"{cell}"' for cell in line.split(";"))
        for line in csv_text(CLAIM).strip().split("\n")
    )
    got = read_all(claims(tmp_path, "\ufeff" + quoted))
    assert got.rows.equals(read_all(claims(tmp_path, csv_text(CLAIM))).rows)


def test_thousands_separators_are_refused_and_a_decimal_comma_is_not(tmp_path: Path) -> None:
    amounts = "25,50", "1 234,50", "1\u00a0234,50", "1\u202f234,50", "1.234,50"
    path = claims(tmp_path, csv_text(*(CLAIM | {"PRS_PAI_MNT": one} for one in amounts)))
    got = read_all(path)
    assert got.rows["PRS_PAI_MNT"].to_list() == [25.5]
    assert got.refused == [(line, "thousands_separator", "PRS_PAI_MNT") for line in range(3, 7)]


def test_latin_1_is_named_with_line_and_column(tmp_path: Path) -> None:
    body = csv_text(CLAIM, CLAIM | {"PFS_EXE_NUM": "é" + SECRET}).encode("latin-1")
    error = refused(claims(tmp_path, body))
    assert error.happened == "ER_PRS_F_201902.csv, line 3, column PFS_EXE_NUM: a byte is not utf-8."
    assert "latin-1" in error.remedy
    assert read_all(tmp_path, encoding="latin-1").rows.height == 2


def test_a_nul_byte_is_named_though_its_column_is_not_wanted(tmp_path: Path) -> None:
    body = csv_text(CLAIM | {"LOCAL": SECRET}, CLAIM | {"LOCAL": "\0"})
    error = refused(claims(tmp_path, body))
    assert error.happened.startswith("ER_PRS_F_201902.csv, line 3, column 17")
    assert "NUL" in error.happened


def test_a_truncated_gzip(tmp_path: Path) -> None:
    whole = gzip.compress(csv_text(*[CLAIM] * 5_000).encode(), mtime=0)
    error = refused(claims(tmp_path, whole[: len(whole) // 2], CLAIMS + ".gz"))
    assert error.happened == "ER_PRS_F_201902.csv.gz is damaged or cut short."


def test_a_file_that_is_no_gzip(tmp_path: Path) -> None:
    refused(claims(tmp_path, csv_text(CLAIM), CLAIMS + ".gz"))


def test_an_empty_file(tmp_path: Path) -> None:
    assert "the file is empty" in refused(claims(tmp_path, "")).happened


def test_a_header_only_is_a_table_without_rows(tmp_path: Path) -> None:
    got = read_all(claims(tmp_path, csv_text(CLAIM).split("\n")[0] + "\n"))
    assert got.rows.is_empty()
    assert got.refused == []


def test_a_quote_that_is_never_closed(tmp_path: Path) -> None:
    path = claims(tmp_path, csv_text(CLAIM, CLAIM | {"PFS_EXE_NUM": f'"{SECRET}'}))
    assert "line 3: a quote is opened and not closed" in refused(path).happened


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("ER_PRS_F_201902.csv", "ER_PRS_F_201902.parquet"),
        ("ER_PRS_F_201902.csv", "second/er_prs_f_201902.csv"),
        ("ER_PRS_F_2019.csv", "ER_PRS_F_201902.csv"),
        ("ER_PRS_F.csv", "ER_PRS_F_201902.csv"),
        ("T_MCO19B.csv", "T_MCO19B.csv.gz"),
        ("IR_BEN_R.csv", "second/IR_BEN_R.csv"),
    ],
)
def test_the_same_table_twice_for_one_time(tmp_path: Path, one: str, two: str) -> None:
    (tmp_path / "second").mkdir()
    for name in (one, two):
        claims(tmp_path, csv_text(CLAIM), name)
    assert "are both for the table" in refused(tmp_path).happened


@pytest.mark.parametrize(
    "name", ["ER_PRS_F_201913.csv", "ER_PRS_F_201900.csv", "T_MCO19B_2018.csv"]
)
def test_a_name_that_gives_no_time_or_two(tmp_path: Path, name: str) -> None:
    assert f"{name}: the name gives" in refused(claims(tmp_path, csv_text(CLAIM), name)).happened


def test_a_year_in_which_there_was_no_such_table(tmp_path: Path) -> None:
    first, _ = catalogue().tables["T_MCOaaUM"].years
    assert first is not None
    path = claims(tmp_path, csv_text(STAY), f"T_MCO{(first - 1) % 100:02}UM.csv")
    with pytest.raises(SourceError, match=f"there was no table T_MCOaaUM in {first - 1}"):
        read_all(path, ["RSA_NUM"])


def test_nothing_of_the_snds(tmp_path: Path) -> None:
    claims(tmp_path, csv_text(CLAIM), "person.csv")
    assert "holds no table of the SNDS" in refused(tmp_path).happened
    assert "holds no table" not in refused(tmp_path / "absent").happened


def typed_claims(folder: Path) -> pl.DataFrame:
    return read_all(claims(folder, csv_text(CLAIM))).rows.drop("$line")


@pytest.mark.parametrize("column", ["PFS_EXE_NUM", "BEN_NIR_PSA", "ORG_CLE_NUM"])
def test_identifiers_stored_as_numbers_in_parquet(tmp_path: Path, column: str) -> None:
    path = tmp_path / "ER_PRS_F_201902.parquet"
    typed_claims(tmp_path).with_columns(pl.lit(4711).alias(column)).write_parquet(path)
    error = refused(path)
    assert error.happened.endswith(f"stored as numbers or dates, not as text: {column}.")
    assert "leading zeros" in error.remedy


def test_parquet_of_a_type_that_no_column_has(tmp_path: Path) -> None:
    path = tmp_path / "ER_PRS_F_201902.parquet"
    typed_claims(tmp_path).with_columns(PRS_ACT_QTE=pl.lit(b"x")).write_parquet(path)
    assert "of a type that table ER_PRS_F cannot take: PRS_ACT_QTE" in refused(path).happened


def test_dates_as_moments_and_numbers_with_decimals_in_parquet(tmp_path: Path) -> None:
    rows = typed_claims(tmp_path).with_columns(
        pl.col("FLX_DIS_DTD", "EXE_SOI_DTD").cast(pl.Datetime("ms")),
        pl.col("PRS_ACT_QTE").cast(pl.Float64),
    )
    late = rows.with_columns(pl.col("EXE_SOI_DTD") + pl.duration(hours=9))
    path = tmp_path / "ER_PRS_F_201902.parquet"
    pl.concat([rows, late]).write_parquet(path)
    got = read_all(path)
    assert got.rows["EXE_SOI_DTD"].to_list() == [date(2019, 1, 15)]
    assert got.refused == [(2, "wrong_type", "EXE_SOI_DTD")]


def test_damaged_parquet(tmp_path: Path) -> None:
    path = tmp_path / "ER_PRS_F_201902.parquet"
    typed_claims(tmp_path).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-40])
    assert "damaged or cut short" in refused(path).happened


def test_comma_separated_files_are_taken(tmp_path: Path) -> None:
    got = read_all(claims(tmp_path, csv_text(CLAIM, separator=",")))
    assert got.rows.equals(read_all(claims(tmp_path, csv_text(CLAIM))).rows)


def test_the_delivery_says_what_it_leaves_out(tmp_path: Path) -> None:
    claims(tmp_path, csv_text(CLAIM))
    claims(tmp_path, csv_text(CLAIM), "T_MCO19_02B.csv")
    assert find_delivery(tmp_path).ignored == ("T_MCO19_02B.csv",)


@pytest.mark.parametrize("columns", [20_000, 1_000_000])
def test_a_header_of_countless_columns_is_refused(tmp_path: Path, columns: int) -> None:
    body = csv_text(CLAIM).split("\n")
    head, row = body[0] + ";X" * columns, body[1] + f";{SECRET}" * 3
    error = refused(claims(tmp_path, f"{head}\n{row}\n"))
    assert error.happened.startswith(f"{CLAIMS}, line 1: ")
    assert "columns" in error.happened or "does not end" in error.happened


def test_a_field_without_end_is_refused_and_never_held_whole(tmp_path: Path) -> None:
    path = tmp_path / f"{CLAIMS}.gz"
    with gzip.open(path, "wb", compresslevel=1) as packed:
        packed.write(csv_text(CLAIM).encode() + SECRET.encode())
        for _ in range(100):
            packed.write(b"0" * (1 << 20))
    error = refused(path)
    assert error.happened == f"{path.name}, line 3: the line does not end within 64 MiB."


def test_members_of_a_zip_are_read_where_they_are(tmp_path: Path) -> None:
    """A name that climbs out of the zip writes nothing, wherever it points."""
    inside = tmp_path / "inside"
    inside.mkdir()
    path = inside / "delivery.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"../../{CLAIMS}", csv_text(CLAIM))
        archive.writestr("/etc/ER_PHA_F_201902.csv.sha256", SECRET)
    found = find_delivery(path)
    assert [one.family for one in found.files] == ["ER_PRS_F"]
    assert read_all(path).rows.height == 1
    assert sorted(tmp_path.rglob("*")) == [inside, path]


def test_a_member_twice_in_a_zip_is_refused(tmp_path: Path) -> None:
    """Which of the two is read depends on the program: one shows a clean file, one a forged one."""
    path = tmp_path / "delivery.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(CLAIMS, csv_text(CLAIM))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr(CLAIMS, csv_text(CLAIM, CLAIM))
    with pytest.raises(SourceError, match="the same time"):
        find_delivery(path)


def test_a_pipe_named_after_a_table_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ER_PHA_F_201902.csv")
    claims(tmp_path, csv_text(CLAIM))
    assert [one.family for one in find_delivery(tmp_path).files] == ["ER_PRS_F"]


def test_a_folder_that_links_to_itself_is_walked_once(tmp_path: Path) -> None:
    claims(tmp_path, csv_text(CLAIM))
    (tmp_path / "again").symlink_to(tmp_path)
    assert len(find_delivery(tmp_path).files) == 1
