"""Make the code lists that the package ships (`src/laennec/snds/data/codes_*.csv.gz`).

    python tools/snds_codes.py SOURCES           write the lists from SOURCES (see below)
    python tools/snds_codes.py SOURCES --check   write nothing; fail if a list would change

SOURCES is a folder with `snds-nomenclatures`, `snds-synthetic` and `nomensland`, the public data
sets that `codes_index.csv` names. A list has the columns number, code, label and parent, sorted by
number. The concept id of a code is the vocabulary's first id plus its number, for ever:

- *code*: the number is the code itself; nothing has to be remembered.
- *place*: numbers are given once. A code that a list has keeps its number, also when it has left
  the sources (rows of earlier years carry it); codes of a new edition get the next free numbers in
  the order of their text. Labels and parents follow the sources.

The same sources and lists give the same bytes.
"""

import gzip
import io
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl

DATA = Path(__file__).resolve().parents[1] / "src" / "laennec" / "snds" / "data"
_COLUMNS = {"number": pl.Int64(), "code": pl.String(), "label": pl.String(), "parent": pl.String()}


def _table(path: Path) -> pl.DataFrame:
    """Read a value table: all text, empty as missing."""
    return pl.read_csv(path, separator=";", infer_schema=False)


def _json(path: Path) -> pl.DataFrame:
    return pl.DataFrame(
        json.loads(gzip.decompress(path.read_bytes())), infer_schema_length=None, strict=False
    )


def _coded(rows: pl.DataFrame, code: str, label: pl.Expr, parent: pl.Expr | None) -> pl.DataFrame:
    """Return code, label and parent, each text without spaces around."""
    above = pl.lit(None, pl.String()) if parent is None else parent
    return rows.select(
        pl.col(code).cast(pl.String).str.strip_chars().alias("code"),
        label.cast(pl.String).str.replace_all(r"\s+", " ").str.strip_chars().alias("label"),
        above.cast(pl.String).str.strip_chars().alias("parent"),
    ).filter(pl.col("code").fill_null("") != "")


def _merged(*lists: pl.DataFrame) -> pl.DataFrame:
    """Put lists of codes together: of a code, the first label and the first parent there is."""
    return (
        pl.concat(lists)
        .group_by("code", maintain_order=True)
        .agg(pl.col("label", "parent").drop_nulls().first())
    )


def _below_prefix(codes: pl.DataFrame, *, shortest: int) -> pl.DataFrame:
    """Give codes without a parent the longest proper prefix that is a code itself."""
    known = codes["code"].implode()
    prefixes = [
        pl.when(
            (pl.col("code").str.len_chars() > size) & pl.col("code").str.slice(0, size).is_in(known)
        ).then(pl.col("code").str.slice(0, size))
        for size in range(7, shortest - 1, -1)
    ]
    return codes.with_columns(pl.coalesce("parent", *prefixes))


def _groups(name: str, codes: pl.DataFrame, *, width: int) -> pl.DataFrame:
    """Put the chapters of ``codes_groups.csv`` above the codes that have nothing above them."""
    groups = pl.read_csv(DATA / "codes_groups.csv", infer_schema=False)
    groups = groups.filter(pl.col("name") == name)
    head = pl.col("code").str.slice(0, width)
    chapters = [
        pl.when(head.is_between(pl.lit(row["first"]), pl.lit(row["last"]))).then(
            pl.lit(row["code"])
        )
        for row in groups.iter_rows(named=True)
    ]
    placed = codes.with_columns(pl.coalesce("parent", *chapters))
    empty = pl.lit(None, pl.String()).alias("parent")
    return pl.concat([groups.select("code", "label", empty), placed])


def _cim10(sources: Path) -> pl.DataFrame:
    folder = sources / "snds-nomenclatures" / "ORAVAL"
    pmsi = _coded(_table(folder / "MS_CIM_V.csv"), "CIM_COD", pl.col("CIM_LIL"), None)
    dcir = _coded(_table(folder / "IR_CIM_V.csv"), "CIM_COD", pl.col("CIM_LIB"), None)
    codes = _merged(pmsi, dcir).filter(pl.col("code").str.contains(r"^[A-Z]\d\d"))
    return _groups("CIM10", _below_prefix(codes, shortest=3), width=3)


def _ccam(sources: Path) -> pl.DataFrame:
    folder = sources / "snds-nomenclatures" / "ATIH"
    acts = _json(sources / "nomensland" / "inst" / "tables" / "ccam_actes.json.gz")
    current = _coded(acts, "code", pl.coalesce("libelle_long", "libelle_court"), None)
    earlier = [
        _coded(
            _table(folder / f"IR_CCAM_V{version}.csv"),
            "CAM_PRS_IDE_COD",
            pl.col("CAM_PRS_IDE_LIB"),
            None,
        )
        for version in (63, 54)
    ]
    codes = _merged(current, *earlier).filter(pl.col("code").str.contains(r"^[A-Z]{4}\d{3}$"))
    return _groups("CCAM", codes, width=1)


def _ucd_table(sources: Path) -> pl.DataFrame:
    return _json(sources / "nomensland" / "inst" / "tables" / "ucd_tot_table.json.gz")


def _atc(sources: Path) -> pl.DataFrame:
    folder = sources / "snds-synthetic" / "nomenclatures" / "OPENMEDIC"
    sizes = {1: 1, 2: 3, 3: 4, 4: 5, 5: 7}
    levels = [
        _coded(
            _table(folder / f"openmedic_ATC{level}.csv"),
            f"ATC{level}",
            pl.col(f"Libellé ATC{level}"),
            None,
        ).filter(pl.col("code").str.len_chars() == size)
        for level, size in sizes.items()
    ]
    hospital = _coded(_ucd_table(sources), "code_atc", pl.col("libelle_atc"), None)
    codes = _merged(*levels, hospital).filter(
        pl.col("code").str.contains(r"^[A-Z](\d\d([A-Z]([A-Z](\d\d)?)?)?)?$")
    )
    return _below_prefix(codes, shortest=1)


