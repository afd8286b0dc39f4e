"""The parts of a move that are values: certificates, inventories, the journal, the settings."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.vault_store import MemoryStore
from laennec.app.gate import StoreGate, place_of
from laennec.app.switch import new_text, read_holders
from laennec.app.template import settings_text
from laennec.core.errors import ConflictError, FormatError, NotFoundError, SettingsError, StoreError
from laennec.core.progress import Quiet
from laennec.core.settings import StoreSettings, parse_settings
from laennec.ledger.checkpoint import parse_checkpoint
from laennec.ledger.events import TOKEN
from laennec.reversibility.certificate import (
    Certificate,
    Place,
    certificate_text,
    inventory_text,
    note_text,
    read_certificate,
    read_inventory_text,
)
from laennec.reversibility.move_erase import erase
from laennec.reversibility.move_journal import Journal
from laennec.reversibility.move_model import Item
from laennec.vault.manifest import Anchor

ANCHOR = Anchor(3, "ab" * 32)
CERTIFICATE = Certificate(
    hub="hub.test/log",
    source=Place("s3://a/b", "https://s3.example.org"),
    target=Place("az://c/d", None, "account"),
    copied={"warehouse": ANCHOR, "results": ANCHOR},
    heads={"warehouse": ANCHOR, "results": ANCHOR},
    key_holder="passphrase",
    rewrapped=False,
    objects=1,
    bytes=2,
    inventory_sha256="cd" * 32,
    left_objects=3,
    left_bytes=4,
    started_at="2026-11-23T12:00:00Z",
    finished_at="2026-11-23T12:00:01Z",
    copying_seconds=1,
    bytes_per_second=2,
    program_version="0.1.0",
)
NAMES = st.text("abcdef0123456789/.-_ #", min_size=1, max_size=40)
ITEMS = st.builds(
    Item,
    st.sampled_from(["warehouse", "results"]),
    NAMES,
    st.text("0123456789abcdef", min_size=64, max_size=64),
    st.integers(0, 2**40),
)


def test_a_certificate_is_read_as_it_was_written() -> None:
    assert read_certificate(certificate_text(CERTIFICATE)) == CERTIFICATE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        certificate_text(CERTIFICATE).replace("certificate/1", "certificate/2"),
        certificate_text(CERTIFICATE).replace('"objects"', '"objectz"'),
    ],
)
def test_what_is_no_certificate_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        read_certificate(text)


@given(st.sets(ITEMS, max_size=20))
def test_an_inventory_is_read_as_it_was_written(items: set[Item]) -> None:
    text = inventory_text(items)
    assert set(read_inventory_text(text)) == items
    assert text.splitlines() == sorted(text.splitlines())


def test_what_is_no_inventory_is_refused() -> None:
    with pytest.raises(FormatError):
        read_inventory_text("warehouse/a 3\n")


def test_a_signed_certificate_never_passes_for_a_checkpoint() -> None:
    origin = note_text(certificate_text(CERTIFICATE)).partition("\n")[0]
    assert not TOKEN.accepts(origin)
    with pytest.raises(Exception, match="checkpoint"):
        parse_checkpoint(note_text(certificate_text(CERTIFICATE)))


def test_a_journal_keeps_what_it_was_told(tmp_path: Path) -> None:
    items = {Item("warehouse", "a", "00" * 32, 3), Item("results", "a", "11" * 32, 4)}
    first = Journal(tmp_path / "move" / "journal.sqlite")
    first.write_facts({"target": "x"})
    first.add(items, time="now", seconds=2.0)
    first.add([], time="now", seconds=3.0)
    first.close()
    again = Journal(tmp_path / "move" / "journal.sqlite")
    assert (again.facts(), again.items()) == ({"target": "x"}, items)
    again.add([], time="later", seconds=1.5)
    assert again.seconds() == 4.5
    again.remove([Item("results", "a", "11" * 32, 4)])
    again.remove_fact("target")
    assert (len(again.items()), again.facts()) == (1, {})
    again.close()


def test_a_damaged_journal_is_said(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(StoreError, match="journal of the move"):
        Journal(tmp_path / "journal.sqlite")


TEXT = settings_text(name="x", origin="x", passphrase_file=Path("/secret"), passphrase_env=None)
REMOTE = StoreSettings(
    url="s3://a/b", endpoint="http://127.0.0.1:1", region="fr", insecure_http=True
)


def test_only_the_store_changes_in_the_settings() -> None:
    old = TEXT.replace('folder = "store"', 'folder = "store"  # here\nparallel = 3')
    after = new_text(old, store=REMOTE, holders=None)
    tree = tomllib.loads(after)
    assert tree.pop("store") == {
        "parallel": 3,
        "url": "s3://a/b",
        "endpoint": "http://127.0.0.1:1",
        "region": "fr",
        "insecure_http": True,
    }
    before = tomllib.loads(old)
    del before["store"]
    assert tree == before
    comments = [line for line in TEXT.splitlines() if line.startswith("#")]
    assert comments == [line for line in after.splitlines() if line.startswith("#")]


def test_back_to_a_folder_nothing_of_the_host_is_left() -> None:
    away = new_text(TEXT, store=REMOTE, holders=None)
    back = new_text(away, store=StoreSettings(folder=Path("/srv/x")), holders=None)
    assert tomllib.loads(back)["store"] == {"folder": "/srv/x"}


def test_settings_without_a_store_get_one() -> None:
    bare = '[hub]\nname = "x"\norigin = "x"\n'
    after = tomllib.loads(new_text(bare, store=REMOTE, holders={"keys": {"folder": "k"}}))
    settings = parse_settings(after, base=Path("/"), name="test")
    assert settings.store.url == REMOTE.url
    assert settings.keys.folder == Path("/k")


@pytest.mark.parametrize("text", ["", "[store]\n", "[keys]\n[store]\n", "no toml"])
def test_a_file_of_keys_has_the_sections_of_a_holder_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys.toml"
    file.write_text(text)
    with pytest.raises(SettingsError):
        read_holders(file)


def test_limits_and_credentials_make_no_other_place() -> None:
    other = REMOTE.model_copy(update={"parallel": 2, "credentials_file": Path("/x"), "cache_mb": 1})
    assert place_of(REMOTE) == place_of(other)
    assert place_of(REMOTE) != place_of(REMOTE.model_copy(update={"endpoint": None}))


def test_the_gate_refuses_a_change_after_the_store_moved(tmp_path: Path) -> None:
    (tmp_path / "laennec.toml").write_text(TEXT)
    gate = StoreGate(tmp_path, StoreSettings(folder=tmp_path / "store"))
    with gate.shared(), gate.shared():
        pass
    (tmp_path / "laennec.toml").write_text(new_text(TEXT, store=REMOTE, holders=None))
    with pytest.raises(ConflictError, match="has moved"), gate.shared():
        pytest.fail("a change passed the gate")


class Keeps(MemoryStore):
    """Deletes nothing, or shows nothing and serves all the same."""

    def __init__(self, *, hides: bool) -> None:
        super().__init__()
        self._hides = hides

    def delete(self, names: object) -> None:
        if self._hides:
            self.modified.clear()

    def list(self, prefix: str = ""):  # type: ignore[no-untyped-def]
        return super().list(prefix) if self.modified else iter(())


@pytest.mark.parametrize("hides", [True, False])
def test_a_store_that_keeps_what_it_was_told_to_delete_is_named(hides: bool) -> None:
    store = Keeps(hides=hides)
    store.create("objects/a", b"x")
    with pytest.raises(StoreError, match="still has objects/a"):
        erase(store, [], reporter=Quiet())


def test_a_former_name_that_is_not_listed_is_asked_for() -> None:
    store = MemoryStore()
    store.create("heads/a", b"xy")
    done = erase(store, ["objects/b"], reporter=Quiet())
    assert (done.objects, done.bytes, done.asked) == (1, 2, 2)
    with pytest.raises(NotFoundError):
        store.get("heads/a")


def test_changing_a_certificate_changes_its_note() -> None:
    other = replace(CERTIFICATE, objects=2)
    assert note_text(certificate_text(CERTIFICATE)) != note_text(certificate_text(other))
