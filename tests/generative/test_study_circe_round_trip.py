"""A definition written as ATLAS writes it, translated, is the same definition."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from generative.circe_json import circe
from generative.definition_strategies import SETS, definitions
from laennec.study.circe import translate
from laennec.study.definition import Definition
from laennec.study.definition_parts import concept_sets

CONCEPTS = {name: (number, 2_000_000_000 + number) for number, name in enumerate(SETS, 1)}


@st.composite
def _with_nulls(draw: st.DrawFn, value: object) -> object:
    """The same JSON with what says nothing left out now and then, and text for some numbers."""
    match value:
        case dict():
            return {
                name: draw(_with_nulls(one))
                for name, one in value.items()
                if one is not None or draw(st.booleans())
            }
        case list():
            return [draw(_with_nulls(one)) for one in value]
        case bool() | float() | str() | None:
            return value
        case int():
            return str(value) if draw(st.integers(0, 9)) == 0 else value
    return value


@settings(max_examples=120, deadline=None)
@given(definition=definitions(numbered=False), data=st.data())
def test_what_is_written_is_read_as_it_was(definition: Definition, data: st.DataObject) -> None:
    written = data.draw(_with_nulls(circe(definition, CONCEPTS)))
    found = translate(json.loads(json.dumps(written)), name="random")
    assert found.definition == definition
    assert set(found.concept_sets) == set(concept_sets(definition))
    for name, one in found.concept_sets.items():
        assert tuple(item.concept_id for item in one.items) == CONCEPTS[name]
