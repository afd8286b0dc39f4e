"""Treatment pathways.

The stay of each person is the year 2020; ``a``, ``b`` and ``c`` are treatments, given as the stays
of cohorts that last as long as each exposure.
"""

from typing import Any

from laennec.study.definition import EventQuery, Offset
from laennec.study.model import (
    AnyCohort,
    BySex,
    Cohort,
    Definition,
    EndOfEvent,
    Split,
    Stays,
    Stratum,
    TreatmentPathways,
)
from laennec.study.partials import Key
from spec.spec_case import (
    BLEED,
    DRUG,
    ULCER,
    Row,
    SpecCase,
    Tables,
    bleed,
    drug,
    in_2020,
    numbered,
    person,
    study,
    tables,
)

PATHWAYS = frozenset({"pathway", "pathway_days"})
SETS = {"a": ("drug", 1), "b": ("bleed", 2), "c": ("ulcer", 3)}
"""Concept set of each treatment, and a concept in it."""

TARGET = Cohort(name="patients", entry=ULCER)
TREATMENTS = tuple(
    Definition(
        name=name,
        entry=(EventQuery(table="drug_exposure", concepts=concepts),),
        leave=Offset(days=0, after="end"),
    )
    for name, (concepts, _) in SETS.items()
)
COHORTS: tuple[AnyCohort, ...] = (TARGET, *TREATMENTS)


def patient(
    *exposures: tuple[str, str, str], person_id: int = 1, sex: str = "F"
) -> list[tuple[str, Row]]:
    """A person whose stay is 2020, with exposures as treatment, first and last day (mm-dd)."""
    given = [
        numbered(drug(f"2020-{start}", f"2020-{end}", person_id, SETS[name][1]), 10 * person_id + n)
        for n, (name, start, end) in enumerate(exposures)
    ]
    return [
        person(person_id, sex),
        *in_2020(person_id),
        bleed("2020-01-01", person_id=person_id, concept=3),
        *given,
    ]


def asked(**options: Any) -> TreatmentPathways:
    """Pathways of a, b and c."""
    chosen = {"treatments": tuple(Stays(cohort=name) for name in SETS), **options}
    return TreatmentPathways(name="lines", cohorts=("patients",), **chosen)


def path(*steps: tuple[str, int], label: str = "patients") -> dict[Key, int]:
    """One person's pathway: its steps with the days of each."""
    names = [name for name, _ in steps]
    counts: dict[Key, int] = {("pathway", "lines", label, "-".join(names)): 1}
    for n, (_, days) in enumerate(steps, start=1):
        counts["pathway_days", "lines", label, "-".join(names[:n]), days] = 1
    return counts


def case(name: str, rows: Tables, result: TreatmentPathways, expected: dict[Key, int]) -> SpecCase:
    return SpecCase(name, rows, study(result, cohorts=COHORTS), expected, kinds=PATHWAYS)


A_THEN_B = [("a", "01-10", "03-10"), ("b", "03-12", "05-12")]
OVERLAPPING = [("a", "01-10", "04-09"), ("b", "03-10", "06-08")]
"""90 days of a, 90 days of b, 30 of them together."""

