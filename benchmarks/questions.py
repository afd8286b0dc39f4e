"""The three questions of the benchmarks, and the concepts they are about; imports nothing.

``distinct persons per concept``: over all rows of ``condition_occurrence``. ``first event per
person``: each person's first record with its concept, identifier and end, by day and then by
identifier, over all rows. ``outcome within 30 days of an exposure``: ``person``, ``drug_exposure``
and ``condition_occurrence`` joined; for each sex and decade of birth, how many pairs of an exposure
to a set of drugs and an outcome that begins from that day to 30 days later, and how many persons
have one.

Each question answers with whole numbers, so that two engines or two kinds of file can be compared
to the last person, and so that no engine pays for handing rows over.
"""

Answer = dict[str, int]

PER_CONCEPT, FIRST, JOINED = (
    "distinct persons per concept",
    "first event per person",
    "outcome within 30 days of an exposure",
)

TABLES = ("person", "observation_period", "condition_occurrence", "drug_exposure")
FIRST_CONDITION, CONDITIONS = 4_000_000, 3_000
FIRST_DRUG, DRUG_CONCEPTS = 1_000_000, 800

OUTCOMES = frozenset(range(FIRST_CONDITION + 3, FIRST_CONDITION + 43))
"""About a third of the rows of ``condition_occurrence``."""
DRUGS = frozenset(range(FIRST_DRUG + 1, FIRST_DRUG + 21))
"""About half of the rows of ``drug_exposure``."""
WITHIN = 30
"""Days after an exposure."""
