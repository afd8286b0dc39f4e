"""Every class of fault that is planted in a synthetic base, found or missed by a whole load.

The table of docs/reference/snds-planted-faults.md is this one, figure by figure.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl
import pytest

from fakes.snds_hub import SndsHub
from laennec.core.progress import Quiet
from laennec.intake.snds.report import SndsReport
from laennec.synthetic.snds.order import Order
from laennec.synthetic.snds.service import make

ORDER = Order(30_000, 6, 2015, 2016, lines_per_year=2.0)
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "snds-planted-faults.md"

STAY_KEYS = {
    "CSTC": ("ETA_NUM", "SEQ_NUM"),
    "MCO": ("ETA_NUM", "RSA_NUM"),
    "SSR": ("ETA_NUM", "RHA_NUM"),
    "HAD": ("ETA_NUM_EPMSI", "RHAD_NUM"),
    "RIP": ("ETA_NUM_EPMSI", "RIP_NUM"),
}
"""Establishment and number of a stay, by what the name of its file contains; the first counts."""

NINE = (
    *("FLX_DIS_DTD", "FLX_TRT_DTD", "FLX_EMT_TYP", "FLX_EMT_NUM", "FLX_EMT_ORD"),
    *("ORG_CLE_NUM", "DCT_ORD_NUM", "PRS_ORD_NUM", "REM_TYP_AFF"),
)

Figures = tuple[int, int, int]
"""Planted, found, and taken without being planted."""


@dataclass(frozen=True)
class Base:
    """A base that was loaded, and its truth."""

    folder: Path
    hub: SndsHub
    report: SndsReport

    def truth(self, name: str) -> pl.DataFrame:
        """Return a file of the truth; ``file`` without its form."""
        text = {"BEN_NIR_PSA": pl.String, "ETA_NUM": pl.String, "RSA_NUM": pl.String}
        return pl.read_csv(
            self.folder / "truth" / f"{name}.csv", separator=";", schema_overrides=text
        )

    @cached_property
    def aside(self) -> pl.DataFrame:
        """Return ``file, line, why`` of every row in quarantine or nobody's."""
        both = [
            self.hub.sealed("quarantine").select("file", "line", why="rule"),
            self.hub.sealed("snds_apart").select("file", "line", why="reason"),
        ]
        return pl.concat(both).with_columns(pl.col("file").str.strip_suffix(".csv"))

    @cached_property
    def identifiers(self) -> pl.DataFrame:
        """Return the truth of each identifier with what the load says of it."""
        told = self.truth("identifiers").rename({"BEN_NIR_PSA": "psa", "BEN_RNG_GEM": "rng"})
        return told.join(self.hub.sealed("snds_identifier"), on=["psa", "rng"], how="left")

    @cached_property
    def stays(self) -> pl.DataFrame:
        """Return the truth of each stay, with ``why`` a row of it is aside."""
        told = self.truth("stays")
        keys = ["file", "ETA_NUM", "RSA_NUM"]
        lines = pl.concat([self.stay_lines(name) for name in told["file"].unique()])
        why = lines.join(self.aside, on=["file", "line"]).group_by(keys).agg(pl.col("why").min())
        return told.join(lines.select(keys).unique(), on=keys).join(why, on=keys, how="left")

    def stay_lines(self, name: str) -> pl.DataFrame:
        """Return ``file, line, ETA_NUM, RSA_NUM`` of a file of stays."""
        place, number = next(keys for field, keys in STAY_KEYS.items() if field in name)
        return self.rows(name).select(
            "file", "line", pl.col(place).alias("ETA_NUM"), pl.col(number).alias("RSA_NUM")
        )

    def rows(self, name: str) -> pl.DataFrame:
        """Return a file as text with ``file`` and ``line``; the header is line 1."""
        path = self.folder / f"{name}.csv"
        rows = pl.read_csv(path, separator=";", infer_schema=False, row_index_name="line")
        return rows.with_columns(pl.col("line").cast(pl.Int64) + 2, file=pl.lit(name))

    def family(self, prefix: str) -> pl.DataFrame:
        """Return all files of a table of claims."""
        names = sorted(path.stem for path in self.folder.glob(f"{prefix}_2*.csv"))
        return pl.concat([self.rows(name) for name in names])

    def faults(self, fault: str, prefix: str = "") -> pl.DataFrame:
        """Return the planted rows of a class, with ``why`` they are aside."""
        told = self.truth("faults").filter(
            pl.col("fault") == fault, pl.col("file").str.starts_with(prefix)
        )
        return told.join(self.aside, on=["file", "line"], how="left")

    def dropped(self, rule: str, family: str) -> dict[str, int]:
        """Return rows that a rule dropped from a table, by file."""
        return {
            one.file.removesuffix(".csv"): one.dropped[rule]
            for one in self.report.files
            if one.family == family and rule in one.dropped
        }


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    folder = tmp_path_factory.mktemp("faults")
    make(ORDER, folder / "base", Quiet())
    hub = SndsHub(folder / "hub")
    return Base(folder / "base", hub, hub.load(folder / "base", memory_bytes=512 << 20))


