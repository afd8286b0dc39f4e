"""A study in words: nothing that a cohort asks is left out, in either language."""

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from generative.definition_strategies import definitions
from generative.study_strategies import cohorts, studies
from laennec.app.design import MAX_SHOWN, concept_names, describe_cohort, describe_study
from laennec.app.design_words import design_words
from laennec.core.errors import NotFoundError
from laennec.report import LANGUAGES, Part
from laennec.study.definition import ConceptFilter, EventQuery
from laennec.study.files import read_study
from laennec.study.model import (
    AnyCohort,
    Cohort,
    ConceptItem,
    ConceptSet,
    Definition,
    DifferenceOf,
    Events,
    FixedDays,
    Frozen,
    IntersectionOf,
    Study,
    UnionOf,
    Window,
)

ENGLISH = design_words("en")
SIDES = {"start", "end", "starts", "ends"}
"""Texts whose key is a value of the study language."""
KINDS = ("intersection_", "difference_")
TABLES = ("drug_exposure", "condition_occurrence")
EXAMPLE = Path(str(files("laennec.app"))) / "data" / "celecoxib.toml"

_search = settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def lines(part: Part) -> list[str]:
    """Every text of a part, in reading order."""
    return [part.title, *part.lines, *(line for one in part.parts for line in lines(one))]


