"""A whole synthetic base: it is what its truth says, and what the reading of the SNDS accepts."""

import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from laennec.core.errors import AlreadyExistsError
from laennec.core.progress import Quiet
from laennec.intake.csv_records import LINE
from laennec.intake.snds.files import find_delivery
from laennec.intake.snds.read import open_file, read
from laennec.snds.catalogue import catalogue
from laennec.snds.keys import NINE_KEYS, stay_columns
from laennec.synthetic.snds import Format, Made, Order, frequencies, layout, make
from laennec.synthetic.snds.block import SIZE, block
from laennec.synthetic.snds.chaining import FILLERS
from laennec.synthetic.snds.claim_files import write_claims
from laennec.synthetic.snds.identities import Identities
from laennec.synthetic.snds.products import write_products
from laennec.synthetic.snds.register import write_register
from laennec.synthetic.snds.stay_files import write_stays
from laennec.synthetic.snds.stays import stays
from laennec.synthetic.snds.writer import Files, Target

PERSONS, YEARS = 6_000, (2015, 2016)
ORDER = Order(PERSONS, 11, *YEARS)
DETAILS = ("ER_PHA_F", "ER_BIO_F", "ER_CAM_F", "ER_TIP_F", "ER_UCD_F", "ER_ETE_F", "ER_ARO_F")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(ORDER, tmp_path_factory.mktemp("snds") / "base", Quiet())


def rows(made: Made, pattern: str) -> pl.DataFrame:
    """Read every file of a pattern as text, with ``file`` and ``line``."""
    paths = sorted(made.folder.glob(f"{pattern}.csv"))
    assert paths, pattern
    return pl.concat(
        (
            pl.read_csv(one, separator=";", infer_schema=False).with_columns(
                pl.lit(one.stem).alias("file"),
                (pl.int_range(pl.len()) + 2).alias("line"),
            )
            for one in paths
        ),
        how="diagonal",
    )


def truth(made: Made, name: str) -> pl.DataFrame:
    return pl.read_csv(made.folder / "truth" / f"{name}.csv", separator=";", infer_schema=False)


def days(column: str, pattern: str = "%d/%m/%Y") -> pl.Expr:
    return pl.col(column).str.to_date(pattern)


def lines_of(faults: pl.DataFrame, fault: str, table: str) -> set[tuple[str, int]]:
    """Return the places of a fault class in the files of a table."""
    some = faults.filter(pl.col("fault") == fault, pl.col("file").str.starts_with(table))
    return set(zip(some["file"], some["line"].cast(pl.Int64), strict=True))


def places(found: pl.DataFrame) -> set[tuple[str, int]]:
    return set(zip(found["file"], found["line"], strict=True))


def test_the_same_order_gives_the_same_files_byte_for_byte(made: Made, tmp_path: Path) -> None:
    again = make(ORDER, tmp_path, Quiet())
    names = {one.relative_to(made.folder) for one in made.folder.rglob("*") if one.is_file()}
    assert names == {one.relative_to(again.folder) for one in tmp_path.rglob("*") if one.is_file()}
    for name in names:
        assert (made.folder / name).read_bytes() == (again.folder / name).read_bytes(), name


def test_another_seed_gives_other_persons(tmp_path: Path) -> None:
    bases = [make(Order(50, seed, 2016, 2016), tmp_path / str(seed), Quiet()) for seed in (1, 2)]
    one, other = (rows(base, "IR_BEN_R")["BEN_NIR_PSA"] for base in bases)
    assert not set(one) & set(other)


@pytest.mark.parametrize("form", [Format.GZIP, Format.PARQUET])
def test_every_format_holds_the_same_rows(form: Format, tmp_path: Path) -> None:
    asked = (300, 3, 2015, 2015, 8.0)
    plain = make(Order(*asked), tmp_path / "csv", Quiet())
    other = make(Order(*asked, form), tmp_path / "other", Quiet())
    assert (other.rows, other.files) == (plain.rows, plain.files)
    pairs = zip(find_delivery(plain.folder).files, find_delivery(other.folder).files, strict=True)
    for one, same in pairs:
        columns = layout.columns(one.family, one.year)
        first, second = (
            [chunk.rows.drop(LINE) for chunk in read(open_file(file, columns=columns))]
            for file in (one, same)
        )
        assert bool(first) == bool(second), one.name
        assert not first or pl.concat(first).equals(pl.concat(second)), one.name


