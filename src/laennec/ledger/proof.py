"""Offline proofs: one text file that shows an entry to be in the log.

A proof carries the entry (as its ``extra`` line), the entry's index, its audit path and the signed
checkpoint. Whoever has it and the log's verifier key needs no network, no log and no trust in the
one who hands it over. The ``extra`` line is not authenticated by itself: ``verify_proof`` hashes
the entry it is given, and the signature covers that hash through the path.

Pure functions. What this module does not do: it does not show that the log never forked; witness
cosignatures, and consistency with a remembered checkpoint, do.
Source: C2SP tlog-proof.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from laennec.ledger import tree
from laennec.ledger.checkpoint import SignedCheckpoint, open_checkpoint
from laennec.ledger.encoding import from_base64, from_decimal, refused, to_base64
from laennec.ledger.note import MAX_CHARACTERS, VerifierKey, parse_verifier_key

HEADER = "c2sp.org/tlog-proof@v1"
SUFFIX = ".tlog-proof"
MAX_HASHES = 63


@dataclass(frozen=True)
class TlogProof:
    """A proof as read; nothing in it is verified.

    Attributes:
        index: Position of the entry in the log.
        hashes: Audit path, leaf side first.
        checkpoint: The signed note, verbatim.
        extra: The entry's bytes, or None.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    def __str__(self) -> str:
        extra = [] if self.extra is None else [f"extra {to_base64(self.extra)}"]
        path = [to_base64(one) for one in self.hashes]
        return "\n".join([HEADER, *extra, f"index {self.index}", *path, "", self.checkpoint])


@dataclass(frozen=True)
class Inclusion:
    """What a verified proof shows.

    Attributes:
        index: Position of the entry in the log.
        signed: The checkpoint, with the cosignatures that hold.
    """

    index: int
    signed: SignedCheckpoint


def parse_proof(text: str) -> TlogProof:
    """Read a proof; every proof has one spelling, so that ``str(parse_proof(text)) == text``.

    Raises:
        ProofError: the form is wrong.
    """
    if len(text) > 2 * MAX_CHARACTERS:
        raise refused("proof", "it is too long")
    head, blank, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or lines.pop(0) != HEADER:
        raise refused("proof", "it is not a tlog-proof, version 1")
    extra = _labelled(lines.pop(0), "extra") if lines and lines[0].startswith("extra ") else None
    index = from_decimal(_labelled(lines.pop(0) if lines else "", "index"), what="proof")
    if len(lines) > MAX_HASHES:
        raise refused("proof", "it has too many hashes")
    return TlogProof(
        index=index,
        hashes=tuple(from_base64(line, what="proof") for line in lines),
        checkpoint=checkpoint,
        extra=None if extra is None else from_base64(extra, what="proof"),
    )


def verify_proof(
    proof_text: str,
    entry: bytes,
    verifier_key: str | VerifierKey,
    *,
    witnesses: Sequence[VerifierKey] = (),
) -> Inclusion:
    """Prove offline that ``entry`` is in the log of ``verifier_key``.

    Args:
        proof_text: Text of the ``.tlog-proof`` file.
        entry: The entry's exact bytes; who has only the proof takes ``parse_proof(text).extra``.
        verifier_key: The log's key, known from elsewhere than the proof: ``name+id+key``.
        witnesses: Keys whose cosignatures count; those that hold are listed in the answer, and how
            many are enough is for the caller to say.

    Raises:
        ProofError: it is not shown, for whatever reason: bad form, wrong signature, another log's
            checkpoint, another entry, another index.
    """
    key = parse_verifier_key(verifier_key) if isinstance(verifier_key, str) else verifier_key
    proof = parse_proof(proof_text)
    signed = open_checkpoint(proof.checkpoint, log_key=key, witnesses=witnesses)
    tree.verify_inclusion(
        proof.index,
        size=signed.checkpoint.size,
        leaf=tree.leaf_hash(entry),
        root=signed.checkpoint.root,
        proof=proof.hashes,
    )
    return Inclusion(proof.index, signed)


def _labelled(line: str, label: str) -> str:
    """Return what follows ``label`` and one space."""
    found, space, value = line.partition(" ")
    if found != label or not space:
        raise refused("proof", f"its line `{label}` is missing")
    return value