def by_rule(fault: str, rule: str, family: str) -> Callable[[Base], Figures]:
    """Rows that a rule drops: their number, file by file, is that of the planted ones."""

    def count(base: Base) -> Figures:
        planted = base.faults(fault)
        aside = planted["why"].is_not_null()
        expected = dict(planted.filter(~aside).group_by("file").len().iter_rows())
        taken = base.dropped(rule, family)
        found = sum(min(rows, taken.get(file, 0)) for file, rows in expected.items())
        extra = sum(max(0, rows - expected.get(file, 0)) for file, rows in taken.items())
        return planted.height, found + int(aside.sum()), extra

    return count


def by_stay(trap: str, rule: str, family: str) -> Callable[[Base], Figures]:
    """Likewise of stays, which only the truth of stays names."""

    def count(base: Base) -> Figures:
        planted = base.stays.filter(pl.col("trap") == trap)
        aside = planted["why"].is_not_null()
        expected = dict(planted.filter(~aside).group_by("file").len().iter_rows())
        taken = base.dropped(rule, family)
        found = sum(min(rows, taken.get(file, 0)) for file, rows in expected.items())
        extra = sum(max(0, rows - expected.get(file, 0)) for file, rows in taken.items())
        return planted.height, found + int(aside.sum()), extra

    return count


def orphans(base: Base) -> Figures:
    planted = base.faults("orphan_detail")
    found = planted["why"] == "no claim with these nine keys"
    told = base.aside.filter(pl.col("why") == "no claim with these nine keys")
    return planted.height, int(found.sum()), told.height - int(found.sum())


def chaining(trap: str) -> Callable[[Base], Figures]:
    """Stays whose chaining failed: set apart, row by row."""

    def count(base: Base) -> Figures:
        planted = base.stays.filter(pl.col("trap") == trap)
        told = pl.col("why").str.contains("chaining|date-error|filler")
        quiet = base.stays.filter(~pl.col("trap").is_in(["filler", "return_code"]))
        found = planted.filter(pl.col("why").is_not_null()).height
        return planted.height, found, quiet.filter(told).height

    return count


def sex_of_stays(base: Base) -> Figures:
    planted = base.faults("sex_outside_nomenclature", "T_")
    told = base.aside.filter(pl.col("why") == "outside_nomenclature")
    found = int((planted["why"] == "outside_nomenclature").sum())
    return planted.height, found, told.height - found


def sex_of_claims(base: Base) -> Figures:
    planted = base.faults("sex_outside_nomenclature", "ER_PRS_F")
    return planted.height, int(planted["why"].is_not_null().sum()), 0


def letters(base: Base) -> Figures:
    """A number that begins with a letter is a good one: the stay is never quarantined."""
    planted = base.stays.filter(pl.col("trap") == "letter")
    refused = planted["why"].is_in(base.hub.sealed("quarantine")["rule"].implode())
    return planted.height, planted.height - int(refused.sum()), 0


def information(base: Base) -> Figures:
    """Claims for information; one of a hospital that bills directly too may go by either rule."""
    planted, found, extra = by_rule(
        "public_hospital_information", "claim-for-information", "ER_PRS_F"
    )(base)
    claims = base.family("ER_PRS_F").join(
        base.faults("public_hospital_information"), on=["file", "line"]
    )
    billed = base.family("ER_ETE_F").join(
        base.faults("public_hospital_billing"), on=["file", "line"]
    )
    both = claims.join(billed, on=NINE, how="semi").height
    return planted, min(planted, found + both), extra


def generated(base: Base) -> Figures:
    """Weeks and summaries that a program made up: all rows of the stays that the truth names."""
    stays = base.stays.filter(pl.col("trap") == "generated").select("file", "ETA_NUM", "RSA_NUM")
    lines = pl.concat([base.stay_lines(name) for name in base.stays["file"].unique()])
    expected = dict(lines.join(stays, on=stays.columns).group_by("file").len().iter_rows())
    taken = base.dropped("ssr-made-up-week", "T_SSRaaB")
    taken |= base.dropped("psy-made-up-summary", "T_RIPaaRSA")
    found = sum(min(rows, taken.get(file, 0)) for file, rows in expected.items())
    extra = sum(max(0, rows - expected.get(file, 0)) for file, rows in taken.items())
    return sum(expected.values()), found, extra


