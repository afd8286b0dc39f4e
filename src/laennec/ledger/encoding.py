"""The small text encodings that checkpoints, notes and proofs share, each with one spelling only.

Two texts that differ never mean the same: base64 with stray bits or missing padding, and numbers
with a leading zero or sign, are refused.
"""

import base64
import binascii
import re

from laennec.core.errors import ProofError

MAX_NUMBER = 2**63 - 1
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


def to_base64(data: bytes) -> str:
    """Return standard base64 with padding (RFC 4648, section 4)."""
    return base64.b64encode(data).decode("ascii")


def from_base64(text: str, *, what: str) -> bytes:
    """Read canonical base64; ``what`` names the document in the error.

    Raises:
        ProofError: ``text`` is not what ``to_base64`` writes.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise refused(what, "it holds bad base64") from error
    # The library accepts stray bits before the padding, so that one value would have many texts.
    if to_base64(data) != text:
        raise refused(what, "it holds bad base64")
    return data


def from_decimal(text: str, *, what: str) -> int:
    """Read a decimal number without sign or leading zero, at most 2**63 - 1.

    Raises:
        ProofError: ``text`` is not such a number.
    """
    if _NUMBER.fullmatch(text) is None or int(text) > MAX_NUMBER:
        raise refused(what, "it holds a bad number")
    return int(text)


def refused(what: str, reason: str) -> ProofError:
    """Return the error for a document that is not acceptable."""
    return ProofError(
        f"The {what} is refused: {reason}.",
        remedy="Get it again from its source; if it is still refused, tell the auditor.",
    )
