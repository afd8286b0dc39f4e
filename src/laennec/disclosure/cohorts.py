"""Cells of cohorts: attrition, counts and characteristics, and how they add up.

The final size of a cohort, its count and its number of subjects are one cell. Around it: everyone
excluded (divided into the steps, in order), the sexes, the age groups, and for each covariate those
who have it and those who have not. The persons left after a step are the final size and the later
exclusions together, and are shown when those could be.

Pure.
"""

from collections.abc import Iterable, Mapping, Sequence

from laennec.core.errors import PolicyError
from laennec.disclosure.ages import branches
from laennec.disclosure.algebra import Algebra, Key, cover
from laennec.disclosure.combined import EMPTY, Diagram, measure_of, relate_combined
from laennec.disclosure.differences import Steps, close, relate_sizes, relate_steps
from laennec.disclosure.kinds import Entry, Role
from laennec.disclosure.strata import (
    Levels,
    check_apart,
    cohort_of,
    fold,
    levels_of,
    named,
    relate_strata,
    whole,
)

_NO_GROUP = "None"
"""Level of "Age group" for who is in none of the groups."""

_SEXES = ("None", "Female", "Male")
"""In the order in which they are merged: who is of unknown sex first goes with the women."""


def subjects(cdm: str, cohort: str) -> Key:
    """Return the cell of all persons of a cohort."""
    return ("subjects", cdm, cohort)


def cohort_cell(entry: Entry) -> Key:
    """Return the cell of a person count of the three cohort kinds.

    Raises:
        PolicyError: an attrition step has no whole number, or a level is missing.
    """
    row = entry.row
    cohort = (row.cdm_name, cohort_of(entry))
    if entry.settings.result_type == "summarise_cohort_attrition":
        kind = "excluded" if row.variable_name.startswith("excluded") else "left"
        return (kind, *cohort, _step(row.additional_level))
    if row.variable_name in {"Number records", "Number subjects"}:
        return subjects(*cohort)
    if row.variable_level is None:
        raise PolicyError(
            f"A row of {row.variable_name!r} has no variable_level.", remedy="Run the study again."
        )
    if row.variable_name == "Covariates":
        return ("covariate", *cohort, row.result_id, row.variable_level)
    if row.variable_name == "Age group" and row.variable_level == _NO_GROUP:
        return ("Age group", *cohort, row.result_id, _NO_GROUP)
    if row.variable_name == "Sex" and row.variable_level not in _SEXES:
        raise PolicyError(
            "A level of 'Sex' is not one that a disclosure rule knows.",
            remedy="Known here: " + ", ".join(_SEXES) + ".",
        )
    return (row.variable_name, *cohort, row.variable_level)


def _step(level: str) -> int:
    if not (level.isascii() and level.isdigit()):
        raise PolicyError("An attrition step has no whole number.", remedy="Run the study again.")
    return int(level)


def relate_cohorts(
    algebra: Algebra,
    entries: Iterable[Entry],
    diagrams: Mapping[str, Diagram],
    *,
    beside: Sequence[Steps] = (),
    threshold: int,
) -> None:
    """Add the sums that hold between the cells of each cohort.

    Args:
        algebra: Receives the cells.
        entries: Rows of the three cohort kinds.
        diagrams: For each source of data the cohorts that set operations link.
        beside: Other sets of persons, with which cohorts are compared.
        threshold: Fewest persons by which two cohorts may differ.

    Raises:
        PolicyError: they do not hold.
    """
    steps: dict[Key, dict[int, str]] = {}
    levels: dict[Key, dict[str, list[Key]]] = {}
    strata: dict[str, dict[str, dict[Levels, None]]] = {}
    families: dict[Key, dict[Levels, Key]] = {}
    measures: dict[Key, dict[str, Key]] = {}
    for entry in [one for one in entries if one.role is Role.PERSONS]:
        cohort: Key = (entry.row.cdm_name, cohort_of(entry))
        divided = strata.setdefault(entry.row.cdm_name, {}).setdefault(entry.row.group_level, {})
        divided[levels_of(entry)] = None
        key = cohort_cell(entry)
        algebra.put(key, entry.count)
        families.setdefault(cohort_cell(whole(entry)), {})[levels_of(entry)] = key
        if key[0] in {"left", "excluded"}:
            steps.setdefault(cohort, {})[_step(entry.row.additional_level)] = entry.row.strata_level
        elif key[0] != "subjects":
            levels.setdefault(cohort, {}).setdefault(str(key[0]), []).append(key)
        if key[0] not in {"left", "excluded"}:
            linked = measure_of((key[0], *key[3:]), entry, diagrams)
            if linked is not None:
                measures.setdefault(linked[0], {})[linked[1]] = key
    shared: dict[Key, tuple[Key, Key]] = {}
    for cohort, reasons in steps.items():
        _attrition(algebra, cohort, reasons, shared)
    for cohort, by_kind in levels.items():
        _characteristics(algebra, cohort, by_kind)
    relate_strata(algebra, families)
    for measure, by_cohort in measures.items():
        cdm = str(next(iter(by_cohort.values()))[1])
        relate_combined(algebra, diagrams[cdm], measure, by_cohort)
    for cdm in dict.fromkeys([*strata, *map(_cdm, beside)]):
        cohorts = strata.get(cdm, {})
        drawn = diagrams.get(cdm, EMPTY)
        for cohort_name, divided in cohorts.items():
            check_apart(divided)
            _link_strata(algebra, cdm, cohort_name, divided)
        sized = [one for one in cohorts if subjects(cdm, one) in algebra]
        found = [_steps(cdm, one, steps.get((cdm, one), {})) for one in sized]
        others = [one for one in beside if _cdm(one) == cdm]
        pairs = drawn.pairs(sized)
        relate_steps(algebra, [*found, *others], pairs, threshold=threshold)
        sizes = [
            (one, levels, subjects(cdm, named(one, levels)))
            for one, divided in cohorts.items()
            for levels in divided
        ]
        relate_sizes(algebra, sizes, drawn.linked, threshold=threshold)