def test_every_file_has_the_columns_of_its_table_and_year_and_reads(made: Made) -> None:
    refused: dict[tuple[str, str | None], int] = {}
    for file in find_delivery(made.folder).files:
        columns = list(catalogue().tables[file.family].in_year(file.year))
        opened = open_file(file, columns=columns)
        assert not opened.missing_optional, file.name
        assert not opened.unknown, file.name
        for chunk in read(opened):
            for one in chunk.refused:
                key = (file.family, one.column)
                refused[key] = refused.get(key, 0) + one.rows.height
    faults = truth(made, "faults")
    planted = faults.filter(pl.col("fault") == "sex_outside_nomenclature")
    assert sum(refused.values()) == planted.height > 0
    assert {column for _, column in refused} <= {"BEN_SEX_COD", "COD_SEX"}


class Watched(Files):
    """Keeps the columns that are given for each table, and writes nothing."""

    def __init__(self) -> None:
        super().__init__(Path(), Format.CSV)
        self.given: dict[str, set[str]] = {}

    def append(
        self,
        target: Target,
        cells: layout.Cells,
        height: int,
        faults: dict[str, np.ndarray] | None = None,
    ) -> None:
        del height, faults
        self.given.setdefault(target.family, set()).update(cells)


def test_columns_that_are_filled_exist_in_some_year() -> None:
    """A misspelt column would be left out in silence: every one that is given is looked up."""
    made, watched = block(Order(400, 5, 2015, 2016), 0), Watched()
    write_products(watched)
    write_register(made, watched)
    write_claims(made, watched)
    write_stays(made, watched)
    assert {"ER_PRS_F", "IR_BEN_R", "KI_CCI_R", "IR_PHA_R", *DETAILS} <= watched.given.keys()
    assert {"T_MCOaaB", "T_SSRaaB", "T_HADaaB", "T_RIPaaRSA", "T_RIPaaR3A"} <= watched.given.keys()
    pmsi = {name for family in catalogue().tables for name in layout.columns(family, None)}
    for family, names in watched.given.items():
        # What chains a stay is given to every field, each of which takes its own columns.
        known = pmsi if family.startswith("T_") else set(layout.columns(family, None))
        assert names <= known, family


def test_the_nine_keys_name_one_claim_and_only_planted_details_are_orphans(made: Made) -> None:
    claims = rows(made, "ER_PRS_F_*")
    assert claims.select(pl.struct(NINE_KEYS).n_unique()).item() == claims.height
    faults = truth(made, "faults")
    orphans = 0
    for table in DETAILS:
        details = rows(made, f"{table}_*")
        lost = details.join(claims.select(NINE_KEYS), on=NINE_KEYS, how="anti")
        assert places(lost) == lines_of(faults, "orphan_detail", table), table
        orphans += lost.height
    assert orphans > 0


def test_faults_are_on_the_lines_that_the_truth_names(made: Made) -> None:
    faults, claims = truth(made, "faults"), rows(made, "ER_PRS_F_*")
    assert places(claims.filter(pl.col("DPN_QLF") == "71")) == lines_of(
        faults, "public_hospital_information", "ER_PRS_F"
    )
    assert places(claims.filter(pl.col("PRS_ACT_QTE").str.starts_with("-"))) == lines_of(
        faults, "regularisation", "ER_PRS_F"
    )
    hospitals = rows(made, "ER_ETE_F_*")
    assert places(hospitals.filter(pl.col("ETE_IND_TAA") == "1")) == lines_of(
        faults, "public_hospital_billing", "ER_ETE_F"
    )
    stay = rows(made, "T_MCO[0-9][0-9]B")
    assert places(stay.filter(pl.col("GRG_GHM").str.starts_with("90"))) == lines_of(
        faults, "grouping_error", "T_MCO"
    )
    assert places(stay.filter(pl.col("SEJ_TYP") == "B")) == lines_of(
        faults, "services_between_hospitals", "T_MCO"
    )


def test_what_is_taken_back_was_claimed_before(made: Made) -> None:
    claims = rows(made, "ER_PRS_F_*").join(rows(made, "ER_PHA_F_*"), on=NINE_KEYS)
    told = ["BEN_NIR_PSA", "EXE_SOI_DTD"]
    claims = claims.with_columns(days("FLX_DIS_DTD").alias("flux"))
    back = claims.filter(pl.col("PHA_ACT_QSN").str.starts_with("-"))
    first = (
        claims.filter(~pl.col("PHA_ACT_QSN").str.starts_with("-"))
        .group_by(told)
        .agg(pl.col("flux").min().alias("first"))
    )
    matched = back.join(first, on=told)
    assert matched.height > 0.99 * back.height  # the others' first detail lost its claim
    assert (matched["flux"] > matched["first"]).all()


