"""Envelopes and decoys: what they hide, what they cost, and that mixed warehouses read alike."""

from collections import Counter
from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.vault_keys import MemoryKeys
from fakes.vault_store import FixedClock, HostileStore, MemoryStore
from laennec.core.errors import EngineError, IntegrityError
from laennec.vault import padding
from laennec.vault.commit import GRACE
from laennec.vault.manifest import Manifest, SealedFile, manifest_from_json, manifest_to_json
from laennec.vault.sealed_bytes import indistinct, is_stored_size, padded_size, seal, stored_size
from laennec.vault.service import Vault
from laennec.vault.verify import FindingKind

KEY, PLACE = bytes(32), b"place"


class Padded:
    """A vault that pads, its store, and what each commit added to it."""

    def __init__(self) -> None:
        self.clock, self.keys = FixedClock(), MemoryKeys()
        self.store = HostileStore(MemoryStore(clock=self.clock))
        self.vault = Vault.create(self.store, self.keys, clock=self.clock, padded=True)

    def opened(self, *, padded: bool) -> Vault:
        return Vault.open(self.store, self.keys, clock=self.clock, padded=padded)

    def load(self, *rows: int, vault: Vault | None = None, keep: bool = False) -> set[str]:
        """Commit one file for each number of rows; return the names of the new objects."""
        vault, before = vault or self.vault, set(self.store.names())
        base = vault.snapshot()
        files = [seal_rows(vault, count, bucket) for bucket, count in enumerate(rows)]
        kept = base.manifest.files if keep else ()
        vault.commit(base, base.manifest.replace(files=[*kept, *files]))
        return self.new_since(before)

    def new_since(self, before: set[str]) -> set[str]:
        return {one for one in self.store.names() if one.startswith("objects/")} - before

    def sizes(self, names: set[str]) -> Counter[int]:
        return Counter(len(self.store.get(name)) for name in names)


@pytest.fixture
def hub() -> Padded:
    return Padded()


def frame_of(count: int) -> pl.DataFrame:
    return pl.DataFrame({"person_id": range(count)})


def seal_rows(vault: Vault, count: int, bucket: int = 0) -> SealedFile:
    return vault.seal_frame(frame_of(count), table="person", bucket=bucket)


@given(st.integers(0, 1 << 44), st.integers(0, 1 << 30))
@settings(deadline=None)
def test_sizes_grow_with_what_is_inside_and_by_at_most_12_percent(size: int, more: int) -> None:
    assert size <= padded_size(size) <= size * 1.12
    assert padded_size(size) <= padded_size(size + more)
    assert stored_size(size) <= stored_size(size + more)
    assert is_stored_size(stored_size(size))
    assert padded_size(padded_size(size)) == padded_size(size)


@given(st.binary(max_size=3000))
@settings(deadline=None, max_examples=50)
def test_an_envelope_gives_back_what_it_holds_and_has_a_possible_size(body: bytes) -> None:
    stored = padding.enclose(body, key=KEY, place=PLACE)
    assert len(stored) == stored_size(len(body)) == len(seal(body, key=KEY, place=()))
    opened = padding.disclose(stored, size=len(body), key=KEY, place=PLACE, name="it")
    assert opened == body


@pytest.mark.parametrize(
    "change",
    [
        lambda given: {**given, "place": b"another place"},
        lambda given: {**given, "key": bytes([1]) * 32},
        lambda given: {**given, "size": 3},
        lambda given: {**given, "stored": given["stored"][:-1]},
        lambda given: {**given, "stored": given["stored"] + b"\0"},
        lambda given: {**given, "stored": b""},
        lambda given: {**given, "stored": indistinct(len(given["stored"]))},
    ],
)
def test_an_envelope_elsewhere_or_altered_does_not_open(
    change: Callable[[dict[str, object]], dict[str, object]],
) -> None:
    stored = padding.enclose(b"body", key=KEY, place=PLACE)
    asked = change({"stored": stored, "size": 4, "key": KEY, "place": PLACE})
    with pytest.raises(IntegrityError, match="objects/ab"):
        padding.disclose(**asked, name="objects/ab")  # type: ignore[arg-type]


