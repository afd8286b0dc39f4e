"""Sealed bytes: one authenticated envelope for small documents (manifests, heads, reports).

AES-256-GCM with a fresh random nonce; the associated data names the place, so a body moved to
another place does not open. The plaintext is padded so that its size says little about it. The byte
table is in ``docs/reference/sealed-formats.md``. Not for tables of rows (``sealed_parquet``).
"""

import os
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from laennec.core.errors import FormatError, IntegrityError
from laennec.vault.labels import encode_parts

MAGIC = b"LNSB"
VERSION = 1
_NONCE_BYTES = 12
_LENGTH = struct.Struct(">Q")
_HEADER = MAGIC + bytes([VERSION])
_AROUND = len(_HEADER) + _NONCE_BYTES + 16
"""Bytes that stand around the padded body: header, nonce, tag."""

Place = tuple[bytes | str, ...]
"""The parts that name where sealed bytes belong; encoded with lengths, never joined."""


def padded_size(size: int) -> int:
    """Return the Padmé size for ``size`` bytes: at most 12 % more, and few sizes are possible.

    Source: Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with
    PURBs", PoPETs 2019, section 4.
    """
    if size < 2:
        return size
    exponent = size.bit_length() - 1
    low_bits = exponent - exponent.bit_length()
    mask = (1 << low_bits) - 1
    return (size + mask) & ~mask


def stored_size(body_size: int) -> int:
    """Return how many bytes ``seal`` makes of a body of ``body_size`` bytes."""
    return _AROUND + padded_size(_LENGTH.size + body_size)


def is_stored_size(size: int) -> bool:
    """Return whether sealed bytes can have this size."""
    inside = size - _AROUND
    return inside >= _LENGTH.size and padded_size(inside) == inside


def indistinct(size: int) -> bytes:
    """Return ``size`` bytes that nobody can tell from sealed bytes of that size.

    Source: a GCM ciphertext under a key that nobody has is as good as random; so are nonce and tag.
    """
    return _HEADER + os.urandom(size - len(_HEADER))


def seal(body: bytes, *, key: bytes, place: Place) -> bytes:
    """Return ``body`` padded, encrypted and bound to ``place``.

    Args:
        body: Any bytes, empty included.
        key: 256 bits; at most 2**32 bodies under one key, so that random nonces never meet.
        place: Names the place; ``open_sealed`` needs the same.
    """
    framed = _LENGTH.pack(len(body)) + body
    framed += bytes(padded_size(len(framed)) - len(framed))
    nonce = os.urandom(_NONCE_BYTES)
    return _HEADER + nonce + AESGCM(key).encrypt(nonce, framed, _associated(place))


def open_sealed(sealed: bytes, *, key: bytes, place: Place, name: str) -> bytes:
    """Return the body that was sealed for ``place``.

    Args:
        sealed: What ``seal`` returned.
        key: The key it was sealed with.
        place: The place it was sealed for.
        name: What to call it in an error.

    Raises:
        FormatError: it does not begin as sealed bytes of a known version.
        IntegrityError: it was altered, truncated, moved, or sealed with another key.
    """
    if sealed[: len(MAGIC)] != MAGIC:
        raise FormatError(
            f"{name} is not in the sealed format.",
            remedy="It was replaced or damaged; restore the store from a copy.",
        )
    if sealed[len(MAGIC) : len(_HEADER)] != bytes([VERSION]):
        raise FormatError(
            f"{name} has a sealed format that this program does not know.",
            remedy="Use the version of Laennec that wrote it, or restore the store from a copy.",
        )
    nonce = sealed[len(_HEADER) : len(_HEADER) + _NONCE_BYTES]
    try:
        framed = AESGCM(key).decrypt(
            nonce, sealed[len(_HEADER) + _NONCE_BYTES :], _associated(place)
        )
    except (InvalidTag, ValueError):
        raise IntegrityError(
            f"{name} does not authenticate: altered, truncated, moved, or under another key.",
            remedy="Run `laennec verify`, then restore the store from a copy.",
        ) from None
    (length,) = _LENGTH.unpack_from(framed)
    return framed[_LENGTH.size : _LENGTH.size + length]


def _associated(place: Place) -> bytes:
    return encode_parts(_HEADER, *place)