CODES = {
    "ER_PHA_F": ("PHA_PRS_C13", "drug_exposure", "drug"),
    "ER_BIO_F": ("BIO_PRS_IDE", "measurement", "measurement"),
    "ER_CAM_F": ("CAM_PRS_IDE", "procedure_occurrence", "procedure"),
    "ER_TIP_F": ("TIP_PRS_IDE", "device_exposure", "device"),
}
"""Column of the code, table and prefix of its columns in OMOP, by table of claims."""


def codes_of_claims(base: Base) -> Figures:
    """A code that is in no list is kept as it was written, with no concept."""
    planted = found = extra = 0
    tables = base.hub.tables()
    for prefix, (column, table, name) in CODES.items():
        rows = base.faults("code_outside_nomenclature", prefix)
        told = base.family(prefix).join(rows, on=["file", "line"])
        unknown = set(
            tables[table].filter(pl.col(f"{name}_source_concept_id") == 0)[f"{name}_source_value"]
        )
        lost = told["why"].is_not_null()
        planted += told.height
        found += int((told[column].is_in(list(unknown)) | lost).sum())
        extra += len(unknown & set(base.family(prefix)[column]) - set(told[column]))
    return planted, found, extra


def codes_of_stays(base: Base) -> Figures:
    rows = base.faults("code_outside_nomenclature", "T_MCO")
    codes = pl.concat(
        [base.rows(name).select("file", "line", "DGN_PAL") for name in rows["file"].unique()]
    )
    told = codes.join(rows, on=["file", "line"])
    conditions = base.hub.tables()["condition_occurrence"]
    unknown = set(
        conditions.filter(pl.col("condition_source_concept_id") == 0)["condition_source_value"]
    )
    found = told["DGN_PAL"].is_in(list(unknown)) | told["why"].is_not_null()
    return told.height, int(found.sum()), len(unknown - set(told["DGN_PAL"]))


def regularisations(base: Base) -> Figures:
    """Boxes that a person was handed on a day are those of all lines together, negative ones too.

    The sum is told from the files anew; planted are the lines that take boxes back.
    """
    dropped = base.truth("faults").filter(pl.col("fault").str.starts_with("public_hospital"))
    billed = base.family("ER_ETE_F").join(dropped, on=["file", "line"])
    claims = (
        base.family("ER_PRS_F")
        .join(dropped, on=["file", "line"], how="anti")
        .join(billed, on=NINE, how="anti")
    )
    persons = base.identifiers.filter(~pl.struct("psa", "rng").is_duplicated()).select(
        "person_id", BEN_NIR_PSA="psa", BEN_RNG_GEM=pl.col("rng").cast(pl.String)
    )
    claims = claims.join(persons.drop_nulls(), on=["BEN_NIR_PSA", "BEN_RNG_GEM"])
    back = base.faults("regularisation").select("file", "line", planted=True)
    claims = claims.join(back, on=["file", "line"], how="left")
    boxes = base.family("ER_PHA_F").select(*NINE, "PHA_PRS_C13", "PHA_ACT_QSN")
    day = pl.col("EXE_SOI_DTD").str.to_date("%d/%m/%Y").alias("day")
    sums = (
        claims.select(*NINE, "person_id", day, "planted")
        .join(boxes, on=NINE)
        .group_by("person_id", "day", "PHA_PRS_C13")
        .agg(pl.col("PHA_ACT_QSN").cast(pl.Float64).sum(), pl.col("planted").sum())
        .filter(pl.col("planted") > 0)
    )
    drugs = base.hub.tables()["drug_exposure"]
    held = drugs.group_by(
        "person_id", day="drug_exposure_start_date", PHA_PRS_C13="drug_source_value"
    ).agg(pl.col("quantity").sum())
    both = sums.join(held, on=["person_id", "day", "PHA_PRS_C13"], how="left")
    right = both["PHA_ACT_QSN"].clip(lower_bound=0.0) == both["quantity"].fill_null(0.0)
    return int(both["planted"].sum()), int(both.filter(right)["planted"].sum()), 0


def joined(trap: str) -> Callable[[Base], Figures]:
    """Identifiers of persons with the trap: all of a person are one, and nobody else's."""

    def count(base: Base) -> Figures:
        rows = (
            base.identifiers.filter(~pl.struct("psa", "rng").is_duplicated())
            .with_columns(
                one=pl.col("person_id").n_unique().over("person") == 1,
                strangers=pl.col("person").n_unique().over("person_id") > 1,
            )
            .filter(pl.col("trap") == trap)
        )
        known = rows.filter(pl.col("person_id").is_not_null())
        return rows.height, known.filter("one").height, known.filter("strangers").height

    return count


