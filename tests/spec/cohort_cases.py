"""Who enters a cohort, at which step others leave, and when members leave."""

from datetime import date

from laennec.study.definition import Correlated, EventQuery, EventWindow, Group, Offset, Rule
from laennec.study.model import (
    AgeBetween,
    Counts,
    Definition,
    EndOfEvent,
    EndOfObservation,
    EntryBetween,
    Exit,
    FixedDays,
    HasEvents,
    Incidence,
    Interval,
    Sex,
    SexIs,
    Study,
    Window,
)
from laennec.study.partials import Key
from spec.spec_case import (
    BLEED,
    DRUG,
    YEAR,
    SpecCase,
    Tables,
    bleed,
    drug,
    in_2020,
    numbered,
    observed,
    person,
    study,
    tables,
    users,
)

COUNT = Counts(name="how_many", cohorts=("users",))


def left(*persons: int) -> dict[Key, int]:
    """Persons left after each step, until nobody is."""
    return {("attrition", "users", step): n for step, n in enumerate(persons) if n}


def staying(name: str, rows: Tables, leave: Exit, days: int) -> SpecCase:
    """A case about the length of a stay, seen through the days at risk in the cohort."""
    asked = Incidence(name="stay", population="users", outcome=BLEED, intervals=(Interval.OVERALL,))
    key: Key = ("incidence", "stay", "Both", "0 to 150", "overall")
    return SpecCase(
        name,
        rows,
        study(asked, cohorts=(users(leave=leave),)),
        {(*key, "persons"): 1, (*key, "days"): days},
    )


def with_criterion(*criteria: HasEvents | AgeBetween | SexIs | EntryBetween) -> Study:
    """A study that counts the users who meet criteria."""
    return study(COUNT, cohorts=(users(*criteria),))


def _some_bleed(name: str, start: int, end: int) -> Rule:
    criterion = Correlated(
        query=EventQuery(table="condition_occurrence", concepts="bleed"),
        window=EventWindow(start=start, end=end),
        occurrence="at_least",
        count=1,
    )
    return Rule(name=name, group=Group(criteria=(criterion,)))


ANY_TIME_BEFORE = HasEvents(
    name="no_bleed", events=BLEED, window=Window(end=-1), at_least=0, at_most=0
)
MONTH_BEFORE = HasEvents(name="bled", events=BLEED, window=Window(start=-30, end=-1))
TWO_USES = HasEvents(name="two_uses", events=DRUG, window=Window(start=0, end=10), at_least=2)
ADULT = AgeBetween(name="adult", minimum=18, maximum=64)

