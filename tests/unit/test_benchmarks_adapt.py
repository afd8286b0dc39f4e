"""The nine definitions: other concepts than the published ones, and all else alike."""

import copy
import json
import tarfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from nine_cohorts.adapt import DATA, HERE, NINE, adapted, mapping

Json = dict[str, Any]

LIBRARY = DATA / "phenotype-library" / "cohorts_1100.tar.xz"
CONCEPTS = {one: (f"concept {one}", "Drug" if one < 10 else "Condition") for one in range(1, 20)}


def item(domain: str, **flags: bool) -> Json:
    return {"concept": {"CONCEPT_ID": 999, "DOMAIN_ID": domain}, **flags}


def definition(*items: Json) -> Json:
    sets = [{"id": 0, "name": "some", "expression": {"items": list(items)}}]
    return {"ConceptSets": sets, "PrimaryCriteria": {"CriteriaList": [{"Death": {}}]}}


def ids(made: Json) -> list[int]:
    return [
        one["concept"]["CONCEPT_ID"]
        for found in made["ConceptSets"]
        for one in found["expression"]["items"]
    ]


def test_items_take_concepts_of_their_side_and_domain_in_turn() -> None:
    row = {"include": "1 2 11 12", "exclude": "3", "width": "2"}
    items = [item("Condition"), item("Drug"), item("Drug", isExcluded=True), item("Condition")]
    made = adapted(definition(*items), {"0": row}, CONCEPTS)
    assert ids(made) == [11, 2, 3, 11]


def test_sets_of_one_row_begin_one_further_than_the_set_before() -> None:
    row = {"include": "1 2 3", "exclude": "", "width": "1"}
    both = definition(item("Drug"))
    both["ConceptSets"].append(copy.deepcopy(both["ConceptSets"][0]) | {"id": 1})
    assert ids(adapted(both, {"*": row}, CONCEPTS)) == [1, 2]


def without_concepts(value: object) -> object:
    """The definition with no concept in its sets."""
    if isinstance(value, dict):
        return {
            key: None if key == "concept" else without_concepts(one) for key, one in value.items()
        }
    return [without_concepts(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("number", NINE)
def test_a_shipped_definition_differs_from_the_published_one_in_concepts_only(number: int) -> None:
    if not LIBRARY.exists():
        pytest.skip("the phenotype library is not beside the checkout")
    frame = pl.read_parquet(DATA / "omop-gibleed" / "concept.parquet")
    rows = frame.select("concept_id", "concept_name", "domain_id").iter_rows()
    concepts = {one: (name, domain) for one, name, domain in rows}
    with tarfile.open(LIBRARY) as archive:
        file = archive.extractfile(f"cohorts/{number}.json")
        assert file is not None
        published = json.load(file)
    path = Path(HERE) / "definitions" / f"{number}.json"
    shipped = json.loads(path.read_text(encoding="utf-8"))
    assert without_concepts(shipped) == without_concepts(published)
    assert set(ids(shipped)) <= set(concepts)
    assert adapted(published, mapping()[str(number)], concepts) == shipped
