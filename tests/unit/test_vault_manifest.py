"""Manifests, heads and keychains as values: their JSON, their bytes, their refusals."""

import dataclasses
import json
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laennec.core.errors import FormatError, IntegrityError
from laennec.vault import head as head_module
from laennec.vault.head import (
    Head,
    PastHead,
    Record,
    RecordRef,
    head_name,
    head_number,
    open_head,
    open_record,
    parse_head,
    seal_head,
    seal_record,
)
from laennec.vault.keychain import Keychain
from laennec.vault.manifest import (
    Manifest,
    SealedDocument,
    SealedFile,
    canonical_json,
    manifest_from_json,
    manifest_to_json,
)
from laennec.vault.sealed_bytes import seal

WAREHOUSE = "0f" * 16
texts = st.text(max_size=10)
files = st.builds(
    SealedFile,
    object=texts,
    table=texts,
    bucket=st.none() | st.integers(0, 99),
    version=st.integers(0),
    rows=st.integers(0),
    size=st.integers(0),
    sha256=texts,
    wrapped_key=texts,
    statistics=st.dictionaries(texts, st.none() | texts | st.integers(), max_size=3),
)
documents = st.builds(SealedDocument, texts, texts, st.integers(0), texts, texts)
scalars = st.none() | st.booleans() | st.integers() | texts
properties = st.dictionaries(texts, scalars | st.lists(scalars, max_size=3), max_size=3)
manifests = st.builds(
    Manifest,
    st.lists(files, max_size=3).map(tuple),
    st.lists(documents, max_size=3).map(tuple),
    properties,
)
FILE = SealedFile("objects/aa/b", "person", None, 1, 2, 3, "hash", "key")


@given(manifests)
@settings(deadline=None, max_examples=50)
def test_json_gives_the_manifest_back(manifest: Manifest) -> None:
    written = canonical_json(manifest_to_json(manifest))
    assert manifest_from_json(json.loads(written)) == manifest
    assert canonical_json(manifest_to_json(manifest)) == written


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.pop("files"),
        lambda value: value.update(extra=1),
        lambda value: value["files"][0].pop("rows"),
        lambda value: value["files"][0].update(extra=1),
        lambda value: value.update(documents=[{"object": "x"}]),
    ],
)
def test_unknown_and_missing_fields_are_refused(change: Any) -> None:
    value = manifest_to_json(Manifest((FILE,)))
    change(value)
    with pytest.raises(FormatError):
        manifest_from_json(value)


def test_what_json_has_not_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json(manifest_to_json(Manifest(properties={"x": float("nan")})))


def test_table_and_replace() -> None:
    other = dataclasses.replace(FILE, table="death", object="objects/aa/c")
    manifest = Manifest((FILE, other), (), {"a": 1})
    assert manifest.table("death") == (other,)
    assert manifest.table("absent") == ()
    assert manifest.replace(files=[other]) == Manifest((other,), (), {"a": 1})
    assert manifest.replace(properties={}).files == manifest.files


@given(st.integers(0, 10**20 - 1))
@settings(deadline=None)
def test_head_names_give_their_number_back(number: int) -> None:
    assert head_number(head_name(number)) == number


@pytest.mark.parametrize("name", ["heads/1", "heads/", "heads/x", "heads/" + "١" * 20, "objects/a"])
def test_other_names_are_no_heads(name: str) -> None:
    assert head_number(name) is None


def test_keychain_wraps_rewraps_and_carries_former_keys() -> None:
    first = Keychain.fresh()
    wrapped = first.wrap(bytes(32))
    second = first.renewed()
    again = second.rewrap(wrapped)
    newest_only = Keychain(second.current, {second.current: second.keys[second.current]})
    assert newest_only.unwrap(again) == bytes(32)
    assert newest_only.knows(again)
    assert not newest_only.knows(wrapped)
    with pytest.raises(IntegrityError, match="destroyed"):
        newest_only.unwrap(wrapped)
    assert newest_only.with_former(second.wrap_former()).unwrap(wrapped) == bytes(32)
    assert second.rewrap(again) == again


