"""Signed notes, keys, checkpoints and cosignatures, with published test vectors."""

import base64
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from laennec.core.errors import ProofError
from laennec.ledger import note
from laennec.ledger.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from laennec.ledger.encoding import from_decimal
from laennec.ledger.note import KeyKind, Note, Signature

# golang.org/x/mod, sumdb/note, note_test.go
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SECRET = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
GO_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6"
    "KE6RyyBwJnAM=\n"
)
# transparency-dev/formats, note/note_cosigv1_test.go
WITNESS_KEY = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
# The example of C2SP tlog-cosignature; its keys are not published, its form is.
SPEC_NOTE = (
    "example.com/behind-the-sofa\n"
    "20852163\n"
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    "\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q"
    "1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2o"
    "yin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)

LOG = Ed25519PrivateKey.from_private_bytes(bytes(32))
WITNESS = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)
ORIGIN = "hub.example/ledger"
LOG_KEY = note.verifier_key(LOG, name=ORIGIN, kind=KeyKind.LOG)
WITNESS_VKEY = note.verifier_key(WITNESS, name="witness.example/w", kind=KeyKind.WITNESS)
MOMENT = datetime(2026, 11, 23, 17, 53, tzinfo=UTC)
STATE = Checkpoint(ORIGIN, 7, bytes(range(32)))


def signed(*more: Signature, text: str = str(STATE)) -> str:
    return str(Note(text, (note.sign(text, name=ORIGIN, private=LOG), *more)))


def cosignature(text: str = str(STATE)) -> Signature:
    return note.cosign(text, name=WITNESS_VKEY.name, private=WITNESS, moment=MOMENT)


def test_the_note_of_the_go_library_is_reproduced_and_verified() -> None:
    private = Ed25519PrivateKey.from_private_bytes(GO_SECRET)
    key = note.verifier_key(private, name="PeterNeumann", kind=KeyKind.LOG)
    assert str(key) == GO_KEY
    made = Note(GO_TEXT, (note.sign(GO_TEXT, name="PeterNeumann", private=private),))
    assert str(made) == f"{GO_TEXT}\n{GO_LINE}"
    read = note.parse_note(f"{GO_TEXT}\n{GO_LINE}")
    assert read == made
    assert note.verify(read, keys=[note.parse_verifier_key(GO_KEY)])[0].timestamp is None


@pytest.mark.parametrize("text", [GO_KEY, WITNESS_KEY])
def test_published_keys_are_read_and_printed(text: str) -> None:
    assert str(note.parse_verifier_key(text)) == text


@pytest.mark.parametrize("cut", range(1, len(GO_KEY)))
def test_no_part_of_a_key_is_a_key(cut: int) -> None:
    for part in (GO_KEY[:cut], GO_KEY[cut:]):
        with pytest.raises(ProofError):
            note.parse_verifier_key(part)


@pytest.mark.parametrize(
    "text",
    [
        GO_KEY.replace("c74f20a3", "C74F20A3"),
        GO_KEY.replace("c74f20a3", "c74f20a4"),
        GO_KEY.replace("PeterNeumann", "Peter Neumann"),
        GO_KEY + "\n",
        "x+00000000+" + base64.b64encode(b"\x02" + bytes(32)).decode(),
        "x+00000000+",
    ],
)
def test_malformed_keys_are_refused(text: str) -> None:
    with pytest.raises(ProofError):
        note.parse_verifier_key(text)


def test_the_example_of_the_specification_has_the_stated_form() -> None:
    read = note.parse_note(SPEC_NOTE)
    assert str(read) == SPEC_NOTE
    checkpoint = parse_checkpoint(read.text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert str(checkpoint) == read.text
    assert int.from_bytes(read.signatures[1].body[:8], "big") == 1_679_315_147


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text\n",
        "text\n\n",
        "text\n\n\n",
        "text\n\n— name",
        GO_TEXT + "\n" + GO_LINE.removesuffix("\n"),
        GO_TEXT + "\n" + GO_LINE + "\n",
        GO_TEXT + "\n" + GO_LINE.replace("—", "-"),
        GO_TEXT + "\n" + GO_LINE.replace("— ", "—"),
        GO_TEXT + "\n" + GO_LINE.replace("Peter", "Peter+"),
        GO_TEXT + "\n" + GO_LINE.replace("Peter", "Peter\u2003"),
        GO_TEXT + "\n" + GO_LINE.replace("AM=", "AM"),
        GO_TEXT + "\n" + GO_LINE.replace("AM=", "AN="),
        GO_TEXT + "\r\n" + GO_LINE,
        GO_TEXT + "\t\n" + GO_LINE,
        GO_TEXT + "\ud800\n\n" + GO_LINE,
        GO_TEXT + "\n— name AAAA\n",
        GO_TEXT + "\n" + GO_LINE * 101,
        "x" * 1_000_001 + "\n\n" + GO_LINE,
    ],
)
def test_malformed_notes_are_refused(text: str) -> None:
    with pytest.raises(ProofError):
        note.parse_note(text)


