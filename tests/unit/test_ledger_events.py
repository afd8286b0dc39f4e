"""The registry of events is the gate that keeps personal data out."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laennec.core.errors import LedgerError, ProofError
from laennec.ledger import EVENTS, FACTS, check_commitment, parse_entry
from laennec.ledger.events import MAX_COUNT, check_event
from laennec.ledger.model import Entry, commitment

EVENTS_PAGE = Path(__file__).resolve().parents[2] / "docs/reference/events.md"
ENTRY = Entry(
    3,
    "vault:store:sweep",
    "2026-11-23T17:53:00Z",
    {"objects": 4, "bytes": 0},
    {"operator": "0" * 64},
)
ENTRY_BYTES = (
    b'{"commitments":{"operator":"' + b"0" * 64 + b'"},"name":"vault:store:sweep",'
    b'"public":{"bytes":0,"objects":4},"time":"2026-11-23T17:53:00Z","version":1}'
)


@pytest.mark.parametrize("name", EVENTS)
def test_each_event_is_well_formed_and_sorted(name: str) -> None:
    event = EVENTS[name]
    assert event.name == name
    assert re.fullmatch(r"[a-z]+:[a-z]+:[a-z]+", name)
    assert event.public <= set(FACTS)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", label) for label in event.private)
    assert list(EVENTS) == sorted(EVENTS)


def test_every_fact_is_used() -> None:
    assert set().union(*(event.public for event in EVENTS.values())) == set(FACTS)


def test_people_and_unreleased_results_have_no_public_place() -> None:
    assert not {key for key in FACTS if "person" in key or "result_sha256" in key}


def test_the_reference_page_lists_every_event_with_its_facts() -> None:
    page = EVENTS_PAGE.read_text(encoding="utf-8")
    for event in EVENTS.values():
        section = page.split(f"\n### `{event.name}`\n")[1].split("\n#")[0]
        assert event.says in section
        assert set(re.findall(r"`([a-z0-9_]+)`", section)) == event.public | event.private
    for key, form in FACTS.items():
        assert f"| `{key}` | {form.description} |" in page


@pytest.mark.parametrize(
    ("name", "public", "private"),
    [
        ("vault:store:sweep:all", {}, []),
        ("vault:store:burn", {}, []),
        ("", {}, []),
        ("vault:store:sweep", {"person": 3}, []),
        ("vault:store:sweep", {"snapshot": 3}, []),
        ("vault:store:sweep", {"objects": "3"}, []),
        ("vault:store:sweep", {"objects": -1}, []),
        ("vault:store:sweep", {"objects": True}, []),
        ("vault:store:sweep", {"objects": 3.0}, []),
        ("vault:store:sweep", {"objects": None}, []),
        ("vault:store:sweep", {"objects": MAX_COUNT + 1}, []),
        ("vault:store:sweep", {}, ["requester"]),
        ("hub:hub:create", {"hub": "Dr Jeanne Martin"}, []),
        ("hub:hub:create", {"hub": "x" * 129}, []),
        ("hub:hub:create", {"hub": 5}, []),
        ("hub:hub:create", {"hub": "line\nbreak"}, []),
        ("vault:snapshot:commit", {"head_sha256": "A" * 64}, []),
        ("vault:snapshot:commit", {"head_sha256": "a" * 63}, []),
        ("vault:snapshot:commit", {"snapshot": "née Martin"}, []),
        ("intake:vocabulary:load", {"vocabulary_version": "a  b"}, []),
        ("intake:vocabulary:load", {"vocabulary_version": "v" * 65}, []),
    ],
)
def test_what_is_not_declared_is_refused(
    name: str, public: dict[str, object], private: list[str]
) -> None:
    with pytest.raises(LedgerError) as caught:
        check_event(name, public=public, private=private)
    assert "Martin" not in str(caught.value)


def test_what_is_declared_passes() -> None:
    check_event("vault:store:sweep", public={"objects": 0, "bytes": MAX_COUNT}, private=[])
    check_event("vault:snapshot:commit", public={"snapshot": 1}, private=["reason"])
    check_event("vault:snapshot:commit", public={"snapshot": "s-1"}, private=[])
    version = {"vocabulary_version": "v5.0 31-AUG-23"}
    check_event("intake:vocabulary:load", public=version, private=[])


def test_a_retired_event_is_no_longer_written() -> None:
    name = "vault:store:sweep"
    registry = {name: replace(EVENTS[name], retired=True)}
    with pytest.raises(LedgerError, match=name):
        check_event(name, public={}, private=[], registry=registry)


def test_an_entry_has_one_spelling() -> None:
    assert ENTRY.to_bytes() == ENTRY_BYTES
    assert parse_entry(ENTRY_BYTES, index=3) == ENTRY


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b"{" * 60_000,
        b"[" * 60_000,
        b"9" * 10_000,
        ENTRY_BYTES + b"\n",
        b" " + ENTRY_BYTES,
        ENTRY_BYTES.replace(b'"version":1', b'"version":2'),
        ENTRY_BYTES.replace(b'"version":1', b'"version":true'),
        ENTRY_BYTES.replace(b'"version":1', b'"version":1,"x":1'),
        ENTRY_BYTES.replace(b'"version":1', b'"version":1,"version":1'),
        ENTRY_BYTES.replace(b'"objects":4', b'"objects":4.0'),
        ENTRY_BYTES.replace(b'"objects":4', b'"objects":-4'),
        ENTRY_BYTES.replace(b'"objects":4', b'"objects":NaN'),
        ENTRY_BYTES.replace(b'"objects":4', b'"objects":null'),
        ENTRY_BYTES.replace(b'"objects":4', b'"objects":"\\ud800"'),
        ENTRY_BYTES.replace(b'"objects":4', b'"Objects":4'),
        ENTRY_BYTES.replace(b"2026-11-23T", b"2026-11-23 "),
        ENTRY_BYTES.replace(b"vault:store:sweep", b"vault:sweep"),
        ENTRY_BYTES.replace(b"0" * 64, b"0" * 63),
    ],
)
def test_malformed_entries_are_refused(data: bytes) -> None:
    with pytest.raises(LedgerError, match="Entry 3"):
        parse_entry(data, index=3)


@settings(max_examples=60, deadline=None)
@given(
    label=st.sampled_from(["operator", "reason"]),
    salt=st.binary(min_size=32, max_size=32),
    value=st.binary(max_size=60),
    other=st.binary(max_size=60),
)
def test_a_commitment_opens_with_its_salt_and_value_only(
    label: str, salt: bytes, value: bytes, other: bytes
) -> None:
    entry = replace(ENTRY, commitments={label: commitment(label, salt=salt, value=value)})
    check_commitment(entry, label, salt=salt, value=value)
    wrong = [
        (label, salt, value + b"\0"),
        (label, bytes([salt[0] ^ 1]) + salt[1:], value),
        ("value", salt, value),
    ]
    if other != value:
        wrong.append((label, salt, other))
    for named, salted, guessed in wrong:
        with pytest.raises(ProofError):
            check_commitment(entry, named, salt=salted, value=guessed)


def test_labels_and_salts_do_not_run_into_each_other() -> None:
    salt, value = bytes(32), b""
    assert commitment("a", salt=salt, value=value) != commitment("a\0", salt=salt, value=value)
    with pytest.raises(ValueError, match="32 bytes"):
        commitment("a", salt=bytes(31), value=b"\0")
    with pytest.raises(ValueError, match="label"):
        commitment("a" * 65_536, salt=salt, value=value)
