"""Where a place of a study file stands: line and column, in TOML and JSON."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laennec.study.positions import place_of

TOML = """\
# a study
name = "s" # [[cohorts]]
[concept_sets]
drug.items = [{ concept_id = 1 }, { concept_id = 2,
    descendants = true }]

[[cohorts]]
name = "a"
[[cohorts]]
name = "b"
description = '''
[[cohorts]]
'''
entry = { table = "x", "concepts" = "y" }

[[cohorts.criteria]]
kind = "sex"

[[cohorts.criteria]]
kind = "age"
window . start = 3
"""


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("name",), (2, 1)),
        (("concept_sets", "drug"), (4, 1)),
        (("concept_sets", "drug", "items", 1), (4, 35)),
        (("concept_sets", "drug", "items", 1, "descendants"), (5, 5)),
        (("cohorts", 0), (7, 1)),
        (("cohorts", 0, "name"), (8, 1)),
        (("cohorts", 1, "entry", "concepts"), (14, 24)),
        (("cohorts", 1, "criteria", 1, "kind"), (20, 1)),
        (("cohorts", 1, "criteria", 1, "window", "start"), (21, 1)),
        (("cohorts", 1, "criteria", 0, "missing"), (16, 1)),
        (("nowhere", 3), (1, 1)),
    ],
)
def test_places_of_toml(path: tuple[str | int, ...], place: tuple[int, int]) -> None:
    assert place_of(TOML, path, toml=True) == place


names = st.text('ab"\\[{,:#é', min_size=1, max_size=3)
trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('ab"\\]}{[,:#\né', max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)


def _paths(tree: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path]
    inner: list[tuple[str | int, Any]] = []
    if isinstance(tree, dict | list):
        inner = list(tree.items() if isinstance(tree, dict) else enumerate(tree))
    for key, one in inner:
        found += _paths(one, (*path, key))
    return found


@settings(max_examples=200, deadline=None)
@given(tree=trees, indent=st.sampled_from([None, 1, 4]))
def test_every_place_of_json_begins_with_its_key_or_its_value(
    tree: Any, indent: int | None
) -> None:
    text = json.dumps(tree, indent=indent, ensure_ascii=False)
    lines = text.split("\n")
    for path in _paths(tree):
        line, column = place_of(text, path, toml=False)
        rest = "\n".join([lines[line - 1][column - 1 :], *lines[line:]])
        value = tree
        for part in path:
            value = value[part]
        plain = not any('"' in part or "\\" in part for part in path if isinstance(part, str))
        if plain and path and isinstance(path[-1], str):
            assert rest.startswith(json.dumps(path[-1], ensure_ascii=False))
        elif plain:
            read, _ = json.JSONDecoder().raw_decode(rest)
            assert read == value
