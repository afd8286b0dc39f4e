"""The ledger: a C2SP tiled transparency log of every event that changed the hub."""

from laennec.ledger.checkpoint import Checkpoint, open_checkpoint
from laennec.ledger.events import EVENTS, FACTS, EventType
from laennec.ledger.model import (
    Entry,
    Fault,
    Finding,
    LedgerReport,
    Receipt,
    check_commitment,
    parse_entry,
)
from laennec.ledger.note import VerifierKey, parse_verifier_key
from laennec.ledger.proof import SUFFIX, Inclusion, TlogProof, parse_proof, verify_proof
from laennec.ledger.service import Ledger

__all__ = [
    "EVENTS",
    "FACTS",
    "SUFFIX",
    "Checkpoint",
    "Entry",
    "EventType",
    "Fault",
    "Finding",
    "Inclusion",
    "Ledger",
    "LedgerReport",
    "Receipt",
    "TlogProof",
    "VerifierKey",
    "check_commitment",
    "open_checkpoint",
    "parse_entry",
    "parse_proof",
    "parse_verifier_key",
    "verify_proof",
]
