"""A vault written by format version 1 stays readable for ever.

``tests/fixtures/vault-v1`` was written once, in November 2026, and is never written again: commits
1 to 3, a shred before 1 (commit 4), a commit (5), a rotation (6), a sweep that kept 5 (7), a commit
(8). Its keyring's passphrase is the tests', at the tests' cost.
"""

import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from fakes.vault_keys import reopened
from fakes.vault_store import FixedClock
from laennec.vault.local import LocalStore
from laennec.vault.manifest import Anchor
from laennec.vault.service import Vault

STORED = Path(__file__).resolve().parents[1] / "fixtures" / "vault-v1"
DIGESTS = {
    3: "e6e8eff4a351c09c217b083fcc2d13f244ace09749647665859c0f6cc14aa62f",
    8: "25b9330be897245de8124f84787be69b5df3d54e0ccd34a293fe99a8e8c6b9e0",
}
LOADS = {3: 3, 4: 3, 5: 4, 6: 4, 7: 4, 8: 8}


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    shutil.copytree(STORED, tmp_path / "copy")
    keys = reopened(tmp_path / "copy" / "keyring.json")
    store = LocalStore(tmp_path / "copy" / "store")
    return Vault.open(store, keys, clock=FixedClock(), anchor=Anchor(3, DIGESTS[3]))


def test_history_is_the_one_that_was_written(vault: Vault) -> None:
    heads = vault.history()
    assert [head.number for head in heads if head.readable] == list(LOADS)
    assert {number: heads[number].digest for number in DIGESTS} == DIGESTS
    assert vault.verify().findings == ()


@pytest.mark.parametrize("number", LOADS)
def test_snapshot_reads_as_it_was_written(vault: Vault, number: int) -> None:
    load, manifest = LOADS[number], vault.snapshot(number).manifest
    assert manifest.properties == {"load": load, "names": ["a", None, 1.5]}
    (person,), (concept,) = manifest.table("person"), manifest.table("concept")
    assert (person.bucket, person.statistics, concept.bucket) == (load, {"first": load}, None)
    rows = [(load, date(2020, 1, load), f"é{load}"), (-load, None, None)]
    assert vault.read(person).rows() == rows
    assert vault.read_arrow(person).to_pylist() == [
        dict(zip(("person_id", "day", "text"), row, strict=True)) for row in rows
    ]
    assert vault.read(concept).schema == {"concept_id": pl.Int32}
    (document,) = manifest.documents
    assert vault.open_document(document) == b"report %d" % load


def test_it_can_be_written_on(vault: Vault) -> None:
    base = vault.snapshot()
    file = vault.seal_frame(pl.DataFrame({"a": [1]}), table="person", bucket=0)
    vault.commit(base, base.manifest.replace(files=[*base.manifest.files, file]))
    vault.rotate()
    assert vault.read(vault.snapshot(9).manifest.files[-1]).rows() == [(1,)]
    assert vault.verify().findings == ()