def _plain(path: str, code: str, label: str) -> Callable[[Path], pl.DataFrame]:
    """Return the maker of a list that is one value table."""

    def make(sources: Path) -> pl.DataFrame:
        rows = _table(sources / "snds-nomenclatures" / path)
        return _merged(_coded(rows, code, pl.col(label), None))

    return make


def _cip(sources: Path) -> pl.DataFrame:
    rows = _table(sources / "snds-nomenclatures" / "ORAVAL" / "IR_CIP_V.csv")
    return _coded(
        rows.filter(pl.col("PHA_PRS_IDE").str.len_chars() == 7),
        "PHA_PRS_IDE",
        pl.lit(None, pl.String()),
        pl.col("PHA_ATC_CLA"),
    ).unique("code", keep="first", maintain_order=True)


def _lpp(sources: Path) -> pl.DataFrame:
    folder = sources / "snds-nomenclatures"
    named = _table(folder / "ORAREF" / "NT_LPP.csv")
    priced = _table(folder / "ORAVAL" / "IR_LPP_V.csv")
    return _merged(
        _coded(named, "LPP_PRS_IDE", pl.col("LPP_RED_LIB"), None),
        _coded(priced, "LPP_COD", pl.lit(None, pl.String()), None),
    )


def _ucd(sources: Path) -> pl.DataFrame:
    folder = sources / "snds-nomenclatures"
    named = _coded(
        _ucd_table(sources),
        "code_ucd",
        pl.coalesce("libelle_long_rcp", "libelle_long_ucd"),
        pl.col("code_atc"),
    )
    listed = _table(folder / "ORAREF" / "NU_UCD_R.csv")
    label = pl.concat_str("UCD_DSN_LIB", "UCD_CND_LIB", separator=", ", ignore_nulls=True)
    priced = _table(folder / "ORAVAL" / "IR_UCD_V.csv")
    return _merged(
        named,
        _coded(listed, "UCD_UCD_COD", label, None).with_columns(pl.col("code").str.slice(-7)),
        _coded(priced, "UCD_COD", pl.lit(None, pl.String()), None),
    )


MAKERS: Mapping[str, Callable[[Path], pl.DataFrame]] = {
    "CIM10": _cim10,
    "CCAM": _ccam,
    "ATC": _atc,
    "ALD": _plain("ORAVAL/IR_ALD_V.csv", "ALD_030_COD", "ALD_030_LIB"),
    "PRS_NAT": _plain("ORAVAL/IR_NAT_V.csv", "PRS_NAT", "PRS_NAT_LIB"),
    "NABM": _plain("ORAREF/IR_BIO_R.csv", "BIO_PRS_IDE", "BIO_INF_LIB"),
    "CIP13": _cip,
    "LPP": _lpp,
    "UCD": _ucd,
}


def file_of(name: str) -> Path:
    """Return where the list of a vocabulary is kept."""
    return DATA / f"codes_{name.lower()}.csv.gz"


def numbered(codes: pl.DataFrame, earlier: pl.DataFrame, *, by_code: bool) -> pl.DataFrame:
    """Give each code its number; those of ``earlier`` keep theirs and stay.

    Args:
        codes: code, label and parent, a code once.
        earlier: The list as it is shipped; empty at the beginning.
        by_code: Whether the number is the code itself.
    """
    both = _merged(codes, earlier.select("code", "label", "parent"))
    if by_code:
        return both.with_columns(pl.col("code").cast(pl.Int64).alias("number"))
    kept = earlier.select("code", "number")
    last = kept["number"].max()
    new = both.join(kept, on="code", how="anti").sort("code").select("code")
    given = new.with_row_index("number", offset=int(str(last)) + 1 if last is not None else 1)
    numbers = pl.concat([kept, given.select("code", pl.col("number").cast(pl.Int64))])
    return both.join(numbers, on="code")


def list_bytes(codes: pl.DataFrame) -> bytes:
    """Return the file: gzip without a time, so that equal lists are equal bytes."""
    text = io.BytesIO()
    codes.select(pl.col(name).cast(kind) for name, kind in _COLUMNS.items()).sort(
        "number"
    ).write_csv(text)
    return gzip.compress(text.getvalue(), compresslevel=9, mtime=0)


def make(name: str, sources: Path, *, by_code: bool) -> bytes:
    """Return the file of a vocabulary's list from the sources and the list there is."""
    path = file_of(name)
    earlier = (
        pl.read_csv(gzip.decompress(path.read_bytes()), schema=_COLUMNS)
        if path.exists()
        else pl.DataFrame(schema=_COLUMNS)
    )
    return list_bytes(numbered(MAKERS[name](sources), earlier, by_code=by_code))


def main(arguments: list[str]) -> int:
    """Write or check; returns the exit status."""
    folders, options = arguments[:1], arguments[1:]
    if not folders or options not in ([], ["--check"]):
        sys.stderr.write(f"{__doc__}\n")
        return 2
    index = pl.read_csv(DATA / "codes_index.csv", infer_schema=False)
    status = 0
    for name, numbering in index.select("name", "numbering").iter_rows():
        content = make(name, Path(folders[0]), by_code=numbering == "code")
        path = file_of(name)
        if path.exists() and path.read_bytes() == content:
            continue
        sys.stdout.write(f"{path.name}\n")
        status = 1
        if not options:
            path.write_bytes(content)
    return status if options else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
