"""A host that flips, truncates, swaps, replays, deletes, adds, goes back, forges and forks.

``verify`` names every object that is not what was sealed; ``open`` and ``read`` fail or give the
right rows, never a wrong one; without keys nothing opens, and nothing stored looks like anything.
"""

import io
import itertools
import math
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import polars as pl
import pyarrow as pa
import pytest

from fakes.vault_keys import MemoryKeys
from fakes.vault_store import FixedClock, HostileStore, seeded
from laennec.core.errors import IntegrityError, LaennecError, NotFoundError
from laennec.vault.commit import next_state
from laennec.vault.head import seal_record
from laennec.vault.manifest import Anchor, Manifest, SealedDocument, SealedFile, Snapshot
from laennec.vault.sealed_parquet import file_place, seal_frame
from laennec.vault.service import Vault
from laennec.vault.state import load_state
from laennec.vault.verify import FindingKind, VerifyReport, verify_store

CANARIES = ("CANARY-VALUE", "CANARY_COLUMN", "CANARY_TABLE", "CANARY_KIND", "CANARY_PROPERTY")
PUBLIC = (b"LNHD\x01", b"LNSB\x01", b"PARE")


class Attacked:
    """A warehouse of three snapshots, two tables, a document, a rotation; and its host."""

    def __init__(self) -> None:
        self.host, self.keys, self.clock = HostileStore(), MemoryKeys(), FixedClock()
        self.vault = Vault.create(self.host, self.keys, clock=self.clock)
        self.rows: dict[str, pl.DataFrame] = {}
        for number in range(3):
            self._commit(number)
        self.vault.rotate()
        self.honest = self.host.saved()
        self.head = self.vault.snapshot()

    def _commit(self, number: int) -> None:
        base = self.vault.snapshot()
        chance = seeded(number)
        files = []
        for bucket in range(2):
            frame = pl.DataFrame(
                {
                    "CANARY_COLUMN": [f"CANARY-VALUE-{number}-{n % 9}" for n in range(4000)],
                    "number": [chance.randrange(2**40) for _ in range(4000)],
                }
            )
            file = self.vault.seal_frame(frame, table="CANARY_TABLE", bucket=bucket)
            self.rows[file.object] = frame
            files.append(file)
        document = self.vault.seal_document(b"CANARY-VALUE" * 50, kind="CANARY_KIND")
        manifest = base.manifest.replace(
            files=[*base.manifest.files[-1:], *files],
            documents=[document],
            properties={"CANARY_PROPERTY": number},
        )
        self.vault.commit(base, manifest)

    def restore(self) -> None:
        self.host.serve(self.honest)

    def anchor(self) -> Anchor:
        return Anchor(self.head.number, self.head.digest)

    def cold_report(self) -> VerifyReport:
        """Verify as a process that knows nothing but the anchor from the ledger."""
        return verify_store(self.host, self.keys, anchor=self.anchor())

    def check_no_wrong_row(self) -> None:
        """Open and read everything; each part gives the right rows, or an error."""
        for vault in (self.vault, self._opened()):
            if vault is None:
                continue
            for number in range(self.head.number + 1):
                snapshot = self._snapshot(vault, number)
                if snapshot is not None:
                    self._read_all(vault, snapshot)

    def _opened(self) -> Vault | None:
        try:
            return Vault.open(self.host, self.keys, clock=self.clock, anchor=self.anchor())
        except LaennecError:
            return None

    def _snapshot(self, vault: Vault, number: int) -> Snapshot | None:
        try:
            return vault.snapshot(number)
        except LaennecError:
            return None

    def _read_all(self, vault: Vault, snapshot: Snapshot) -> None:
        for file in snapshot.manifest.files:
            expected = self.rows[file.object]
            for read in (vault.read, vault.read_arrow):
                rows = _rows_or_named_error(read, file)
                assert rows is None or rows.equals(expected)
        for document in snapshot.manifest.documents:
            body = _body_or_named_error(vault, document)
            assert body in {None, b"CANARY-VALUE" * 50}


def _rows_or_named_error(
    read: Callable[[SealedFile], pl.DataFrame | pa.Table], file: SealedFile
) -> pl.DataFrame | None:
    """Return the rows; None when the read failed and named the object."""
    try:
        return pl.DataFrame(read(file))
    except IntegrityError as error:
        if file.object not in str(error):
            raise
        return None


