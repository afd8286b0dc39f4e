"""A study in words, for its report: cohorts, strata, and concept sets with the names of concepts.

Every part of a cohort is said: by a sentence where there is one for its kind, otherwise by its
fields and their values. Nothing here comes from a row of a person; the names of concepts are those
of the vocabulary that the study ran on, on one line and of bounded length.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import polars as pl
from pydantic import BaseModel

from laennec.app.design_definition import describe_definition
from laennec.app.design_words import DesignWords, design_words
from laennec.core.errors import NotFoundError
from laennec.report import Part
from laennec.report.words import readable
from laennec.study.model import (
    AgeBetween,
    AnyCohort,
    Combined,
    ConceptItem,
    ConceptSet,
    Definition,
    EndOfEvent,
    EndOfObservation,
    EntryBetween,
    FixedDays,
    HasEvents,
    Sex,
    SexIs,
    Study,
)
from laennec.warehouse.service import Warehouse

MAX_SHOWN = 50
"""Items of a concept set that are listed; the rest is counted."""

_LONGEST_NAME = 120


def describe_study(study: Study, *, names: Mapping[int, str], language: str) -> tuple[Part, ...]:
    """Return the parts of a study's description.

    Args:
        study: What was asked.
        names: Names of concepts, by id; a concept without one is shown by its id.
        language: ``en`` or ``fr``. Names made by the researcher are not translated.
    """
    words = replace(design_words(language), names=names)
    parts = [describe_cohort(one, words) for one in study.cohorts]
    if study.strata:
        strata = tuple(f"{readable(one.label)}: {words.listed(one.levels)}" for one in study.strata)
        parts.append(Part(words.text("strata"), strata))
    sets = tuple(_concept_set(name, one, words) for name, one in study.concept_sets.items())
    return (*parts, Part(words.text("sets"), parts=sets, folded=True))


def describe_cohort(cohort: AnyCohort, words: DesignWords) -> Part:
    """Return a cohort in words: who enters, who stays, until when."""
    if isinstance(cohort, Definition):
        return describe_definition(cohort, words)
    if isinstance(cohort, Combined):
        return Part(readable(cohort.name), (_combined(cohort, words),))
    said = {"name", "entry", "prior_observation", "criteria", "exit"}
    lines = [words.text("entry", events=words.events(cohort.entry))]
    if cohort.prior_observation:
        lines.append(words.text("prior", n=cohort.prior_observation))
    lines += [
        words.text("named", name=readable(one.name), what=_sentence(one, words))
        for one in cohort.criteria
    ]
    lines.append(_sentence(cohort.exit, words))
    lines += _fields(cohort, words, said)
    return Part(readable(cohort.name), tuple(lines))


def _combined(cohort: Combined, words: DesignWords) -> str:
    """Return how a cohort is made of others."""
    first, *others = map(readable, cohort.cohorts)
    if cohort.kind == "union":
        return words.text("union", cohorts=words.listed([first, *others]))
    return words.text(
        f"{cohort.kind}_{cohort.by}",
        cohorts=words.listed([first, *others]),
        first=first,
        others=words.listed(others),
    )


def _sentence(value: BaseModel, words: DesignWords) -> str:
    """Return a criterion or an exit in words; of a kind without a sentence, all its fields."""
    made = SENTENCES.get(type(value))
    if made is not None:
        return made(value, words)
    return words.listed(_fields(value, words, {"name"}))


def _fields(value: BaseModel, words: DesignWords, said: set[str]) -> Iterator[str]:
    """Yield the fields that are not as by default and that nothing else has said."""
    for field, one in value.model_dump(mode="json", exclude_defaults=True, exclude=said).items():
        yield words.text("asked", field=readable(field), value=_plain(one))


def _plain(value: Any) -> str:
    """Return any JSON value as text in a line."""
    match value:
        case dict():
            return ", ".join(f"{readable(name)} {_plain(one)}" for name, one in value.items())
        case list():
            return "; ".join(_plain(one) for one in value)
        case str():
            return readable(value)
        case _:
            return str(value)


def _has_events(one: HasEvents, words: DesignWords) -> str:
    places = {"events": words.events(one.events), "window": words.window(one.window)}
    if one.at_most == 0:
        return words.text("no_events", **places)
    if one.at_most is None:
        return words.text("at_least", n=one.at_least, **places)
    if one.at_least == 0:
        return words.text("at_most", n=one.at_most, **places)
    if one.at_least == one.at_most:
        return words.text("exactly", n=one.at_least, **places)
    return words.text("between", n=one.at_least, m=one.at_most, **places)


def _age(one: AgeBetween, words: DesignWords) -> str:
    if one.maximum == AgeBetween.model_fields["maximum"].default:
        return words.text("age_from", n=one.minimum)
    if one.minimum == 0:
        return words.text("age_to", m=one.maximum)
    return words.text("ages", n=one.minimum, m=one.maximum)


def _sex(one: SexIs, words: DesignWords) -> str:
    return words.text("sex_female" if one.sex is Sex.FEMALE else "sex_male")


def _entry_between(one: EntryBetween, words: DesignWords) -> str:
    if one.start is None:
        return words.text("whenever" if one.end is None else "entry_to", end=one.end)
    if one.end is None:
        return words.text("entry_from", start=one.start)
    return words.text("entry_between", start=one.start, end=one.end)


SENTENCES: Mapping[type[BaseModel], Callable[[Any, DesignWords], str]] = {
    HasEvents: _has_events,
    AgeBetween: _age,
    SexIs: _sex,
    EntryBetween: _entry_between,
    EndOfObservation: lambda _, words: words.text("exit_observation"),
    FixedDays: lambda one, words: words.text("exit_fixed", n=one.days),
    EndOfEvent: lambda _, words: words.text("exit_event"),
}
"""Kinds of criteria and exits that have a sentence."""


def _concept_set(name: str, concept_set: ConceptSet, words: DesignWords) -> Part:
    lines = [_item(one, words) for one in concept_set.items[:MAX_SHOWN]]
    left = len(concept_set.items) - len(lines)
    lines += [words.text("more", n=left)] if left else []
    return Part(readable(name), tuple(lines))


def _item(item: ConceptItem, words: DesignWords) -> str:
    said = [words.concept(item.concept_id)]
    said += [words.text(one) for one in ("descendants", "mapped") if getattr(item, one)]
    said += [words.text("excluded")] if item.exclude else []
    return words.listed(said)


def concept_names(study: Study, warehouse: Warehouse, *, snapshot: int) -> dict[int, str]:
    """Return the names of the concepts that a description shows, as the snapshot has them.

    A snapshot that was swept away, or that has no vocabulary, has none.

    Raises:
        IntegrityError: a file is not what was sealed.
    """
    asked = {
        item.concept_id for one in study.concept_sets.values() for item in one.items[:MAX_SHOWN]
    }
    for definition in study.definitions():
        asked.update(_asked_by_filters(definition.model_dump(mode="json")))
    try:
        view = warehouse.view(snapshot)
    except NotFoundError:
        return {}
    if not view.files("concept"):
        return {}
    found = view.read_whole(
        "concept",
        columns=["concept_id", "concept_name"],
        where=pl.col("concept_id").is_in(sorted(asked)),
    )
    rows = found.select("concept_id", "concept_name").drop_nulls().rows()
    return {concept_id: _one_line(name) for concept_id, name in rows}


def _asked_by_filters(value: Any) -> Iterator[int]:
    """Yield the concepts that the filters of a dumped definition name one by one."""
    if isinstance(value, dict):
        if value.get("kind") == "concept":
            yield from value["concepts"]
        for one in value.values():
            yield from _asked_by_filters(one)
    elif isinstance(value, list):
        for one in value:
            yield from _asked_by_filters(one)


def _one_line(name: str) -> str:
    """Return a name without what cannot be seen, and not longer than a name is."""
    shown = "".join(one for one in " ".join(name.split()) if one.isprintable())
    return shown if len(shown) <= _LONGEST_NAME else shown[: _LONGEST_NAME - 1] + "…"