def test_a_file_that_one_envelope_cannot_hold_is_refused(
    hub: Padded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(padding, "_MAX_BYTES", 100)
    with pytest.raises(EngineError, match="more buckets"):
        seal_rows(hub.vault, 10)


@pytest.mark.parametrize("files", [0, 1, 6, 7, 8, 15, 33])
def test_the_store_holds_only_padded_sizes_and_a_padded_number(hub: Padded, files: int) -> None:
    """Files, documents, records and decoys alike; a host sees one kind of object."""
    before = set(hub.store.names())
    document = hub.vault.seal_document(b"a report", kind="report")
    sealed = [seal_rows(hub.vault, 10**4 * n, n) for n in range(files)]
    hub.vault.commit(hub.vault.snapshot(), Manifest(tuple(sealed), (document,)))
    new = hub.new_since(before)
    assert len(new) == max(padding.MIN_OBJECTS, padded_size(files + 2))
    assert all(is_stored_size(size) for size in hub.sizes(new))
    assert all(hub.store.get(name).startswith(b"LNSB\x01") for name in new)
    manifest = hub.vault.snapshot().manifest
    own = {file.size for file in manifest.files} | {document.size}
    assert {decoy.size for decoy in manifest.decoys} <= own


@pytest.mark.parametrize("change", ["rotate", "sweep", "shred"])
def test_every_other_change_has_decoys_too(hub: Padded, change: str) -> None:
    for count in (100, 200, 300):
        hub.load(count)
    before = set(hub.store.names())
    match change:
        case "rotate":
            hub.vault.rotate()
        case "sweep":
            hub.vault.sweep(keep=2)
        case _:
            hub.vault.shred(before=2)
    assert len(hub.new_since(before)) == padding.MIN_OBJECTS
    assert all(is_stored_size(size) for size in hub.sizes(hub.new_since(before)))
    assert hub.opened(padded=False).verify().findings == ()


def test_decoys_are_dropped_by_the_next_commit_swept_and_verified(hub: Padded) -> None:
    hub.load(5)
    decoys = {one.object for one in hub.vault.snapshot().manifest.decoys}
    assert len(decoys) == padding.MIN_OBJECTS - 2
    victim = min(decoys)
    honest = hub.store.saved()
    hub.store.flip(victim, 50)
    (altered,) = hub.vault.verify().findings
    assert (altered.object, altered.kind) == (victim, FindingKind.ALTERED)
    hub.store.delete([victim])
    (gone,) = hub.vault.verify().findings
    assert (gone.object, gone.kind) == (victim, FindingKind.MISSING)
    hub.store.serve(honest)
    hub.load(5)
    assert not decoys & {one.object for one in hub.vault.snapshot().manifest.decoys}
    assert hub.vault.verify().findings == ()
    hub.clock.now += GRACE
    assert not hub.vault.sweep().deleted
    swept = {one.name for one in hub.vault.sweep(keep=1).deleted}
    assert decoys <= swept
    assert hub.vault.verify().findings == ()


def test_padding_may_be_switched_at_any_time(hub: Padded) -> None:
    """Files stored either way read alike by both engines, and none is written again."""
    plain, padded = hub.opened(padded=False), hub.opened(padded=True)
    hub.load(11, vault=plain)
    hub.load(22, vault=padded, keep=True)
    assert hub.vault.snapshot().manifest.decoys
    hub.load(33, vault=plain, keep=True)
    manifest = hub.vault.snapshot().manifest
    assert [file.inner_size is None for file in manifest.files] == [True, False, True]
    assert manifest.decoys == ()
    for vault in (plain, padded):
        for file, count in zip(manifest.files, (11, 22, 33), strict=True):
            assert vault.read(file).equals(frame_of(count))
            assert pl.DataFrame(vault.read_arrow(file)).equals(frame_of(count))
            assert vault.read(file, where=pl.col("person_id") < 3).height == 3
            with pytest.raises(EngineError):
                vault.read(file, where=pl.col("person_id").cast(pl.String).str.contains("("))
    assert hub.vault.verify().findings == ()


def test_a_manifest_without_padding_is_written_as_before(hub: Padded) -> None:
    """So that what version 1 wrote and reads does not change while nobody pads."""
    hub.load(1, vault=hub.opened(padded=False))
    form = manifest_to_json(hub.vault.snapshot().manifest)
    assert form.keys() == {"files", "documents", "properties"}
    assert "inner_size" not in form["files"][0]
    hub.load(1)
    padded = manifest_to_json(hub.vault.snapshot().manifest)
    assert padded["decoys"]
    assert padded["files"][0]["inner_size"] < padded["files"][0]["size"]
    assert manifest_from_json(padded) == hub.vault.snapshot().manifest


def test_the_store_grows_by_little(hub: Padded) -> None:
    """Envelopes cost at most 12 %, decoys at most as much again beyond the smallest commits."""
    rows = [200_000 + 1000 * n for n in range(37)]
    new = hub.load(*rows)
    manifest = hub.vault.snapshot().manifest
    inner = sum(file.inner_size or 0 for file in manifest.files)
    assert sum(file.size for file in manifest.files) <= inner * 1.12 + 40 * len(rows)
    assert len(new) <= (len(rows) + 1) * 1.12
    assert sum(hub.sizes(new).elements()) <= inner * 1.3