def without_one_answer(value: Any) -> Iterator[Any]:
    """Yield a dumped value without one of its fields or items, for each of them, at any depth."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield {key: other for key, other in value.items() if key != name}
            for less in without_one_answer(one):
                yield {**value, name: less}
    elif isinstance(value, list):
        for n, one in enumerate(value):
            yield [*value[:n], *value[n + 1 :]]
            for less in without_one_answer(one):
                yield [*value[:n], less, *value[n + 1 :]]


def shorter(value: BaseModel) -> Iterator[Any]:
    """Yield other values of the same type that ask something less than this one."""
    for less in without_one_answer(value.model_dump(mode="json")):
        try:
            found = type(value).model_validate(less)
        except ValidationError:
            continue
        if found != value:
            yield found


def meaning(value: Any) -> Any:
    """Return a dumped value without answers to what is not asked.

    A window that is open at both ends has no day 0; without a group that qualifies events, it does
    not matter which of the qualified are taken.
    """
    if isinstance(value, dict):
        found = {name: meaning(one) for name, one in value.items()}
        if (found.get("start"), found.get("end")) == ("observation_start", "observation_end"):
            del found["index"]
        if found.get("qualify", 0) is None:
            del found["qualify_limit"]
        return found
    if isinstance(value, list | tuple):
        return [meaning(one) for one in value]
    return value


@_search
@given(cohort=definitions())
def test_a_definition_that_asks_less_is_described_otherwise(cohort: Definition) -> None:
    said = lines(describe_cohort(cohort, ENGLISH))
    for less in shorter(cohort):
        if meaning(less.model_dump()) != meaning(cohort.model_dump()):
            assert lines(describe_cohort(less, ENGLISH)) != said


@_search
@given(cohort=st.sampled_from(["users"]).flatmap(lambda name: cohorts(name, TABLES)))
def test_a_cohort_that_asks_less_is_described_otherwise(cohort: Cohort) -> None:
    said = lines(describe_cohort(cohort, ENGLISH))
    for less in shorter(cohort):
        assert lines(describe_cohort(less, ENGLISH)) != said


@pytest.mark.parametrize("language", LANGUAGES)
@_search
@given(study=studies())
def test_every_name_of_a_study_is_said(language: str, study: Study) -> None:
    said = "\n".join(
        line for part in describe_study(study, names={}, language=language) for line in lines(part)
    )
    for name in [*study.concept_sets, *(one.name for one in study.cohorts)]:
        assert name.replace("_", " ") in said
    for one in study.strata:
        assert all(level in said for level in one.levels)


@pytest.mark.parametrize(
    ("cohort", "said"),
    [
        (UnionOf(name="u", cohorts=("a_b", "c")), "Days in any of: a b, c. Stays that share"),
        (IntersectionOf(name="u", cohorts=("a", "b")), "Days in all of: a, b."),
        (IntersectionOf(name="u", cohorts=("a", "b"), by="persons"), "The stays in a of persons"),
        (DifferenceOf(name="u", cohorts=("a", "b", "c")), "Days in a and in none of: b, c."),
        (DifferenceOf(name="u", cohorts=("a", "b"), by="persons"), "who are in none of: b."),
    ],
)
def test_set_operations_are_said(cohort: AnyCohort, said: str) -> None:
    assert said in describe_cohort(cohort, ENGLISH).lines[0]


def test_the_example_reads_well() -> None:
    cohort, *_, sets = describe_study(
        read_study(EXAMPLE), names={1118084: "celecoxib"}, language="en"
    )
    assert cohort.title == "celecoxib users"
    assert cohort.lines == (
        "Entry: the first drug of celecoxib of the person's history.",
        "At least 365 days of observation before entry.",
        "no earlier diclofenac: no drug of diclofenac, up to day 0 (day 0: entry)",
        "no earlier gi haemorrhage: no condition of gi haemorrhage, any time before entry",
        "Exit: 365 days after entry, or the end of observation if earlier.",
    )
    assert sets.folded
    assert sets.parts[0] == Part("celecoxib", ("celecoxib (1118084), with all below",))
    assert sets.parts[1] == Part("diclofenac", ("1124300, with all below",))


class Weekday(Frozen):
    """A criterion that has no sentence, as one made tomorrow."""

    kind: Literal["weekday"] = "weekday"
    name: str
    window: Window = Window()
    among: tuple[str, ...] = ()


def test_a_kind_without_a_sentence_is_shown_by_its_fields() -> None:
    odd = Weekday(name="early", window=Window(start=-7), among=("mon_am", "tue"))
    cohort = Cohort.model_construct(
        name="users",
        entry=Events(table="drug_exposure", concepts="drug"),
        prior_observation=0,
        criteria=(odd,),  # type: ignore[arg-type]
        exit=FixedDays(days=3),
    )
    assert describe_cohort(cohort, ENGLISH).lines[1:] == (
        "early: window: start -7, among: mon am; tue",
        "Exit: 3 days after entry, or the end of observation if earlier.",
    )


def test_concepts_of_filters_are_named() -> None:
    entry = EventQuery(
        table="measurement",
        filters=(ConceptFilter(column="value_as_concept_id", concepts=(9191, 45884084)),),
    )
    study = read_study(EXAMPLE)
    cohort = Definition(name="positive", entry=(entry,))
    study = study.model_copy(update={"cohorts": (*study.cohorts, cohort)})
    vocabulary = pl.DataFrame(
        {"concept_id": [9191, 1118084, 5], "concept_name": ["Positive\n!", "x" * 500, "other"]}
    )
    names = concept_names(study, Vocabulary(vocabulary), snapshot=1)  # type: ignore[arg-type]
    assert names == {9191: "Positive !", 1118084: "x" * 119 + "…"}
    part = describe_study(study, names=names, language="en")[2]
    assert "among Positive ! (9191), 45884084" in " ".join(lines(part))


@dataclass
class Vocabulary:
    """A warehouse of one snapshot with a vocabulary alone."""

    concepts: pl.DataFrame

    def view(self, number: int) -> "Vocabulary":
        if number != 1:
            raise NotFoundError("There is no such snapshot.", remedy="Name another.")
        return self

    def files(self, table: str) -> tuple[str, ...]:
        return ("object",) if table == "concept" and len(self.concepts) else ()

    def read_whole(self, table: str, *, columns: list[str], where: pl.Expr) -> pl.DataFrame:
        return self.concepts.filter(where).select(columns)


def test_without_the_snapshot_or_its_vocabulary_there_are_no_names() -> None:
    study = read_study(EXAMPLE)
    filled = Vocabulary(pl.DataFrame({"concept_id": [1118084], "concept_name": ["celecoxib"]}))
    empty = Vocabulary(filled.concepts.clear())
    assert concept_names(study, filled, snapshot=1)  # type: ignore[arg-type]
    assert concept_names(study, filled, snapshot=2) == {}  # type: ignore[arg-type]
    assert concept_names(study, empty, snapshot=1) == {}  # type: ignore[arg-type]


def test_a_long_concept_set_is_cut_and_says_so() -> None:
    items = tuple(ConceptItem(concept_id=n) for n in range(MAX_SHOWN + 7))
    study = read_study(EXAMPLE)
    study = study.model_copy(
        update={"concept_sets": {**study.concept_sets, "celecoxib": ConceptSet(items=items)}}
    )
    sets = describe_study(study, names={}, language="en")[-1]
    assert len(sets.parts[0].lines) == MAX_SHOWN + 1
    assert sets.parts[0].lines[-1] == "and 7 more"


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_language_has_the_same_keys_and_places() -> None:
    french = design_words("fr")
    assert ENGLISH.tables.keys() == french.tables.keys()
    assert ENGLISH.texts.keys() == french.texts.keys()
    for key, text in ENGLISH.texts.items():
        assert _places(text) == _places(french.texts[key]), key


def test_every_text_is_used() -> None:
    package = Path(str(files("laennec.app")))
    code = "".join(one.read_text(encoding="utf-8") for one in sorted(package.glob("design*.py")))
    made = re.compile(r'f"([a-z_]*)\{')
    starts = tuple(one for one in made.findall(code) if one)
    for key in ENGLISH.texts:
        assert (
            f'"{key}"' in code or key.startswith(starts) or key.startswith(KINDS) or key in SIDES
        ), key
