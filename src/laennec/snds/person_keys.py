"""Identifiers of persons: numbers that say nothing of the pseudonym they come from.

``person_id = 1 + the first 52 bits of AES-256-CBC-MAC(pseudonym, rank, attempt)``. The message is
always two blocks, for which CBC-MAC is a pseudorandom function (Bellare, Kilian and Rogaway, JCSS
61, 2000): without the key nobody links a number to a pseudonym, nor two hubs' numbers. With it, the
same identifier gives the same number, whatever was delivered before or beside it.

Message: pseudonym in ASCII, filled with NUL to 24 bytes; rank, unsigned 32 bits; attempt, unsigned
32 bits, big endian. The key of the AES is BLAKE2b of nothing under the given key, so that the given
key may serve other purposes too.
"""

import hashlib

import numpy as np
import numpy.typing as npt
import polars as pl
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from laennec.snds.person_rules import LONGEST_PSEUDONYM

_BLOCK, _BITS = 16, 52
_PURPOSE = b"snds person_id"
_SHORTEST_KEY = 16


def person_numbers(
    psa: pl.Series, rng: pl.Series, *, attempt: int, key: bytes
) -> npt.NDArray[np.int64]:
    """Return the number of each identifier, 1 to 2^52.

    Args:
        psa: Pseudonyms, ASCII, at most 24 characters, none missing.
        rng: Ranks, 0 to 255.
        attempt: 0; one more for identifiers whose number was taken.
        key: The hub's secret, at least 16 bytes.

    Raises:
        ValueError: the key is short, or a pseudonym is not as said.
    """
    if len(key) < _SHORTEST_KEY:
        raise ValueError("the key of person identifiers has at least 16 bytes")
    size = len(psa)
    text = psa.str.pad_end(LONGEST_PSEUDONYM, "\0").str.join("").item().encode() if size else b""
    if len(text) != size * LONGEST_PSEUDONYM:
        raise ValueError("a pseudonym is not ASCII of at most 24 characters")
    message = np.zeros((size, 2 * _BLOCK), dtype=np.uint8)
    message[:, :LONGEST_PSEUDONYM] = np.frombuffer(text, np.uint8).reshape(size, LONGEST_PSEUDONYM)
    tail = np.empty((size, 2), dtype=">u4")
    tail[:, 0], tail[:, 1] = rng.to_numpy(), attempt
    message[:, LONGEST_PSEUDONYM:] = tail.view(np.uint8)
    secret = hashlib.blake2b(digest_size=32, key=key, person=_PURPOSE).digest()
    mac = _encrypt(secret, message[:, :_BLOCK])
    mac = _encrypt(secret, mac ^ message[:, _BLOCK:])
    words = np.ascontiguousarray(mac[:, :8]).view(">u8").reshape(size)
    return (words >> np.uint64(64 - _BITS)).astype(np.int64) + 1


def _encrypt(key: bytes, blocks: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Encrypt each block by itself: the step of a MAC, not a way to hide data."""
    cipher = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305
    out = cipher.update(np.ascontiguousarray(blocks).tobytes()) + cipher.finalize()
    return np.frombuffer(out, dtype=np.uint8).reshape(-1, _BLOCK)