def test_claims_are_within_life_and_flux_after_care(made: Made) -> None:
    claims = rows(made, "ER_PRS_F_*").with_columns(
        days("EXE_SOI_DTD").alias("care"), days("FLX_DIS_DTD").alias("flux")
    )
    assert claims["care"].dt.year().is_in(YEARS).all()
    months = (claims["flux"].dt.year() - claims["care"].dt.year()) * 12 + (
        claims["flux"].dt.month().cast(pl.Int32) - claims["care"].dt.month().cast(pl.Int32)
    )
    assert months.min() == 1
    assert months.max() == 12
    assert (claims["file"].str.slice(9) == claims["flux"].dt.strftime("%Y%m")).all()
    assert (claims.select(days("FLX_TRT_DTD")).to_series() >= claims["care"]).all()
    assert (claims.select(days("FLX_TRT_DTD")).to_series() < claims["flux"]).all()
    known = truth(made, "identifiers").select("BEN_NIR_PSA", "BEN_RNG_GEM", "person")
    deaths = (
        rows(made, "IR_BEN_R")
        .filter(pl.col("BEN_DCD_DTE") != "01/01/1600")
        .join(known, on=["BEN_NIR_PSA", "BEN_RNG_GEM"])
        .group_by("person")
        .agg(days("BEN_DCD_DTE").min().alias("death"))
    )
    alone = known.filter(pl.struct("BEN_NIR_PSA", "BEN_RNG_GEM").is_unique())
    dead = claims.join(alone, on=["BEN_NIR_PSA", "BEN_RNG_GEM"]).join(deaths, on="person")
    assert dead.height > 0
    assert (dead["care"] <= dead["death"]).all()


def test_lines_and_stays_are_as_many_as_ordered(made: Made) -> None:
    per_year = len(YEARS) * PERSONS
    assert rows(made, "ER_PRS_F_*").height / per_year == pytest.approx(8.0, rel=0.04)
    assert 0.1 < rows(made, "T_MCO[0-9][0-9]B").height / per_year < 0.25


def test_identifiers_are_of_the_persons_that_the_truth_names(made: Made) -> None:
    told, known = truth(made, "identifiers"), rows(made, "IR_BEN_R*")
    key = ["BEN_NIR_PSA", "BEN_RNG_GEM"]
    assert known.select(pl.struct(key).is_duplicated().any()).item() is False
    assert known.join(told, on=key, how="anti").is_empty()
    assert told.join(known, on=key, how="anti").is_empty()
    assert told["person"].n_unique() == PERSONS
    claims = rows(made, "ER_PRS_F_*").select(key).unique()
    assert claims.join(known, on=key, how="anti").is_empty()


def test_twins_of_one_sex_share_a_pseudonym(made: Made) -> None:
    told = truth(made, "identifiers").filter(pl.col("trap") == "same_sex_twin")
    pairs = told.group_by("BEN_NIR_PSA").agg(
        pl.col("BEN_RNG_GEM").sort(), pl.col("person").n_unique()
    )
    assert pairs.height > 0
    assert pairs["BEN_RNG_GEM"].to_list() == [["1", "2"]] * pairs.height
    assert set(pairs["person"]) == {2}


def test_persons_of_several_pseudonyms_have_one_nir_where_it_is_known(made: Made) -> None:
    told, known = truth(made, "identifiers"), rows(made, "IR_BEN_R*")
    of = known.join(told, on=["BEN_NIR_PSA", "BEN_RNG_GEM"]).filter(
        pl.col("trap") != "twins_rank_0"
    )
    nirs = of.group_by("person").agg(
        pl.col("BEN_NIR_PSA").n_unique().alias("several"),
        pl.col("BEN_NIR_ANO").drop_nulls().n_unique().alias("nirs"),
    )
    assert nirs.filter(pl.col("several") > 1).height > 0.03 * PERSONS
    assert nirs["nirs"].max() == 1
    fictive = of.filter(pl.col("trap") == "fictive")
    assert fictive.height > 0
    assert fictive["BEN_NIR_ANO"].is_null().all()
    assert set(fictive["BEN_NAI_ANN"]) == {"1955"}


@pytest.mark.parametrize("field", ["MCO", "SSR", "HAD", "RIP"])
def test_tables_of_a_field_join_its_stays(made: Made, field: str) -> None:
    key = [*stay_columns(field), "file"]
    chained = rows(made, f"T_{field}[0-9][0-9]C").with_columns(pl.col("file").str.slice(0, 7))
    main = {"MCO": "B", "SSR": "B", "HAD": "B", "RIP": "RSA"}[field]
    stay = rows(made, f"T_{field}[0-9][0-9]{main}").with_columns(pl.col("file").str.slice(0, 7))
    assert chained.select(pl.struct(key).is_unique().all()).item()
    assert stay.join(chained, on=key, how="anti").is_empty()
    assert chained.join(stay, on=key, how="anti").is_empty()
    details = {
        "MCO": ("A", "D", "UM", "MED", "DMIP"),
        "SSR": ("D", "CCAM", "CSARR"),
        "HAD": ("D", "A", "GRP"),
        "RIP": ("RSAD",),
    }
    for suffix in details[field]:
        part = rows(made, f"T_{field}[0-9][0-9]{suffix}").with_columns(
            pl.col("file").str.slice(0, 7)
        )
        assert part.height > 0, suffix
        assert part.join(chained, on=key, how="anti").is_empty(), suffix


