"""Unambiguous names for keys and places: length-prefixed parts, and keys derived under a label.

Joining strings lets one tuple of parts pass for another (``"ab" + "c"`` is ``"a" + "bc"``); a
length before each part does not. Pure functions: no I/O, no clock, no randomness.
"""

import struct

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32


def encode_parts(*parts: bytes | str) -> bytes:
    """Return each part after its length (4 bytes, big-endian); text is UTF-8.

    Different tuples of parts give different bytes.
    """
    raw = [part.encode() if isinstance(part, str) else part for part in parts]
    return b"".join(struct.pack(">I", len(part)) + part for part in raw)


def derive_key(key: bytes, *label: bytes | str) -> bytes:
    """Return the 256-bit key for the purpose ``label``, by HKDF-SHA-256 (RFC 5869) from ``key``.

    ``key`` is already uniform, so no salt is needed; keys for different labels are independent.
    """
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=encode_parts(*label)).derive(key)
