"""One block of persons with all that is known of them before anything is written.

Every part draws from a stream of its own, named after it: a change in one part of the generator
leaves the others' draws as they were.

Pure.
"""

from dataclasses import dataclass
from zlib import crc32

import numpy as np

from laennec.synthetic.snds.care import Lines, care
from laennec.synthetic.snds.identities import Identities, identities
from laennec.synthetic.snds.illness import Illnesses, illnesses
from laennec.synthetic.snds.order import Order
from laennec.synthetic.snds.population import People, people
from laennec.synthetic.snds.texts import mixed

SIZE = 40_000
"""Persons of a block; a fact of the generator, for the base depends on it."""


@dataclass(frozen=True)
class Block:
    """Persons, their identifiers, illnesses and claim lines.

    Attributes:
        number: From 0.
        order: What the block is a part of.
        people: The persons.
        identities: Their identifiers.
        ill: Their lasting illnesses.
        lines: Their claims.
        carried: Place of the identifier on each claim line.
        starts: Persons and first days of the two drugs of the signal.
    """

    number: int
    order: Order
    people: People
    identities: Identities
    ill: Illnesses
    lines: Lines
    carried: np.ndarray
    starts: dict[str, np.ndarray]

    def draws(self, part: str) -> np.random.Generator:
        """Return the stream of a part of this block."""
        return stream(self.order, self.number, part)


def stream(order: Order, number: int, part: str) -> np.random.Generator:
    """Return the random numbers of one part of one block, the same on every machine."""
    key = (order.seed, order.first_year, order.last_year, number, crc32(part.encode()))
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))


def blocks(order: Order) -> range:
    """Return the numbers of the blocks of an order."""
    return range(-(-order.persons // SIZE))


def block(order: Order, number: int) -> Block:
    """Draw one block."""
    first = number * SIZE
    size = min(SIZE, order.persons - first)
    persons = people(order, stream(order, number, "people"), first=first + 1, size=size)
    named = identities(order, stream(order, number, "identities"), persons)
    ill = illnesses(order, stream(order, number, "illnesses"), persons)
    lines, starts = care(order, stream(order, number, "care"), persons, ill)
    # A document and what takes it back carry one identifier: they have person and day in common.
    coins = mixed(order.seed, lines.person, lines.day) % np.uint64(2) == 0
    carried = named.of(lines.person, lines.day, coins)
    return Block(number, order, persons, named, ill, lines, carried, starts)