def test_signatures_of_unknown_keys_are_ignored() -> None:
    stranger = Signature("elsewhere.example", b"\1\2\3\4", b"anything")
    same_name = Signature(ORIGIN, b"\1\2\3\4", bytes(64))
    same_id = Signature("elsewhere.example", LOG_KEY.key_id, bytes(64))
    text = signed(stranger, same_name, same_id)
    assert open_checkpoint(text, log_key=LOG_KEY).checkpoint == STATE


def test_a_wrong_signature_under_a_known_key_condemns_the_note() -> None:
    good = cosignature()
    bad = Signature(good.name, good.key_id, good.body[:-1] + bytes([good.body[-1] ^ 1]))
    text = signed(bad)
    assert open_checkpoint(text, log_key=LOG_KEY).cosignatures == ()
    with pytest.raises(ProofError, match=r"witness\.example/w is wrong"):
        open_checkpoint(text, log_key=LOG_KEY, witnesses=[WITNESS_VKEY])


def test_a_cosignature_holds_for_its_moment_only() -> None:
    good = cosignature()
    found = open_checkpoint(signed(good), log_key=LOG_KEY, witnesses=[WITNESS_VKEY]).cosignatures
    assert [(one.key, one.timestamp) for one in found] == [(WITNESS_VKEY, int(MOMENT.timestamp()))]
    later = int(MOMENT.timestamp() + 1).to_bytes(8, "big") + good.body[8:]
    beyond = (2**63).to_bytes(8, "big") + good.body[8:]
    for body in (later, beyond, good.body[:-1], b"\0"):
        text = signed(Signature(good.name, good.key_id, body))
        with pytest.raises(ProofError):
            open_checkpoint(text, log_key=LOG_KEY, witnesses=[WITNESS_VKEY])


def test_a_witness_alone_does_not_make_a_checkpoint() -> None:
    text = str(Note(str(STATE), (cosignature(),)))
    with pytest.raises(ProofError, match="the log did not sign it"):
        open_checkpoint(text, log_key=LOG_KEY, witnesses=[WITNESS_VKEY])


def test_a_key_cannot_sign_for_another_log() -> None:
    other = str(Checkpoint("other.example/ledger", 7, bytes(32)))
    with pytest.raises(ProofError, match="another log"):
        open_checkpoint(signed(text=other), log_key=LOG_KEY)


def test_a_signature_of_one_kind_is_none_of_the_other() -> None:
    as_witness = note.VerifierKey(ORIGIN, KeyKind.WITNESS, LOG_KEY.public)
    assert as_witness.key_id != LOG_KEY.key_id
    with pytest.raises(ProofError, match="no trusted key"):
        note.verify(note.parse_note(signed()), keys=[as_witness])


def test_a_cosignature_needs_a_moment_with_a_time_zone() -> None:
    for moment in (datetime(2026, 1, 1), datetime(1969, 1, 1, tzinfo=UTC)):  # noqa: DTZ001
        with pytest.raises(ValueError, match="moment"):
            note.cosign("text\n", name="w", private=WITNESS, moment=moment)


@pytest.mark.parametrize("name", ["", "two words", "a+b", "line\nbreak", "em\u2003space"])
def test_names_that_no_line_could_carry_are_refused(name: str) -> None:
    with pytest.raises(ProofError):
        note.verifier_key(LOG, name=name, kind=KeyKind.LOG)


ROOT = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "origin\n7\n",
        f"origin\n7\n{ROOT}",
        f"origin\n7\n\n{ROOT}\n",
        f"\n7\n{ROOT}\n",
        f"origin\n07\n{ROOT}\n",
        f"origin\n-7\n{ROOT}\n",
        f"origin\n+7\n{ROOT}\n",
        f"origin\n ٧\n{ROOT}\n",
        f"origin\n{2**63}\n{ROOT}\n",
        f"origin\n7\n{ROOT[:-4]}\n",
        f"origin\n7\n{ROOT[:-1]}\n",
        f"origin\n7\n{ROOT}\n\n",
    ],
)
def test_malformed_checkpoints_are_refused(text: str) -> None:
    with pytest.raises(ProofError):
        parse_checkpoint(text)


def test_extension_lines_are_kept_as_they_are() -> None:
    text = f"origin\n0\n{ROOT}\nfurther line\n"
    read = parse_checkpoint(text)
    assert read.extensions == ("further line",)
    assert str(read) == text


def test_numbers_have_one_spelling() -> None:
    assert from_decimal("0", what="x") == 0
    assert from_decimal(str(2**63 - 1), what="x") == 2**63 - 1
    for text in ("", "00", "1_0", "1e3", " 1", "9" * 5000):
        with pytest.raises(ProofError):
            from_decimal(text, what="x")
