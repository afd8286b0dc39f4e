"""Rewrite the concept sets of the nine definitions to concepts of the vocabulary at hand.

    .venv/bin/python benchmarks/nine_cohorts/adapt.py

Everything else stays: criteria, windows, rules, exits, the number of items of each set and their
flags. ``mapping.csv`` says which concepts stand for the included and the excluded items of a set,
in turn, and why; an item gets one of its own domain where the row has any. In the row of set ``*``
each set takes ``width`` of the concepts, beginning one further than the set before.
"""

import argparse
import csv
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

HERE = Path(__file__).parent
DATA = HERE.parents[2] / "shared" / "data"
NINE = (56, 23, 1049, 63, 1289, 27, 722, 1043, 213)

Json = dict[str, Any]
Concepts = Mapping[int, tuple[str, str]]


def adapted(definition: Json, rows: Mapping[str, Mapping[str, str]], concepts: Concepts) -> Json:
    """Return a definition whose concept sets hold concepts of the vocabulary only."""
    for place, found in enumerate(definition["ConceptSets"]):
        row = rows.get(str(found["id"])) or rows["*"]
        offset = place if str(found["id"]) not in rows else 0
        taken = {"include": 0, "exclude": 0}
        for item in found["expression"]["items"]:
            side = "exclude" if item.get("isExcluded") else "include"
            pool = _pool([int(one) for one in row[side].split()], item, concepts)
            step = offset + taken[side] % int(row["width"])
            item["concept"] = _concept(pool[step % len(pool)], concepts)
            taken[side] += 1
    return definition


def _pool(ids: Sequence[int], item: Json, concepts: Concepts) -> list[int]:
    """The concepts of the item's own domain, or all where there are none."""
    domain = item["concept"]["DOMAIN_ID"]
    return [one for one in ids if concepts[one][1] == domain] or list(ids)


def _concept(one: int, concepts: Concepts) -> Json:
    name, domain = concepts[one]
    return {"CONCEPT_ID": one, "CONCEPT_NAME": name, "DOMAIN_ID": domain}


def mapping() -> dict[str, dict[str, dict[str, str]]]:
    """Return the rows of ``mapping.csv`` by definition and set."""
    found: dict[str, dict[str, dict[str, str]]] = {str(one): {} for one in NINE}
    with (HERE / "mapping.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter=";"):
            found[row["definition"]][row["set"]] = row
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    published = DATA / "phenotype-library" / "cohorts_1100.tar.xz"
    parser.add_argument("--definitions", type=Path, default=published)
    parser.add_argument("--vocabulary", type=Path, default=DATA / "omop-gibleed")
    asked = parser.parse_args()
    frame = pl.read_parquet(asked.vocabulary / "concept.parquet")
    rows = frame.select("concept_id", "concept_name", "domain_id").iter_rows()
    concepts = {one: (name, domain) for one, name, domain in rows}
    found = mapping()
    with tarfile.open(asked.definitions) as archive:
        for number in NINE:
            file = archive.extractfile(f"cohorts/{number}.json")
            assert file is not None, number
            made = adapted(json.load(file), found[str(number)], concepts)
            text = json.dumps(made, separators=(",", ":"), ensure_ascii=False)
            (HERE / "definitions" / f"{number}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