def told_apart(trap: str) -> Callable[[Base], Figures]:
    """Identifiers that are nobody else's."""

    def count(base: Base) -> Figures:
        rows = (
            base.identifiers.filter(~pl.struct("psa", "rng").is_duplicated())
            .with_columns(alone=pl.col("person").n_unique().over("person_id") == 1)
            .filter(pl.col("trap") == trap)
        )
        return rows.height, rows.filter("alone").height, rows.filter(~pl.col("alone")).height

    return count


def shared_by_twins(base: Base) -> Figures:
    """An identifier of two persons answers for neither."""
    rows = base.identifiers.filter(pl.col("trap") == "twins_rank_0")
    return rows.height, rows.filter(pl.col("confidence") == "ambiguous").height, 0


def nobodys(trap: str) -> Callable[[Base], Figures]:
    def count(base: Base) -> Figures:
        nobody = base.identifiers.filter(pl.col("person_id").is_null())
        planted = base.identifiers.filter(pl.col("trap") == trap).height
        others = nobody.filter(~pl.col("trap").is_in(["fictive", "birth_1600"]))
        return planted, nobody.filter(pl.col("trap") == trap).height, others.height

    return count


def deaths(base: Base) -> Figures:
    rows = base.identifiers.filter(pl.col("trap") == "death_on_one")
    dead = base.hub.tables()["death"]["person_id"].implode()
    return rows.height, rows.filter(pl.col("person_id").is_in(dead)).height, 0


CLASSES: Mapping[str, Callable[[Base], Figures]] = {
    "orphan_detail": orphans,
    "public_hospital_information": information,
    "public_hospital_billing": by_rule(
        "public_hospital_billing", "claim-of-a-hospital-billing-directly", "ER_ETE_F"
    ),
    "regularisation": regularisations,
    "code_outside_nomenclature (claims)": codes_of_claims,
    "code_outside_nomenclature (stays)": codes_of_stays,
    "sex_outside_nomenclature (claims)": sex_of_claims,
    "sex_outside_nomenclature (stays)": sex_of_stays,
    "week_of_another_year": by_rule("week_of_another_year", "ssr-week-of-another-year", "T_SSRaaB"),
    "grouping_error": by_rule("grouping_error", "mco-grouping-error", "T_MCOaaB"),
    "services_between_hospitals": by_stay(
        "services_between_hospitals", "mco-service-for-another-hospital", "T_MCOaaB"
    ),
    "double": by_stay("double", "mco-sent-twice", "T_MCOaaB"),
    "trial_discharge": by_stay("trial_discharge", "psy-trial-discharge", "T_RIPaaRSA"),
    "generated": generated,
    "filler": chaining("filler"),
    "return_code": chaining("return_code"),
    "letter": letters,
    "two_parents": joined("two_parents"),
    "dependant_then_insured": joined("dependant_then_insured"),
    "number_corrected": joined("number_corrected"),
    "rank_0": joined("rank_0"),
    "archived": joined("archived"),
    "provisional": joined("provisional"),
    "same_sex_twin": told_apart("same_sex_twin"),
    "shared_nir_ano": told_apart("shared_nir_ano"),
    "twins_rank_0": shared_by_twins,
    "fictive": nobodys("fictive"),
    "birth_1600": nobodys("birth_1600"),
    "death_on_one": deaths,
}


def on_the_page() -> dict[str, Figures]:
    """Return the figures that the documentation prints."""
    line = re.compile(r"^\| `([^|]+)` \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|", re.MULTILINE)
    rows = line.findall(PAGE.read_text(encoding="utf-8"))
    for name, planted, found, missed, _ in rows:
        assert int(planted) == int(found) + int(missed), name
    return {name: (int(planted), int(found), int(extra)) for name, planted, found, _, extra in rows}


def test_the_page_tells_what_a_load_finds(base: Base) -> None:
    assert on_the_page() == {name: count(base) for name, count in CLASSES.items()}


def test_every_class_that_is_planted_has_its_line(base: Base) -> None:
    planted = {*base.truth("faults")["fault"], *base.truth("stays")["trap"].drop_nulls()}
    planted |= {*base.truth("identifiers")["trap"].drop_nulls()}
    assert planted - {""} <= {name.partition(" (")[0] for name in CLASSES}


def test_rows_are_those_of_the_files(base: Base) -> None:
    rows = {one.name: one.read_bytes().count(b"\n") - 1 for one in base.folder.glob("*.csv")}
    read = {one.file: one.read for one in base.report.files}
    assert read == {name: rows[name] for name in rows if name not in base.report.unread}
    assert all(one.reconciles for one in base.report.files)