def records_apart(
    entries: Iterable[Entry], sizes: Mapping[Key, int | None], *, threshold: int
) -> set[int]:
    """Return the numbers of records to hide beside those of other cohorts, by index.

    Two cohorts of equal persons may differ by the rule that makes few stays one: of two numbers of
    records between which few lie, the smaller is hidden. Where each person has one record, persons
    are compared in place of them.

    Args:
        entries: Rows of cohort counts.
        sizes: Persons of each cell.
        threshold: Fewest records that may lie between.

    Raises:
        PolicyError: a cohort has fewer records than persons.
    """
    several: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.role is not Role.RECORDS or entry.count is None:
            continue
        persons = sizes.get(subjects(entry.row.cdm_name, cohort_of(entry)))
        if persons is not None and entry.count < persons:
            raise PolicyError(
                "A cohort has fewer records than persons.",
                remedy="Run the study again; a result that does not add up is never published.",
            )
        if entry.count != persons:
            several.setdefault(entry.row.cdm_name, []).append(entry)
    found: set[int] = set()
    for rows in several.values():
        for larger, smaller, below in close(rows, lambda one: one.count, threshold):
            if cohort_of(larger) != cohort_of(smaller):
                found |= {smaller.index, *(one.index for one in below)}
    return found


def _link_strata(algebra: Algebra, cdm: str, cohort: str, divided: Iterable[Levels]) -> None:
    """Take the persons of a stratum for those that a characteristic of what it divides counts.

    Covariates carry names of the researcher's: one of the name of a feature counts the same persons
    when it counts as many.
    """
    for levels in divided:
        stratum = subjects(cdm, named(cohort, levels))
        for name, level in levels if stratum in algebra else ():
            above = (cdm, named(cohort, tuple(one for one in levels if one[0] != name)))
            kind = {"sex": "Sex", "age_group": "Age group"}.get(name)
            if kind is not None and (kind, *above, level) in algebra:
                algebra.same(stratum, (kind, *above, level))
            for key in algebra.starting(("covariate", *above)) if level == "yes" else ():
                if key[-1] == name and algebra[key] == algebra[stratum]:
                    algebra.same(stratum, key)


def _cdm(steps: Steps) -> str:
    return str(steps[0][0][1])


def _steps(cdm: str, cohort: str, reasons: dict[int, str]) -> Steps:
    """Return the sizes of a cohort, step by step; the last one is the cohort."""
    everyone: Key = ("everyone excluded", cdm, cohort)
    before: list[Key] = [("left", cdm, cohort, n) for n in sorted(reasons)[:-1]]
    return [*((key, (everyone,)) for key in before), (subjects(cdm, cohort), ())]


