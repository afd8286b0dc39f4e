"""Strata of incidence and prevalence: their labels, how they add up, and what is said beside them.

A stratum is one label of a cell more, after sex, age group and interval. What is said of the strata
of a division adds up to what is said of the whole at every other label, and crossed strata to those
that they refine, each with a remainder for who is in no level.

The level of a person is that of the first day on which an age group looks at them, so it may differ
between age groups: within a stratum ages need not add up.

Pure.
"""

from collections.abc import Iterable, Mapping

from laennec.core.errors import PolicyError
from laennec.disclosure.algebra import Algebra, Key
from laennec.disclosure.cohorts import subjects
from laennec.disclosure.cubes import Branch, Labels
from laennec.disclosure.differences import close
from laennec.disclosure.kinds import Entry
from laennec.disclosure.strata import check_apart, divisions, levels_in, levels_of, named

WHOLE = ""
"""Label of what is in no stratum."""

_OTHERWISE = {"sex": "denominator_sex", "age_group": "denominator_age_group"}
"""Names of strata that a rate may not have, with the settings that say the same."""


def stratum_label(entry: Entry) -> str:
    """Return the stratum of a row of a rate; equal whatever the order of its levels.

    Raises:
        PolicyError: a level is not one that a rule knows, or is said otherwise in rates.
    """
    levels = levels_of(entry)
    for name, _ in levels:
        if name in _OTHERWISE:
            raise PolicyError(
                f"A rate is divided by {name!r}, which no rule adds up.",
                remedy=f"Tell its groups apart by {_OTHERWISE[name]}.",
            )
    return named(WHOLE, levels)


def strata_branches(labels: Iterable[object]) -> list[Branch]:
    """Return the whole, and each stratum that others refine, divided into them and a remainder.

    Raises:
        PolicyError: two levels overlap.
    """
    known = {levels_in(one): (str(one),) for one in labels}
    check_apart(known)
    found = []
    for (total,), parts, _ in divisions(known):
        names = [one for (one,) in parts]
        found.append(Branch(total, (*names, ("rest", total, *names))))
    return found


def relate_to_cohort(
    algebra: Algebra, cdm: str, cohort: str, cells: Mapping[Labels, Key], *, threshold: int
) -> None:
    """Compare strata with those of the cohort, and with who has a covariate of it and who has not.

    A stratum of a cohort is that of its entry day, and a covariate may count the same records: few
    may lie between, on either side.

    Args:
        algebra: Holds the cells.
        cdm: Source of data.
        cohort: The population.
        cells: The persons of every place, in strata and not.
        threshold: Fewest persons that may lie between.
    """
    mine = {key: labels[0] for labels, key in cells.items() if labels[3] != WHOLE}
    if not mine:
        return
    theirs: dict[Key, object] = {}
    for labels in cells:
        name = named(cohort, levels_in(labels[3]))
        theirs[subjects(cdm, name)] = "Both"
        theirs[("Sex", cdm, name, labels[0])] = labels[0]
    del theirs[subjects(cdm, cohort)]
    starts: list[Key] = [("covariate", cdm, cohort), ("without", "covariate", cdm, cohort)]
    theirs |= dict.fromkeys((key for one in starts for key in algebra.starting(one)), "Both")
    theirs = {key: sex for key, sex in theirs.items() if key in algebra}
    sexes = mine | theirs
    for larger, smaller, below in close(sexes, algebra.__getitem__, threshold, equal=True):
        if sexes[larger] != sexes[smaller] or (larger in mine) == (smaller in mine):
            continue
        if algebra[larger] == algebra[smaller]:
            algebra.same(larger, smaller)
            continue
        algebra.apart(larger, smaller)
        for one in below:
            if sexes[one] == sexes[smaller]:
                algebra.imply(smaller, one)
