"""After moves: erasing places used again, heads that lie, keys that outlive the move."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from fakes.app_small import small_hub
from fakes.cli_shell import Cli, tree
from fakes.move_hub import contents, store_settings
from laennec.app import destroy, former_keys, moves
from laennec.core import errors
from laennec.core.clock import system_clock
from laennec.core.progress import Quiet
from laennec.core.settings import StoreSettings
from laennec.vault.passphrase import PassphraseKeyring


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    return small_hub(tmp_path_factory.mktemp("review"))


@pytest.fixture
def hub(made: Cli, tmp_path: Path) -> Cli:
    return made.copy(tmp_path / "hub")


def other_keys(folder: Path) -> Path:
    secret = folder / "other-passphrase"
    secret.touch(mode=0o600)
    secret.write_text("another passphrase of several words\n", encoding="utf-8")
    file = folder / "keys.toml"
    file.write_text(f'[keys]\nfolder = "keys2"\npassphrase_file = "{secret}"\n')
    return file


@pytest.mark.parametrize("part", ["warehouse", "results"])
def test_a_store_in_use_a_level_below_a_former_one_is_not_erased(
    hub: Cli, tmp_path: Path, part: str
) -> None:
    former = store_settings(hub.folder).folder
    hub.ok("move", "--to", tmp_path / "between")
    hub.ok("move", "--to", former / part)
    before = contents(store_settings(hub.folder))
    said = hub("move", "--erase-source", "--yes")
    assert said.status == errors.AlreadyExistsError.exit_status
    assert contents(store_settings(hub.folder)) == before
    hub.ok("verify")


def test_two_moves_within_a_second_keep_two_certificates(hub: Cli, tmp_path: Path) -> None:
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    for name in ("one", "two", "three"):
        moves.move(
            hub.folder,
            moves.Destination(StoreSettings(folder=tmp_path / name)),
            clock=lambda: noon,
            reporter=Quiet(),
        )
    past = moves.move_status(hub.folder).past
    assert [Path(one.certificate.target.address).name for one in past] == ["one", "two", "three"]
    assert all(one.source is not None for one in past)


def test_another_hub_in_the_former_place_is_not_erased(hub: Cli, made: Cli, tmp_path: Path) -> None:
    """The place was emptied, by an erasure that was killed or by hand, and used again."""
    former = store_settings(hub.folder).folder
    hub.ok("move", "--to", tmp_path / "target")
    former.rename(tmp_path / "left")
    other = small_hub(tmp_path / "other")
    store_settings(other.folder).folder.rename(former)
    before = tree(former)
    said = hub("move", "--erase-source", "--yes")
    assert said.status == errors.AlreadyExistsError.exit_status
    assert "did not leave there" in said.err
    assert tree(former) == before


def test_a_commit_that_reached_only_the_former_store_is_not_erased(
    hub: Cli, tmp_path: Path
) -> None:
    former = store_settings(hub.folder).folder / "warehouse"
    hub.ok("move", "--to", tmp_path / "target")
    newest = max((former / "heads").iterdir())
    later = newest.with_name(f"{int(newest.name) + 1:0{len(newest.name)}d}")
    later.write_bytes(b"of a writer that did not see the move")
    said = hub("move", "--erase-source", "--yes")
    assert said.status == errors.AlreadyExistsError.exit_status
    assert newest.exists()


def test_destroying_keys_says_that_a_former_holder_still_opens_what_it_sealed(
    hub: Cli, tmp_path: Path
) -> None:
    hub.ok("move", "--to", tmp_path / "target", "--keys-to", other_keys(tmp_path))
    said = hub.ok("keys", "destroy", "warehouse", "--yes")
    assert "the warehouse is unreadable" not in said
    assert "1 former key holders still open" in said
    hub.ok("move", "--erase-source", "--yes", "--destroy-keys")
    assert destroy.former_holders(hub.folder) == 0


def test_a_former_holder_that_keeps_its_keys_is_not_covered_by_a_false_head(
    hub: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that serves garbage in place of the old head must not supply the proof."""
    hub.ok("move", "--to", tmp_path / "target", "--keys-to", other_keys(tmp_path))
    hub.ok("move", "--erase-source", "--yes")
    for part in ("warehouse", "results"):
        heads = sorted((tmp_path / "target" / part / "heads").iterdir())
        for head in heads[:-1]:
            body = bytearray(head.read_bytes())
            at = body.index(b'"wrapped_key') if b'"wrapped_key' in body else len(body) // 2
            body[at + 20] ^= 1
            head.write_bytes(body)
    monkeypatch.setattr(PassphraseKeyring, "destroy", lambda self: None)
    with pytest.raises(errors.KeyHolderError, match="still has root keys"):
        former_keys.destroy_former_keys(hub.folder, clock=system_clock, reporter=Quiet())
    assert former_keys.with_keys(hub.folder)


def test_former_keys_are_destroyed_though_the_host_lost_the_heads_they_opened(
    hub: Cli, tmp_path: Path
) -> None:
    hub.ok("move", "--to", tmp_path / "target", "--keys-to", other_keys(tmp_path))
    hub.ok("move", "--erase-source", "--yes")
    for part in ("warehouse", "results"):
        for head in sorted((tmp_path / "target" / part / "heads").iterdir())[:-1]:
            head.unlink()
    done = former_keys.destroy_former_keys(hub.folder, clock=system_clock, reporter=Quiet())
    assert sum(one.keys for one in done) == 2
    with pytest.raises(errors.KeyDestroyedError):
        PassphraseKeyring.open(hub.folder / "keys" / "hub.json", b"whatever it was")