def _body_or_named_error(vault: Vault, document: SealedDocument) -> bytes | None:
    """Return the document; None when opening it failed and named the object."""
    try:
        return vault.open_document(document)
    except IntegrityError as error:
        if document.object not in str(error):
            raise
        return None


@pytest.fixture(scope="module")
def attacked() -> Attacked:
    return Attacked()


@pytest.fixture(autouse=True)
def _honest_again(attacked: Attacked) -> None:
    attacked.restore()


def named(report: VerifyReport) -> dict[str, FindingKind]:
    return {finding.object: finding.kind for finding in report.findings}


def test_an_honest_store_is_clean(attacked: Attacked) -> None:
    for report in (attacked.vault.verify(), attacked.cold_report()):
        assert report.findings == ()
        assert report.objects == len(attacked.host.names())
        assert report.bytes == sum(map(len, attacked.honest.values()))
    attacked.check_no_wrong_row()


def flip(host: HostileStore, name: str, chance: random.Random) -> None:
    host.flip(name, chance.randrange(len(host.get(name))), chance.randrange(8))


def truncate(host: HostileStore, name: str, chance: random.Random) -> None:
    host.truncate(name, chance.randrange(len(host.get(name))))


def empty(host: HostileStore, name: str, _: random.Random) -> None:
    host.put(name, b"")


def extend(host: HostileStore, name: str, _: random.Random) -> None:
    host.put(name, host.get(name) + b"\0")


def delete(host: HostileStore, name: str, _: random.Random) -> None:
    host.delete([name])


def replace_by_noise(host: HostileStore, name: str, chance: random.Random) -> None:
    host.put(name, chance.randbytes(len(host.get(name))))


def replace_by_another(host: HostileStore, name: str, chance: random.Random) -> None:
    host.put(name, host.get(chance.choice([other for other in host.names() if other != name])))


def replace_by_plaintext_parquet(host: HostileStore, name: str, _: random.Random) -> None:
    out = io.BytesIO()
    pl.DataFrame({"CANARY_COLUMN": ["forged"], "number": [1]}).write_parquet(out)
    host.put(name, out.getvalue())


def replace_by_parquet_under_the_hosts_key(
    host: HostileStore, name: str, chance: random.Random
) -> None:
    frame = pl.DataFrame({"CANARY_COLUMN": ["forged"], "number": [1]})
    place = file_place(warehouse_id="w", table="CANARY_TABLE", bucket=0, version=1)
    host.put(name, seal_frame(frame, key=chance.randbytes(32), place=place))