CASES = (
    SpecCase(
        "A pathway is what a person receives in the stay, in order; who receives nothing has none",
        tables(*patient(*A_THEN_B), *patient(person_id=2)),
        study(asked(), cohorts=COHORTS),
        path(("a", 60), ("b", 61)),
        kinds=PATHWAYS,
        estimates={
            ("Number subjects", None, "count", "overall"): "2",
            ("Pathway", "None", "count", "overall"): "1",
            ("Pathway", "None", "percentage", "overall"): "50",
            ("Start of pathway", "a", "count", "overall"): "1",
            ("Pathway", "a", "count", "overall"): "0",
            ("Pathway", "a-b", "count", "overall"): "1",
            ("Days on last treatment", "a-b", "median", "overall"): "61",
            ("Days on last treatment", "a-b", "sd", "overall"): None,
        },
    ),
    case(
        "A treatment counts if its first day is in the window, however long it lasts",
        tables(
            *patient(("a", "01-31", "06-01")),
            *patient(("a", "02-01", "12-31"), person_id=2),
            *patient(("b", "03-01", "12-31"), person_id=3),
            *patient(("b", "03-02", "12-31"), person_id=4),
        ),
        asked(end_anchor="start", window_start=31, window_end=60),
        path(("a", 334)) | path(("b", 305)),
    ),
    case(
        "The window may be before the last day of the stay",
        tables(*patient(*A_THEN_B, ("c", "12-01", "12-20"))),
        asked(start_anchor="end", window_start=-30),
        path(("c", 19)),
    ),
    case(
        "A treatment of too few days does not count",
        tables(*patient(("a", "01-10", "01-16"), ("b", "02-10", "02-17"))),
        asked(min_era_duration=7),
        path(("b", 7)),
    ),
    case(
        "Two eras of one treatment with few days between them are one era",
        tables(
            *patient(("a", "01-10", "01-20"), ("a", "02-19", "03-01")),
            *patient(("a", "01-10", "01-20"), ("a", "02-20", "03-01"), person_id=2),
        ),
        asked(era_collapse_size=30, filter_treatments="all"),
        path(("a", 51)) | path(("a", 10), ("a", 10)),
    ),
    case(
        "An overlap of enough days is a combination, which leaves what comes before and after it",
        tables(*patient(*OVERLAPPING)),
        asked(),
        path(("a", 60), ("a+b", 30), ("b", 60)),
    ),
    case(
        "A treatment within another one is a combination, after which the longer one goes on",
        tables(*patient(("b", "01-10", "06-08"), ("a", "03-10", "04-19"))),
        asked(filter_treatments="all"),
        path(("b", 60), ("a+b", 40), ("b", 50)),
    ),
    case(
        "A shorter overlap ends the earlier treatment",
        tables(*patient(*OVERLAPPING)),
        asked(combination_window=31),
        path(("a", 60), ("b", 90)),
    ),
    case(
        "A shorter overlap may be kept",
        tables(*patient(*OVERLAPPING)),
        asked(combination_window=31, overlap_method="keep"),
        path(("a", 90), ("b", 90)),
    ),
    case(
        "Treatments that start or end together are a combination, however short the overlap",
        tables(
            *patient(("a", "01-10", "01-20"), ("b", "01-10", "03-20")),
            *patient(("a", "01-10", "03-20"), ("c", "03-10", "03-20"), person_id=2),
        ),
        asked(min_post_combination_duration=5),
        path(("a+b", 10), ("b", 60)) | path(("a", 60), ("a+c", 10)),
    ),
    case(
        "Eras that share a single day do not overlap",
        tables(*patient(("a", "01-10", "03-10"), ("b", "03-10", "05-10"))),
        asked(combination_window=0),
        path(("a", 60), ("b", 61)),
    ),
    case(
        "A part that a combination leaves does not count if it has too few days",
        tables(*patient(("a", "01-10", "04-09"), ("b", "01-20", "06-08"))),
        asked(min_post_combination_duration=11),
        path(("a+b", 80), ("b", 60)),
    ),
    case(
        "Three overlapping treatments combine, the earliest overlap first",
        tables(*patient(("a", "01-01", "06-29"), ("b", "01-31", "04-30"), ("c", "03-01", "05-30"))),
        asked(),
        # a to 31 January, a+b to 1 March, all three to 30 April, a+c to 30 May, a to 29 June
        path(("a", 30), ("a+b", 30), ("a+b+c", 60), ("a+c", 30)),
    ),
    case(
        "Only the first era of each treatment and combination is a step, or each change, or all",
        tables(
            *patient(
                ("a", "01-10", "01-20"),
                ("a", "03-10", "03-20"),
                ("b", "05-10", "05-20"),
                ("a", "07-10", "07-20"),
            )
        ),
        asked(filter_treatments="first"),
        path(("a", 10), ("b", 10)),
    ),
    case(
        "Changes are eras that differ from the one before",
        tables(
            *patient(
                ("a", "01-10", "01-20"),
                ("a", "03-10", "03-20"),
                ("b", "05-10", "05-20"),
                ("a", "07-10", "07-20"),
            )
        ),
        asked(filter_treatments="changes"),
        path(("a", 10), ("b", 10), ("a", 10)),
    ),
    case(
        "A pathway is cut after the greatest number of steps",
        tables(*patient(("a", "01-10", "01-20"), ("b", "03-10", "03-20"), ("c", "05-10", "05-20"))),
        asked(max_path_length=2),
        path(("a", 10), ("b", 10)),
    ),
    case(
        "Short eras and long ones of a treatment may be apart",
        tables(*patient(("a", "01-10", "01-20"), ("a", "03-10", "06-10"), ("b", "07-10", "07-20"))),
        asked(splits=(Split(treatment="a", days=30),)),
        path(("a (acute)", 10), ("a (therapy)", 92), ("b", 10)),
    ),
    case(
        "An exit is a step that is neither combined nor filtered",
        tables(
            *patient(("a", "01-10", "04-10")),
            bleed("2020-02-10"),
            bleed("2020-03-10"),
        ),
        asked(exits=(BLEED,)),
        path(("a", 91), ("bleed", 0), ("bleed", 0)),
    ),
    case(
        "Treatments may be records of concepts, and exits the stays of a cohort",
        tables(*patient(("a", "01-10", "04-10"), ("c", "05-10", "05-10"))),
        asked(treatments=(DRUG,), exits=(Stays(cohort="c"),)),
        path(("drug", 91), ("c", 0)),
    ),
    SpecCase(
        "A person has the pathway of the first stay, or of all stays one after another",
        tables(
            *patient(
                ("c", "01-05", "02-05"),
                ("a", "01-10", "01-20"),
                ("c", "06-05", "07-05"),
                ("b", "06-10", "06-20"),
            )
        ),
        study(
            TreatmentPathways(
                name="lines",
                cohorts=("c",),
                treatments=(Stays(cohort="a"), Stays(cohort="b")),
                all_stays=True,
            ),
            cohorts=COHORTS,
        ),
        path(("a", 10), ("b", 10), label="c"),
        kinds=PATHWAYS,
    ),
    SpecCase(
        "A cohort whose persons stay once has the treatments of that stay",
        tables(*patient(("c", "01-05", "02-05"), ("a", "01-10", "01-20"), ("b", "06-10", "06-20"))),
        study(
            TreatmentPathways(
                name="lines", cohorts=("short",), treatments=(Stays(cohort="a"), Stays(cohort="b"))
            ),
            cohorts=(
                *COHORTS,
                Cohort(
                    name="short",
                    entry=DRUG.model_copy(update={"concepts": "ulcer"}),
                    exit=EndOfEvent(),
                ),
            ),
        ),
        path(("a", 10), label="short"),
        kinds=PATHWAYS,
    ),
    SpecCase(
        "Pathways of strata are those of their members",
        tables(*patient(*A_THEN_B), *patient(*A_THEN_B, person_id=2, sex="M")),
        study(asked(strata=(("sex",),)), cohorts=COHORTS, strata=(BySex(),)),
        dict.fromkeys(path(("a", 60), ("b", 61)), 2)
        | path(("a", 60), ("b", 61), label=Stratum("patients", (("sex", "Female"),)).label)
        | path(("a", 60), ("b", 61), label=Stratum("patients", (("sex", "Male"),)).label),
        kinds=PATHWAYS,
    ),
)
