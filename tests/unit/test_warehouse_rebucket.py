"""Another number of buckets: the same rows, one commit, earlier snapshots as they were."""

from pathlib import Path

import polars as pl
import pytest

from fakes.intake_hub import SmallHub, write_csv
from fakes.vault_store import MemoryStore
from laennec.core.errors import NotFoundError, SettingsError, StoreFullError
from laennec.core.progress import Quiet
from laennec.vault.manifest import Snapshot
from laennec.warehouse.anchor import anchor_of, log_commit
from laennec.warehouse.buckets import MOST, bucket_of
from laennec.warehouse.layout import layout_of
from laennec.warehouse.rebucket import rebucket

PERSONS = 500


@pytest.fixture
def hub(tmp_path: Path) -> SmallHub:
    hub = SmallHub(tmp_path / "hub")
    people = [f"{one},8507,1950,0,0" for one in range(-PERSONS // 2, PERSONS // 2)]
    deaths = [f"{one},2020-01-{1 + one % 28:02}" for one in range(0, PERSONS // 2, 5)]
    periods = [
        f"{n},{n % PERSONS - PERSONS // 2},20{n % 20:02}-01-01,2021-01-01,0" for n in range(2000)
    ]
    tables = {
        "person": [
            "person_id,gender_concept_id,year_of_birth,race_concept_id,ethnicity_concept_id"
        ],
        "death": ["person_id,death_date"],
        "observation_period": [
            "observation_period_id,person_id,observation_period_start_date,"
            "observation_period_end_date,period_type_concept_id"
        ],
        "provider": ["provider_id", "1", "2"],
    }
    for name, rows in (("person", people), ("death", deaths), ("observation_period", periods)):
        tables[name] += rows
    hub.load(write_csv(tmp_path / "data", {name: "\n".join(one) for name, one in tables.items()}))
    hub.load(write_csv(tmp_path / "bad", {"death": "person_id,death_date\n1,x\n"}))
    return hub


def cut_anew(hub: SmallHub, buckets: int, *, memory_bytes: int = 1 << 20) -> Snapshot:
    return rebucket(
        hub.vault,
        buckets=buckets,
        scratch=hub.folder / "scratch",
        memory_bytes=memory_bytes,
        workers=2,
        reporter=Quiet(),
    )


def sorted_tables(hub: SmallHub, number: int) -> dict[str, pl.DataFrame]:
    return {name: rows.sort(rows.columns) for name, rows in hub.tables(number).items()}


@pytest.mark.parametrize("buckets", [1, 2, 8, 64])
@pytest.mark.parametrize("memory_bytes", [1, 1 << 20])
def test_the_same_rows_in_other_buckets(hub: SmallHub, buckets: int, memory_bytes: int) -> None:
    before = hub.vault.snapshot()
    after = cut_anew(hub, buckets, memory_bytes=memory_bytes)
    assert (after.number, after.parent) == (before.number + 1, before.digest)
    old, new = layout_of(before.manifest), layout_of(after.manifest)
    assert old is not None
    assert new is not None
    assert (old.buckets, new.buckets) == (4, buckets)
    assert old.salt == new.salt
    for number in (before.number, after.number):
        tables = sorted_tables(hub, number)
        assert all(rows.equals(tables[name]) for name, rows in sorted_tables(hub, 1).items())
    for file in after.manifest.files:
        rows = hub.vault.read(file)
        if file.bucket is not None:
            found = bucket_of(rows["person_id"], buckets=buckets, salt=new.salt)
            assert found.unique().to_list() == [file.bucket]
            assert rows["person_id"].is_sorted()
            assert file.statistics["persons"] == rows["person_id"].n_unique()
    assert hub.vault.verify().ok


def test_what_has_no_person_stays_as_it_is(hub: SmallHub) -> None:
    def others(snapshot: Snapshot) -> list[str]:
        return [
            one.object
            for one in snapshot.manifest.objects()
            if getattr(one, "bucket", None) is None
        ]

    before = hub.vault.snapshot()
    after = cut_anew(hub, 8)
    assert others(after) == others(before)
    assert {file.table for file in after.manifest.files if file.bucket is None} == {
        "provider",
        "quarantine",
    }


def test_the_caller_logs_it_and_loads_go_on(hub: SmallHub, tmp_path: Path) -> None:
    snapshot = cut_anew(hub, 16)
    log_commit(hub.ledger, snapshot)
    anchor = anchor_of(hub.ledger)
    assert anchor is not None
    assert (anchor.number, anchor.digest) == (snapshot.number, snapshot.digest)
    more = write_csv(tmp_path / "more", {"death": "person_id,death_date\n-1,2020-01-01\n"})
    assert hub.load(more).kept == 1
    layout = layout_of(hub.vault.snapshot().manifest)
    assert layout is not None
    assert layout.buckets == 16
    assert hub.tables()["death"].height == hub.tables(1)["death"].height + 1


def test_the_present_number_changes_nothing(hub: SmallHub) -> None:
    before = hub.vault.snapshot()
    with pytest.raises(SettingsError, match="4 person buckets already"):
        cut_anew(hub, 4)
    assert hub.vault.snapshot() == before


@pytest.mark.parametrize("buckets", [0, -2, 3, 2 * MOST])
def test_other_numbers_are_refused(hub: SmallHub, buckets: int) -> None:
    with pytest.raises(SettingsError, match="is not a number of person buckets"):
        cut_anew(hub, buckets)


def test_an_empty_warehouse_is_refused(tmp_path: Path) -> None:
    hub = SmallHub(tmp_path)
    with pytest.raises(NotFoundError, match="Nothing was loaded"):
        cut_anew(hub, 8)


def test_a_full_store_changes_nothing(hub: SmallHub, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(hub.store, MemoryStore)
    before = hub.vault.snapshot()
    used = sum(map(len, hub.store.bodies.values()))
    monkeypatch.setattr(hub.store, "_max_bytes", used + 20_000)
    with pytest.raises(StoreFullError):
        cut_anew(hub, 64)
    assert hub.vault.snapshot() == before
    assert hub.vault.verify().ok