ATTACKS = (
    flip,
    truncate,
    empty,
    extend,
    delete,
    replace_by_noise,
    replace_by_another,
    replace_by_plaintext_parquet,
    replace_by_parquet_under_the_hosts_key,
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_each_object_attacked_alone_is_named_and_never_gives_a_wrong_row(
    attacked: Attacked, attack: Callable[[HostileStore, str, random.Random], None]
) -> None:
    chance = seeded(attack.__name__)
    for name in attacked.host.names():
        attacked.restore()
        attack(attacked.host, name, chance)
        report = attacked.vault.verify()
        assert not report.ok
        found = named(report)
        assert name in found, f"{attack.__name__} of {name} was not named"
        # What only an altered record named hangs on nothing; nothing else is named unjustly.
        del found[name]
        assert set(found.values()) <= {FindingKind.UNREFERENCED}
        assert name in named(attacked.cold_report())
        attacked.check_no_wrong_row()


def test_each_pair_swapped_is_named(attacked: Attacked) -> None:
    newest = {item.object for item in attacked.vault.snapshot().manifest.objects()}
    names = list(attacked.host.names())
    seeded(3).shuffle(names)
    # The data of the newest snapshot next to one another, and everything next to something.
    for one, other in itertools.pairwise([*sorted(newest), *names]):
        if one == other:
            continue
        attacked.restore()
        attacked.host.swap(one, other)
        report = attacked.vault.verify()
        found = named(report)
        assert not report.ok
        assert {one, other} <= set(found)
        # Of an object that only a swapped record named, no more can be said than that it is there.
        if {one, other} <= newest:
            assert found[one] is found[other] is FindingKind.SWAPPED
        assert {one, other} <= set(named(attacked.cold_report()))
        attacked.check_no_wrong_row()


def test_every_object_attacked_at_once_is_named(attacked: Attacked) -> None:
    chance = seeded(4)
    for name in attacked.host.names():
        flip(attacked.host, name, chance)
    found = named(attacked.vault.verify())
    assert set(found) == set(attacked.host.names())
    attacked.check_no_wrong_row()


def test_an_object_of_an_older_snapshot_replayed_in_a_newer_ones_place(attacked: Attacked) -> None:
    old, new = (
        attacked.vault.snapshot(number).manifest.table("CANARY_TABLE")[-1] for number in (1, 3)
    )
    assert (old.table, old.bucket) == (new.table, new.bucket)
    attacked.host.put(new.object, attacked.host.get(old.object))
    assert named(attacked.vault.verify()) == {new.object: FindingKind.SWAPPED}
    assert named(attacked.cold_report()) == {new.object: FindingKind.SWAPPED}
    with pytest.raises(IntegrityError, match=new.object):
        attacked.vault.read(new)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("objects/ab/" + "0" * 30, FindingKind.UNREFERENCED),
        ("staging/" + "0" * 32, FindingKind.UNREFERENCED),
        ("objects/ab/other", FindingKind.FOREIGN),
        ("notes.txt", FindingKind.FOREIGN),
        ("heads/5", FindingKind.FOREIGN),
    ],
)
def test_an_added_object_is_named(attacked: Attacked, name: str, kind: FindingKind) -> None:
    attacked.host.put(name, b"added")
    assert named(attacked.vault.verify()) == {name: kind}
    assert named(attacked.cold_report()) == {name: kind}
    attacked.check_no_wrong_row()


def test_a_forged_newer_head_is_named_and_opens_nothing(attacked: Attacked) -> None:
    newest = "heads/" + f"{attacked.head.number:020d}"
    forged = "heads/" + f"{attacked.head.number + 1:020d}"
    theirs = HostileStore()
    Vault.create(theirs, MemoryKeys(), clock=attacked.clock)
    for body in (
        attacked.host.get(newest),
        theirs.get("heads/" + "0" * 20),
        b"",
        seeded(1).randbytes(400),
    ):
        attacked.restore()
        attacked.host.put(forged, body)
        assert set(named(attacked.vault.verify())) == {forged}
        assert set(named(attacked.cold_report())) == {forged}
        with pytest.raises(IntegrityError):
            Vault.open(attacked.host, attacked.keys, clock=attacked.clock)
        with pytest.raises(IntegrityError):
            attacked.vault.snapshot()


def test_a_store_that_went_back_is_named(attacked: Attacked) -> None:
    newest = f"heads/{attacked.head.number:020d}"
    record = load_state(attacked.host, attacked.keys, attacked.head.number).head.record.object
    attacked.host.delete([newest, record])
    cold = named(attacked.cold_report())
    assert cold == {newest: FindingKind.ROLLED_BACK}
    warm = named(attacked.vault.verify())
    assert set(warm) == {newest, record}
    assert verify_store(attacked.host, attacked.keys).ok, "only an anchor tells an old state"
    with pytest.raises(IntegrityError):
        Vault.open(attacked.host, attacked.keys, clock=attacked.clock, anchor=attacked.anchor())
    attacked.check_no_wrong_row()


def test_a_forked_history_is_named(attacked: Attacked) -> None:
    """The host replays an old state to a second writer, then serves that writer's history."""
    newest, digest = attacked.head.number, f"heads/{attacked.head.number:020d}"
    record = load_state(attacked.host, attacked.keys, newest).head.record.object
    attacked.host.delete([digest, record])
    other = Vault.open(attacked.host, attacked.keys, clock=attacked.clock)
    for number in range(2):
        base = other.snapshot()
        other.commit(base, base.manifest.replace(properties={"fork": number}))
    assert named(attacked.cold_report())[digest] is FindingKind.FORKED
    assert named(attacked.vault.verify())[digest] is FindingKind.FORKED
    with pytest.raises(IntegrityError, match="another history"):
        Vault.open(attacked.host, attacked.keys, clock=attacked.clock, anchor=attacked.anchor())


