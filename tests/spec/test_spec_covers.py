"""Every operation, kind and field of the study language has a case, with every kind of its values.

What must be there is read from the model, so that a new class, field or choice without a case makes
this test fail. The cases are those of ``tests/spec``, which become the reference page, and those of
definitions, which stand in the page of their semantics; all run on every engine.
"""

from generative.test_study_strategies import _expected, _found
from laennec.study.model import Study
from spec.definition_cases import read_cases
from spec.test_study_spec import CASES

RESOLVED = {("ConceptItem", name, "True") for name in ("descendants", "mapped", "exclude")}
"""What a vocabulary resolves before an engine sees a study: ``unit/test_omop_concepts.py``."""

UNSAID = {("Study", "description", "str")}
"""What decides no number."""


def test_every_part_of_the_language_has_a_case() -> None:
    expected = set(_expected(Study, set())) - RESOLVED - UNSAID
    assert len(expected) > 250
    found = {feature for case in CASES for feature in _found(case.study)}
    found |= {feature for case in read_cases() for feature in _found(case.definition)}
    assert sorted(expected - found) == []
