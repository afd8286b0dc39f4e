"""A hostile host: it holds every file of the log, knows our code, and lacks the signing key."""

import hashlib
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from laennec.core.errors import LedgerError, ProofError, RollbackError
from laennec.ledger import Checkpoint, Fault, Ledger, tree
from laennec.ledger.note import Note, sign
from laennec.ledger.tiles import ENTRIES, Tile, join_entries, split_entries

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
ORIGIN = "hub.example/ledger"
SIZE = 523
FILES = {
    "tile/entries/000": Tile(ENTRIES, 0),
    "tile/entries/001": Tile(ENTRIES, 1),
    "tile/entries/002.p/11": Tile(ENTRIES, 2, 11),
    "tile/0/000": Tile(0, 0),
    "tile/0/001": Tile(0, 1),
    "tile/0/002.p/11": Tile(0, 2, 11),
    "tile/1/000.p/2": Tile(1, 0, 2),
}
"""What a log of 523 entries needs."""


def clock() -> datetime:
    return datetime(2026, 11, 23, 17, 53, tzinfo=UTC)


def flip(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


ATTACKS: dict[str, Callable[[bytes], bytes]] = {
    "flip": flip,
    "flip the first bit": lambda data: bytes([data[0] ^ 0x80]) + data[1:],
    "truncate": lambda data: data[:-1],
    "extend": lambda data: data + b"\0",
    "blank": lambda data: bytes(len(data)),
    "empty": lambda data: b"",
}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("os.fsync", lambda handle: None)
        ledger = Ledger.create(folder, origin=ORIGIN, signing_key=KEY, clock=clock)
        for number in range(SIZE):
            ledger.append("vault:store:sweep", public={"objects": number})
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return shutil.copytree(original, tmp_path / "ledger")


def opened(folder: Path) -> Ledger:
    return Ledger.open(folder, signing_key=KEY, clock=clock)


def faults(folder: Path) -> dict[str, Fault]:
    return {finding.file: finding.fault for finding in opened(folder).verify().findings}


def test_an_untouched_log_has_no_finding(folder: Path) -> None:
    report = opened(folder).verify()
    assert report.ok
    assert report.leftovers == ()
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert set(FILES) <= present


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("path", FILES)
def test_each_altered_file_is_named_and_no_other(folder: Path, path: str, attack: str) -> None:
    target = folder / path
    target.write_bytes(ATTACKS[attack](target.read_bytes()))
    assert faults(folder) == {path: Fault.ALTERED}


@pytest.mark.parametrize("path", FILES)
def test_each_missing_file_is_named_and_no_other(folder: Path, path: str) -> None:
    (folder / path).unlink()
    assert faults(folder) == {path: Fault.MISSING}


@pytest.mark.parametrize("path", FILES)
def test_a_folder_or_a_dangling_link_in_a_files_place_is_named(folder: Path, path: str) -> None:
    (folder / path).unlink()
    (folder / path).symlink_to("nowhere")
    assert faults(folder)[path] is Fault.MISSING
    (folder / path).unlink()
    (folder / path).mkdir()
    assert faults(folder) == {path: Fault.MISSING}


@pytest.mark.parametrize("other", FILES)
@pytest.mark.parametrize("path", FILES)
def test_two_altered_files_are_both_named(folder: Path, path: str, other: str) -> None:
    for one in {path, other}:
        (folder / one).write_bytes(flip((folder / one).read_bytes()))
    found = faults(folder)
    assert {path, other} <= set(found)
    assert set(found) <= set(FILES) | set(older_versions(folder))


def older_versions(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.glob("tile/*/*.p/*")]


def test_swapped_bundles_are_both_named(folder: Path) -> None:
    first, second = folder / "tile/entries/000", folder / "tile/entries/001"
    held = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(held)
    expected = {"tile/entries/000": Fault.ALTERED, "tile/entries/001": Fault.ALTERED}
    assert faults(folder) == expected


def test_swapped_and_rewritten_entries_are_numbered(folder: Path) -> None:
    bundle = folder / "tile/entries/001"
    entries = list(split_entries(bundle.read_bytes(), tile=Tile(ENTRIES, 1)))
    entries[3], entries[7] = entries[7], entries[3]
    entries[200] = entries[200].replace(b'"objects":456', b'"objects":457')
    bundle.write_bytes(join_entries(entries))
    (finding,) = opened(folder).verify().findings
    assert (finding.file, finding.detail) == ("tile/entries/001", "entries 259, 263, 456")
    assert str(finding).startswith("tile/entries/001 is not what the signed root covers")


def test_a_history_rewritten_without_the_key_is_not_believed(folder: Path) -> None:
    """The attacker recomputes everything above the entry he rewrites, up to the root."""
    bundle = folder / "tile/entries/001"
    entries = list(split_entries(bundle.read_bytes(), tile=Tile(ENTRIES, 1)))
    entries[0] = entries[0].replace(b"256", b"999")
    bundle.write_bytes(join_entries(entries))
    leaves = [tree.leaf_hash(entry) for entry in entries]
    (folder / "tile/0/001").write_bytes(b"".join(leaves))
    top = folder / "tile/1/000.p/2"
    top.write_bytes(top.read_bytes()[:32] + tree.root_of(leaves))
    assert {"tile/entries/001", "tile/0/001", "tile/1/000.p/2"} <= set(faults(folder))
    for use in (
        lambda: list(opened(folder).entries()),
        lambda: opened(folder).newest("hub:hub:create"),
        lambda: opened(folder).prove(256),
        lambda: opened(folder).prove(0),
        lambda: opened(folder).consistency(300),
        lambda: opened(folder).append("vault:store:sweep", public={}),
    ):
        with pytest.raises(LedgerError):
            use()


def test_an_altered_entry_is_never_returned(folder: Path) -> None:
    bundle = folder / "tile/entries/002.p/11"
    bundle.write_bytes(bundle.read_bytes().replace(b'"objects":520', b'"objects":521'))
    ledger = opened(folder)
    with pytest.raises(LedgerError, match=r"tile/entries/002\.p/11"):
        list(ledger.entries(512))
    with pytest.raises(LedgerError):
        ledger.newest("vault:store:sweep")
    assert next(ledger.entries()).index == 0


@pytest.mark.parametrize("path", ["tile/entries/002.p/11", "tile/1/000.p/2"])
def test_nothing_is_signed_on_top_of_altered_files(folder: Path, path: str) -> None:
    (folder / path).write_bytes(flip((folder / path).read_bytes()))
    before = (folder / "checkpoint").read_bytes()
    with pytest.raises(LedgerError):
        opened(folder).append("vault:store:sweep", public={})
    assert (folder / "checkpoint").read_bytes() == before


def test_an_altered_leaf_tile_does_not_reach_the_next_root(folder: Path) -> None:
    """The leaf hashes are taken from the proven bundle, so the next tile is right again."""
    tile = folder / "tile/0/002.p/11"
    honest = tile.read_bytes()
    tile.write_bytes(flip(honest))
    opened(folder).append("vault:store:sweep", public={})
    assert (folder / "tile/0/002.p/12").read_bytes().startswith(honest)
    assert faults(folder) == {"tile/0/002.p/11": Fault.ALTERED}


@pytest.mark.parametrize("attack", ["flip", "truncate", "extend", "empty"])
def test_an_altered_checkpoint_is_not_signed(folder: Path, attack: str) -> None:
    target = folder / "checkpoint"
    target.write_bytes(ATTACKS[attack](target.read_bytes()))
    assert faults(folder) == {"checkpoint": Fault.SIGNATURE}
    with pytest.raises(ProofError):
        opened(folder).checkpoint()


@pytest.mark.parametrize("size", [0, SIZE])
def test_a_root_that_no_entries_give_is_refused_though_signed(tmp_path: Path, size: int) -> None:
    Ledger.create(tmp_path, origin=ORIGIN, signing_key=KEY, clock=clock)
    text = str(Checkpoint(ORIGIN, size, bytes(32)))
    lie = Note(text, (sign(text, name=ORIGIN, private=KEY),))
    (tmp_path / "checkpoint").write_text(str(lie), encoding="utf-8")
    found = faults(tmp_path)
    expected = {path: Fault.MISSING for path in FILES if size} or {"checkpoint": Fault.ALTERED}
    assert found == expected


def test_a_missing_checkpoint_is_named(folder: Path) -> None:
    (folder / "checkpoint").unlink()
    assert faults(folder) == {"checkpoint": Fault.MISSING}
    with pytest.raises(LedgerError, match="missing"):
        opened(folder).checkpoint()


def test_a_checkpoint_signed_with_another_key_is_refused(folder: Path) -> None:
    text = str(opened(folder).checkpoint())
    forged = Note(text, (sign(text, name=ORIGIN, private=OTHER_KEY),))
    (folder / "checkpoint").write_text(str(forged), encoding="utf-8")
    assert faults(folder) == {"checkpoint": Fault.SIGNATURE}


def test_a_checkpoint_of_another_log_of_the_same_key_is_refused(
    folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    Ledger.create(other, origin="other.example/ledger", signing_key=KEY, clock=clock)
    shutil.copy(other / "checkpoint", folder / "checkpoint")
    assert faults(folder) == {"checkpoint": Fault.SIGNATURE}


def test_a_replaced_key_file_is_noticed_by_whoever_knows_the_key(folder: Path) -> None:
    ledger = opened(folder)
    (folder / "key.vkey").write_text("x\n", encoding="utf-8")
    assert [(one.file, one.fault) for one in ledger.verify().findings] == [
        ("key.vkey", Fault.ALTERED)
    ]
    (folder / "key.vkey").unlink()
    assert [one.fault for one in ledger.verify().findings] == [Fault.MISSING]
    (folder / "key.vkey").write_bytes(b"\xff")
    with pytest.raises(ProofError):
        opened(folder)


def test_added_files_are_named(folder: Path) -> None:
    added = ["notes.txt", "tile/0/9", "tile/0/x000/001", "tile/entries/000.txt", "tile/7/e/vil"]
    for path in added:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("x", encoding="utf-8")
    assert faults(folder) == dict.fromkeys(added, Fault.UNEXPECTED)


def test_what_an_unfinished_append_left_is_no_fault(folder: Path) -> None:
    left = ["tile/0/002.p/12", "tile/entries/002.p/12.writing", "tile/entries/003"]
    for path in left:
        (folder / path).write_text("x", encoding="utf-8")
    report = opened(folder).verify()
    assert report.ok
    assert list(report.leftovers) == left


def test_older_partial_tiles_are_checked_as_well(folder: Path) -> None:
    older = [path for path in older_versions(folder) if path not in FILES]
    assert {"tile/0/002.p/5", "tile/entries/002.p/5", "tile/1/000.p/1"} <= set(older)
    for path in older:
        (folder / path).write_bytes(flip((folder / path).read_bytes()))
    assert faults(folder) == dict.fromkeys(older, Fault.ALTERED)


def test_an_older_state_is_noticed_by_whoever_saw_the_newer(folder: Path, tmp_path: Path) -> None:
    backup = shutil.copytree(folder, tmp_path / "backup")
    ledger = opened(folder)
    newer = ledger.append("vault:store:sweep", public={}).checkpoint
    shutil.rmtree(folder)
    shutil.copytree(backup, folder)
    assert opened(folder).verify().ok, "without a memory a rollback cannot be seen"
    for report in (ledger.verify(), opened(folder).verify(against=newer)):
        assert [(one.file, one.fault) for one in report.findings] == [
            ("checkpoint", Fault.ROLLBACK)
        ]
    remembering = Ledger.open(folder, signing_key=KEY, clock=clock, remembered=newer)
    for victim in (ledger, remembering):
        with pytest.raises(RollbackError):
            victim.checkpoint()
        with pytest.raises(RollbackError):
            victim.append("vault:store:sweep", public={})


@pytest.mark.parametrize("further", [0, 1, 5])
def test_two_histories_are_told_apart(folder: Path, tmp_path: Path, further: int) -> None:
    """Somebody who holds the key shows one log to one auditor and another log to another."""
    fork = shutil.copytree(folder, tmp_path / "fork")
    seen = opened(folder).append("vault:store:sweep", public={"objects": 1}).checkpoint
    forked = opened(fork)
    for number in range(further + 1):
        forked.append("vault:store:sweep", public={"objects": 2 + number})
    assert forked.verify().ok
    findings = opened(fork).verify(against=seen).findings
    assert [(one.file, one.fault) for one in findings] == [("checkpoint", Fault.FORK)]
    with pytest.raises(ProofError, match="does not extend"):
        Ledger.open(fork, signing_key=None, clock=clock, remembered=seen).checkpoint()
    with pytest.raises(ProofError):
        tree.verify_consistency(
            seen.size,
            size=forked.checkpoint().size,
            old_root=seen.root,
            root=forked.checkpoint().root,
            proof=forked.consistency(seen.size),
        )


def test_damage_is_not_taken_for_a_fork(folder: Path) -> None:
    ledger = opened(folder)
    seen = ledger.checkpoint()
    ledger.append("vault:store:sweep", public={})
    (folder / "tile/1/000.p/2").write_bytes(bytes(64))
    found = {one.file: one.fault for one in opened(folder).verify(against=seen).findings}
    assert found == {"tile/1/000.p/2": Fault.ALTERED, "checkpoint": Fault.UNPROVEN}


def test_a_folder_replaced_as_a_whole_is_noticed_by_whoever_knows_the_key(
    folder: Path, tmp_path: Path
) -> None:
    known = opened(folder).verifier_key
    swapped = tmp_path / "swapped"
    Ledger.create(swapped, origin=ORIGIN, signing_key=OTHER_KEY, clock=clock)
    assert Ledger.open(swapped, signing_key=None, clock=clock).verify().ok
    with pytest.raises(ProofError):
        Ledger.open(swapped, signing_key=None, clock=clock, verifier_key=known)


def test_a_huge_file_is_refused_before_it_is_read_whole(folder: Path) -> None:
    with (folder / "tile/0/002.p/11").open("r+b") as file:
        file.truncate(2**40)
    assert faults(folder) == {"tile/0/002.p/11": Fault.ALTERED}


def test_a_second_preimage_by_node_is_no_entry(folder: Path) -> None:
    """The bytes of an inner node hash to another value when they are offered as an entry."""
    leaves = (folder / "tile/0/000").read_bytes()[:64]
    assert hashlib.sha256(b"\1" + leaves).digest() != tree.leaf_hash(leaves)