def test_keychain_refuses_altered_keys_and_hides_its_own() -> None:
    chain = Keychain.fresh()
    wrapped = chain.wrap(bytes(32))
    for altered in (
        wrapped[:-1] + ("0" if wrapped[-1] != "0" else "1"),
        wrapped[:-2],
        wrapped[:40],
    ):
        with pytest.raises(IntegrityError):
            chain.unwrap(altered)
    with pytest.raises(IntegrityError):
        chain.with_former({"aa": wrapped.partition(".")[2]})
    assert chain.keys[chain.current].hex() not in repr(chain)
    assert "keys" not in repr(chain)


HEAD = Head(7, "parent", "2026-11-23T12:00:00Z", 3, RecordRef("objects/aa/b", "hash", "aa"))


def sealed_head(chain: Keychain) -> bytes:
    return seal_head(HEAD, warehouse_id=WAREHOUSE, keychain=chain, wrapped_key=b"wrapped")


def test_head_opens_as_its_number_only() -> None:
    chain = Keychain.fresh()
    envelope = parse_head(sealed_head(chain), name="x")
    assert (envelope.warehouse_id, envelope.key_id) == (WAREHOUSE, chain.current)
    assert envelope.wrapped_key == b"wrapped"
    assert open_head(envelope, number=7, keychain=chain) == HEAD
    with pytest.raises(IntegrityError):
        open_head(envelope, number=8, keychain=chain)


def test_every_altered_byte_of_a_head_is_refused() -> None:
    chain = Keychain.fresh()
    body = sealed_head(chain)
    other = Keychain(chain.current, dict.fromkeys([chain.current], chain.keys[chain.current]))
    for offset in range(len(body)):
        altered = bytearray(body)
        altered[offset] ^= 1
        with pytest.raises(IntegrityError):
            open_head(parse_head(bytes(altered), name="x"), number=7, keychain=other)
    for size in range(len(body)):
        with pytest.raises(IntegrityError):
            open_head(parse_head(body[:size], name="x"), number=7, keychain=other)


def test_record_opens_at_its_place_only() -> None:
    chain = Keychain.fresh()
    history = (PastHead(0, "d", "t", None), PastHead(1, "e", "t", RecordRef("o", "h", "k")))
    record = Record(Manifest((FILE,)), history, {"id": "wrapped"})
    ref = RecordRef("objects/aa/b", "hash", chain.current)
    body = seal_record(record, object_name=ref.object, warehouse_id=WAREHOUSE, keychain=chain)
    assert open_record(body, ref=ref, warehouse_id=WAREHOUSE, keychain=chain) == record
    with pytest.raises(IntegrityError):
        open_record(body, ref=ref, warehouse_id="1f" * 16, keychain=chain)
    elsewhere = dataclasses.replace(ref, object="objects/aa/c")
    with pytest.raises(IntegrityError):
        open_record(body, ref=elsewhere, warehouse_id=WAREHOUSE, keychain=chain)


@pytest.mark.parametrize("value", [{}, {"manifest": {}, "history": [{}], "former_keys": {}}])
def test_record_of_unknown_form_is_refused(value: dict[str, Any]) -> None:
    chain = Keychain.fresh()
    ref = RecordRef("objects/aa/b", "hash", chain.current)
    body = seal(
        zlib.compress(json.dumps(value).encode()),
        key=chain.secret("laennec/manifest/1"),
        place=("laennec/manifest/1", WAREHOUSE, ref.object),
    )
    with pytest.raises(FormatError):
        open_record(body, ref=ref, warehouse_id=WAREHOUSE, keychain=chain)


def test_head_of_unknown_version_is_refused() -> None:
    body = bytearray(sealed_head(Keychain.fresh()))
    body[4] = head_module.HEAD_VERSION + 1
    with pytest.raises(FormatError):
        parse_head(bytes(body), name="x")
