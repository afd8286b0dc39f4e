"""Verify a released file by its .tlog-proof without Laennec; needs only `cryptography`.

    python verify_proof.py FILE VERIFIER_KEY

The proof is FILE.tlog-proof. The key must come from the hub's own publication, not from the folder
of the file. Written from the published formats (C2SP tlog-proof, tlog-checkpoint and signed-note;
RFC 9162, section 2.1.3.2), not from Laennec's code: copy it, read it, or write your own.
"""

import hashlib
import json
import sys
from base64 import b64decode
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def check(claim: str, *, holds: bool) -> None:
    """Say that a claim holds, or stop."""
    print("ok  " if holds else "NOT ", claim)
    if not holds:
        sys.exit(1)


def sha256(data: bytes) -> bytes:
    """Return the SHA-256 of some bytes."""
    return hashlib.sha256(data).digest()


def root_of(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes | None:
    """Return the root that an audit path leads to; None if it has not the right length."""
    node, last = leaf, size - 1
    for other in path:
        if last == 0:
            return None
        if index % 2 == 1 or index == last:
            node = sha256(b"\x01" + other + node)
            while index % 2 == 0 and index != 0:
                index, last = index >> 1, last >> 1
        else:
            node = sha256(b"\x01" + node + other)
        index, last = index >> 1, last >> 1
    return node if last == 0 else None


def signed(note: str, verifier_key: str) -> bool:
    """Say whether a note carries a good Ed25519 signature of a key `name+id+key`."""
    name, key_id, encoded = verifier_key.strip().split("+", 2)
    kind_and_key = b64decode(encoded, validate=True)
    if kind_and_key[:1] != b"\x01":
        return False
    text, _, signatures = note.rpartition("\n\n")
    for line in signatures.splitlines():
        dash, by, signature = line.split(" ")
        raw = b64decode(signature, validate=True)
        if (dash, by, raw[:4]) == ("—", name, bytes.fromhex(key_id)):
            try:
                key = Ed25519PublicKey.from_public_bytes(kind_and_key[1:])
                key.verify(raw[4:], f"{text}\n".encode())
            except InvalidSignature:
                return False
            return True
    return False


def main(file: str, verifier_key: str) -> None:
    """Check everything, from the signature down to the bytes of the file."""
    proof = Path(file + ".tlog-proof").read_text(encoding="utf-8")
    head, _, note = proof.partition("\n\n")
    header, extra, index, *path = head.split("\n")
    check("the proof has the published form", holds=header == "c2sp.org/tlog-proof@v1")
    check("the checkpoint is signed by that key", holds=signed(note, verifier_key))
    origin, size, root = note.split("\n")[:3]
    check(f"the checkpoint is of the log {origin}", holds=origin == verifier_key.split("+")[0])
    entry = b64decode(extra.removeprefix("extra "), validate=True)
    place, count = int(index.removeprefix("index ")), int(size)
    found = root_of(sha256(b"\x00" + entry), place, count, [b64decode(one) for one in path])
    inside = place < count and found == b64decode(root)
    check(f"the entry stands at {place} of {count} entries", holds=inside)
    said = json.loads(entry)
    released = said["name"] == "airlock:release:publish"
    check(f"it says a release, {said['time']}", holds=released)
    digest = hashlib.sha256(Path(file).read_bytes()).hexdigest()
    check("and it names these very bytes", holds=said["public"]["file_sha256"] == digest)


if __name__ == "__main__":
    main(*sys.argv[1:])