def test_stays_are_chained_to_the_person_that_the_truth_names(made: Made) -> None:
    told = truth(made, "stays").filter(pl.col("file").str.ends_with("B"))
    told = told.filter(pl.col("file").str.starts_with("T_MCO"))
    chained = rows(made, "T_MCO[0-9][0-9]C").with_columns(pl.col("file").str.slice(0, 7) + "B")
    of = told.join(chained, on=["file", "ETA_NUM", "RSA_NUM"])
    assert of.height == told.height == chained.height
    filled = of.filter(pl.col("NIR_ANO_17").is_in(FILLERS))
    assert filled.height > 0
    assert (filled["NIR_RET"] != "0").all()
    named = of.filter(~pl.col("NIR_ANO_17").is_in(FILLERS)).join(
        truth(made, "identifiers").select("BEN_NIR_PSA", pl.col("person").alias("known")),
        left_on="NIR_ANO_17",
        right_on="BEN_NIR_PSA",
    )
    right = named.group_by("file", "ETA_NUM", "RSA_NUM").agg(
        (pl.col("person") == pl.col("known")).any().alias("right")
    )
    assert right.height == of.height - filled.height
    assert right["right"].all()
    assert of["RSA_NUM"].str.slice(0, 1).is_in(["A"]).any()


def test_return_codes_are_wrong_as_often_as_published(made: Made) -> None:
    for year in YEARS:
        chained = rows(made, f"T_MCO{year % 100}C")
        for code in ("NIR_RET", "SEJ_RET"):
            rate = frequencies.error_rate("MCO", code, year)
            wrong = chained.filter(pl.col(code) != "0").height
            spread = 5 * math.sqrt(chained.height * rate * (1 - rate)) + 1
            assert abs(wrong - chained.height * rate) < spread, code


def test_doubled_hospitals_repeat_stays_of_their_group(made: Made) -> None:
    told = truth(made, "stays").filter(pl.col("trap") == "double")
    geographic = set(frequencies.table("doubles")["geographic"])
    assert told.height > 0
    assert set(told["ETA_NUM"]) <= geographic


def test_the_summary_counts_the_files(made: Made) -> None:
    told = json.loads((made.folder / "truth" / "summary.json").read_text(encoding="utf-8"))
    assert told["persons"] == PERSONS
    assert len(told["files"]) == made.files == len(list(made.folder.glob("*.csv")))
    assert sum(one["rows"] for one in told["files"].values()) == made.rows
    for name, one in told["files"].items():
        path = made.folder / f"{name}.csv"
        assert one["bytes"] == path.stat().st_size
        assert one["rows"] == path.read_bytes().count(b"\n") - 1
    faults = truth(made, "faults")
    assert told["faults"] == dict(sorted(faults.group_by("fault").len().rows()))


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(AlreadyExistsError):
        make(Order(10, 1, 2016, 2016), tmp_path, Quiet())
    assert [one.name for one in tmp_path.iterdir()] == ["note.txt"]


def test_blocks_do_not_depend_on_those_before_them() -> None:
    order = Order(SIZE + 500, 9, 2016, 2016, 1.0)
    second = block(order, 1)
    assert second.people.number[[0, -1]].tolist() == [SIZE + 1, SIZE + 500]
    again = block(order, 1)
    assert (second.lines.day == again.lines.day).all()
    assert isinstance(second.identities, Identities)


def test_bleeding_follows_the_two_drugs_as_the_studies_expect() -> None:
    """Enough new users and bleedings on 20,000 persons that a study can publish both."""
    made = block(Order(20_000, 7, 2015, 2019), 0)
    bled = frequencies.table("stays")["DGN_PAL"].is_in(["K922", "K254"]).to_numpy()
    some = stays(made)
    bleedings = pl.DataFrame(
        {"person": some.person, "entry": some.entry, "bled": bled[some.cause]}
    ).filter("bled")
    shares = {}
    for drug, (person, day) in made.starts.items():
        users = pl.DataFrame({"person": person, "day": day})
        after = users.join(bleedings, on="person").filter(
            (pl.col("entry") - pl.col("day")).is_between(1, 90)
        )
        count = after["person"].n_unique()
        assert users.height > 500, drug
        assert count > 22, drug
        shares[drug] = count / users.height
    assert shares["diclofenac"] > 1.5 * shares["celecoxib"]
