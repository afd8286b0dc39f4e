"""Two persons of an earlier load turn out to be one: all that was either's is one person's now."""

import csv
from pathlib import Path

import polars as pl
import pytest

from fakes.snds_hub import SndsHub, delivery, part_of

PERSONAL = ("visit_occurrence", "drug_exposure", "measurement", "procedure_occurrence")


def rewritten(folder: Path, change: dict[tuple[str, str], dict[str, str]]) -> None:
    """Rewrite IR_BEN_R with other values for some identifiers."""
    link = folder / "IR_BEN_R.csv"
    with link.open(newline="") as file:
        reader = csv.DictReader(file, delimiter=";")
        names, rows = list(reader.fieldnames or ()), list(reader)
    for row in rows:
        row.update(change.get((row["BEN_NIR_PSA"], row["BEN_RNG_GEM"]), {}))
    link.unlink()
    with link.open("w", newline="") as file:
        writer = csv.DictWriter(file, names, delimiter=";", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return delivery(tmp_path_factory.mktemp("snds") / "delivery", persons=400)


def strangers(hub: SndsHub, whole: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return two identifiers of different, certified persons who used care."""
    sure = hub.sealed("snds_identifier").filter(pl.col("confidence") == "certified")
    alone = sure.filter(~pl.col("person_id").is_duplicated() & ~pl.col("psa").is_duplicated())
    seen = hub.tables()["drug_exposure"]["person_id"].unique()
    found = alone.filter(pl.col("person_id").is_in(seen.implode())).head(2).sort("since", "psa")
    one, two = found.select("psa", "rng", "person_id").rows(named=True)
    return one, two


def test_merged_persons_are_one(whole: Path, tmp_path: Path) -> None:
    hub = SndsHub(tmp_path / "hub")
    first = part_of(whole, tmp_path / "first", lambda name: "_2020" not in name)
    hub.load(first)
    one, two = strangers(hub, whole)
    before = hub.tables()
    second = part_of(whole, tmp_path / "second", lambda name: name == "IR_BEN_R.csv")
    with (whole / "IR_BEN_R.csv").open(newline="") as file:
        rows = {
            (row["BEN_NIR_PSA"], row["BEN_RNG_GEM"]): row
            for row in csv.DictReader(file, delimiter=";")
        }
    known = rows[str(one["psa"]), str(one["rng"])]
    shared = ("BEN_NIR_ANO", "BEN_IDT_ANO", "BEN_SEX_COD", "BEN_NAI_ANN", "BEN_NAI_MOI")
    same = {name: known[name] for name in (*shared, "BEN_DCD_DTE", "BEN_DCD_AME")}
    updated = {"BEN_DTE_MAJ": "31/12/2021"}
    rewritten(
        second,
        {
            (str(one["psa"]), str(one["rng"])): updated,
            (str(two["psa"]), str(two["rng"])): {**same, **updated},
        },
    )
    report = hub.load(second)
    assert report.persons["persons"] == before["person"].height - 1
    after = hub.tables()
    numbers = {int(one["person_id"]), int(two["person_id"])}
    left = numbers & set(after["person"]["person_id"])
    assert len(left) == 1
    (kept,) = left
    (gone,) = numbers - left
    for table in PERSONAL:
        assert after[table].height == before[table].height, table
        assert gone not in set(after[table]["person_id"])
        both = before[table].filter(pl.col("person_id").is_in(list(numbers))).height
        assert after[table].filter(pl.col("person_id") == kept).height == both
    assert gone not in set(after["observation_period"]["person_id"])
    periods = before["observation_period"].filter(pl.col("person_id").is_in(list(numbers)))
    now = after["observation_period"].filter(pl.col("person_id") == kept)
    assert (
        now["observation_period_start_date"].item()
        == periods["observation_period_start_date"].min()
    )
    assert hub.vault.verify().ok


def test_a_person_keeps_the_number_from_load_to_load(whole: Path, tmp_path: Path) -> None:
    hub = SndsHub(tmp_path / "hub")
    hub.load(part_of(whole, tmp_path / "first", lambda name: "_2020" not in name))
    before = hub.tables()["person"]
    hub.load(part_of(whole, tmp_path / "second", lambda name: "_2020" in name))
    assert hub.tables()["person"].equals(before)