def test_everything_deleted_is_not_an_empty_warehouse_to_who_knew_it(attacked: Attacked) -> None:
    attacked.host.serve({})
    assert set(named(attacked.vault.verify())) >= {f"heads/{n:020d}" for n in range(5)}
    with pytest.raises(NotFoundError):
        attacked.vault.snapshot()


def test_a_record_sealed_again_by_who_held_the_warehouse_key_is_refused(
    attacked: Attacked,
) -> None:
    """The head fixes its record by hash, so a leaked warehouse key does not rewrite the past."""
    state = load_state(attacked.host, attacked.keys, attacked.head.number)
    emptied = replace(state.record, manifest=Manifest())
    forged = seal_record(
        emptied,
        object_name=state.head.record.object,
        warehouse_id=state.warehouse_id,
        keychain=state.keychain,
    )
    attacked.host.put(state.head.record.object, forged)
    assert named(attacked.vault.verify())[state.head.record.object] is FindingKind.ALTERED
    assert named(attacked.cold_report())[state.head.record.object] is FindingKind.ALTERED
    with pytest.raises(IntegrityError, match=state.head.record.object):
        Vault.open(attacked.host, attacked.keys, clock=attacked.clock)


@pytest.mark.parametrize("lie", ["shorter", "other parent", "a swept record"])
def test_a_head_whose_record_tells_another_history_is_refused(attacked: Attacked, lie: str) -> None:
    """Written by somebody with all keys; the two records of the history must still agree."""
    state = load_state(attacked.host, attacked.keys, attacked.head.number)
    past = list(state.past())
    told = {
        "shorter": past[1:],
        "other parent": [*past[:-1], replace(past[-1], digest="0" * 64)],
        "a swept record": [replace(past[0], record=None), *past[1:]],
    }[lie]
    next_state(attacked.host, attacked.keys, state, Manifest(), now=attacked.clock(), history=told)
    with pytest.raises(IntegrityError, match="disagree"):
        Vault.open(attacked.host, attacked.keys, clock=attacked.clock)


def test_without_the_keys_nothing_opens(attacked: Attacked) -> None:
    keys = MemoryKeys()
    with pytest.raises(IntegrityError):
        Vault.open(attacked.host, keys, clock=attacked.clock)
    assert verify_store(attacked.host, keys).snapshot is None
    file = attacked.head.manifest.files[0]
    elsewhere = Vault.create(HostileStore(), keys, clock=attacked.clock)
    with pytest.raises(IntegrityError):
        elsewhere.read(file)


def test_nothing_in_the_store_is_readable(attacked: Attacked) -> None:
    for name in attacked.host.names():
        body = attacked.host.get(name)
        for canary in CANARIES:
            assert canary.encode() not in body
            assert canary not in name
        assert _longest_text(_without_public(body)) < 16, f"{name} holds readable text"


def test_every_object_looks_random(attacked: Attacked) -> None:
    """Chi-square of the bytes of each object: 255 degrees of freedom, six standard deviations."""
    for name in attacked.host.names():
        body = _without_public(attacked.host.get(name))
        expected = len(body) / 256
        counts = Counter(body)
        square = sum((counts[value] - expected) ** 2 / expected for value in range(256))
        assert square < 255 + 6 * math.sqrt(2 * 255), f"{name} does not look random"


def _without_public(body: bytes) -> bytes:
    """Take out what is public by format: magics, a head's zero length byte, Parquet's lengths."""
    if body.startswith(b"PARE"):
        return _modules(body)
    if body.startswith(b"LNHD\x01"):
        return body[5:37] + body[39:]
    return body.removeprefix(b"LNSB\x01")


def _modules(body: bytes) -> bytes:
    """Return nonces, ciphertexts and tags of a sealed Parquet file, without lengths and trailer."""
    found, at = [], 4
    while at < len(body) - 8:
        length = int.from_bytes(body[at : at + 4], "little")
        if at + 4 + length > len(body) - 8:
            break  # the plain description of the algorithm, then the footer
        found.append(body[at + 4 : at + 4 + length])
        at += 4 + length
    footer = body[at:-8]
    return b"".join(found) + footer[footer.index(bytes(1), 8) + 1 :]


def _longest_text(body: bytes) -> int:
    longest = current = 0
    for value in body:
        current = current + 1 if 32 <= value < 127 else 0
        longest = max(longest, current)
    return longest
