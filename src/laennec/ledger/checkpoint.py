"""Checkpoints: what a log says of itself, signed.

The text of a checkpoint is three lines: the origin that names the log, the number of entries, and
the root over them. A checkpoint read from outside is worth something only as returned by
``open_checkpoint``, that is, signed by the key the caller trusts *for this origin*.

Pure functions. What this module does not do: it does not compare checkpoints with each other; that
takes a consistency proof (``tree``).
Source: C2SP tlog-checkpoint.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from laennec.ledger import tree
from laennec.ledger.encoding import from_base64, from_decimal, refused, to_base64
from laennec.ledger.note import Note, Verified, VerifierKey, parse_note, verify

_FIXED_LINES = 3


@dataclass(frozen=True)
class Checkpoint:
    """The state of a log.

    Attributes:
        origin: Unique name of the log.
        size: Entries.
        root: Root over them, 32 bytes.
        extensions: Further lines, which this program never writes and never interprets.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = (self.origin, str(self.size), to_base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True)
class SignedCheckpoint:
    """A checkpoint whose log signature holds.

    Attributes:
        checkpoint: What was signed.
        note: The note it came in, every signature line included.
        cosignatures: The signatures that hold of the witnesses the caller named.
    """

    checkpoint: Checkpoint
    note: Note
    cosignatures: tuple[Verified, ...] = ()


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a note as a checkpoint; says nothing about who signed it.

    Raises:
        ProofError: the form is wrong.
    """
    lines = text.split("\n")
    if len(lines) <= _FIXED_LINES or lines.pop() != "" or "" in lines:
        raise refused("checkpoint", "it is not three or more lines")
    origin, size, root, *extensions = lines
    raw = from_base64(root, what="checkpoint")
    if len(raw) != tree.HASH_BYTES:
        raise refused("checkpoint", "its root has a wrong length")
    return Checkpoint(origin, from_decimal(size, what="checkpoint"), raw, tuple(extensions))


def open_checkpoint(
    text: str, *, log_key: VerifierKey, witnesses: Sequence[VerifierKey] = ()
) -> SignedCheckpoint:
    """Verify a signed checkpoint and read it.

    Args:
        text: The whole note.
        log_key: The log's key; its name must be the checkpoint's origin, so that a key that signs
            for two logs cannot pass one off as the other.
        witnesses: Keys whose cosignatures are verified and listed; others are ignored.

    Raises:
        ProofError: the form is wrong, the log did not sign it, a signature under a given key is
            wrong, or the origin is another log's.
    """
    opened = parse_note(text)
    verified = verify(opened, keys=(log_key, *witnesses))
    if not any(one.key == log_key for one in verified):
        raise refused("checkpoint", "the log did not sign it")
    checkpoint = parse_checkpoint(opened.text)
    if checkpoint.origin != log_key.name:
        raise refused("checkpoint", "it is that of another log")
    cosigned = tuple(one for one in verified if one.key != log_key)
    return SignedCheckpoint(checkpoint, opened, cosigned)
