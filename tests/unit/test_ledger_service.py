"""The ledger's use cases, and its files read by a second, naive implementation."""

import base64
import errno
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from laennec.core.errors import (
    AlreadyExistsError,
    LedgerError,
    NotFoundError,
    ProofError,
    StoreFullError,
)
from laennec.ledger import Ledger, check_commitment, parse_proof, tree, verify_proof
from laennec.ledger.note import KeyKind, Note, sign, verifier_key

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ORIGIN = "hub.example/ledger"
START = datetime(2026, 11, 23, 17, 53, tzinfo=UTC)


def ticking() -> Callable[[], datetime]:
    seconds: Iterator[int] = count()
    return lambda: START + timedelta(seconds=next(seconds))


def clock() -> datetime:
    return START


def unflushed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the disk in tests that write much; durability is tested elsewhere."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


def new_ledger(folder: Path, *, entries: int = 0) -> Ledger:
    ledger = Ledger.create(folder, origin=ORIGIN, signing_key=KEY, clock=ticking())
    for number in range(entries):
        ledger.append("vault:store:sweep", public={"objects": number})
    return ledger


def naive_path(level: str, index: int, width: int) -> str:
    digits = str(index).rjust(3 * max(1, (len(str(index)) + 2) // 3), "0")
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    place = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
    return f"tile/{level}/{place}" + (f".p/{width}" if width < 256 else "")


def naive_files(entries: list[bytes]) -> dict[str, bytes]:
    """Every tile and bundle of a log, from the text of the specification alone."""
    files = {}
    for first in range(0, len(entries), 256):
        run = entries[first : first + 256]
        bundle = b"".join(len(one).to_bytes(2, "big") + one for one in run)
        files[naive_path("entries", first // 256, len(run))] = bundle
    hashes, level = [hashlib.sha256(b"\0" + one).digest() for one in entries], 0
    while hashes:
        for first in range(0, len(hashes), 256):
            run = hashes[first : first + 256]
            files[naive_path(str(level), first // 256, len(run))] = b"".join(run)
        full = range(0, len(hashes) - 255, 256)
        hashes = [naive_root(hashes[first : first + 256]) for first in full]
        level += 1
    return files


def naive_root(hashes: list[bytes]) -> bytes:
    if len(hashes) <= 1:
        return hashes[0] if hashes else hashlib.sha256(b"").digest()
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    pair = naive_root(hashes[:split]) + naive_root(hashes[split:])
    return hashlib.sha256(b"\1" + pair).digest()


def naive_entries(folder: Path) -> list[bytes]:
    size = int((folder / "checkpoint").read_text(encoding="utf-8").split("\n")[1])
    found: list[bytes] = []
    while len(found) < size:
        width = min(256, size - len(found))
        data = (folder / naive_path("entries", len(found) // 256, width)).read_bytes()
        while data:
            length = int.from_bytes(data[:2], "big")
            found.append(data[2 : 2 + length])
            data = data[2 + length :]
    return found


def naive_log(folder: Path, entries: list[bytes]) -> None:
    """Write a whole signed log without the code under test's writer."""
    for path, data in naive_files(entries).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    root = naive_root([hashlib.sha256(b"\0" + one).digest() for one in entries])
    text = f"{ORIGIN}\n{len(entries)}\n{base64.b64encode(root).decode()}\n"
    note = Note(text, (sign(text, name=ORIGIN, private=KEY),))
    (folder / "checkpoint").write_text(str(note), encoding="utf-8")
    key = verifier_key(KEY, name=ORIGIN, kind=KeyKind.LOG)
    (folder / "key.vkey").write_text(f"{key}\n", encoding="utf-8")


def test_a_new_ledger_is_an_empty_signed_log(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path / "ledger")
    checkpoint = ledger.checkpoint()
    assert (checkpoint.origin, checkpoint.size, checkpoint.root) == (ORIGIN, 0, tree.EMPTY_ROOT)
    assert list(ledger.entries()) == []
    assert ledger.newest("hub:hub:create") is None
    assert ledger.verify().ok
    assert sorted(path.name for path in (tmp_path / "ledger").iterdir()) == [
        "checkpoint",
        "key.vkey",
        "lock",
    ]


def test_what_is_appended_is_read_back_with_its_time_and_commitments(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    ledger.append("hub:hub:create", public={"hub": "demo"})
    facts = {"objects": 12, "bytes": 4096}
    receipt = ledger.append("vault:store:sweep", public=facts, private={"operator": b"J. M."})
    assert receipt.index == 1
    assert receipt.checkpoint == ledger.checkpoint()
    assert {label: len(salt) for label, salt in receipt.salts.items()} == {"operator": 32}
    first, second = ledger.entries()
    assert (first.index, first.name, first.time) == (0, "hub:hub:create", "2026-11-23T17:53:00Z")
    assert (second.public, second.time) == (facts, "2026-11-23T17:53:01Z")
    check_commitment(second, "operator", salt=receipt.salts["operator"], value=b"J. M.")
    assert [entry.index for entry in ledger.entries(1)] == [1]
    assert ledger.newest("hub:hub:create") == first
    assert ledger.newest("vault:key:rotate") is None


def test_no_private_value_reaches_the_disk(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    canary = b"canary-1850275123456"
    ledger.append("vault:store:sweep", public={}, private={"operator": canary})
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or canary not in path.read_bytes()


def test_two_equal_facts_have_different_commitments(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    for _ in range(2):
        ledger.append("vault:store:sweep", public={}, private={"operator": b"same"})
    one, other = ledger.entries()
    assert one.commitments["operator"] != other.commitments["operator"]


def test_the_files_are_those_of_the_specification(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unflushed(monkeypatch)
    ledger = new_ledger(tmp_path, entries=517)
    entries = naive_entries(tmp_path)
    assert [json.loads(one)["public"] for one in entries] == [{"objects": n} for n in range(517)]
    expected = naive_files(entries)
    assert {path: (tmp_path / path).read_bytes() for path in expected} == expected
    leaves = [hashlib.sha256(b"\0" + one).digest() for one in entries]
    assert ledger.checkpoint().root == naive_root(leaves)
    assert {path.parent.name for path in tmp_path.rglob("*.p")} == {"entries", "0", "1"}
    assert not (tmp_path / "tile/0/000.p").exists()
    assert ledger.verify().ok
    assert [entry.index for entry in ledger.entries(250)] == list(range(250, 517))
    newest = ledger.newest("vault:store:sweep")
    assert newest is not None
    assert newest.index == 516
    for old_size in (1, 255, 256, 257, 512, 517):
        tree.verify_consistency(
            old_size,
            size=517,
            old_root=naive_root(leaves[:old_size]),
            root=naive_root(leaves),
            proof=ledger.consistency(old_size),
        )


def test_a_log_of_three_levels_written_by_another_program_is_read_and_extended(
    tmp_path: Path,
) -> None:
    line = (
        '{{"commitments":{{}},"name":"vault:store:sweep","public":{{"objects":{number}}},'
        '"time":"2026-11-23T17:53:00Z","version":1}}'
    )
    naive_log(tmp_path, [line.format(number=number).encode() for number in range(65_791)])
    ledger = Ledger.open(tmp_path, signing_key=KEY, clock=clock)
    before = ledger.checkpoint()
    for index in (0, 255, 256, 65_535, 65_536, 65_790):
        proof = ledger.prove(index)
        verify_proof(proof, line.format(number=index).encode(), ledger.verifier_key)
    assert ledger.append("vault:store:sweep", public={"objects": 65_791}).index == 65_791
    assert ledger.append("vault:store:sweep", public={"objects": 65_792}).index == 65_792
    entries = naive_entries(tmp_path)
    assert len(entries) == 65_793
    expected = naive_files(entries)
    assert {path: (tmp_path / path).read_bytes() for path in expected} == expected
    report = ledger.verify(against=before)
    assert report.ok, report.findings
    assert [entry.index for entry in ledger.entries(65_790)] == [65_790, 65_791, 65_792]


def test_a_partial_tile_may_be_gone_once_the_full_one_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unflushed(monkeypatch)
    ledger = new_ledger(tmp_path, entries=250)
    at_250 = (tmp_path / "checkpoint").read_bytes()
    for number in range(250, 256):
        ledger.append("vault:store:sweep", public={"objects": number})
    assert not list(tmp_path.rglob("250"))
    (tmp_path / "checkpoint").write_bytes(at_250)
    reader = Ledger.open(tmp_path, signing_key=None, clock=clock)
    assert sum(1 for _ in reader.entries()) == 250
    verify_proof(reader.prove(3), naive_entries_at(tmp_path, 3), reader.verifier_key)


def naive_entries_at(folder: Path, index: int) -> bytes:
    data = (folder / "tile/entries/000").read_bytes()
    for _ in range(index):
        data = data[2 + int.from_bytes(data[:2], "big") :]
    return data[2 : 2 + int.from_bytes(data[:2], "big")]


def test_a_proof_needs_nothing_but_itself_and_the_key(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path, entries=9)
    text = ledger.prove(4)
    proof = parse_proof(text)
    assert proof.extra is not None
    assert str(proof) == text
    found = verify_proof(text, proof.extra, ledger.verifier_key)
    assert (found.index, found.signed.checkpoint) == (4, ledger.checkpoint())
    assert json.loads(proof.extra)["public"] == {"objects": 4}
    ledger.append("vault:store:sweep", public={})
    verify_proof(text, proof.extra, ledger.verifier_key)


def test_a_reader_reads_and_does_not_write(tmp_path: Path) -> None:
    writer = new_ledger(tmp_path, entries=2)
    reader = Ledger.open(tmp_path, signing_key=None, clock=clock)
    assert reader.checkpoint() == writer.checkpoint()
    assert reader.signed_checkpoint() == (tmp_path / "checkpoint").read_text(encoding="utf-8")
    with pytest.raises(LedgerError, match="reading only"):
        reader.append("vault:store:sweep", public={})
    writer.append("vault:store:sweep", public={})
    assert reader.checkpoint().size == 3


def test_two_open_ledgers_take_turns(tmp_path: Path) -> None:
    one = new_ledger(tmp_path)
    other = Ledger.open(tmp_path, signing_key=KEY, clock=clock)
    indexes = [
        ledger.append("vault:store:sweep", public={}).index for ledger in (one, other, one, other)
    ]
    assert indexes == [0, 1, 2, 3]
    assert one.verify().ok


def test_a_refused_event_changes_nothing(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path, entries=1)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(LedgerError):
        ledger.append("vault:store:burn", public={})
    with pytest.raises(LedgerError):
        ledger.append("vault:store:sweep", public={"person": 1})
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_disk_that_does_not_take_the_write_leaves_the_log_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    ledger = new_ledger(tmp_path, entries=3)
    before = ledger.checkpoint()

    def failing(handle: int) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", failing)
        with pytest.raises(LedgerError if code == errno.EIO else StoreFullError):
            ledger.append("vault:store:sweep", public={})
    assert ledger.checkpoint() == before
    assert ledger.append("vault:store:sweep", public={}).index == 3
    assert ledger.verify().ok


def test_a_ledger_is_created_once(tmp_path: Path) -> None:
    new_ledger(tmp_path, entries=1)
    with pytest.raises(AlreadyExistsError):
        new_ledger(tmp_path)
    (tmp_path / "checkpoint").unlink()
    with pytest.raises(AlreadyExistsError):
        new_ledger(tmp_path)


def test_a_creation_that_was_cut_short_is_repeated(tmp_path: Path) -> None:
    new_ledger(tmp_path)
    (tmp_path / "checkpoint").unlink()
    assert new_ledger(tmp_path, entries=1).verify().ok


@pytest.mark.parametrize("origin", ["", "two words", "a+b", "a\nb"])
def test_an_origin_that_no_key_can_carry_is_refused(tmp_path: Path, origin: str) -> None:
    with pytest.raises(LedgerError):
        Ledger.create(tmp_path, origin=origin, signing_key=KEY, clock=clock)


def test_a_folder_without_a_ledger_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        Ledger.open(tmp_path, signing_key=None, clock=clock)
    with pytest.raises(NotFoundError):
        Ledger.open(tmp_path / "absent", signing_key=None, clock=clock)


def test_another_key_does_not_open_the_ledger(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    with pytest.raises(ProofError):
        Ledger.open(tmp_path, signing_key=other, clock=clock)
    wrong = str(verifier_key(other, name=ORIGIN, kind=KeyKind.LOG))
    with pytest.raises(ProofError):
        Ledger.open(tmp_path, signing_key=None, clock=clock, verifier_key=wrong)
    right = ledger.verifier_key
    Ledger.open(tmp_path, signing_key=KEY, clock=clock, verifier_key=right).checkpoint()


def test_what_is_not_in_the_log_is_not_proven(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path, entries=2)
    for index in (-1, 2):
        with pytest.raises(NotFoundError):
            ledger.prove(index)
    for size in (-1, 3):
        with pytest.raises(NotFoundError):
            ledger.consistency(size)
    assert ledger.consistency(0) == ledger.consistency(2) == ()
