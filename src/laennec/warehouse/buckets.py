"""Which bucket a person belongs to.

``bucket = top bits of mix(person_id xor salt)``: the salt is a secret of the warehouse, so nobody
can choose identifiers that all fall into one bucket; the number of buckets is a power of two, so
doubling it splits each bucket in two and moves nobody else. Pure.

The mixing function is SplitMix64's finaliser (Steele, Lea and Flood, OOPSLA 2014): a bijection of
64-bit words whose output bits each depend on every input bit.
"""

import numpy as np
import polars as pl

PERSONS_PER_BUCKET = 16_384
"""Persons a bucket is meant for; a kernel run then needs some tens of MiB."""

FEWEST = 4
MOST = 65_536


def bucket_count(persons: int) -> int:
    """Return how many buckets suit this number of persons: a power of two in ``FEWEST..MOST``."""
    wanted = max(1, -(-persons // PERSONS_PER_BUCKET))
    return min(MOST, max(FEWEST, 1 << (wanted - 1).bit_length()))


def bucket_of(person_ids: pl.Series, *, buckets: int, salt: int) -> pl.Series:
    """Return the bucket of each person.

    Args:
        person_ids: 64-bit identifiers, none missing; negative ones are legal.
        buckets: A power of two, at most ``MOST``.
        salt: The warehouse's secret, 64 bits.

    Returns:
        As many numbers in ``0..buckets-1`` as ``person_ids``, as UInt32.

    Raises:
        ValueError: ``buckets`` is no power of two in range, or an identifier is missing.
    """
    if buckets < 1 or buckets > MOST or buckets & (buckets - 1):
        raise ValueError("the number of buckets is a power of two")
    if person_ids.null_count():
        raise ValueError("a person without identifier has no bucket")
    if buckets == 1:
        return pl.Series("bucket", np.zeros(len(person_ids), dtype=np.uint32))
    word = person_ids.to_numpy().astype(np.int64).view(np.uint64) ^ np.uint64(salt)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    word ^= word >> np.uint64(31)
    bits = buckets.bit_length() - 1
    return pl.Series("bucket", (word >> np.uint64(64 - bits)).astype(np.uint32))