CASES = (
    SpecCase(
        "A person enters on the first day of the first record ever, of any concept of the set",
        tables(person(), YEAR, drug("2020-05-01", concept=11), drug("2020-06-01")),
        with_criterion(EntryBetween(name="may", start=date(2020, 5, 1), end=date(2020, 5, 1))),
        left(1, 1, 1, 1),
    ),
    SpecCase(
        "A person without an entry event is in no step",
        tables(person(), YEAR, bleed("2020-05-01")),
        with_criterion(),
        {},
        kinds=frozenset({"attrition"}),
    ),
    SpecCase(
        "A first event that is not observed keeps the person out, whatever comes later",
        tables(person(), YEAR, drug("2019-12-31"), drug("2020-06-01")),
        with_criterion(),
        left(1),
    ),
    SpecCase(
        "Entry on the first and on the last observed day is observed",
        tables(
            person(1),
            person(2),
            YEAR,
            *in_2020(2),
            drug("2020-01-01"),
            drug("2020-12-31", person_id=2),
        ),
        with_criterion(),
        left(2, 2, 2),
    ),
    SpecCase(
        "Prior observation of 30 days holds on the day 30 days after the period began, not before",
        tables(
            person(1),
            person(2),
            YEAR,
            *in_2020(2),
            drug("2020-01-31"),
            drug("2020-01-30", person_id=2),
        ),
        study(COUNT, cohorts=(users(prior_observation=30),)),
        left(2, 2, 1),
    ),
    SpecCase(
        "Prior observation is counted in the period of entry only",
        tables(
            person(),
            observed("2019-01-01", "2019-12-31"),
            YEAR,
            drug("2020-01-10"),
        ),
        study(COUNT, cohorts=(users(prior_observation=30),)),
        left(1, 1),
    ),
    SpecCase(
        "Periods that share a day are one period",
        tables(
            person(),
            observed("2019-01-01", "2020-01-01"),
            YEAR,
            drug("2020-01-10"),
        ),
        study(COUNT, cohorts=(users(prior_observation=30),)),
        left(1, 1, 1),
    ),
    SpecCase(
        "A period that ends before it starts is no period",
        tables(person(), observed("2020-12-31", "2020-01-01"), drug("2020-05-01")),
        with_criterion(),
        left(1),
    ),
    SpecCase(
        "Both ends of a window belong to it: days -30 and -1 do, days -31 and 0 do not",
        tables(
            *(person(one) for one in (1, 2, 3, 4)),
            *in_2020(1, 2, 3, 4),
            *(drug("2020-03-31", person_id=one) for one in (1, 2, 3, 4)),
            bleed("2020-03-01", person_id=1),
            bleed("2020-03-30", person_id=2),
            bleed("2020-02-29", person_id=3),
            bleed("2020-03-31", person_id=4),
        ),
        with_criterion(MONTH_BEFORE),
        left(4, 4, 4, 2),
    ),
    SpecCase(
        "Records that started before observation count in a window",
        tables(person(), YEAR, drug("2020-03-01"), bleed("1999-01-01")),
        with_criterion(ANY_TIME_BEFORE),
        left(1, 1, 1),
    ),
    SpecCase(
        "Records are counted as rows: the same row twice is two",
        tables(person(), YEAR, drug("2020-03-01"), drug("2020-03-01")),
        with_criterion(TWO_USES),
        left(1, 1, 1, 1),
    ),
    SpecCase(
        "One record is not two",
        tables(person(), YEAR, drug("2020-03-01"), drug("2020-03-12")),
        with_criterion(TWO_USES),
        left(1, 1, 1),
    ),
    SpecCase(
        "Age is in completed years: 18 on the birthday, 17 on the day before",
        tables(
            person(1, born=(2002, 3, 1)),
            person(2, born=(2002, 3, 2)),
            YEAR,
            *in_2020(2),
            drug("2020-03-01"),
            drug("2020-03-01", person_id=2),
        ),
        with_criterion(ADULT),
        left(2, 2, 2, 1),
    ),
    SpecCase(
        "Who was born on 29 February turns on 1 March of a common year",
        tables(
            person(1, born=(2004, 2, 29)),
            person(2, born=(2004, 2, 29)),
            observed("2022-01-01", "2022-12-31", 1),
            observed("2022-01-01", "2022-12-31", 2),
            drug("2022-02-28"),
            drug("2022-03-01", person_id=2),
        ),
        with_criterion(ADULT),
        left(2, 2, 2, 1),
    ),
    SpecCase(
        "Without a year of birth no age criterion holds",
        tables(person(born=(None, 1, 1)), YEAR, drug("2020-03-01")),
        with_criterion(AgeBetween(name="any_age")),
        left(1, 1, 1),
    ),
    SpecCase(
        "Unknown sex is neither female nor male",
        tables(person(sex="?"), YEAR, drug("2020-03-01")),
        with_criterion(SexIs(name="women", sex=Sex.FEMALE)),
        left(1, 1, 1),
    ),
    SpecCase(
        "Criteria are counted in order, and who fails one is in no later step",
        tables(person(sex="M", born=(2010, 1, 1)), YEAR, drug("2020-03-01")),
        with_criterion(ADULT, SexIs(name="men", sex=Sex.MALE)),
        left(1, 1, 1),
    ),
    SpecCase(
        "An entry between two days may be open on either side",
        tables(
            *(person(one) for one in (1, 2, 3)),
            *in_2020(1, 2, 3),
            drug("2020-03-01", person_id=1),
            drug("2020-03-02", person_id=2),
            drug("2020-03-03", person_id=3),
        ),
        with_criterion(
            EntryBetween(name="from", start=date(2020, 3, 2)),
            EntryBetween(name="until", end=date(2020, 3, 2)),
        ),
        left(3, 3, 3, 2, 1),
    ),
    SpecCase(
        "A definition counts who qualifies, who meets its rules one by one, and who stays",
        tables(
            *(person(one) for one in (1, 2, 3, 4)),
            *in_2020(1, 2, 3, 4),
            *(numbered(drug("2020-03-01", person_id=one), one) for one in (1, 2, 3)),
            numbered(bleed("2020-02-01", person_id=1), 1),
            numbered(bleed("2020-02-01", person_id=2), 2),
            numbered(bleed("2020-04-01", person_id=2), 3),
        ),
        study(
            COUNT,
            cohorts=(
                Definition(
                    name="users",
                    entry=(EventQuery(table="drug_exposure", concepts="drug"),),
                    rules=(_some_bleed("bled", -60, -1), _some_bleed("bleeds", 1, 60)),
                ),
            ),
        ),
        left(3, 2, 1, 1),
    ),
    SpecCase(
        "Records of a definition are all its stays, where persons count once",
        tables(
            person(1),
            person(2),
            *in_2020(1, 2),
            numbered(drug("2020-03-01", person_id=1), 1),
            numbered(drug("2020-06-01", person_id=1), 2),
            numbered(drug("2020-03-01", person_id=2), 3),
        ),
        study(
            COUNT,
            cohorts=(
                Definition(
                    name="users",
                    entry=(EventQuery(table="drug_exposure", concepts="drug"),),
                    leave=Offset(after="start", days=9),
                ),
            ),
        ),
        left(2, 2) | {("records", "users"): 3},
        estimates={
            ("Number records", None, "count", "overall"): "3",
            ("Number subjects", None, "count", "overall"): "2",
        },
    ),
    SpecCase(
        "Identifiers are any 64-bit integers, and rows of unknown persons are not read",
        tables(
            person(-(2**63)),
            person(2**63 - 1),
            *in_2020(-(2**63)),
            *in_2020(2**63 - 1, 2**63 - 2),
            drug("2020-03-01", person_id=-(2**63)),
            drug("2020-03-01", person_id=2**63 - 1),
            drug("2020-03-01", person_id=2**63 - 2),
        ),
        with_criterion(),
        left(2, 2, 2),
    ),
    staying(
        "By default a stay ends with the period of entry",
        tables(person(), YEAR, drug("2020-12-22", "2020-12-24")),
        EndOfObservation(),
        10,
    ),
    staying(
        "A stay of a fixed number of days has one day more, the entry day",
        tables(person(), YEAR, drug("2020-12-01")),
        FixedDays(days=9),
        10,
    ),
    staying(
        "No stay outlasts the period of entry",
        tables(person(), YEAR, drug("2020-12-22")),
        FixedDays(days=100),
        10,
    ),
    staying(
        "A stay to the end of the event ends with the longest record of the first day",
        tables(
            person(),
            YEAR,
            drug("2020-03-01", "2020-03-05"),
            drug("2020-03-01", "2020-03-10"),
            drug("2020-03-02", "2020-03-31"),
        ),
        EndOfEvent(),
        10,
    ),
    staying(
        "An event without an end, or that ends before it starts, lasts one day",
        tables(person(), YEAR, drug("2020-03-01"), drug("2020-03-01", "2020-02-01")),
        EndOfEvent(),
        1,
    ),
)