def _attrition(
    algebra: Algebra, cohort: Key, reasons: dict[int, str], shared: dict[Key, tuple[Key, Key]]
) -> None:
    """Divide everyone excluded into the steps; show who is left where that tells nothing."""
    numbers = sorted(reasons)
    left = [("left", *cohort, n) for n in numbers]
    if numbers != list(range(1, len(numbers) + 1)) or any(key not in algebra for key in left):
        raise PolicyError(
            "An attrition lacks a step, or the number of persons left after one.",
            remedy="Steps are numbered 1, 2, … with number_subjects or number_records for each.",
        )
    size = subjects(str(cohort[0]), str(cohort[1]))
    algebra.put(size, algebra[left[-1]])
    algebra.same(size, left[-1])
    excluded = [("excluded", *cohort, n) for n in numbers[1:]]
    for before, after, gone in zip(left, left[1:], excluded, strict=False):
        if not algebra.remainder(gone, before, [after]):
            raise PolicyError(
                "An attrition step leaves more persons than entered it.",
                remedy="Run the study again; a result that does not add up is never published.",
            )
    if not excluded:
        return
    everyone: Key = ("everyone excluded", *cohort)
    algebra.remainder(everyone, left[0], [size])
    algebra.split(everyone, excluded)
    for n, key in enumerate(left[:-1]):
        later = [everyone] if n == 0 else cover(excluded, n)
        algebra.derive(key, [size, *later])
    _link(algebra, [reasons[n] for n in numbers], left, excluded, everyone, shared)


def _link(
    algebra: Algebra,
    reasons: list[str],
    left: list[Key],
    excluded: list[Key],
    everyone: Key,
    shared: dict[Key, tuple[Key, Key]],
) -> None:
    """Take equal numbers after equal steps, in two cohorts, for the same persons.

    A reader who knows the study knows when two cohorts start from the same persons. Then what one
    attrition hides, the other may not tell: it hides all its exclusions.
    """
    for n, key in enumerate(left[:-1]):
        prefix = (left[0][1], *reasons[: n + 1], *(algebra[one] for one in left[: n + 1]))
        other_left, other_everyone = shared.setdefault(prefix, (key, everyone))
        if other_left == key:
            continue
        algebra.same(other_left, key)
        algebra.imply(key, other_everyone)
        algebra.imply(other_left, everyone)
        if n:
            gone: Key = ("excluded", *other_left[1:])
            algebra.same(gone, excluded[n - 1])


def _characteristics(algebra: Algebra, cohort: Key, levels: dict[str, list[Key]]) -> None:
    size = subjects(str(cohort[0]), str(cohort[1]))
    if size not in algebra:
        raise PolicyError(
            "Characteristics of a cohort come without its number of subjects.",
            remedy="Ask for 'Number subjects' with them; without it nothing can be judged.",
        )
    for key in levels.get("covariate", ()):
        without: Key = ("without", *key)
        _rest(algebra, without, size, [key])
        algebra.split(size, [key, without])
    if sexes := levels.get("Sex"):
        ordered = [("Sex", *cohort, sex) for sex in _SEXES]
        present: list[Key] = [key for key in ordered if key in sexes]
        if "None" not in [key[-1] for key in present]:
            unknown: Key = ("sex unknown", *cohort)
            _rest(algebra, unknown, size, present)
            present.insert(0, unknown)
        algebra.split(size, fold(algebra, size, present[0], present[1:]))
    _ages(algebra, cohort, size, levels.get("Age group", []))


def _ages(algebra: Algebra, cohort: Key, size: Key, keys: list[Key]) -> None:
    """Divide a cohort by its age groups, and age groups by those inside them."""
    outside = [key for key in keys if key[-1] == _NO_GROUP]
    for branch in branches([str(key[-1]) for key in keys if key not in outside], root="everyone"):
        whole = branch.total == "everyone"
        total = size if whole else ("Age group", *cohort, branch.total)
        named = [one for one in branch.parts if not isinstance(one, tuple)]
        parts: list[Key] = [("Age group", *cohort, one) for one in named]
        rest: Key = ("in no age group", *cohort, branch.total, *named)
        _rest(algebra, rest, total, parts)
        algebra.split(total, fold(algebra, total, rest, parts))
        same = [key for key in outside if whole and algebra[key] == algebra[rest]]
        for key in same:
            algebra.same(rest, key)
        outside = [key for key in outside if key not in same]
    if outside:
        raise PolicyError(
            "Who is in no age group cannot be told apart: a cohort has several sets of age groups.",
            remedy="Ask for one set of age groups for each cohort in what is released together.",
        )


def _rest(algebra: Algebra, key: Key, total: Key, parts: list[Key]) -> None:
    if not algebra.remainder(key, total, parts):
        raise PolicyError(
            "Parts of a cohort count more persons than the cohort.",
            remedy="Run the study again; a result that does not add up is never published.",
        )
