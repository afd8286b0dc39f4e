"""Persons of a synthetic register against its truth: joined, kept apart, or not to be known."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from laennec.intake.snds.files import find_delivery
from laennec.intake.snds.model import Variant
from laennec.intake.snds.read import open_file, read
from laennec.snds.person_ids import Assigned, assign_person_ids
from laennec.snds.person_index import PersonIndex
from laennec.snds.person_metrics import compare
from laennec.snds.persons import NEEDS, resolve
from laennec.synthetic.snds import Format, Order
from laennec.synthetic.snds.block import block, blocks
from laennec.synthetic.snds.register import write_register
from laennec.synthetic.snds.writer import Files

ORDER = Order(60_000, 23, 2015, 2019, lines_per_year=1.0)
KEY = bytes(range(32))


@dataclass(frozen=True)
class Base:
    """A register resolved, and its truth."""

    found: Assigned
    truth: pl.DataFrame

    def with_truth(self) -> pl.DataFrame:
        told = self.truth.rename({"BEN_NIR_PSA": "psa", "BEN_RNG_GEM": "rng"})
        return told.join(self.found.identifiers, on=["psa", "rng"], how="left")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    folder = tmp_path_factory.mktemp("register")
    files = Files(folder, Format.CSV)
    truth = [write_register(block(ORDER, number), files) for number in blocks(ORDER)]
    files.finish()
    found = assign_person_ids(resolve(delivered(folder)), None, key=KEY)
    return Base(found, pl.concat(truth).with_columns(pl.col("BEN_RNG_GEM").cast(pl.Int64)))


def delivered(folder: Path) -> pl.DataFrame:
    """Read IR_BEN_R and IR_BEN_R_ARC as a load does."""
    rows = []
    for file in find_delivery(folder).files:
        if file.family in ("IR_BEN_R", "IR_BEN_R_ARC"):
            opened = open_file(file, columns=NEEDS, variant=Variant.STANDARD)
            for chunk in read(opened):
                assert not chunk.refused
                rows.append(chunk.rows.with_columns(file=pl.lit(file.family)))
    return pl.concat(rows)


def test_merges_are_right_and_nearly_all_found(base: Base) -> None:
    counts = compare(base.found.identifiers, base.truth)
    assert counts.right > 3_000
    assert counts.precision >= 0.9999
    assert counts.recall_with_numbers >= 0.99


def test_pairs_that_are_missed_are_those_that_no_number_joins(base: Base) -> None:
    """Two pseudonyms of one person have nothing in common but the number."""
    rows = base.with_truth().filter(~pl.struct("psa", "rng").is_duplicated())
    split = rows.filter(pl.col("person_id").n_unique().over("person") > 1)
    silent = pl.col("nir_ano").is_null() | (pl.col("confidence") == "ambiguous")
    explained = split.group_by("person").agg(silent.any())
    assert explained["nir_ano"].all()


def test_twins_are_split(base: Base) -> None:
    twins = base.with_truth().filter(pl.col("trap") == "same_sex_twin")
    assert twins.height > 200
    together = twins.group_by("psa").agg(
        pl.col("person").n_unique(), pl.col("person_id").n_unique()
    )
    assert (together["person"] == together["person_id"]).all()


def test_an_identifier_that_two_twins_share_answers_for_neither(base: Base) -> None:
    shared = base.truth.filter(pl.struct("BEN_NIR_PSA", "BEN_RNG_GEM").is_duplicated())
    assert shared.height > 5
    index = PersonIndex(base.found.identifiers, base.found.resolution.nobody)
    told = index.of_claims(shared["BEN_NIR_PSA"], shared["BEN_RNG_GEM"])
    assert told["person_id"].null_count() == shared.height
    assert set(told["reason"]) == {"ambiguous twin"}


def test_fictive_numbers_and_births_of_1600_are_nobodys_and_no_one_else_is(base: Base) -> None:
    rows = base.with_truth()
    nobodys = set(rows.filter(pl.col("person_id").is_null())["trap"])
    assert nobodys <= {"fictive", "birth_1600", "twins_rank_0"}
    fictive = rows.filter(pl.col("trap") == "fictive")
    assert fictive.height > 50
    assert fictive["person_id"].null_count() == fictive.height


def test_a_death_on_one_identifier_is_known_of_the_person(base: Base) -> None:
    hidden = base.with_truth().filter(
        pl.col("trap") == "death_on_one", pl.col("death_date").is_null()
    )
    assert hidden.height > 10
    persons = hidden.select("person_id").join(base.found.persons, on="person_id")
    joined = persons.filter(pl.col("identifiers") > 1)
    assert joined.height > 10
    assert joined["death_date"].null_count() == 0


def test_numbers_shared_by_strangers_are_refused(base: Base) -> None:
    refused = base.found.resolution.refusals.filter(
        pl.col("reason").is_in(["two sexes", "births apart"])
    )
    assert refused["merges"].sum() > 5
    rows = base.with_truth().filter(~pl.struct("psa", "rng").is_duplicated()).drop_nulls("nir_ano")
    strangers = rows.filter(pl.col("person").n_unique().over("nir_ano") > 1)
    assert strangers.height > 10
    assert set(strangers["confidence"]) == {"ambiguous"}


def test_the_rows_reconcile(base: Base) -> None:
    resolution = base.found.resolution
    assert resolution.counts["rows"] == base.truth.unique(["BEN_NIR_PSA", "BEN_RNG_GEM"]).height
    kept = resolution.counts["identifiers"] + resolution.counts["rows repeated"]
    assert resolution.counts["rows"] == kept + resolution.apart.height
