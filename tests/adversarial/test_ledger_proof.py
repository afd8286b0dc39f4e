"""Forged offline proofs: nothing but the truth verifies, and parsers fail in one way only."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from laennec.core.errors import LedgerError, ProofError
from laennec.ledger import Ledger, note, parse_entry, parse_proof, tiles, verify_proof
from laennec.ledger.checkpoint import open_checkpoint, parse_checkpoint
from laennec.ledger.proof import TlogProof
from laennec.ledger.tiles import ENTRIES, Tile

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
ORIGIN = "hub.example/ledger"
SIZE = 13
QUICK = settings(max_examples=150, deadline=None)


def clock() -> datetime:
    return datetime(2026, 11, 23, 17, 53, tzinfo=UTC)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    folder: Path = tmp_path_factory.mktemp("log")
    made = Ledger.create(folder, origin=ORIGIN, signing_key=KEY, clock=clock)
    for number in range(SIZE):
        made.append("vault:store:sweep", public={"objects": number})
    return made


def entry_of(ledger: Ledger, index: int) -> bytes:
    found = parse_proof(ledger.prove(index)).extra
    assert found is not None
    return found


def test_a_proof_holds_for_its_own_entry_only(ledger: Ledger) -> None:
    entries = [entry_of(ledger, index) for index in range(SIZE)]
    for index in range(SIZE):
        text = ledger.prove(index)
        for other, entry in enumerate(entries):
            if other == index:
                assert verify_proof(text, entry, ledger.verifier_key).index == index
            else:
                with pytest.raises(ProofError):
                    verify_proof(text, entry, ledger.verifier_key)


def test_a_proof_holds_for_its_own_index_only(ledger: Ledger) -> None:
    for index in range(SIZE):
        text, entry = ledger.prove(index), entry_of(ledger, index)
        for other in set(range(20)) - {index}:
            with pytest.raises(ProofError):
                verify_proof(
                    text.replace(f"\nindex {index}\n", f"\nindex {other}\n"),
                    entry,
                    ledger.verifier_key,
                )


def test_no_character_of_a_proof_can_be_changed(ledger: Ledger) -> None:
    text, entry = ledger.prove(5), entry_of(ledger, 5)
    bare = str(TlogProof(**{**vars(parse_proof(text)), "extra": None}))
    verify_proof(bare, entry, ledger.verifier_key)
    for at, char in enumerate(bare):
        for new in ("", "A" if char != "A" else "B", "\n" if char != "\n" else " "):
            with pytest.raises(ProofError):
                verify_proof(bare[:at] + new + bare[at + 1 :], entry, ledger.verifier_key)


def test_a_changed_extra_line_gives_an_entry_that_does_not_verify(ledger: Ledger) -> None:
    text = ledger.prove(5)
    forged = str(TlogProof(**{**vars(parse_proof(text)), "extra": entry_of(ledger, 6)}))
    told = parse_proof(forged).extra
    assert told is not None
    with pytest.raises(ProofError):
        verify_proof(forged, told, ledger.verifier_key)
    verify_proof(forged, entry_of(ledger, 5), ledger.verifier_key)


def test_a_proof_does_not_hold_under_another_key(ledger: Ledger) -> None:
    text, entry = ledger.prove(5), entry_of(ledger, 5)
    other = note.verifier_key(OTHER_KEY, name=ORIGIN, kind=note.KeyKind.LOG)
    renamed = note.verifier_key(KEY, name="other.example", kind=note.KeyKind.LOG)
    for key in (other, renamed, str(other), "", "nonsense"):
        with pytest.raises(ProofError):
            verify_proof(text, entry, key)


def test_hashes_of_two_proofs_do_not_mix(ledger: Ledger) -> None:
    one, other = parse_proof(ledger.prove(3)), parse_proof(ledger.prove(9))
    mixed = TlogProof(one.index, other.hashes, one.checkpoint)
    with pytest.raises(ProofError):
        verify_proof(str(mixed), entry_of(ledger, 3), ledger.verifier_key)


def test_a_cosigned_checkpoint_shows_its_witnesses(ledger: Ledger) -> None:
    proof = parse_proof(ledger.prove(3))
    opened = note.parse_note(proof.checkpoint)
    line = note.cosign(opened.text, name="witness.example", private=OTHER_KEY, moment=clock())
    witness = note.verifier_key(OTHER_KEY, name="witness.example", kind=note.KeyKind.WITNESS)
    cosigned = str(note.Note(opened.text, (*opened.signatures, line)))
    text = str(TlogProof(proof.index, proof.hashes, cosigned))
    entry = entry_of(ledger, 3)
    assert verify_proof(text, entry, ledger.verifier_key).signed.cosignatures == ()
    found = verify_proof(text, entry, ledger.verifier_key, witnesses=[witness])
    assert [one.key for one in found.signed.cosignatures] == [witness]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "c2sp.org/tlog-proof@v1",
        "c2sp.org/tlog-proof@v1\n\n",
        "c2sp.org/tlog-proof@v2\nindex 0\n\nx",
        "c2sp.org/tlog-proof@v1\nextra AA==\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 01\n\nx",
        "c2sp.org/tlog-proof@v1\nindex -1\n\nx",
        "c2sp.org/tlog-proof@v1\nindex\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 0\nextra AA==\n\nx",
        "c2sp.org/tlog-proof@v1\nextra AB==\nindex 0\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 0\n" + "AA==\n" * 64 + "\nx",
        "c2sp.org/tlog-proof@v1\r\nindex 0\n\nx",
        "x" * 2_000_001,
    ],
)
def test_malformed_proofs_are_refused(text: str) -> None:
    with pytest.raises(ProofError):
        parse_proof(text)


PIECES = st.sampled_from(
    [
        "c2sp.org/tlog-proof@v1\n",
        "index 3\n",
        "index ",
        "extra AAAA\n",
        "\n",
        "\n\n",
        "— ",
        "— hub.example/ledger ",
        "hub.example/ledger\n",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "AAAAAAAA\n",
        "+",
        "0",
        "13\n",
        "\ud800",
        "é",
        "\0",
    ]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=12).map("".join))


@QUICK
@given(text=TEXTS)
def test_text_parsers_raise_proof_errors_only(text: str) -> None:
    key = note.verifier_key(KEY, name=ORIGIN, kind=note.KeyKind.LOG)
    for parse in (
        parse_proof,
        parse_checkpoint,
        note.parse_note,
        note.parse_verifier_key,
        lambda one: open_checkpoint(one, log_key=key),
        lambda one: verify_proof(one, b"entry", key),
        lambda one: verify_proof("", b"entry", one),
    ):
        try:
            parse(text)
        except ProofError:
            continue


@QUICK
@given(text=TEXTS)
def test_what_is_parsed_prints_as_it_was(text: str) -> None:
    for parse in (parse_proof, parse_checkpoint, note.parse_note, note.parse_verifier_key):
        try:
            value = parse(text)
        except ProofError:
            continue
        assert str(value) == text


@QUICK
@given(data=st.data(), at=st.integers(0, 2000), new=st.text(max_size=3), index=st.integers(0, 12))
def test_a_bent_proof_raises_proof_errors_only(
    ledger: Ledger, data: st.DataObject, at: int, new: str, index: int
) -> None:
    text = ledger.prove(index)
    at %= len(text)
    bent = text[:at] + new + text[at + data.draw(st.integers(0, 3)) :]
    try:
        found = verify_proof(bent, entry_of(ledger, index), ledger.verifier_key)
    except ProofError:
        return
    assert (found.index, found.signed.checkpoint) == (index, ledger.checkpoint())


@QUICK
@given(data=st.binary(max_size=600), width=st.integers(1, 256), path=st.text(max_size=40))
def test_tile_parsers_raise_ledger_errors_only(data: bytes, width: int, path: str) -> None:
    for parse in (
        lambda: tiles.split_hashes(data, tile=Tile(0, 0, width)),
        lambda: tiles.split_entries(data, tile=Tile(ENTRIES, 0, width)),
        lambda: tiles.parse_path(path),
        lambda: parse_entry(data, index=0),
    ):
        try:
            parse()
        except LedgerError:
            continue


@QUICK
@given(
    path=st.from_regex(r"tile/(entries|\d\d?)/(x\d{3}/){0,8}\d{3}(\.p/\d{1,3})?", fullmatch=True)
)
def test_a_path_that_is_read_is_the_one_spelling_of_its_tile(path: str) -> None:
    try:
        tile = tiles.parse_path(path)
    except LedgerError:
        return
    assert tile.path == path


@QUICK
@given(data=st.binary(max_size=80))
def test_a_bundle_has_one_spelling(data: bytes) -> None:
    for width in (1, 2, 3):
        try:
            entries = tiles.split_entries(data, tile=Tile(ENTRIES, 0, width))
        except LedgerError:
            continue
        assert tiles.join_entries(entries) == data
